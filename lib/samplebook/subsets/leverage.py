"""Leverage scores: each row's largest share of ||Ax||_2^2.

    tau_i = max over x of |a_i x|^2 / ||Ax||_2^2 = a_i (A^T A)^+ a_i^T = ||q_i||_2^2,

where the columns of Q, with rows q_i, are an orthonormal basis of the column space of A. All scores of this
part depend on the column space only, so every one of them starts from Q. If A has rank r < d, the space has
dimension r, and r takes the place of d in every bound.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samplebook.core.checks import as_generator, as_matrix, as_number

RANK_TOLERANCE = 1e-12
"""Directions whose singular value is below this share of the largest one count as rounding."""


def scaled_columns(A: NDArray[np.float64]) -> NDArray[np.float64]:
    """The non-zero columns of A (n, d), each divided by its largest entry.

    Raises
    ------
    ValueError
        If A is zero: then no score is defined.
    """
    largest = np.maximum(A.max(axis=0), -A.min(axis=0))
    if not largest.any():
        raise ValueError("A: is zero, so its column space has no direction")
    return A[:, largest > 0] / largest[largest > 0]


def independent_directions(R: NDArray[np.float64]) -> NDArray[np.float64]:
    """A matrix T (d, r) with Q T an orthonormal basis of the columns of Q R, for an orthonormal Q (n, d).

    The columns of R are scaled to length 1 first, so that their units don't decide the rank r.
    """
    left, singular_values, _ = np.linalg.svd(R / np.linalg.norm(R, axis=0))
    rank = int((singular_values > RANK_TOLERANCE * singular_values[0]).sum())
    return left[:, :rank]


def orthonormal_basis(A: ArrayLike) -> NDArray[np.float64]:
    """An orthonormal basis of the column space of A, by a thin QR factorisation.

    Parameters
    ----------
    A : array-like of shape (n, d)
        Any finite real matrix but 0: of any rank, with zero rows, wide or tall.

    Returns
    -------
    float64 array of shape (n, r)
        Orthonormal columns. The rank r counts the singular values above 1e-12 times the largest one, after
        the columns of A were scaled to equal length. A zero row of A is a zero row here.

    Raises
    ------
    ValueError
        If A is no finite real matrix, is empty, or is zero.
    """
    A = as_matrix(A, "A")
    Q, R = np.linalg.qr(scaled_columns(A))
    T = independent_directions(R)
    if T.shape[1] < Q.shape[1]:
        Q = Q @ T
    Q[~A.any(axis=1)] = 0
    return Q


def leverage_scores(A: ArrayLike) -> NDArray[np.float64]:
    """Leverage scores of the rows of A, exactly.

    Parameters
    ----------
    A : array-like of shape (n, d)
        Any finite real matrix but 0; see :func:`orthonormal_basis`.

    Returns
    -------
    float64 array of shape (n,)
        In [0, 1], with sum r, the rank of A; 0 just for zero rows.

    Raises
    ------
    ValueError
        As :func:`orthonormal_basis`.
    """
    return squared_row_norms(orthonormal_basis(A))


def squared_row_norms(Q: NDArray[np.float64]) -> NDArray[np.float64]:
    """||q_i||^2 for each row of an orthonormal matrix (n, r), shape (n,): at most 1, rounding aside."""
    return np.minimum(np.einsum("ij,ij->i", Q, Q), 1.0)


def sketch_size(num_columns: int, distortion: float, failure: float) -> int:
    """Rows of a count sketch that is an embedding of distortion eps with probability 1 - delta.

    For Q (n, d) with orthonormal columns and a count sketch S of m rows, E||Q^T S^T S Q - I||_F^2 is at most
    (d^2 + d) / m. By Markov's inequality m = (d^2 + d) / (eps^2 delta) is enough.
    """
    return math.ceil((num_columns**2 + num_columns) / (distortion**2 * failure))


def count_sketch(
    A: NDArray[np.float64], size: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """The sums (size, d) of the rows of A (n, d), with random signs, over ``size`` random buckets."""
    from scipy.sparse import csc_array

    signs = 2.0 * rng.integers(2, size=len(A)) - 1
    buckets = rng.integers(size, size=len(A))
    S = csc_array((signs, buckets, np.arange(len(A) + 1)), shape=(size, len(A)))
    return S @ A


def sketched_leverage_scores(
    A: ArrayLike,
    *,
    rng: np.random.Generator,
    distortion: float = 0.5,
    failure: float = 0.01,
) -> NDArray[np.float64]:
    """Leverage scores of a tall matrix up to a factor, from the QR factorisation of a sketch of it.

    A count sketch S adds up the rows of A, with random signs, in m random buckets. With probability 1 -
    delta, ||SAx||^2 lies within (1 +- eps) ||Ax||^2 for all x. Then so does its inverse, and

        tau_i / (1 + eps) <= a_i (A^T S^T S A)^+ a_i^T <= tau_i / (1 - eps)     for every row i.

    Parameters
    ----------
    A : array-like of shape (n, d)
        As for :func:`leverage_scores`. The sketch pays off where n is far above its size m = (d^2 + d) /
        (eps^2 delta); for n <= m the scores are computed exactly.
    rng : numpy.random.Generator
        Draws buckets and signs.
    distortion : float
        eps, in (0, 1).
    failure : float
        delta, in (0, 1): the probability that the bounds fail for some row.

    Returns
    -------
    float64 array of shape (n,)
        Approximate scores; 0 for zero rows. They may exceed 1.

    Raises
    ------
    ValueError
        As :func:`leverage_scores`, or if ``distortion`` or ``failure`` is not in (0, 1), or ``rng`` is none.
    """
    A = as_matrix(A, "A")
    rng = as_generator(rng)
    for value, name in ((distortion, "distortion"), (failure, "failure")):
        if not 0 < as_number(value, name) < 1:
            raise ValueError(f"{name}: must be strictly between 0 and 1, got {value:g}")
    scaled = scaled_columns(A)
    size = sketch_size(scaled.shape[1], distortion, failure)
    if size >= len(A):
        return leverage_scores(A)
    sketch = count_sketch(scaled, size, rng)
    lengths = np.linalg.norm(sketch, axis=0)
    lengths[lengths == 0] = 1  # a column whose few entries cancelled is lost
    _, singular_values, right = np.linalg.svd(
        np.linalg.qr(sketch / lengths, mode="r"), full_matrices=False
    )
    kept = singular_values > RANK_TOLERANCE * singular_values[0]
    basis = scaled @ (right[kept].T / singular_values[kept] / lengths[:, None])
    return np.einsum("ij,ij->i", basis, basis)
