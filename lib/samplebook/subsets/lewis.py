"""Lewis weights: leverage scores of the matrix that they themselves reweight.

The l_p Lewis weights are the one w > 0 with

    w_i = tau_i(W^(1/2 - 1/p) A),    W = diag(w),

where tau_i are leverage scores. So they sum to r, the rank of A, and equal the leverage scores for p = 2.
With the quadratic forms

    h_i = a_i (A^T W^(1 - 2/p) A)^(-1) a_i^T,    tau_i(W^(1/2 - 1/p) A) = w_i^(1 - 2/p) h_i,

the same fixed point reads w_i = h_i^(p/2) (Cohen and Peng, "l_p row sampling by Lewis weights", 2015).

Each step costs one Gram matrix and one Cholesky factor of size r. That is accurate because the step starts
from an orthonormal Q in place of A: at the fixed point the eigenvalues of Q^T W^(1 - 2/p) Q differ by a power
of n alone, however badly conditioned A is.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samplebook.core.arrays import Array, namespace
from samplebook.core.checks import as_count, as_exponent, as_matrix, as_number
from samplebook.subsets.leverage import orthonormal_basis, squared_row_norms

BLOCK_ROWS = 8192
"""Rows worked on at a time, so that they stay in the processor's cache."""
SMALLEST_WEIGHT = float(np.finfo(np.float64).tiny)
"""Floor of the weights: for large p, h^(p/2) of a small row is no longer representable."""


def reweighted_gram(
    Q: NDArray[np.float64], row_weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Q^T diag(row_weights) Q, shape (r, r), by blocks of rows."""
    gram = np.zeros((Q.shape[1], Q.shape[1]))
    for start in range(0, len(Q), BLOCK_ROWS):
        block = Q[start : start + BLOCK_ROWS]
        gram += (block * row_weights[start : start + BLOCK_ROWS, None]).T @ block
    return gram


def quadratic_forms(
    Q: NDArray[np.float64], weights: NDArray[np.float64], p: float
) -> NDArray[np.float64]:
    """h_i = q_i (Q^T W^(1 - 2/p) Q)^(-1) q_i^T for each row, shape (n,), for weights w > 0 (n,)."""
    cholesky = np.linalg.cholesky(reweighted_gram(Q, weights ** (1 - 2 / p)))
    whitening = np.linalg.inv(cholesky).T
    forms = np.empty(len(Q))
    for start in range(0, len(Q), BLOCK_ROWS):
        block = Q[start : start + BLOCK_ROWS] @ whitening
        np.einsum("ij,ij->i", block, block, out=forms[start : start + BLOCK_ROWS])
    return forms


def lewis_step(weights: Array, forms: Array, p: float) -> Array:
    """The next weights, from weights w > 0 (n,) and their quadratic forms h (n,), arrays or tensors.

    For p <= 2 the step is w <- h^(p/2). In the largest |log w| it is a contraction with factor 1 - p/2.

    For p > 2 it is w <- w^(1 - 2/p) h, the definition itself. Written in logarithms, this is the step above
    damped by 2/p. The undamped step contracts for p < 4 only; its geometric mean with the old weights, a
    damping by 1/2, still fails from p = 8 on. The damping by 2/p converges for every p: the step minimises
    an upper bound, tight at w, of the convex function of u = w^(1 - 2/p) whose minimiser gives the weights,

        - log det(A^T U A) + (1 - 2/p) sum_i u_i^(p / (p - 2)).

    (The bound replaces the first term, concave in log u, by its tangent.) Near the fixed point the error
    shrinks by 1 - 2/p a step or better. Weights that would underflow stay at the smallest normal number.
    """
    if p <= 2:
        return forms ** (p / 2)
    xp = namespace(weights)
    return xp.clip(weights ** (1 - 2 / p) * forms, SMALLEST_WEIGHT, None)


def lewis_weights(
    A: ArrayLike,
    p: float,
    *,
    tolerance: float = 1e-12,
    max_iterations: int = 2000,
) -> NDArray[np.float64]:
    """l_p Lewis weights of the rows of A.

    Parameters
    ----------
    A : array-like of shape (n, d)
        Any finite real matrix but 0; of rank r.
    p : float
        Exponent of the norm, >= 1.
    tolerance : float
        The iteration ends when no weight changes by more than this share of itself.
    max_iterations : int
        At most so many steps.

    Returns
    -------
    float64 array of shape (n,)
        In [0, 1], with sum r; 0 just for zero rows.

    Raises
    ------
    ValueError
        If A is no finite real matrix, or is zero; if p < 1, ``tolerance`` <= 0, or ``max_iterations`` < 1.
    RuntimeError
        If the iteration did not converge. The larger p, the more steps it takes: some 2,000 for p = 150.

    Notes
    -----
    The number of steps depends on p and the tolerance, not on n and d. Time O(n d^2) a step and for the QR
    factorisation before, memory O(n d).
    """
    A = as_matrix(A, "A")
    p = as_exponent(p)
    if not as_number(tolerance, "tolerance") > 0:
        raise ValueError(f"tolerance: must be above 0, got {tolerance:g}")
    max_iterations = as_count(max_iterations, "max_iterations")
    Q = orthonormal_basis(A)
    if p == 2:
        return squared_row_norms(Q)
    used = squared_row_norms(Q) > 0
    weights = np.zeros(len(Q))
    weights[used] = fixed_point(Q[used], p, tolerance, max_iterations)
    return weights


def fixed_point(
    Q: NDArray[np.float64], p: float, tolerance: float, max_iterations: int
) -> NDArray[np.float64]:
    """Lewis weights (n,) of an orthonormal Q (n, r) without zero rows."""
    weights = np.full(len(Q), Q.shape[1] / len(Q))
    for _ in range(max_iterations):
        following = lewis_step(weights, quadratic_forms(Q, weights, p), p)
        change = np.max(abs(following / weights - 1))
        weights = following
        if change <= tolerance:
            return weights
    raise RuntimeError(
        f"Lewis weights for p = {p:g} changed by {change:.1e} in iteration {max_iterations}, "
        f"more than the tolerance {tolerance:g}: allow more iterations"
    )
