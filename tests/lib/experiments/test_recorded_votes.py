"""Votes come back from their file as they were written."""

import numpy as np
import pytest

from samplebook.core.interactions import Interactions
from samplebook.experiments import recorded_votes


@pytest.fixture
def votes():
    matrix = np.random.default_rng(0).random((9, 12)) < 0.3
    return Interactions.of_matrix(matrix)


def test_votes_come_back(votes, tmp_path):
    file = tmp_path / "votes.npz"
    about = recorded_votes.prepare(file, "ours", votes)
    found = recorded_votes.load(file)
    assert found.about == about
    assert about["source"] == "ours"
    np.testing.assert_array_equal(found.votes.matrix(), votes.matrix())


def test_other_votes_are_refused(votes, tmp_path):
    file = tmp_path / "votes.npz"
    recorded_votes.prepare(file, "ours", votes)
    with np.load(file) as stored:
        arrays = dict(stored)
    arrays["items"] = (arrays["items"] + 1) % votes.num_items
    np.savez_compressed(file, **arrays)
    with pytest.raises(ValueError, match="do not fit their checksum"):
        recorded_votes.load(file)


def test_the_core_of_movielens_is_dense(tmp_path):
    pytest.importorskip("recbole")
    about = recorded_votes.prepare(tmp_path / "votes.npz", "ml-100k")
    votes = recorded_votes.load(tmp_path / "votes.npz").votes
    assert (about["num_users"], about["num_items"]) == (665, 602)
    assert votes.votes_of_users.min() >= recorded_votes.CORE
    assert votes.votes_of_items.min() >= recorded_votes.CORE


def test_an_unknown_source_is_named(tmp_path):
    with pytest.raises(ValueError, match="source"):
        recorded_votes.prepare(tmp_path / "votes.npz", "netflix")
