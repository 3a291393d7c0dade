"""implicit's and cornac's models on the book's votes, and implicit's law of negatives."""

import numpy as np
import pytest
from scipy.stats import chisquare

from samplebook.core.interactions import Interactions
from samplebook.data import peer_recommenders
from samplebook.negatives import rank_held_out


def two_tastes():
    """Users 0 to 9 vote among items 0 to 9, users 10 to 19 among items 10 to 19; each misses one."""
    same = np.kron(np.eye(2, dtype=bool), np.ones((10, 10), dtype=bool))
    missed = np.eye(20, dtype=bool)
    return Interactions.of_matrix(same & ~missed), Interactions.of_matrix(missed)


STEPS = {"factors": 4, "epochs": 100, "learning_rate": 0.05, "regularisation": 0.01}
LEAST_SQUARES = {"factors": 4, "epochs": 10, "vote_weight": 5.0, "regularisation": 0.1}


@pytest.mark.filterwarnings("error")  # a page shows no warning
@pytest.mark.parametrize(
    ("package", "name", "setting"),
    [
        ("implicit", "train_implicit_bpr", STEPS),
        ("implicit", "train_implicit_wrmf", LEAST_SQUARES),
        ("cornac", "train_cornac_bpr", STEPS),
    ],
)
def test_a_peer_finds_the_item_that_was_kept_aside(package, name, setting):
    pytest.importorskip(package)
    votes, missed = two_tastes()
    scores = getattr(peer_recommenders, name)(votes, **setting, seed=0)
    ranking = rank_held_out(scores, missed, excluded=[votes], depth=1)
    assert np.nanmean(ranking.recall(1)) > 0.9


def test_popular_items_come_in_proportion_to_their_votes_among_the_unvoted():
    torch = pytest.importorskip("torch")
    votes = Interactions.of_matrix([[1, 0, 0, 0], [0, 1, 1, 0], [0, 1, 0, 1]])
    sampler = peer_recommenders.PopularItems(votes)
    users = torch.zeros(9_000, dtype=torch.int64)
    drawn = sampler.draw(users, torch.Generator().manual_seed(0))
    counts = np.bincount(drawn.numpy(), minlength=4)
    assert counts[0] == 0  # the user's own
    # items 1, 2 and 3 have 2, 1 and 1 votes; a right sampler fails once in a million
    assert chisquare(counts[1:], [4_500, 2_250, 2_250]).pvalue > 1e-6


def test_missing_packages_are_named(monkeypatch):
    monkeypatch.setattr(peer_recommenders, "find_spec", lambda name: None)
    assert peer_recommenders.missing_packages() == ["implicit", "cornac"]


def test_users_that_cannot_be_trained_are_named():
    pytest.importorskip("torch")
    nothing_left = Interactions.of_matrix([[1, 0, 0], [1, 1, 0]])
    with pytest.raises(ValueError, match="user 1 voted for every item"):
        peer_recommenders.PopularItems(nothing_left)
    pytest.importorskip("cornac")
    without = Interactions.of_matrix([[1, 0, 0], [0, 0, 0]])
    with pytest.raises(ValueError, match="user 1 has no vote"):
        peer_recommenders.train_cornac_bpr(without, **STEPS, seed=0)
