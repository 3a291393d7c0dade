"""Negatives are uniform over each user's unvoted items."""

import numpy as np
import pytest
import torch
from implicit_worlds import generator, random_interactions

from samplebook.core.interactions import Interactions
from samplebook.core.statistics import goodness_of_fit
from samplebook.negatives import UnvotedItems, negative_sampling

FALSE_ALARM = 1e-6


@pytest.fixture(params=["table", "search"], autouse=True)
def way(request, monkeypatch):
    """Every test once with the table of unvoted items, and once with the binary search."""
    if request.param == "search":
        monkeypatch.setattr(negative_sampling, "LARGEST_TABLE", 0)


def replay(ranks, monkeypatch):
    """Let ``torch.rand`` give these numbers."""
    monkeypatch.setattr(
        torch, "rand", lambda *shape, **options: torch.tensor(ranks).double()
    )


@pytest.mark.parametrize("density", [0.0, 0.1, 0.5, 0.9])
def test_each_rank_is_that_unvoted_item(density, monkeypatch):
    """Every branch: the draw for rank r is the r-th unvoted item, up to both ends of the rank's interval."""
    votes = random_interactions(1, density=density)
    unvoted = UnvotedItems(votes)
    for user, row in enumerate(votes.matrix()):
        expected = np.flatnonzero(~row)
        first = np.arange(len(expected)) / len(expected)
        last = np.nextafter(first + 1 / len(expected), 0) - 1e-15
        users = torch.full((len(expected),), user)
        for uniform in (first + 1e-15, last):
            replay(uniform, monkeypatch)
            np.testing.assert_array_equal(unvoted.draw(users, generator()), expected)


def test_the_largest_uniform_number_is_still_an_item(monkeypatch):
    votes = random_interactions(2)
    replay(np.full(votes.num_users, np.nextafter(1.0, 0)), monkeypatch)
    drawn = UnvotedItems(votes).draw(torch.arange(votes.num_users), generator())
    last = [np.flatnonzero(~row)[-1] for row in votes.matrix()]
    np.testing.assert_array_equal(drawn, last)


def test_the_law_is_uniform():
    """A right sampler fails with probability 1e-6 over seeds."""
    votes = random_interactions(3)
    users = torch.arange(votes.num_users).expand(4_000, -1)
    drawn = UnvotedItems(votes).draw(users, generator())
    assert drawn.shape == users.shape
    counts = np.zeros((votes.num_users, votes.num_items), dtype=int)
    np.add.at(counts, (users.numpy(), drawn.numpy()), 1)
    law = ~votes.matrix() / (~votes.matrix()).sum(axis=1, keepdims=True)
    assert not counts[votes.matrix()].any()
    assert goodness_of_fit(counts.ravel(), law.ravel() / votes.num_users) > FALSE_ALARM
    shifted = np.roll(counts, 1, axis=1).ravel()
    assert goodness_of_fit(shifted, law.ravel() / votes.num_users) < FALSE_ALARM


def test_users_and_items_without_votes():
    votes = Interactions.of_pairs([1], [0], num_users=3, num_items=4)
    drawn = UnvotedItems(votes).draw(torch.arange(3).repeat(200), generator())
    assert set(drawn[1::3].tolist()) == {1, 2, 3}
    assert set(drawn[::3].tolist()) == set(drawn[2::3].tolist()) == {0, 1, 2, 3}


def test_a_user_with_nothing_left_is_named():
    votes = Interactions.of_matrix([[0, 1], [1, 1], [1, 0]])
    with pytest.raises(ValueError, match="votes: user 1 voted for all 2 items"):
        UnvotedItems(votes)
