"""A world of implicit feedback in which preferences and label flips are known."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samplebook.core.arrays import sigmoid
from samplebook.core.checks import as_count, as_finite_number, as_generator
from samplebook.core.interactions import Interactions

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FlippedVotes:
    """Votes and the truth behind them; a vote is a liked item that was seen.

    Attributes
    ----------
    votes : Interactions
    liked : bool array (M, N)
    preference : float64 array (M, N)
        P(liked).
    exposure : float64 array (N,)
        P(seen) of each item, for every user alike. The flip probability gamma is 1 - exposure.
    """

    votes: Interactions
    liked: NDArray[np.bool_]
    preference: FloatArray
    exposure: FloatArray


def flipped_votes(
    *,
    num_users: int = 200,
    num_items: int = 300,
    rank: int = 4,
    preference_scale: float = 2.5,
    preference_shift: float = -1.5,
    exposure_scale: float = 1.5,
    exposure_shift: float = -1.2,
    rng: np.random.Generator,
) -> FlippedVotes:
    """Draw a world.

    logit of preference = scale A B^T / sqrt(rank) + shift, with A and B standard normal,
    logit of exposure   = scale z + shift, with z standard normal, one number an item.

    With the default numbers 30 % of all pairs are liked and flips have structure: some items are hardly ever
    seen. ``exposure_scale=0`` and ``exposure_shift=-math.log(3)`` expose every item with chance 1/4: flips
    carry no structure, and nothing is to be learned from them. In a small world a user may come out without a
    vote; ``dense_core`` drops such users.

    Parameters
    ----------
    num_users, num_items, rank : int, >= 1
        M, N and the number of columns of A and B.
    preference_scale, preference_shift, exposure_scale, exposure_shift : float
    rng : numpy.random.Generator

    Raises
    ------
    ValueError
        If a size is below 1, or a number is none.
    """
    num_users = as_count(num_users, "num_users")
    num_items = as_count(num_items, "num_items")
    rank, rng = as_count(rank, "rank"), as_generator(rng)
    product = rng.standard_normal((num_users, rank)) @ rng.standard_normal(
        (rank, num_items)
    )
    preference = sigmoid(
        as_finite_number(preference_scale, "preference_scale") * product / rank**0.5
        + as_finite_number(preference_shift, "preference_shift")
    )
    exposure = sigmoid(
        as_finite_number(exposure_scale, "exposure_scale")
        * rng.standard_normal(num_items)
        + as_finite_number(exposure_shift, "exposure_shift")
    )
    liked = rng.random(preference.shape) < preference
    voted = liked & (rng.random(preference.shape) < exposure)
    return FlippedVotes(Interactions.of_matrix(voted), liked, preference, exposure)


def movielens_like_votes(*, rng: np.random.Generator) -> FlippedVotes:
    """A stand-in for MovieLens-100K where it is not installed.

    It has as many users and items, about as many votes, and items of about the same popularity. Its users are
    all about as active, which those of MovieLens are not.
    """
    return flipped_votes(
        num_users=943, num_items=1682, exposure_scale=2.0, exposure_shift=-3.2, rng=rng
    )
