"""Least absolute deviations: no point costs less, and a sample costs what its distortion allows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matrices import BAD_MATRICES, random_matrix

from samplebook.subsets import (
    embedding_distortion,
    least_absolute_deviations,
    lewis_weights,
    regression_cost,
    sample_rows,
)

FAST = settings(derandomize=True, deadline=None, max_examples=40, database=None)


@FAST
@given(st.integers(0, 10**6), st.integers(1, 4))
def test_no_nearby_point_and_no_vertex_costs_less(seed, d):
    A, rng = random_matrix(seed, 20, d), np.random.default_rng(seed)
    b, weights = rng.standard_t(2, size=20), rng.random(20) + 0.1
    x = least_absolute_deviations(A, b, weights)

    def costs(points):
        return weights @ abs(A @ points.T - b[:, None])

    optimum = costs(x[None])[0]
    for reach in (1e-3, 1.0):
        nearby = x + reach * rng.standard_normal((500, d))
        assert (costs(nearby) >= optimum - 1e-9).all()
    chosen = np.array([rng.choice(20, size=d, replace=False) for _ in range(300)])
    vertices = np.linalg.solve(A[chosen], b[chosen][:, :, None])[:, :, 0]
    assert (costs(vertices) >= optimum - 1e-9).all()


def test_a_constant_is_fitted_by_the_median():
    b = np.array([3.0, -1, 10, 4, 0])
    assert least_absolute_deviations(np.ones((5, 1)), b)[0] == pytest.approx(3)
    weighted = least_absolute_deviations(np.ones((5, 1)), b, [1, 1, 9, 1, 0])
    assert weighted[0] == pytest.approx(10)


def test_an_exact_fit_is_found():
    A = random_matrix(0, 30, 3)
    b = A @ [1.0, -2.0, 0.5]
    b[[3, 17]] += 100
    np.testing.assert_allclose(least_absolute_deviations(A, b), [1, -2, 0.5], atol=1e-9)


def test_collinear_columns_and_zero_rows():
    A = random_matrix(1, 20, 2)
    A[4] = 0
    b = np.random.default_rng(0).standard_normal(20)
    doubled = np.column_stack([A, A])
    x, y = least_absolute_deviations(A, b), least_absolute_deviations(doubled, b)
    assert regression_cost(doubled, b, y, p=1) == pytest.approx(
        regression_cost(A, b, x, p=1)
    )


def test_a_sample_costs_no_more_than_its_distortion_allows():
    """At most (1 + eps) / (1 - eps) times the optimum, eps the distortion on the span of [A, b]."""
    rng = np.random.default_rng(1)
    A = random_matrix(2, 120, 2, heavy=True)
    b = A @ [1.0, 2.0] + rng.standard_t(2, size=120)
    whole = np.column_stack([A, b])
    optimum = regression_cost(A, b, least_absolute_deviations(A, b), p=1)
    tested = 0
    for _ in range(20):
        indices, weights = sample_rows(whole, lewis_weights(whole, 1), 40, p=1, rng=rng)
        distortion = embedding_distortion(whole, indices, weights, p=1)
        x = least_absolute_deviations(A[indices], b[indices], weights)
        if distortion < 1:
            tested += 1
            ratio = regression_cost(A, b, x, p=1) / optimum
            assert 1 - 1e-9 <= ratio <= (1 + distortion) / (1 - distortion) + 1e-9
    assert tested > 10


def test_cost_by_hand():
    assert regression_cost([[1.0], [2.0]], [0, 0], [3], p=1) == 9
    assert regression_cost([[1.0], [2.0]], [1, 0], [3], p=2) == 40
    assert regression_cost([[1.0], [2.0]], [1, 0], [3], p=3) == 224


@pytest.mark.parametrize("kind", sorted(BAD_MATRICES.keys() - {"zero"}))
def test_bad_matrices(kind):
    A, message = BAD_MATRICES[kind]
    with pytest.raises(ValueError, match=message):
        least_absolute_deviations(A, [0.0])
    with pytest.raises(ValueError, match=message):
        regression_cost(A, [0.0], [0.0], p=1)


@pytest.mark.parametrize(
    ("b", "weights", "message"),
    [
        ([0, 0, 0], None, "b: must have 2 entries, got 3"),
        ([0, float("nan")], None, "b: has nan"),
        ([0, 0], [1, 1, 1], "weights: must have 2 entries, got 3"),
        ([0, 0], [1, -1], "weights: has -1, must not be negative"),
        ([0, 0], [0, 0], "weights: are all 0"),
        ([0, 0], [1, float("inf")], "weights: has inf"),
    ],
)
def test_bad_targets_and_weights(b, weights, message):
    with pytest.raises(ValueError, match=message):
        least_absolute_deviations(np.eye(2), b, weights)


def test_bad_arguments_of_the_cost():
    with pytest.raises(ValueError, match="x: must have 2 entries, got 1"):
        regression_cost(np.eye(2), [0, 0], [0], p=1)
    with pytest.raises(ValueError, match="p: must be"):
        regression_cost(np.eye(2), [0, 0], [0, 0], p=0.5)


@pytest.mark.parametrize("unit", [1e-12, 1e-6, 1e9, 1e16])
def test_units_do_not_matter(unit):
    A, b = random_matrix(4, 30, 3), np.random.default_rng(4).standard_t(2, size=30)
    weights = np.random.default_rng(5).random(30)
    expected = least_absolute_deviations(A, b, weights)
    columns = least_absolute_deviations(A * [unit, 1, 1 / unit], b, weights)
    np.testing.assert_allclose(columns * [unit, 1, 1 / unit], expected, rtol=1e-8)
    values = least_absolute_deviations(A, unit * b, weights)
    np.testing.assert_allclose(values / unit, expected, rtol=1e-8)
    weighted = least_absolute_deviations(A, b, unit * weights)
    np.testing.assert_allclose(weighted, expected, rtol=1e-8)
