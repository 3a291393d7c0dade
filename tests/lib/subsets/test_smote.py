"""SMOTE: where new points lie, how many each base gives, the neighbours, and the law of a new point.

Seeds are fixed. A right program would fail any one of the random tests with probability 1e-6 over seeds.
"""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import linprog
from scipy.stats import kstest, norm

from samplebook.core.statistics import goodness_of_fit
from samplebook.subsets.smote import (
    VARIANTS,
    count_of_amount,
    draw_partners,
    even_bases,
    interpolate,
    minority_neighbours,
    sample_smote,
    synthetic_moments,
)

FAST = settings(derandomize=True, deadline=None, max_examples=60, database=None)
FALSE_ALARM = 1e-6
FIVE = np.array([[0.0, 0], [1, 0], [0, 2], [4, 1], [3, 3]])


def random_points(seed, m, d):
    return np.random.default_rng(seed).standard_normal((m, d))


def everyone_else(m):
    return np.array([[j for j in range(m) if j != i] for i in range(m)])


# Neighbours


def nearest_by_sorting(points, k):
    """The oracle: all distances, each point's own place at infinity."""
    gaps = ((points[:, None] - points) ** 2).sum(axis=2)
    np.fill_diagonal(gaps, np.inf)
    return np.argsort(gaps, axis=1, kind="stable")[:, :k]


@pytest.mark.parametrize(("m", "d", "k"), [(40, 2, 1), (40, 3, 5), (60, 30, 7)])
def test_neighbours_are_the_nearest_in_order(m, d, k):
    points = random_points(m + d, m, d)
    np.testing.assert_array_equal(
        minority_neighbours(points, k), nearest_by_sorting(points, k)
    )


@pytest.mark.parametrize("offset", [0.0, 1e9])
def test_neighbours_do_not_depend_on_where_the_origin_is(offset):
    """Distances of 30 features by |x|^2 - 2 x'y + |y|^2 have no right digit at 1e9."""
    steps = np.random.default_rng(0).integers(-50, 50, size=(40, 30)).astype(float)
    found = minority_neighbours(steps + offset, 4)
    gaps = ((steps[:, None] - steps) ** 2).sum(axis=2)
    np.fill_diagonal(gaps, np.inf)
    np.testing.assert_array_equal(
        np.take_along_axis(gaps, found, axis=1), np.sort(gaps, axis=1)[:, :4]
    )


@FAST
@given(
    arrays(np.int64, st.tuples(st.integers(2, 12), st.integers(1, 3)),
           elements=st.integers(0, 2)),
    st.integers(1, 11),
)  # fmt: skip
def test_no_point_is_its_own_neighbour_even_among_twins(points, k):
    k = min(k, len(points) - 1)
    found = minority_neighbours(points, k)
    assert (found != np.arange(len(points))[:, None]).all()
    assert all(len(set(row)) == k for row in found.tolist())
    gaps = ((points[:, None] - points) ** 2).sum(axis=2).astype(float)
    np.fill_diagonal(gaps, np.inf)
    np.testing.assert_array_equal(
        np.take_along_axis(gaps, found, axis=1), np.sort(gaps, axis=1)[:, :k]
    )


# How many, and from where


def test_amounts_by_hand():
    assert count_of_amount(30, 100) == 30
    assert count_of_amount(30, 400) == 120
    assert count_of_amount(30, 50) == 15
    assert count_of_amount(31, 50) == 15
    assert count_of_amount(7, 99.9) == 6


@pytest.mark.parametrize("amount", [0, -100, 150, 250, np.nan, np.inf, True, "100"])
def test_other_amounts_are_refused(amount):
    with pytest.raises(ValueError, match="amount"):
        count_of_amount(30, amount)


def test_an_amount_below_one_point_is_refused():
    with pytest.raises(ValueError, match="less than one"):
        count_of_amount(9, 10)


@FAST
@given(st.integers(1, 20), st.integers(1, 100), st.integers(0, 5))
def test_bases_are_even(m, count, seed):
    bases = even_bases(m, count, rng=np.random.default_rng(seed))
    assert bases.shape == (count,)
    assert (np.diff(bases) >= 0).all()
    times = np.bincount(bases, minlength=m)
    assert len(times) == m
    assert set(times.tolist()) <= {count // m, count // m + 1}


def test_the_rest_goes_to_a_uniform_subset():
    """Five points and 7 new ones: each of the ten pairs of points gets the second turn equally often."""
    rng = np.random.default_rng(1)
    pairs = list(itertools.combinations(range(5), 2))
    seen = [0] * 10
    for _ in range(4_000):
        times = np.bincount(even_bases(5, 7, rng=rng), minlength=5)
        seen[pairs.index(tuple(np.flatnonzero(times == 2).tolist()))] += 1
    assert goodness_of_fit(seen, np.full(10, 0.1)) > FALSE_ALARM


def test_each_point_gives_as_many_as_the_paper_says():
    new = sample_smote(FIVE, 15, num_neighbours=2, rng=np.random.default_rng(0))
    assert np.bincount(new.bases).tolist() == [3, 3, 3, 3, 3]


# Where new points lie


def test_interpolation_by_hand():
    bases, partners = np.array([0, 3]), np.array([2, 4])
    on_lines = interpolate(FIVE, bases, partners, np.array([[0.25], [0.5]]))
    np.testing.assert_array_equal(on_lines, [[0, 0.5], [3.5, 2]])
    in_boxes = interpolate(FIVE, bases, partners, np.array([[0.1, 0.25], [1, 0.5]]))
    np.testing.assert_array_equal(in_boxes, [[0, 0.5], [3, 2]])


@pytest.mark.parametrize("variant", VARIANTS)
@FAST
@given(
    arrays(np.float64, st.tuples(st.integers(2, 9), st.integers(1, 4)),
           elements=st.floats(-1e6, 1e6)),
    st.integers(1, 40),
    st.integers(0, 9),
)  # fmt: skip
def test_new_points_lie_between_their_parents(variant, points, count, seed):
    k = min(3, len(points) - 1)
    rng = np.random.default_rng(seed)
    new = sample_smote(points, count, num_neighbours=k, variant=variant, rng=rng)
    first, second = points[new.bases], points[new.partners]
    scale = 1e-12 * (1 + abs(points).max())
    assert (new.points >= np.minimum(first, second) - scale).all()
    assert (new.points <= np.maximum(first, second) + scale).all()
    assert new.fractions.shape == (count, points.shape[1] if variant == "box" else 1)
    assert ((new.fractions >= 0) & (new.fractions < 1)).all()
    same = first == second
    assert (new.points[same] == first[same]).all()
    lists = minority_neighbours(points, k)
    assert (lists[new.bases] == new.partners[:, None]).any(axis=1).all()


def test_points_of_a_line_are_on_it():
    points = random_points(3, 20, 6)
    new = sample_smote(points, 400, rng=np.random.default_rng(4))
    along = points[new.partners] - points[new.bases]
    way = new.points - points[new.bases]
    share = (way * along).sum(axis=1) / (along**2).sum(axis=1)
    np.testing.assert_allclose(share, new.fractions[:, 0], atol=1e-12)
    assert abs(way - share[:, None] * along).max() < 1e-12


def in_hull(points, target):
    """Whether the target is a mean of points with weights: a linear program decides."""
    equations = np.vstack([points.T, np.ones(len(points))])
    return linprog(
        np.zeros(len(points)), A_eq=equations, b_eq=np.append(target, 1)
    ).success


def test_only_the_line_variant_stays_in_the_convex_hull():
    triangle = np.array([[0.0, 0], [1, 1], [2, 0.5]])
    rng = np.random.default_rng(5)
    inside = {
        variant: [
            in_hull(triangle, point)
            for point in sample_smote(
                triangle, 30, num_neighbours=2, variant=variant, rng=rng
            ).points
        ]
        for variant in VARIANTS
    }
    assert all(inside["line"])
    assert not all(inside["box"])


# The law of a new point


def test_partners_are_uniform_among_the_neighbours():
    lists = np.array([[1, 2], [0, 2], [3, 0], [1, 2]])
    bases = np.repeat(np.arange(4), 5_000)
    partners = draw_partners(lists, bases, rng=np.random.default_rng(6))
    seen = np.zeros((4, 4), dtype=int)
    np.add.at(seen, (bases, partners), 1)
    law = np.zeros((4, 4))
    np.put_along_axis(law, lists, 1 / 8, axis=1)
    assert goodness_of_fit(seen.ravel(), law.ravel()) > FALSE_ALARM


@pytest.mark.parametrize("variant", VARIANTS)
def test_fractions_are_uniform_and_independent(variant):
    rng = np.random.default_rng(7)
    new = sample_smote(FIVE, 20_000, num_neighbours=3, variant=variant, rng=rng)
    for column in new.fractions.T:
        assert kstest(column, "uniform").pvalue > FALSE_ALARM
    if variant == "box":
        cells = np.floor(4 * new.fractions).astype(int) @ [1, 4]
        counts = np.bincount(cells, minlength=16)
        assert goodness_of_fit(counts, np.full(16, 1 / 16)) > FALSE_ALARM


def moments_by_quadrature(points, lists, variant):
    """The oracle: the two moments of every pair, with u at the nodes of a rule that is exact for squares."""
    nodes, weights = np.polynomial.legendre.leggauss(3)
    nodes, weights = (nodes + 1) / 2, weights / 2
    d = points.shape[1]
    grids = [(u,) * d for u in nodes], weights
    if variant == "box":
        grids = (
            list(itertools.product(nodes, repeat=d)),
            [np.prod(w) for w in itertools.product(weights, repeat=d)],
        )
    mean, second, pairs = np.zeros(d), np.zeros((d, d)), lists.size
    for i, row in enumerate(lists):
        for j in row:
            for u, weight in zip(*grids, strict=True):
                x = points[i] + np.array(u) * (points[j] - points[i])
                mean += weight * x / pairs
                second += weight * np.outer(x, x) / pairs
    return mean, second - np.outer(mean, mean)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("k", [1, 2, 5])
def test_moments_agree_with_quadrature_over_all_pairs(variant, k):
    points = random_points(8, 6, 3) + 5
    lists = minority_neighbours(points, k)
    found = synthetic_moments(points, lists, variant=variant)
    for ours, oracle in zip(
        found, moments_by_quadrature(points, lists, variant), strict=True
    ):
        np.testing.assert_allclose(ours, oracle, atol=1e-12)


@pytest.mark.parametrize("m", [2, 3, 10, 400])
def test_with_all_others_as_neighbours_covariances_shrink_by_known_factors(m):
    """Exactly 2/3 - 1/(3(m-1)) on the line, and off the diagonal of the box 1/2 - 1/(2(m-1))."""
    points = random_points(m, m, 4) @ random_points(1, 4, 4)
    covariance = np.cov(points.T, ddof=0)
    line = 2 / 3 - 1 / (3 * (m - 1))
    box = np.where(np.eye(4, dtype=bool), line, 1 / 2 - 1 / (2 * (m - 1)))
    for variant, factor in (("line", line), ("box", box)):
        mean, found = synthetic_moments(points, everyone_else(m), variant=variant)
        np.testing.assert_allclose(mean, points.mean(axis=0), atol=1e-12)
        np.testing.assert_allclose(found, factor * covariance, atol=1e-11)


@pytest.mark.parametrize("variant", VARIANTS)
def test_draws_have_these_moments(variant):
    """Draws are spread evenly over the bases, which can only lower the variance of a mean."""
    points, n = random_points(9, 12, 3), 48_000
    mean, covariance = synthetic_moments(
        points, minority_neighbours(points, 4), variant=variant
    )
    rng = np.random.default_rng(10)
    new = sample_smote(points, n, num_neighbours=4, variant=variant, rng=rng).points
    bound = norm.isf(FALSE_ALARM / 2 / 12)  # twelve tests at most
    z = (new.mean(axis=0) - mean) / (new.std(axis=0) / np.sqrt(n))
    assert abs(z).max() < bound
    products = (new - mean)[:, :, None] * (new - mean)[:, None, :]
    z = (products.mean(axis=0) - covariance) / (products.std(axis=0) / np.sqrt(n))
    assert abs(z).max() < bound


def test_the_same_seed_gives_the_same_points():
    draws = [sample_smote(FIVE, 9, num_neighbours=2, rng=np.random.default_rng(11))
             for _ in range(2)]  # fmt: skip
    np.testing.assert_array_equal(draws[0].points, draws[1].points)


# Bad input


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"points": [[0.0, 1.0]]}, "points: one point has no neighbour"),
        ({"points": [0.0, 1.0]}, "points: must be a matrix"),
        ({"points": [[0.0], [np.nan]]}, "points: has nan"),
        ({"points": [["a"], ["b"]]}, "points: must be real numbers"),
        ({"count": 0}, "count: must be at least 1"),
        ({"count": 2.5}, "count: must be an integer"),
        ({"num_neighbours": 0}, "num_neighbours: must be at least 1"),
        ({"num_neighbours": 5}, "num_neighbours: must be below the number of points"),
        ({"variant": "arc"}, "variant: must be one of 'line', 'box'"),
        ({"rng": 0}, "rng: must be a numpy.random.Generator"),
    ],
)
def test_bad_input(change, message):
    arguments = {
        "points": FIVE,
        "count": 5,
        "num_neighbours": 2,
        "rng": np.random.default_rng(0),
    }
    with pytest.raises(ValueError, match=message):
        sample_smote(**arguments | change)


@pytest.mark.parametrize(
    ("lists", "message"),
    [
        ([[1], [0]], r"neighbours: must have shape \(5, k\)"),
        ([[1], [0], [5], [0], [0]], "neighbours: has 5"),
        ([[1.5], [0], [1], [0], [0]], "neighbours: must be integers"),
    ],
)
def test_bad_neighbours(lists, message):
    with pytest.raises(ValueError, match=message):
        synthetic_moments(FIVE, lists)
