"""Cores and splits by their definitions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samplebook.core.interactions import Interactions
from samplebook.core.statistics import goodness_of_fit
from samplebook.data.vote_splits import dense_core, split_votes

FAST = settings(derandomize=True, deadline=None, max_examples=60, database=None)


def core_one_by_one(matrix, of_user, of_item):
    """Rows and columns left when poor ones are dropped one at a time, last ones first."""
    rows, columns = list(range(matrix.shape[0])), list(range(matrix.shape[1]))
    while True:
        block = matrix[np.ix_(rows, columns)]
        poor_columns = [
            c for c, n in zip(columns, block.sum(axis=0), strict=True) if n < of_item
        ]
        poor_rows = [
            r for r, n in zip(rows, block.sum(axis=1), strict=True) if n < of_user
        ]
        if poor_columns:
            columns.remove(poor_columns[-1])
        elif poor_rows:
            rows.remove(poor_rows[-1])
        else:
            return block


@FAST
@given(st.integers(0, 10**6), st.integers(1, 4), st.integers(1, 4))
def test_the_core_in_another_order_of_dropping(seed, of_user, of_item):
    rng = np.random.default_rng(seed)
    matrix = rng.random((9, 8)) < rng.random((9, 1)) * rng.random((1, 8)) * 2
    expected = core_one_by_one(matrix, of_user, of_item)
    votes = Interactions.of_matrix(matrix)
    if expected.size:
        core = dense_core(votes, of_user=of_user, of_item=of_item)
        np.testing.assert_array_equal(core.matrix(), expected)
    else:
        with pytest.raises(ValueError, match="votes: has no core"):
            dense_core(votes, of_user=of_user, of_item=of_item)


@FAST
@given(st.integers(0, 10**6), st.sampled_from([(0.7, 0.1, 0.2), (0.05, 0.15, 0.8)]))
def test_a_split_is_one_and_has_its_sizes(seed, shares):
    rng = np.random.default_rng(seed)
    votes = Interactions.of_matrix(rng.random((8, 25)) < rng.random((8, 1)))
    if not len(votes):
        return
    parts = split_votes(votes, shares, rng=rng)
    np.testing.assert_array_equal(
        sum(part.matrix().astype(int) for part in parts), votes.matrix()
    )
    d = votes.votes_of_users
    ends = [np.maximum(np.rint(end * d), d > 0) for end in np.cumsum(shares)]
    for part, size in zip(parts, np.diff(ends, axis=0, prepend=0), strict=True):
        np.testing.assert_array_equal(part.votes_of_users, size)


def test_every_vote_is_as_likely_to_be_held_out():
    """One of a user's five votes is; a right split fails with probability 1e-6 over seeds."""
    votes = Interactions.of_matrix(np.ones((2_000, 5), dtype=bool))
    _, held_out = split_votes(votes, (0.8, 0.2), rng=np.random.default_rng(0))
    assert goodness_of_fit(held_out.votes_of_items, np.full(5, 0.2)) > 1e-6


@pytest.mark.parametrize(
    ("shares", "message"),
    [((0.5, 0.4), "must sum to 1, got 0.9"), ((1.2, -0.2), "must be positive")],
)
def test_bad_shares(shares, message):
    votes = Interactions.of_matrix([[1, 1]])
    with pytest.raises(ValueError, match=f"shares: {message}"):
        split_votes(votes, shares, rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="rng: must be a numpy.random.Generator"):
        split_votes(votes, (0.5, 0.5), rng=0)
