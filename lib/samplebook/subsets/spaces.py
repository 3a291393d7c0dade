"""What the point samplers ask of an approximation space, and the space of functions on finitely many rows.

A space V has an orthonormal basis phi = (phi_1, .., phi_m) in L2(mu), for a probability measure mu. Its
kernel is K(x, y) = phi(x)' phi(y). The Christoffel density is k(x) / m with k(x) = K(x, x) = |phi(x)|^2, with
respect to mu: where it is large, a function of the space can be large.
"""

from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samplebook.core.arrays import to_numpy
from samplebook.core.checks import as_array, as_matrix, is_integer
from samplebook.core.drawing import inverse_cdf

Points = NDArray[Any]
"""Points of a domain: numbers (..., n), vectors (..., n, d), or row numbers (..., n)."""
ORTHONORMAL_TOLERANCE = 1e-8
"""Largest entry of Q'Q - I that still counts as rounding."""


class Space(Protocol):
    """An m-dimensional space of functions with an orthonormal basis phi in L2(mu)."""

    @property
    def dimension(self) -> int:
        """The dimension m."""

    def basis(self, points: ArrayLike) -> NDArray[np.float64]:
        """phi(x), shape (..., m), at points x."""

    def draw_christoffel(self, size: int, rng: np.random.Generator) -> Points:
        """``size`` independent points of density k / m with respect to mu."""

    def draw_reference(self, size: int, rng: np.random.Generator) -> Points:
        """``size`` independent points of law mu."""

    def quadrature(self, num_nodes: int) -> tuple[Points, NDArray[np.float64]]:
        """Nodes and weights of a rule for integrals with respect to mu; the weights sum to 1."""


def squared_norms(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """|v|^2, shape (...,), of vectors v (..., m); k(x) for v = phi(x)."""
    norms: NDArray[np.float64] = np.einsum("...j,...j->...", vectors, vectors)
    return norms


def as_orthonormal(Q: ArrayLike, name: str) -> NDArray[np.float64]:
    """``Q`` as a float64 matrix (N, r), N >= r, with orthonormal columns.

    Raises
    ------
    ValueError
        If it is no finite real matrix, if it is wide, or if an entry of Q'Q - I exceeds 1e-8.
    """
    matrix = as_matrix(Q, name)
    rows, columns = matrix.shape
    if columns > rows:
        raise ValueError(
            f"{name}: has {columns} columns but only {rows} rows, so they can't be orthonormal"
        )
    deviation = np.abs(matrix.T @ matrix - np.eye(columns)).max()
    if deviation > ORTHONORMAL_TOLERANCE:
        raise ValueError(
            f"{name}: columns must be orthonormal, but Q'Q differs from I by {deviation:.2g}; "
            "take Q from numpy.linalg.qr, in float64"
        )
    return matrix


class FiniteSpace:
    """The column space of an orthonormal matrix Q (N, r), as functions of the row number.

    mu is uniform on the rows 0, .., N - 1 and phi(i) = sqrt(N) q_i, where q_i is row i of Q. The Christoffel
    law |q_i|^2 / r is that of leverage scores.

    Parameters
    ----------
    Q : array-like of shape (N, r)
        With orthonormal columns, N >= r.

    Raises
    ------
    ValueError
        If Q is no finite real matrix, is wide, or if an entry of Q'Q - I exceeds 1e-8.
    """

    def __init__(self, Q: ArrayLike):
        self.Q = as_orthonormal(Q, "Q")
        self.size, self.dimension = self.Q.shape
        self.leverage_scores = squared_norms(self.Q)

    def basis(self, points: ArrayLike) -> NDArray[np.float64]:
        """sqrt(N) q_i, shape (..., r), at row numbers i (...,).

        Raises
        ------
        ValueError
            If a row number is not an integer in 0, .., N - 1.
        """
        rows = to_numpy(as_array(points, "points"))
        if not is_integer(rows) or rows.min() < 0 or rows.max() >= self.size:
            raise ValueError(f"points: must be row numbers in 0..{self.size - 1}")
        return np.sqrt(self.size) * self.Q[rows]

    def draw_christoffel(
        self, size: int, rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """``size`` independent rows (size,), row i with probability |q_i|^2 / r."""
        return np.asarray(inverse_cdf(self.leverage_scores, rng.random(size)))

    def draw_reference(self, size: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """``size`` independent uniform rows (size,)."""
        return rng.integers(self.size, size=size)

    def quadrature(
        self, num_nodes: int | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """All rows, each of weight 1 / N; the number of nodes is N, whatever is asked for."""
        return np.arange(self.size), np.full(self.size, 1 / self.size)
