"""Pairs: who is paired with whom, the law of the draws, the share of false negatives."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samplebook.core.statistics import goodness_of_fit
from samplebook.negatives import (
    draw_training_pairs,
    false_negative_rate,
    without_false_negatives,
)

FAST = settings(derandomize=True, deadline=None, max_examples=60, database=None)

FALSE_ALARM = 1e-6
LABELS = np.array([[1, 0, 0, 0, 1], [0, 0, 0, 0, 0], [0, 1, 0, 0, 0]])
POOL = np.array([[0, 1, 1, 1, 0], [1, 1, 1, 1, 1], [1, 0, 0, 1, 0]])


def draw(rng, **keywords):
    return draw_training_pairs(LABELS, POOL, rng=rng, **keywords)


@FAST
@given(st.integers(0, 10**6), st.booleans())
def test_every_positive_gets_its_negatives_from_its_querys_pool(seed, replacement):
    pairs = draw(np.random.default_rng(seed), num_negatives=2, replacement=replacement)
    np.testing.assert_array_equal(pairs.queries, [0, 0, 0, 0, 2, 2])
    np.testing.assert_array_equal(pairs.positives, [0, 0, 4, 4, 1, 1])
    assert POOL[pairs.queries, pairs.negatives].all()
    assert pairs.num_skipped_queries == 1
    if not replacement:
        first, second = pairs.negatives.reshape(-1, 2).T
        assert (first != second).all()


def test_draws_without_replacement_are_uniform_over_ordered_pairs():
    rng = np.random.default_rng(0)
    counts = np.zeros((5, 5), dtype=int)
    for _ in range(2000):
        np.add.at(counts, tuple(draw(rng, num_negatives=2).negatives[:2]), 1)
    law = np.outer(POOL[0], POOL[0]) * (1 - np.eye(5)) / 6
    assert goodness_of_fit(counts.ravel(), law.ravel()) > FALSE_ALARM


def test_draws_with_replacement_are_uniform():
    pairs = draw(np.random.default_rng(1), num_negatives=3000, replacement=True)
    negatives = pairs.negatives.reshape(3, -1)
    for row, query in zip(negatives, (0, 0, 2), strict=True):
        law = POOL[query] / POOL[query].sum()
        assert goodness_of_fit(np.bincount(row, minlength=5), law) > FALSE_ALARM


def test_positives_of_one_query_are_drawn_for_independently():
    rng = np.random.default_rng(2)
    draws = draw(rng, num_negatives=6000, replacement=True).negatives.reshape(3, -1)
    counts = np.zeros((5, 5), dtype=int)
    np.add.at(counts, (draws[0], draws[1]), 1)
    assert goodness_of_fit(counts.ravel(), np.outer(POOL[0], POOL[0]).ravel() / 9) > (
        FALSE_ALARM
    )


def test_the_same_generator_draws_the_same():
    first, second = (draw(np.random.default_rng(3), num_negatives=2) for _ in "ab")
    np.testing.assert_array_equal(first.negatives, second.negatives)


def test_features_of_pairs():
    pairs = draw(np.random.default_rng(4), num_negatives=1)
    features = np.arange(30).reshape(3, 5, 2)
    positives, negatives = pairs.of(features)
    for row in range(3):
        query = pairs.queries[row]
        assert positives[row].tolist() == features[query, pairs.positives[row]].tolist()
        assert negatives[row].tolist() == features[query, pairs.negatives[row]].tolist()


def test_false_negatives_are_counted_and_taken_out():
    relevant = LABELS.astype(bool)
    relevant[0, 3] = relevant[2, 0] = True
    pairs = draw(np.random.default_rng(5), num_negatives=3000, replacement=True)
    # two positives of query 0 with 1 of 3 wrong, one of query 2 with 1 of 2
    rate = false_negative_rate(pairs, relevant)
    assert abs(rate - (2 / 3 + 1 / 2) / 3) < 5 * np.sqrt(0.25 / 9000)
    kept = without_false_negatives(pairs, relevant)
    assert false_negative_rate(kept, relevant) == 0
    assert len(kept.queries) == round((1 - rate) * len(pairs.queries))
    assert len(kept.queries) == len(kept.positives) == len(kept.negatives)
    assert LABELS[kept.queries, kept.positives].all()
    assert false_negative_rate(pairs, LABELS) == 0


RNG = np.random.default_rng(6)


@pytest.mark.parametrize(
    ("labels", "pool", "keywords", "message"),
    [
        (LABELS * 0, POOL, {}, "labels: no query has a labelled positive"),
        (LABELS, POOL + LABELS, {}, r"pool: holds the labelled positive at \(0, 0\)"),
        (LABELS, POOL[:2], {}, r"pool: must have shape \(3, 5\), got \(2, 5\)"),
        (LABELS, POOL * 0, {}, "pool: query 0 has 0 documents, fewer than the 2"),
        (
            LABELS,
            POOL,
            {"num_negatives": 3},
            "pool: query 2 has 2 documents, fewer than the 3 to draw",
        ),
        (
            LABELS,
            POOL * [[1], [1], [0]],
            {"replacement": True},
            "pool: query 2 has 0 documents, fewer than the 1 to draw",
        ),
        (LABELS, POOL, {"num_negatives": 0}, "num_negatives: must be at least 1"),
        (LABELS, POOL, {"rng": 0}, "rng: must be a numpy.random.Generator"),
        (LABELS * 0.5, POOL, {}, "labels: must be truth values"),
    ],
)
def test_bad_pairs(labels, pool, keywords, message):
    with pytest.raises(ValueError, match=message):
        draw_training_pairs(labels, pool, **{"num_negatives": 2, "rng": RNG} | keywords)


def test_an_empty_pool_of_a_query_without_positives_does_no_harm():
    pairs = draw_training_pairs(
        LABELS, POOL * [[1], [0], [1]], num_negatives=2, rng=RNG
    )
    assert len(pairs.queries) == 6


@pytest.mark.parametrize("function", [false_negative_rate, without_false_negatives])
def test_a_truth_that_is_too_small(function):
    pairs = draw(RNG, num_negatives=2)
    for truth in (np.ones((2, 5), dtype=bool), np.ones((3, 2), dtype=bool)):
        with pytest.raises(ValueError, match=r"relevant: must have shape \(3, [45]\)"):
            function(pairs, truth)


def test_an_oracle_needs_a_true_negative():
    pairs = draw(RNG, num_negatives=1)
    with pytest.raises(ValueError, match="relevant: every negative is relevant"):
        without_false_negatives(pairs, np.ones_like(LABELS))
