"""The world of known flips has the law that it states."""

import math

import numpy as np
import pytest

from samplebook.data.flipped_votes import flipped_votes, movielens_like_votes
from samplebook.data.vote_splits import dense_core

SIX_ERRORS = 6  # a false alarm below 1e-8 a number


def z_scores(seen, chance, axis):
    """How many standard errors counts are from their expectations."""
    variance = (chance * (1 - chance)).sum(axis=axis)
    return (seen.sum(axis=axis) - chance.sum(axis=axis)) / np.sqrt(variance)


def test_likes_and_votes_follow_their_probabilities():
    world = flipped_votes(num_users=400, num_items=500, rng=np.random.default_rng(0))
    voted = world.votes.matrix()
    assert not voted[~world.liked].any()
    chance = world.preference * world.exposure
    for axis in (0, 1, None):
        for seen, probability in ((world.liked, world.preference), (voted, chance)):
            assert (abs(z_scores(seen, probability, axis)) < SIX_ERRORS).all()
    exposed = np.where(world.liked, world.exposure, 0)
    assert (abs(z_scores(voted, exposed, 0)) < SIX_ERRORS).all()


def test_the_default_world_is_the_one_described():
    world = flipped_votes(rng=np.random.default_rng(1))
    assert world.preference.shape == (200, 300)
    assert world.liked.mean() == pytest.approx(0.30, abs=0.03)
    logits = np.log(world.preference / (1 - world.preference)) + 1.5
    assert np.linalg.matrix_rank(logits, tol=1e-6) == 4
    assert logits.std() == pytest.approx(2.5, rel=0.15)
    exposure = np.log(world.exposure / (1 - world.exposure))
    assert exposure.mean() == pytest.approx(-1.2, abs=0.5)
    assert exposure.std() == pytest.approx(1.5, rel=0.2)


def test_constant_exposure():
    world = flipped_votes(
        exposure_scale=0.0, exposure_shift=-math.log(3), rng=np.random.default_rng(2)
    )
    np.testing.assert_allclose(world.exposure, 0.25, atol=1e-14)


def test_the_stand_in_is_of_movielens_size():
    """The real set has 55,375 votes, the most popular item 501, and a core of 468 users and 360 items."""
    votes = movielens_like_votes(rng=np.random.default_rng(3)).votes
    assert 45_000 < len(votes) < 65_000
    assert 250 < votes.votes_of_items.max() < 600
    core = dense_core(votes, of_user=30, of_item=40)
    assert core.num_users > 400 and core.num_items > 250


def test_bad_input():
    with pytest.raises(ValueError, match="num_users: must be at least 1"):
        flipped_votes(num_users=0, rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="preference_shift: must be finite"):
        flipped_votes(preference_shift=float("nan"), rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="rng: must be a numpy.random.Generator"):
        flipped_votes(rng=0)
