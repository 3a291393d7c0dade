"""Spaces of polynomials, orthonormal for the uniform law on [-1, 1] or the standard normal law.

The bases follow the normalised three-term recurrence x phi_j = b_{j+1} phi_{j+1} + b_j phi_{j-1}, which does
not overflow where phi itself is representable. Christoffel draws are exact, by rejection:

- Legendre: sqrt(1 - x^2) phi_j(x)^2 <= 4 / pi (Bernstein). So the arcsine law dominates, and one of two
  proposals is kept.
- Hermite: sum_j t^j phi_j(x)^2 = (1 - t^2)^{-1/2} exp(x^2 t / (1 + t)) for 0 <= t < 1 (Mehler). So the normal
  law of variance (1 + t) / (1 - t) dominates phi_j^2 mu, with the constant t^{-j} / (1 - t), smallest at
  t = j / (j + 1). It dominates k mu / m, with the constant t^{1-m} / (m (1 - t)), smallest at t = 1 - 1/m:
  (1 - 1/m)^{1-m} < e, so more than one of three proposals is kept for every m.
- Products: draw a multi-index uniformly, then each coordinate from its own phi_j^2 mu.
"""

from collections.abc import Callable
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samplebook.core.arrays import to_numpy
from samplebook.core.checks import as_array, as_count, as_finite, is_integer
from samplebook.subsets.spaces import squared_norms

Numbers = NDArray[np.float64]
FEWEST_PROPOSALS = 1_000
"""Proposals made at once, at least: fewer cost nearly as much."""
RATIO_ROUNDING = 1e-9
"""By how much rounding may push an acceptance probability above 1."""


def orthonormal_polynomials(
    x: Numbers, offdiagonal: Numbers, first: Numbers
) -> Numbers:
    """phi_0, .., phi_{m-1} at x, shape (..., m), of a measure that is even.

    x phi_j = b_{j+1} phi_{j+1} + b_j phi_{j-1}, from phi_0 = ``first`` (...,); a common factor of all phi_j
    goes into ``first``. ``offdiagonal`` is b_1, .., b_{m-1}.
    """
    values = np.empty((len(offdiagonal) + 1, *x.shape))
    values[0] = first
    previous = np.zeros_like(x)
    for j, b in enumerate(offdiagonal):
        values[j + 1] = (x * values[j] - previous) / b
        previous = b * values[j]
    return np.moveaxis(values, 0, -1)


def draw_by_rejection(
    size: int,
    propose: Callable[[NDArray[np.int64]], tuple[Numbers, Numbers]],
    rng: np.random.Generator,
) -> Numbers:
    """An accepted proposal (size,) for each of ``size`` places.

    ``propose`` gives a number and its acceptance probability for each place that it is called with. Where few
    places wait, each gets several proposals at once; whichever accepted one is taken has the right law.
    """
    accepted = np.empty(size)
    waits = np.ones(size, dtype=bool)
    while waits.any():
        waiting = np.flatnonzero(waits)
        places = np.repeat(waiting, max(1, FEWEST_PROPOSALS // waiting.size))
        proposals, probability = propose(places)
        assert (probability <= 1 + RATIO_ROUNDING).all(), "the envelope is too low"
        kept = rng.random(places.size) < probability
        accepted[places[kept]] = proposals[kept]
        waits[places[kept]] = False
    return accepted


class LegendreSpace:
    """Polynomials of degree < m on [-1, 1], with mu uniform: phi_j = sqrt(2j + 1) P_j.

    Points have shape (...,).

    Parameters
    ----------
    dimension : int
        m >= 1.

    Raises
    ------
    ValueError
        If ``dimension`` is not an integer >= 1.
    """

    def __init__(self, dimension: int):
        self.dimension = as_count(dimension, "dimension")
        degree = np.arange(1, self.dimension)
        self.offdiagonal = degree / np.sqrt(4.0 * degree**2 - 1)

    def evaluate(self, x: Numbers) -> Numbers:
        """phi(x), shape (..., m), for numbers x that have been checked."""
        return orthonormal_polynomials(x, self.offdiagonal, np.ones_like(x))

    def basis(self, points: ArrayLike) -> Numbers:
        """phi(x), shape (..., m).

        Raises
        ------
        ValueError
            If a point is not a number in [-1, 1].
        """
        x = as_finite(points, "points")
        if np.abs(x).max() > 1:
            raise ValueError(f"points: {x[np.abs(x) > 1][0]:g} is outside [-1, 1]")
        return self.evaluate(x)

    def draw_christoffel(self, size: int, rng: np.random.Generator) -> Numbers:
        """``size`` independent points (size,) of density k / m, by rejection from the arcsine law."""

        def propose(places: NDArray[np.int64]) -> tuple[Numbers, Numbers]:
            x = np.cos(np.pi * rng.random(places.size))
            density = squared_norms(self.evaluate(x)) / self.dimension
            return x, np.pi / 4 * np.sqrt(1 - x**2) * density

        return draw_by_rejection(size, propose, rng)

    def draw_squared(
        self, degrees: NDArray[np.int64], rng: np.random.Generator
    ) -> Numbers:
        """Independent points (n,) of densities phi_j^2, for degrees j (n,) below m."""

        def propose(places: NDArray[np.int64]) -> tuple[Numbers, Numbers]:
            x = np.cos(np.pi * rng.random(places.size))
            phi = take_degree(self.evaluate(x), degrees[places])
            return x, np.pi / 4 * np.sqrt(1 - x**2) * phi**2

        return draw_by_rejection(degrees.size, propose, rng)

    def draw_reference(self, size: int, rng: np.random.Generator) -> Numbers:
        """``size`` independent uniform points (size,)."""
        return rng.uniform(-1, 1, size)

    def quadrature(self, num_nodes: int) -> tuple[Numbers, Numbers]:
        """Gauss-Legendre nodes and weights, exact for polynomials of degree < 2 ``num_nodes``."""
        from scipy.special import roots_legendre

        nodes, weights = roots_legendre(as_count(num_nodes, "num_nodes"))
        return nodes, weights / 2


LARGEST_HERMITE_DIMENSION = 300
"""Up to here |phi(x)|^2 is representable wherever the Christoffel law puts its points."""


class HermiteSpace:
    """Polynomials of degree < m on the line, with mu standard normal: phi_j = He_j / sqrt(j!).

    Points have shape (...,).

    Parameters
    ----------
    dimension : int
        m, from 1 to 300.

    Raises
    ------
    ValueError
        If ``dimension`` is not an integer from 1 to 300: beyond, |phi(x)|^2 overflows where points fall.
    """

    def __init__(self, dimension: int):
        self.dimension = as_count(dimension, "dimension")
        if self.dimension > LARGEST_HERMITE_DIMENSION:
            raise ValueError(
                f"dimension: {dimension} is above {LARGEST_HERMITE_DIMENSION}, where |phi|^2 overflows"
            )
        self.offdiagonal = np.sqrt(np.arange(1.0, self.dimension))

    def basis(self, points: ArrayLike) -> Numbers:
        """phi(x), shape (..., m).

        Raises
        ------
        ValueError
            If a point is not a finite number.
        """
        x = as_finite(points, "points")
        return orthonormal_polynomials(x, self.offdiagonal, np.ones_like(x))

    def functions(self, x: Numbers) -> Numbers:
        """phi(x) exp(-x^2 / 4), shape (..., m): it does not overflow for large x."""
        return orthonormal_polynomials(x, self.offdiagonal, np.exp(-(x**2) / 4))

    def draw_christoffel(self, size: int, rng: np.random.Generator) -> Numbers:
        """``size`` independent points (size,) of density k / m, by rejection from a normal law."""
        t = 1 - 1 / self.dimension

        def propose(places: NDArray[np.int64]) -> tuple[Numbers, Numbers]:
            x = draw_mehler_normal(np.full(places.size, t), rng)
            christoffel = squared_norms(self.functions(x))
            return x, christoffel * inverse_mehler(x, t, self.dimension - 1)

        return draw_by_rejection(size, propose, rng)

    def draw_squared(
        self, degrees: NDArray[np.int64], rng: np.random.Generator
    ) -> Numbers:
        """Independent points (n,) of densities phi_j^2, for degrees j (n,) below m."""

        def propose(places: NDArray[np.int64]) -> tuple[Numbers, Numbers]:
            degree = degrees[places]
            t = degree / (degree + 1)
            x = draw_mehler_normal(t, rng)
            square = take_degree(self.functions(x), degree) ** 2
            return x, square * inverse_mehler(x, t, degree)

        return draw_by_rejection(degrees.size, propose, rng)

    def draw_reference(self, size: int, rng: np.random.Generator) -> Numbers:
        """``size`` independent standard normal points (size,)."""
        return rng.standard_normal(size)

    def quadrature(self, num_nodes: int) -> tuple[Numbers, Numbers]:
        """Gauss-Hermite nodes and weights, exact for polynomials of degree < 2 ``num_nodes``."""
        from scipy.special import roots_hermitenorm

        nodes, weights = roots_hermitenorm(as_count(num_nodes, "num_nodes"))
        return nodes, weights / weights.sum()


def draw_mehler_normal(t: Numbers, rng: np.random.Generator) -> Numbers:
    """Normal points (n,) of mean 0 and variances (1 + t) / (1 - t)."""
    return np.sqrt((1 + t) / (1 - t)) * rng.standard_normal(t.size)


def inverse_mehler(x: Numbers, t: ArrayLike, degree: ArrayLike) -> Numbers:
    """Inverse of Mehler's bound on phi_j(x)^2 exp(-x^2 / 2), for numbers or arrays of one shape."""
    t = np.asarray(t)
    return t**degree * np.sqrt(1 - t**2) * np.exp(x**2 * (1 - t) / (2 * (1 + t)))


def take_degree(values: Numbers, degrees: NDArray[np.int64]) -> Numbers:
    """Entry ``degrees[i]`` of each row i of values (n, m)."""
    return np.asarray(values[np.arange(len(degrees)), degrees])


class TensorSpace:
    """Products of one-dimensional polynomials, phi_a(x) = prod_i phi_{a_i}(x_i), over a set of multi-indices.

    Points have shape (..., d). mu is the product of the factors' measures.

    Parameters
    ----------
    factor : ``LegendreSpace`` or ``HermiteSpace``
        The class, the same for every coordinate.
    indices : array-like of int, shape (m, d)
        The multi-indices a, one a row, such as :func:`total_degree_indices` gives.

    Raises
    ------
    ValueError
        If ``factor`` is neither class, or ``indices`` is no matrix of integers >= 0, or has a row twice.
    """

    def __init__(
        self, factor: type[LegendreSpace] | type[HermiteSpace], indices: ArrayLike
    ):
        if factor not in (LegendreSpace, HermiteSpace):
            raise ValueError(
                f"factor: must be the class LegendreSpace or HermiteSpace, got {factor!r}"
            )
        self.indices = as_multi_indices(indices)
        self.dimension, self.num_variables = self.indices.shape
        self.factor = factor(int(self.indices.max()) + 1)

    def basis(self, points: ArrayLike) -> Numbers:
        """phi(x), shape (..., m), at points x (..., d).

        Raises
        ------
        ValueError
            If the last axis has not length d, or a coordinate is outside the factor's domain.
        """
        x = as_finite(points, "points")
        if x.ndim == 0 or x.shape[-1] != self.num_variables:
            raise ValueError(
                f"points: must have shape (..., {self.num_variables}), got {x.shape}"
            )
        factors = self.factor.basis(x)
        coordinates = np.arange(self.num_variables)
        return factors[..., coordinates, self.indices].prod(axis=-1)

    def draw_christoffel(self, size: int, rng: np.random.Generator) -> Numbers:
        """``size`` independent points (size, d) of density k / m."""
        degrees = self.indices[rng.integers(self.dimension, size=size)]
        return self.factor.draw_squared(degrees.ravel(), rng).reshape(degrees.shape)

    def draw_reference(self, size: int, rng: np.random.Generator) -> Numbers:
        """``size`` independent points (size, d) of law mu."""
        coordinates = self.factor.draw_reference(size * self.num_variables, rng)
        return coordinates.reshape(size, self.num_variables)

    def quadrature(self, num_nodes: int) -> tuple[Numbers, Numbers]:
        """The product of one Gauss rule of ``num_nodes`` in each coordinate: nodes (num_nodes^d, d)."""
        nodes, weights = self.factor.quadrature(num_nodes)
        grid = np.meshgrid(*[nodes] * self.num_variables, indexing="ij")
        products = np.meshgrid(*[weights] * self.num_variables, indexing="ij")
        return np.stack(grid, axis=-1).reshape(-1, self.num_variables), np.prod(
            products, axis=0
        ).ravel()


def as_multi_indices(indices: ArrayLike) -> NDArray[np.int64]:
    """``indices`` as int64 of shape (m, d); see :class:`TensorSpace` for what raises."""
    rows = to_numpy(as_array(indices, "indices"))
    if rows.ndim != 2 or not is_integer(rows) or rows.min() < 0:
        raise ValueError("indices: must be a matrix (m, d) of integers >= 0")
    if len(np.unique(rows, axis=0)) < len(rows):
        raise ValueError("indices: a multi-index occurs twice")
    return rows.astype(np.int64)


def total_degree_indices(num_variables: int, degree: int) -> NDArray[np.int64]:
    """All multi-indices (m, d) with a_1 + .. + a_d <= ``degree``, m = binomial(d + degree, d).

    Raises
    ------
    ValueError
        If ``num_variables`` < 1 or ``degree`` < 0, or one is not an integer.
    """
    num_variables = as_count(num_variables, "num_variables")
    degree = as_count(degree, "degree", minimum=0)
    # Between d bars among d + degree places there are a_1, .., a_d free ones, and the rest after the last.
    bars = list(combinations(range(num_variables + degree), num_variables))
    indices = np.diff(np.array(bars), axis=1, prepend=-1) - 1
    return indices[np.argsort(indices.sum(axis=1), kind="stable")]
