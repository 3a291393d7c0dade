"""Flipped labels: what a vote says about a preference, and when learning the flips collapses.

With p = P(liked), gamma = P(unvoted | liked) and gamma' = P(voted | not liked), labels have the law

    P(voted) = p (1 - gamma) + (1 - p) gamma',    P(unvoted) = p gamma + (1 - p)(1 - gamma').

NBPO takes gamma' = 0. Only p (1 - gamma) is observed then: votes alone cannot tell a disliked item from a
liked one that is never seen. What tells them apart in NBPO is the low rank of both logits and the penalties.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samplebook.core.checks import as_count, as_matrix, as_unit_interval
from samplebook.core.interactions import Interactions

FloatArray = NDArray[np.float64]

LARGEST_DECOMPOSED = 100
"""Up to so many rows or columns a matrix is decomposed in full, which takes no time."""


def vote_probability(
    preference: ArrayLike, flip: ArrayLike, mistaken_vote: ArrayLike = 0.0
) -> FloatArray:
    """P(voted) = p (1 - gamma) + (1 - p) gamma'.

    Parameters
    ----------
    preference, flip, mistaken_vote : array-likes that broadcast, in [0, 1]
        p, gamma and gamma'.

    Raises
    ------
    ValueError
        If a number is outside [0, 1] or NaN.
    """
    p, gamma = (
        as_unit_interval(preference, "preference"),
        as_unit_interval(flip, "flip"),
    )
    return p * (1 - gamma) + (1 - p) * as_unit_interval(mistaken_vote, "mistaken_vote")


def preference_if_unvoted(
    preference: ArrayLike, flip: ArrayLike, mistaken_vote: ArrayLike = 0.0
) -> FloatArray:
    """P(liked | unvoted) = p gamma / P(unvoted), by Bayes: the soft label of a negative.

    Arguments as :func:`vote_probability`. NaN where an unvoted item has probability 0.
    """
    p, gamma = (
        as_unit_interval(preference, "preference"),
        as_unit_interval(flip, "flip"),
    )
    disliked = (1 - p) * (1 - as_unit_interval(mistaken_vote, "mistaken_vote"))
    unvoted = p * gamma + disliked  # 1 - P(voted), which would cancel near 0
    return np.where(unvoted > 0, p * gamma / np.where(unvoted > 0, unvoted, 1), np.nan)


def settled_preference(flip: ArrayLike) -> FloatArray:
    """gamma / (1 + gamma), in [0, 1/2]: the p at which NBPO stops pushing a negative."""
    gamma = as_unit_interval(flip, "flip")
    return gamma / (1 + gamma)


def expected_appearances(
    votes: Interactions, *, negatives_per_positive: int, batch_size: int
) -> tuple[FloatArray, FloatArray]:
    """How often each pair is expected in a batch of training, as a positive and as a negative.

    An epoch shows each vote rho times, and draws rho d negatives for a user with d votes, uniformly from the
    user's N - d unvoted items. It is cut into ceil(n / batch size) batches.

    Returns
    -------
    pair of float64 arrays (M, N)

    Raises
    ------
    ValueError
        If a number is below 1, or a user voted for all items.
    """
    rho = as_count(negatives_per_positive, "negatives_per_positive")
    batches = -(-len(votes) // as_count(batch_size, "batch_size"))
    unvoted = votes.num_items - votes.votes_of_users
    if (unvoted == 0).any():
        user = int(np.flatnonzero(unvoted == 0)[0])
        raise ValueError(f"votes: user {user} voted for all items")
    voted = votes.matrix()
    draws = np.where(voted, 0.0, (votes.votes_of_users / unvoted)[:, None])
    return rho / batches * voted.astype(np.float64), rho / batches * draws


def collapse_threshold(
    preferences: Any,
    votes: Interactions,
    *,
    negatives_per_positive: int,
    batch_size: int,
) -> float:
    """The flip penalty above which NBPO's gamma contracts to the constant 1/2.

    At P = Q = 0 gamma is 1/2, and the factors stay there. Beside it, a batch is expected to change them by
    eta (B Q - lambda P) and eta (B^T P - lambda Q), where

        B_ui = 1/2 p_ui (expected appearances as a negative - expected appearances as a positive).

    They shrink if lambda is above the largest singular value of B, which is returned. It is a statement about
    small factors and given preferences; in training p moves as well.

    Parameters
    ----------
    preferences : array-like or tensor of float, shape (M, N)
        p, in [0, 1]: of the trained model, say.
    votes : Interactions
        The training votes.
    negatives_per_positive, batch_size : int, >= 1
        As in training.

    Returns
    -------
    float
        To compare with ``flip_regularisation``.

    Raises
    ------
    ValueError
        If ``preferences`` has another shape or leaves [0, 1], or as :func:`expected_appearances`.
    """
    p = as_unit_interval(as_matrix(preferences, "preferences"), "preferences")
    if p.shape != (votes.num_users, votes.num_items):
        raise ValueError(
            f"preferences: must have shape {(votes.num_users, votes.num_items)}, got {p.shape}"
        )
    as_positive, as_negative = expected_appearances(
        votes, negatives_per_positive=negatives_per_positive, batch_size=batch_size
    )
    return largest_singular_value(p * (as_negative - as_positive) / 2)


def largest_singular_value(matrix: FloatArray) -> float:
    """The spectral norm: by all singular values of a small matrix, by Lanczos' method of a large one."""
    smaller_side = min(matrix.shape)
    if smaller_side <= LARGEST_DECOMPOSED or not matrix.any():
        return float(np.linalg.norm(matrix, ord=2))
    from scipy.sparse.linalg import svds

    start = np.random.default_rng(0).standard_normal(smaller_side)  # always the same
    return float(svds(matrix, k=1, v0=start, return_singular_vectors=False)[0])
