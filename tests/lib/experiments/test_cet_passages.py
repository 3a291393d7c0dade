"""The file that carries real passages to the machine with the GPU, and the pool that hides their labels."""

import json

import numpy as np
import pytest
import torch

from samplebook.experiments import cet_passages
from samplebook.experiments.cet_passages import (
    load,
    pair_inputs,
    passage_collection,
    prepare,
)

QUERIES, PASSAGES, WIDTH, CANDIDATES = 30, 200, 20, 25
CPU = torch.device("cpu")


def made_up(seed=0):
    """Passages that resemble the real ones: relevant ones score higher."""
    rng = np.random.default_rng(seed)
    relevant = rng.random((QUERIES, PASSAGES)) < 0.02
    relevant[:, 0] = True
    features = rng.standard_normal((QUERIES, PASSAGES, 6)) + 2 * relevant[..., None]
    embeddings = {
        name: rng.standard_normal((count, WIDTH)).astype(np.float32)
        for name, count in (
            ("queries", QUERIES),
            ("texts", PASSAGES),
            ("titles", PASSAGES),
        )
    }
    return embeddings | {"features": features.astype(np.float32), "relevant": relevant}


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    file = tmp_path_factory.mktemp("data") / "passages.npz"
    prepare(file, CANDIDATES, made_up())
    return file


@pytest.fixture(scope="module")
def collection(file):
    return passage_collection(load(file), 3, 0, CPU)


def test_candidates_are_the_relevant_and_the_best(file):
    given, stored = made_up(), load(file).arrays
    candidates = stored["candidates"]
    assert candidates.shape == (QUERIES, CANDIDATES)
    assert (np.diff(candidates, axis=1) > 0).all()
    assert stored["relevant"].sum() == given["relevant"].sum()
    scores = given["features"][..., [0, 3, 4]].sum(axis=2)
    for query in range(QUERIES):
        chosen = candidates[query]
        expected = given["features"][query, chosen]
        np.testing.assert_array_equal(stored["features"][query], expected)
        missing = np.setdiff1d(np.arange(PASSAGES), chosen)
        others = chosen[~given["relevant"][query, chosen]]
        assert scores[query, missing].max() <= scores[query, others].min()


def test_about_says_what_is_in_the_file(file, tmp_path):
    about = load(file).about
    assert about["queries"] == QUERIES
    assert about["passages"] == PASSAGES
    assert about["candidates"] == CANDIDATES
    assert about["relevant"] == load(file).arrays["relevant"].sum()
    assert about["sources"] == []  # these passages are the test's own
    assert prepare(tmp_path / "again.npz", CANDIDATES, made_up()) == about


def test_a_changed_file_is_refused(file, tmp_path):
    with np.load(file) as stored:
        arrays = dict(stored)
    arrays["texts"] = arrays["texts"][::-1]
    changed = tmp_path / "changed.npz"
    np.savez(changed, **arrays)
    with pytest.raises(ValueError, match=r"changed\.npz: the arrays do not fit"):
        load(changed)


@pytest.mark.parametrize("number", [3, PASSAGES + 1])
def test_there_is_room_for_relevant_passages_and_no_more_than_there_are(
    tmp_path, number
):
    with pytest.raises(ValueError, match="num_candidates: must hold"):
        prepare(tmp_path / "passages.npz", number, made_up())


def test_inputs_are_standardised_products_and_features(file):
    passages = load(file)
    inputs = pair_inputs(passages, CPU)
    components = cet_passages.NUM_COMPONENTS
    assert inputs.shape == (QUERIES * CANDIDATES, 2 * components + 6)
    torch.testing.assert_close(inputs.mean(0), torch.zeros(inputs.shape[1]), atol=1e-5, rtol=0)  # fmt: skip
    torch.testing.assert_close(inputs.std(0), torch.ones(inputs.shape[1]))
    arrays = passages.arrays
    features = arrays["features"].reshape(-1, 6)
    # the lexical features are the last columns
    for column, feature in zip(range(-6, 0), [3, 4, 5, 0, 1, 2], strict=True):
        given = np.corrcoef(inputs[:, column], features[:, feature])[0, 1]
        assert given == pytest.approx(1, abs=1e-5)
    texts = arrays["texts"] - arrays["texts"].mean(axis=0)
    direction = np.linalg.svd(texts)[2][0]
    query = (arrays["queries"] - arrays["texts"].mean(axis=0)) @ direction
    product = query[:, None] * (texts @ direction)[arrays["candidates"]]
    found = np.corrcoef(inputs[:, 0], product.ravel())[0, 1]
    assert found == pytest.approx(1, abs=1e-4)


def test_each_seed_splits_the_queries(collection):
    training, test = collection.training, collection.test
    assert training.rows.shape == (3, 20, CANDIDATES)
    assert test.rows.shape == (3, 10, CANDIDATES)
    for one, other in zip(training.rows, test.rows, strict=True):
        rows = torch.cat([one, other]).flatten().sort().values
        assert torch.equal(rows, torch.arange(QUERIES * CANDIDATES))
    assert not torch.equal(training.rows[0], training.rows[1])


def test_rows_and_truth_belong_together(collection, file):
    arrays = load(file).arrays
    for part in (collection.training, collection.test):
        rows = part.rows.numpy()
        assert (part.relevant == arrays["relevant"].ravel()[rows]).all()
        words = arrays["features"][..., 0].ravel()[rows]
        meaning = arrays["features"][..., 3:5].sum(axis=2).ravel()[rows]
        for scores, given in ((part.lexical, words), (part.strong, meaning)):
            assert np.corrcoef(scores.ravel(), given.ravel())[0, 1] > 1 - 1e-6
        order = np.argsort(part.selection.ravel())
        assert (np.diff(words.ravel()[order]) > -1e-6).all()


def test_half_of_the_relevant_are_more_probably_selected_than_not(collection):
    """Selection is drawn by its probabilities: 5 standard deviations, false alarms below 1e-6."""
    selection = np.concatenate(
        [part.selection[0] for part in (collection.training, collection.test)]
    )
    relevant = np.concatenate(
        [part.relevant[0] for part in (collection.training, collection.test)]
    )
    likely = selection[relevant] > 0.5
    assert likely.mean() == pytest.approx(0.5, abs=1 / relevant.sum())
    for part in (collection.training, collection.test):
        pi = part.selection
        surplus = part.selected.sum() - pi.sum()
        assert abs(surplus) < 5 * np.sqrt((pi * (1 - pi)).sum())
    first, second = collection.training.selected[:2]
    assert (first != second).any()


def test_sources_and_licences_are_noted():
    assert len(json.dumps(cet_passages.SOURCES)) > 0
    assert {source["licence"] for source in cet_passages.SOURCES} == {
        "CC BY-SA 4.0",
        "Apache-2.0",
    }
