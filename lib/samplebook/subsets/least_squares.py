"""Weighted least squares in an m-dimensional space from n point values, and how stable the points make it.

The points x_i with weights w_i give the Gram matrix G = (1/n) sum_i w_i phi(x_i) phi(x_i)'. The fit minimises
(1/n) sum_i w_i (f(x_i) - c' phi(x_i))^2. With residual g = f - P f its squared error is at most
|g|^2 + |g|_n^2 / lambda_min(G). All functions take batches over leading axes.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samplebook.core.arrays import as_result
from samplebook.core.checks import as_finite

Numbers = NDArray[np.float64]


def as_basis_values(basis: ArrayLike) -> Numbers:
    """phi at n points, (..., n, m), or ``ValueError`` if it is not finite or has fewer than two axes."""
    values = as_finite(basis, "basis")
    if values.ndim < 2:
        raise ValueError(f"basis: must have shape (..., n, m), got {values.shape}")
    return values


def as_point_weights(weights: ArrayLike, basis: Numbers) -> Numbers:
    """Weights (..., n) that fit ``basis`` (..., n, m).

    Raises
    ------
    ValueError
        If they are not finite and positive, or have another shape than the points.
    """
    values = as_finite(weights, "weights")
    if values.shape != basis.shape[:-1]:
        raise ValueError(
            f"weights: must have shape {basis.shape[:-1]} as the points have, got {values.shape}"
        )
    if values.min() <= 0:
        raise ValueError(f"weights: must be positive, has {values.min():g}")
    return values


def gram_matrix(basis: ArrayLike, weights: ArrayLike) -> Numbers:
    """G = (1/n) sum_i w_i phi(x_i) phi(x_i)'.

    Parameters
    ----------
    basis : array-like of shape (..., n, m)
        phi(x_i).
    weights : array-like of shape (..., n)
        w_i > 0.

    Returns
    -------
    array of shape (..., m, m)
        Symmetric, with non-negative eigenvalues.

    Raises
    ------
    ValueError
        If a value is not finite, a weight is not positive, or the shapes differ.
    """
    phi = as_basis_values(basis)
    scaled = np.sqrt(as_point_weights(weights, phi))[..., None] * phi
    return np.swapaxes(scaled, -1, -2) @ scaled / phi.shape[-2]


def stability_constant(basis: ArrayLike, weights: ArrayLike) -> Any:
    """1 / lambda_min(G), by which the fit may amplify the error at the points; infinite if G is singular.

    Parameters and errors are those of :func:`gram_matrix`.

    Returns
    -------
    float, or array of shape (...,)
        In [1/lambda_max(G), inf]. Eigenvalues below m times the rounding of the largest one count as 0.
    """
    gram = gram_matrix(basis, weights)
    eigenvalues = np.linalg.eigvalsh(gram)
    rounding = gram.shape[-1] * np.finfo(np.float64).eps * eigenvalues[..., -1]
    smallest = np.where(eigenvalues[..., 0] > rounding, eigenvalues[..., 0], 0.0)
    with np.errstate(divide="ignore"):
        return as_result(1 / smallest)


def gram_deviation(gram: ArrayLike) -> Any:
    """|G - I|, the largest absolute eigenvalue: a float, or (...,) for Gram matrices (..., m, m).

    Raises
    ------
    ValueError
        If ``gram`` is not finite, or its last two axes do not form square matrices.
    """
    matrix = as_finite(gram, "gram")
    if matrix.ndim < 2 or matrix.shape[-1] != matrix.shape[-2]:
        raise ValueError(f"gram: must have shape (..., m, m), got {matrix.shape}")
    eigenvalues = np.linalg.eigvalsh(matrix - np.eye(matrix.shape[-1]))
    return as_result(np.abs(eigenvalues).max(axis=-1))


def weighted_least_squares(
    basis: ArrayLike, values: ArrayLike, weights: ArrayLike | None = None
) -> Numbers:
    """Coefficients c that minimise sum_i w_i (f(x_i) - c' phi(x_i))^2, by QR of sqrt(w_i) phi(x_i).

    For n = m this is interpolation, and the weights don't matter.

    Parameters
    ----------
    basis : array-like of shape (..., n, m)
        phi(x_i), n >= m.
    values : array-like of shape (..., n)
        f(x_i).
    weights : array-like of shape (..., n), optional
        w_i > 0; 1 by default.

    Returns
    -------
    array of shape (..., m)

    Raises
    ------
    ValueError
        If n < m, if a number is not finite, a weight is not positive, the shapes differ, or the points do
        not determine the fit (the basis has dependent columns at them).
    """
    phi = as_basis_values(basis)
    n, m = phi.shape[-2:]
    if n < m:
        raise ValueError(f"basis: {n} points are too few for {m} coefficients")
    target = as_finite(values, "values")
    if target.shape != phi.shape[:-1]:
        raise ValueError(
            f"values: must have shape {phi.shape[:-1]} as the points have, got {target.shape}"
        )
    if weights is not None:
        root = np.sqrt(as_point_weights(weights, phi))
        phi, target = root[..., None] * phi, root * target
    q, r = np.linalg.qr(phi)
    check_full_rank(r, n)
    return np.linalg.solve(r, np.swapaxes(q, -1, -2) @ target[..., None])[..., 0]


def check_full_rank(r: Numbers, num_points: int) -> None:
    """Raise ``ValueError`` if a triangular factor (..., m, m) is singular up to rounding.

    QR's rounding is relative to each column's length, so the columns' units play no part.
    """
    pivots = np.abs(np.diagonal(r, axis1=-2, axis2=-1))
    rounding = num_points * np.finfo(np.float64).eps * np.linalg.norm(r, axis=-2)
    if (pivots <= rounding).any():
        raise ValueError(
            "basis: its columns are dependent at these points, which don't determine the fit"
        )
