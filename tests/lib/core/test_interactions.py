"""Votes are kept once each, sorted, and found again."""

import numpy as np
import pytest

from samplebook.core.interactions import Interactions


def random_votes(seed=0, num_users=7, num_items=9):
    return np.random.default_rng(seed).random((num_users, num_items)) < 0.4


def test_a_matrix_is_given_back():
    matrix = random_votes()
    matrix[3] = False
    matrix[:, 5] = False
    votes = Interactions.of_matrix(matrix)
    np.testing.assert_array_equal(votes.matrix(), matrix)
    np.testing.assert_array_equal(votes.votes_of_users, matrix.sum(axis=1))
    np.testing.assert_array_equal(votes.votes_of_items, matrix.sum(axis=0))
    assert len(votes) == matrix.sum()
    np.testing.assert_array_equal(votes.rows([3, 6, 0, 6]), matrix[[3, 6, 0, 6]])
    assert votes.rows([]).shape == (0, 9)
    np.testing.assert_array_equal(
        Interactions.of_matrix(matrix.astype(int)).matrix(), matrix
    )


def test_order_and_repetition_of_pairs_do_not_matter():
    matrix = random_votes(1)
    users, items = np.nonzero(matrix)
    order = np.random.default_rng(2).integers(len(users), size=5 * len(users))
    order = np.concatenate([order, np.arange(len(users))])
    votes = Interactions.of_pairs(users[order], items[order], num_users=7, num_items=9)
    np.testing.assert_array_equal(votes.users, users)
    np.testing.assert_array_equal(votes.items, items)


def test_a_subset_keeps_the_numbers_of_users_and_items():
    votes = Interactions.of_matrix(random_votes(3))
    half = votes.subset(np.arange(len(votes)) % 2 == 0)
    assert (half.num_users, half.num_items) == (7, 9)
    np.testing.assert_array_equal(half.items, votes.items[::2])


@pytest.mark.parametrize("chosen", [[0, 1], [True], np.ones((2, 1), dtype=bool)])
def test_a_subset_is_chosen_by_truth_values(chosen):
    votes = Interactions.of_matrix([[1, 0], [0, 1]])
    with pytest.raises(ValueError, match="chosen: must be 2 truth values, got"):
        votes.subset(chosen)


def test_no_votes_at_all():
    votes = Interactions.of_pairs([], [], num_users=2, num_items=3)
    assert len(votes) == 0 and not votes.matrix().any()


@pytest.mark.parametrize(
    ("users", "items", "message"),
    [
        ([0, 2], [0, 0], "users: has 2 at 1, outside 0..1"),
        ([0, 1], [-1, 0], "items: has -1 at 0, outside 0..2"),
        ([0.0, 1.0], [0, 0], "users: must be integers"),
        ([[0]], [0], "users: must be integers of shape"),
        ([0, 1], [0], "items: 1 entries, but users has 2"),
        ([True], [0], "users: must be integers"),
    ],
)
def test_bad_pairs(users, items, message):
    with pytest.raises(ValueError, match=message):
        Interactions.of_pairs(users, items, num_users=2, num_items=3)


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        ([[0, 5]], r"has 5 at \(0, 1\), must be 0 or 1"),
        ([[0, -1]], "has -1"),
        ([[0.0, float("nan")]], "has nan"),
        ([0, 1], "must be a real matrix"),
        ([["a"]], "must be a real matrix"),
    ],
)
def test_bad_matrices(matrix, message):
    with pytest.raises(ValueError, match=f"votes: .*{message}"):
        Interactions.of_matrix(matrix)
