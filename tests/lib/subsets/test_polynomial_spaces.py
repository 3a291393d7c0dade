"""Polynomial spaces: bases orthonormal and equal to the classical ones, draws of the densities they claim.

Seeds are fixed. A right program would fail any one goodness of fit with probability 1e-6 over seeds.
"""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import eval_hermitenorm, eval_legendre

from samplebook.core.statistics import goodness_of_fit
from samplebook.subsets import (
    FiniteSpace,
    HermiteSpace,
    LegendreSpace,
    TensorSpace,
    polynomial_spaces,
    total_degree_indices,
)

FALSE_ALARM = 1e-6
SIZE = 20_000
CELLS = {LegendreSpace: np.linspace(-1, 1, 41), HermiteSpace: np.linspace(-6, 6, 41)}


def cell_masses(space, density, edges):
    """Integrals of ``density`` of phi over the cells with respect to mu; exact, it is a polynomial of x."""
    nodes, weights = np.polynomial.legendre.leggauss(40)
    half = np.diff(edges)[:, None] / 2
    x = edges[:-1, None] + half * (1 + nodes)
    normal = np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
    mu = normal if isinstance(space, HermiteSpace) else np.full_like(x, 0.5)
    masses = (half * weights * density(space.basis(x)) * mu).sum(axis=1)
    return np.append(masses, max(0.0, 1 - masses.sum()))


def p_value(points, space, density):
    edges = CELLS[type(space)]
    counts = np.histogram(points, edges)[0]
    masses = cell_masses(space, density, edges)
    return goodness_of_fit(np.append(counts, points.size - counts.sum()), masses)


def test_classical_polynomials():
    x = np.linspace(-1, 1, 7)
    for j, values in enumerate(LegendreSpace(9).basis(x).T):
        classical = math.sqrt(2 * j + 1) * eval_legendre(j, x)
        np.testing.assert_allclose(values, classical, atol=1e-12)
    for j, values in enumerate(HermiteSpace(9).basis(3 * x).T):
        classical = eval_hermitenorm(j, 3 * x) / math.sqrt(math.factorial(j))
        np.testing.assert_allclose(values, classical, atol=1e-12)


@pytest.mark.parametrize(
    "space",
    [
        LegendreSpace(1),
        LegendreSpace(12),
        LegendreSpace(300),
        HermiteSpace(12),
        TensorSpace(LegendreSpace, total_degree_indices(3, 2)),
        TensorSpace(HermiteSpace, [[0, 0], [3, 1], [0, 2]]),
        FiniteSpace(np.linalg.qr(np.random.default_rng(0).standard_normal((9, 4)))[0]),
    ],
    ids=lambda space: f"{type(space).__name__} {space.dimension}",
)
def test_orthonormal_under_the_quadrature(space):
    points, weights = space.quadrature(max(5, space.dimension))
    assert weights.sum() == pytest.approx(1, abs=1e-12)
    phi = space.basis(points)
    gram = phi.T @ (weights[:, None] * phi)
    np.testing.assert_allclose(gram, np.eye(space.dimension), atol=1e-11)


@pytest.mark.parametrize("name", ["LegendreSpace", "HermiteSpace"])
@pytest.mark.parametrize("dimension", [1, 2, 6, 15])
def test_christoffel_law(name, dimension):
    space = getattr(polynomial_spaces, name)(dimension)
    points = space.draw_christoffel(SIZE, np.random.default_rng(0))
    assert p_value(points, space, lambda phi: (phi**2).mean(axis=-1)) > FALSE_ALARM


@pytest.mark.parametrize("space", [LegendreSpace(9), HermiteSpace(9)])
def test_squared_polynomials(space):
    """Places of all degrees are drawn together, each from its own density."""
    degrees = np.arange(9 * 5_000) % 9
    points = space.draw_squared(degrees, np.random.default_rng(0))
    for degree in (0, 1, 5, 8):
        drawn = points[degrees == degree]
        p = p_value(drawn, space, lambda phi, j=degree: phi[..., j] ** 2)
        assert p > FALSE_ALARM


@pytest.mark.parametrize("space", [LegendreSpace(4), HermiteSpace(4)])
def test_reference_law(space):
    points = space.draw_reference(SIZE, np.random.default_rng(0))
    assert p_value(points, space, lambda phi: phi[..., 0] ** 2) > FALSE_ALARM


def test_christoffel_law_of_a_product():
    """Counts on a grid of 8 x 8 cells; the index set is not downward closed."""
    space = TensorSpace(LegendreSpace, [[0, 0], [3, 1], [1, 4]])
    points = space.draw_christoffel(SIZE, np.random.default_rng(0))
    edges = np.linspace(-1, 1, 9)
    masses = [
        cell_masses(space.factor, lambda phi, j=j: phi[..., j] ** 2, edges)[:-1]
        for j in range(5)
    ]
    law = sum(np.multiply.outer(masses[i], masses[j]) for i, j in space.indices) / 3
    counts = np.histogram2d(*points.T, bins=(edges, edges))[0].astype(int)
    assert goodness_of_fit(counts.ravel(), law.ravel()) > FALSE_ALARM


def test_reference_law_of_a_product():
    space = TensorSpace(HermiteSpace, total_degree_indices(3, 1))
    points = space.draw_reference(SIZE, np.random.default_rng(0))
    assert points.shape == (SIZE, 3)
    factor = space.factor
    for coordinate in points.T:
        assert p_value(coordinate, factor, lambda phi: phi[..., 0] ** 2) > FALSE_ALARM


def test_finite_christoffel_law():
    Q = np.linalg.qr(np.random.default_rng(1).standard_normal((12, 3)))[0]
    space = FiniteSpace(Q)
    for draw, law in (
        (space.draw_christoffel, (Q**2).sum(axis=1) / 3),
        (space.draw_reference, np.full(12, 1 / 12)),
    ):
        counts = np.bincount(draw(SIZE, np.random.default_rng(0)), minlength=12)
        assert goodness_of_fit(counts, law) > FALSE_ALARM


def test_envelopes_hold_and_are_not_wasteful():
    """Acceptance probabilities stay below 1 on a fine grid, and keep the stated share of proposals."""
    legendre, hermite = LegendreSpace(200), HermiteSpace(200)
    x = np.cos(np.pi * (np.arange(20_000) + 0.5) / 20_000)
    ratio = np.pi / 4 * np.sqrt(1 - x**2) * (legendre.basis(x) ** 2).mean(axis=1)
    assert ratio.max() <= 1
    assert ratio.mean() == pytest.approx(1 / 2, abs=1e-3)
    t, x = 1 - 1 / 200, np.linspace(-60, 60, 20_001)
    christoffel = (hermite.functions(x) ** 2).sum(axis=1)
    ratio = christoffel * polynomial_spaces.inverse_mehler(x, t, 199)
    assert ratio.max() <= 1
    variance = (1 + t) / (1 - t)
    normal = np.exp(-(x**2) / 2 / variance) / np.sqrt(2 * np.pi * variance)
    kept = (ratio * normal).sum() * (x[1] - x[0])
    assert kept == pytest.approx(t**199, rel=1e-6)
    assert kept > 1 / math.e


def test_an_envelope_that_is_too_low_is_noticed():
    with pytest.raises(AssertionError, match="envelope is too low"):
        polynomial_spaces.draw_by_rejection(
            3, lambda places: (places, 1.5 * np.ones(len(places))), None
        )


def test_large_degrees_do_not_overflow():
    rng = np.random.default_rng(0)
    for space in (LegendreSpace(1_000), HermiteSpace(300)):
        points = space.draw_christoffel(2_000, rng)
        christoffel = (space.basis(points) ** 2).sum(axis=1)
        assert np.isfinite(christoffel).all()
        assert (christoffel > 0).all()
    semicircle_radius = 2 * math.sqrt(300)
    assert np.abs(points).max() < 1.1 * semicircle_radius
    assert np.abs(points).max() > 0.9 * semicircle_radius


@given(st.integers(1, 4), st.integers(0, 5))
def test_total_degree_indices(num_variables, degree):
    indices = total_degree_indices(num_variables, degree)
    assert len(indices) == math.comb(num_variables + degree, degree)
    assert len(np.unique(indices, axis=0)) == len(indices)
    assert (np.diff(indices.sum(axis=1)) >= 0).all()
    assert indices.sum(axis=1).max() == degree


def test_many_variables_of_low_degree():
    assert total_degree_indices(40, 2).shape == (math.comb(42, 2), 40)


def test_batches_of_points():
    rng = np.random.default_rng(0)
    space = TensorSpace(LegendreSpace, total_degree_indices(2, 2))
    points = rng.uniform(-1, 1, (4, 3, 2))
    assert space.basis(points).shape == (4, 3, 6)
    np.testing.assert_array_equal(space.basis(points)[2, 1], space.basis(points[2, 1]))
    one = LegendreSpace(3).basis(0.5)
    np.testing.assert_allclose(one, [1, math.sqrt(3) / 2, -math.sqrt(5) / 8])


BAD_CALLS = {
    "dimension: must be at least 1": lambda: LegendreSpace(0),
    "dimension: must be an integer": lambda: HermiteSpace(2.5),
    "dimension: 301 is above 300": lambda: HermiteSpace(301),
    "points: 1.5 is outside": lambda: LegendreSpace(2).basis([0.0, 1.5]),
    "points: has nan": lambda: HermiteSpace(2).basis([np.nan]),
    r"points: must have shape \(..., 2\), got \(3,\)": lambda: TensorSpace(
        LegendreSpace, [[0, 1]]
    ).basis([0.0, 0.0, 0.0]),
    "points: must be row numbers in 0..2": lambda: FiniteSpace(np.eye(3)).basis([3]),
    "points: must be row numbers": lambda: FiniteSpace(np.eye(3)).basis([0.0]),
    "factor: must be the class": lambda: TensorSpace(LegendreSpace(3), [[0]]),
    "indices: must be a matrix": lambda: TensorSpace(LegendreSpace, [0, 1]),
    "indices: must be a matrix .* >= 0": lambda: TensorSpace(LegendreSpace, [[-1]]),
    "indices: a multi-index occurs twice": lambda: TensorSpace(
        LegendreSpace, [[1, 0], [1, 0]]
    ),
    "degree: must be at least 0": lambda: total_degree_indices(2, -1),
    "num_variables: must be at least 1": lambda: total_degree_indices(0, 1),
    "num_nodes: must be at least 1": lambda: LegendreSpace(2).quadrature(0),
}


@pytest.mark.parametrize("message", BAD_CALLS)
def test_bad_input(message):
    with pytest.raises(ValueError, match=message):
        BAD_CALLS[message]()
