"""Ranking from pairs: the pairwise logistic loss, and the linear ranker that minimises it."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samplebook.core.arrays import Array, log_sigmoid
from samplebook.core.checks import (
    as_matrix,
    as_nonnegative,
    as_positive,
    check_same_shape,
)

Vector = NDArray[np.float64]

GRADIENT_TOLERANCE = 1e-10
"""Largest entry of the gradient at which Newton's method stops."""


def pairwise_losses(positive_scores: Array, negative_scores: Array) -> Array:
    """log(1 + exp(f(d-) - f(d+))) of each pair: the cross-entropy of ranking d+ above d-.

    Their sum is :func:`~samplebook.negatives.losses.bpr_loss`.

    Parameters
    ----------
    positive_scores, negative_scores : arrays or tensors of one shape (...)
        f(d+) and f(d-). Gradients flow through tensors.

    Returns
    -------
    array or tensor of shape (...)

    Raises
    ------
    ValueError
        If the shapes differ, or only one of the two is a tensor.
    """
    check_same_shape(
        positive_scores, negative_scores, ("positive_scores", "negative_scores")
    )
    return -log_sigmoid(positive_scores - negative_scores)


def fit_pairwise_ranker(
    positives: ArrayLike,
    negatives: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    ridge: float = 1e-3,
) -> Vector:
    """The linear ranker x . b that minimises the weighted mean of the pairwise losses plus ridge / 2 |b|^2.

    It is a logistic regression on the differences x(d+) - x(d-), without intercept.

    Parameters
    ----------
    positives, negatives : array-like of float, shape (n, F)
        Features of the two documents of each pair.
    weights : array-like of float, shape (n,), optional
        Non-negative, not all 0; only their ratios matter, so that ``ridge`` keeps its meaning.
    ridge : float, > 0

    Returns
    -------
    float64 array of shape (F,)
        b, the optimum to rounding.

    Raises
    ------
    ValueError
        If a number is NaN or infinite, shapes differ, a weight is negative or all are 0, or ``ridge`` is not
        > 0.
    """
    from sklearn.linear_model import LogisticRegression

    first, second = as_matrix(positives, "positives"), as_matrix(negatives, "negatives")
    check_same_shape(first, second, ("positives", "negatives"))
    share = normalised_weights(weights, len(first)) / 2
    # the solver wants two classes: each pair stands there twice, once reversed, with the same loss
    differences = np.concatenate([first - second, second - first])
    side = np.repeat([1, -1], len(first))
    model = LogisticRegression(
        C=1 / as_positive(ridge, "ridge"),
        fit_intercept=False,
        solver="newton-cholesky",
        tol=GRADIENT_TOLERANCE,
        max_iter=1000,
    )
    model.fit(differences, side, sample_weight=np.tile(share, 2))
    return np.asarray(model.coef_[0])


def normalised_weights(weights: ArrayLike | None, count: int) -> Vector:
    """Weights of pairs divided by their sum, checked; all alike where there are none."""
    if weights is None:
        return np.full(count, 1 / count)
    given = as_nonnegative(weights, "weights", length=count)
    return given / given.sum()
