"""Training pairs for all seeds at once."""

import numpy as np
import pytest
import torch

from samplebook.data.retrieval_world import RetrievalWorld
from samplebook.experiments.cet_collections import generated_collection
from samplebook.experiments.cet_pairs import draw_pairs, filtered_pools, hard_pools
from samplebook.experiments.cet_sizes import SCALES

SCALE = SCALES["tiny"]
SEEDS = range(SCALE.num_seeds)


@pytest.fixture(scope="module")
def collection():
    return generated_collection(SCALE, RetrievalWorld(), 0, torch.device("cpu"))


@pytest.fixture(scope="module")
def pools(collection):
    return hard_pools(collection, 1.0, np.random.default_rng(0))


def drawn(collection, pools, num_negatives=3):
    rngs = [np.random.default_rng(seed) for seed in SEEDS]
    return draw_pairs(collection.training, pools, num_negatives, rngs)


def places(rows, part, seed):
    """Query and document of rows of the table, which is in the order of seeds, queries and documents."""
    shape = part.labels.shape
    return np.unravel_index(rows[seed].numpy(), shape)[1:]


def test_pools_are_the_top_of_each_list(collection, pools):
    assert (pools.sum(axis=2) == collection.depth).all()
    assert not (pools & collection.training.labels).any()


def test_pairs_join_a_label_with_a_pool_of_the_same_query(collection, pools):
    part, pairs = collection.training, drawn(collection, pools)
    assert pairs.rows.positives.shape == pairs.rows.negatives.shape == pairs.false.shape
    for seed in SEEDS:
        positives = places(pairs.rows.positives, part, seed)
        negatives = places(pairs.rows.negatives, part, seed)
        assert (positives[0] == negatives[0]).all()
        assert part.labels[seed][positives].all()
        assert pools[seed][negatives].all()
        assert (part.relevant[seed][negatives] == pairs.false[seed]).all()


def test_every_seed_has_as_many_pairs_as_the_poorest(collection, pools):
    labels = collection.training.labels.sum(axis=(1, 2))
    assert len(set(labels)) > 1
    assert drawn(collection, pools).false.shape[1] == 3 * labels.min()


def test_a_query_with_an_empty_pool_is_left_out(collection, pools):
    kept = pools.copy()
    kept[:, :10] = False
    part, pairs = collection.training, drawn(collection, kept)
    for seed in SEEDS:
        assert places(pairs.rows.positives, part, seed)[0].min() >= 10
    unlabelled = ~part.labels[:, 10:].any(axis=2)
    assert (pairs.skipped == 10 + unlabelled.sum(axis=1)).all()


def test_the_filter_drops_what_scores_above_half_of_the_labelled(collection, pools):
    part = collection.training
    kept = filtered_pools(pools, part.strong, part.labels)
    for seed in SEEDS:
        median = np.median(part.strong[seed][part.labels[seed]])
        assert (kept[seed] == (pools[seed] & (part.strong[seed] < median))).all()
    assert 0 < kept.sum() < pools.sum()
