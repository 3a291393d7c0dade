"""Sampling rows by scores, and the weights that keep ||Ax||_p^p right on average.

Row i is kept with probability q_i, independently, and multiplied by q_i^(-1/p). With S for this sampling,
E||SAx||_p^p = ||Ax||_p^p for every x. The schemes differ in the scores that the q_i follow; they are compared
at equal expected size m = sum q_i.

=========================  =================================  ==========================================
scheme                     score of row i                     made for
=========================  =================================  ==========================================
uniform                    1                                  rows alike; the control
leverage                   tau_i                              p = 2
root leverage              tau_i^(p/2)                        p < 2 (Woodruff and Yasuda, 2023)
sensitivity                s_i                                p > 2 with S near d (the same)
lewis                      w_i                                every p: about d^max(1, p/2) rows
leverage and sensitivity   tau_i / sum tau + s_i / S          p > 2; our reading, see below
=========================  =================================  ==========================================

For p > 2 Woodruff and Yasuda mix leverage scores and sensitivities to need about d^(2/p) S^(2 - 4/p) rows.
How they mix them we have not confirmed. Our reading gives half of the sample to each.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samplebook.core.checks import (
    as_choice,
    as_exponent,
    as_generator,
    as_matrix,
    as_nonnegative,
    as_number,
)
from samplebook.subsets.leverage import leverage_scores, orthonormal_basis
from samplebook.subsets.lewis import lewis_weights
from samplebook.subsets.sensitivities import lp_sensitivities

SCHEMES = (
    "uniform",
    "leverage",
    "root leverage",
    "sensitivity",
    "lewis",
    "leverage and sensitivity",
)
"""The schemes by name; the last one is our reading of the paper."""


def row_scores(
    A: ArrayLike, p: float, *, scheme: str, method: str = "exact"
) -> NDArray[np.float64]:
    """Scores of the rows of A under a scheme; see the table above.

    Parameters
    ----------
    A : array-like of shape (n, d)
        Any finite real matrix but 0.
    p : float
        Exponent of the norm, >= 1.
    scheme : str
        One of ``SCHEMES``.
    method : str
        How the sensitivities of the two schemes that use them are computed: see
        :func:`~samplebook.subsets.lp_sensitivities`. "upper" is for large matrices.

    Returns
    -------
    float64 array of shape (n,)
        Not negative; 0 for zero rows, save that the uniform score is 1 for every row.

    Raises
    ------
    ValueError
        If A is no finite real matrix, or is zero; if p < 1; if ``scheme`` or ``method`` is not known.
    """
    A = as_matrix(A, "A")
    p = as_exponent(p)
    scheme = as_choice(scheme, "scheme", SCHEMES)
    if scheme == "uniform":
        return np.ones(len(A))
    if scheme == "leverage":
        return leverage_scores(A)
    if scheme == "root leverage":
        return leverage_scores(A) ** (p / 2)
    if scheme == "lewis":
        return lewis_weights(A, p)
    sensitivities = lp_sensitivities(A, p, method=method)
    if scheme == "sensitivity":
        return sensitivities
    leverage = leverage_scores(A)
    return leverage / leverage.sum() + sensitivities / sensitivities.sum()


def keep_probabilities(scores: ArrayLike, size: float) -> NDArray[np.float64]:
    """Probabilities q_i = min(1, c score_i), with the c for which they sum to ``size``.

    Parameters
    ----------
    scores : array-like of shape (n,)
        Not negative, not all 0; their scale does not matter.
    size : float
        Expected number of rows: above 0, at most the number of positive scores.

    Returns
    -------
    float64 array of shape (n,)
        In [0, 1], with sum ``size``; 0 just where the score is 0.

    Raises
    ------
    ValueError
        If a score is negative or not finite, all are 0, or ``size`` is out of range.
    """
    scores = as_nonnegative(scores, "scores")
    size = as_number(size, "size")
    most = np.count_nonzero(scores)
    if not 0 < size <= most:
        raise ValueError(
            f"size: must be above 0 and at most {most}, the number of positive scores, got {size:g}"
        )
    falling = np.sort(scores)[::-1][:most]
    # If the k largest scores are certain, the others share size - k in proportion.
    rest = np.cumsum(falling[::-1])[::-1]
    free = (size - np.arange(most)) * (falling / rest) <= 1
    if not free.any():
        return (scores > 0).astype(np.float64)
    certain = int(np.argmax(free))
    with np.errstate(over="ignore"):
        return np.minimum(1.0, (size - certain) * (scores / rest[certain]))


def sensitivity_probabilities(scores: ArrayLike, alpha: float) -> NDArray[np.float64]:
    """The paper's rule (its Definition 1.1): q_i = min(1, 1/n + s_i / alpha).

    They sum to at most 1 + S / alpha. The term 1/n keeps every row within reach.

    Parameters
    ----------
    scores : array-like of shape (n,)
        Sensitivities s_i, or upper bounds of them; not negative, not all 0.
    alpha : float
        Scale, above 0: the smaller, the more rows.

    Returns
    -------
    float64 array of shape (n,)
        In (0, 1].

    Raises
    ------
    ValueError
        If a score is negative or not finite, all are 0, or alpha <= 0.
    """
    scores = as_nonnegative(scores, "scores")
    alpha = as_number(alpha, "alpha")
    if not alpha > 0:
        raise ValueError(f"alpha: must be above 0, got {alpha:g}")
    return np.minimum(1.0, 1 / scores.size + scores / alpha)


def sample_rows(
    A: ArrayLike,
    scores: ArrayLike,
    size: float,
    *,
    p: float,
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Rows of A kept independently with probabilities min(1, c score_i) that sum to ``size``.

    Parameters
    ----------
    A : array-like of shape (n, d)
        A finite real matrix.
    scores : array-like of shape (n,)
        As for :func:`keep_probabilities`; a row of score 0 is never kept.
    size : float
        Expected number of rows, at least the rank of A: fewer rows lose directions for certain.
    p : float
        Exponent of the norm, >= 1.
    rng : numpy.random.Generator
        Draws n uniform numbers.

    Returns
    -------
    indices : int64 array of shape (k,)
        The kept rows, rising. Their number k is random, and can be 0 or below the rank.
    weights : float64 array of shape (k,)
        q_i^(-1/p), which multiply the rows: ``weights[:, None] * A[indices]`` is SA.

    Raises
    ------
    ValueError
        If A is no finite real matrix; if there are not n scores, or one is negative or not finite, or all
        are 0; if ``size`` is below the rank of A or above the number of positive scores; if p < 1; if
        ``rng`` is none.
    """
    A = as_matrix(A, "A")
    p = as_exponent(p)
    rng = as_generator(rng)
    probabilities = keep_probabilities(
        as_nonnegative(scores, "scores", length=len(A)), size
    )
    if size < A.shape[1]:
        check_size_keeps_rank(A, size)
    indices = np.flatnonzero(rng.random(len(A)) < probabilities)
    return indices, probabilities[indices] ** (-1 / p)


def check_size_keeps_rank(A: NDArray[np.float64], size: float) -> None:
    """Raise ``ValueError`` if ``size`` is below the rank of A."""
    rank = orthonormal_basis(A).shape[1]
    if size < rank:
        raise ValueError(
            f"size: must be at least {rank}, the rank of A, got {size:g}; fewer rows lose directions"
        )
