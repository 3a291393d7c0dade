"""Weighted least squares against NumPy's solver, Gram matrices against their definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samplebook.subsets import (
    gram_deviation,
    gram_matrix,
    stability_constant,
    weighted_least_squares,
)


def problem(num_points, dimension, seed, *batch):
    rng = np.random.default_rng(seed)
    basis = rng.standard_normal((*batch, num_points, dimension))
    values = rng.standard_normal((*batch, num_points))
    return basis, values, rng.uniform(0.1, 3, (*batch, num_points))


SIZES = {
    "dimension": st.integers(1, 6),
    "extra": st.integers(0, 8),
    "seed": st.integers(0, 2**32 - 1),
}


@given(**SIZES)
def test_agrees_with_numpy(dimension, extra, seed):
    basis, values, weights = problem(dimension + extra, dimension, seed)
    root = np.sqrt(weights)
    condition = np.linalg.cond(root[:, None] * basis)
    expected = np.linalg.lstsq(root[:, None] * basis, root * values)[0]
    fit = weighted_least_squares(basis, values, weights)
    scale = np.abs(expected).max() + np.abs(values).max()
    np.testing.assert_allclose(fit, expected, rtol=0, atol=1e-13 * scale * condition**2)
    plain = weighted_least_squares(basis, values)
    equal = weighted_least_squares(basis, values, np.full(len(values), 2.5))
    np.testing.assert_allclose(plain, equal, atol=1e-12 * scale * condition**2)


@given(**SIZES)
def test_batches_are_loops(dimension, extra, seed):
    basis, values, weights = problem(dimension + extra, dimension, seed, 2, 3)
    fits = weighted_least_squares(basis, values, weights)
    grams = gram_matrix(basis, weights)
    constants = stability_constant(basis, weights)
    deviations = gram_deviation(grams)
    for i in np.ndindex(2, 3):
        one = weighted_least_squares(basis[i], values[i], weights[i])
        np.testing.assert_allclose(fits[i], one, rtol=1e-9)
        np.testing.assert_allclose(grams[i], gram_matrix(basis[i], weights[i]))
        constant = stability_constant(basis[i], weights[i])
        assert constants[i] == pytest.approx(constant, rel=1e-6)
        assert deviations[i] == pytest.approx(gram_deviation(grams[i]), rel=1e-12)


def test_gram_matrix_by_its_definition():
    basis, _, weights = problem(7, 3, 0)
    gram = sum(w * np.outer(b, b) for w, b in zip(weights, basis, strict=True)) / 7
    np.testing.assert_allclose(gram_matrix(basis, weights), gram, atol=1e-13)
    eigenvalues = np.linalg.eigvalsh(gram)
    constant = stability_constant(basis, weights)
    assert constant == pytest.approx(1 / eigenvalues[0], rel=1e-10)
    deviation = np.linalg.norm(gram - np.eye(3), 2)
    assert gram_deviation(gram) == pytest.approx(deviation, rel=1e-12)


def test_a_function_of_the_space_is_found_exactly():
    basis, _, weights = problem(9, 4, 1)
    coefficients = np.array([1.0, -2.0, 0.5, 3.0])
    fit = weighted_least_squares(basis, basis @ coefficients, weights)
    np.testing.assert_allclose(fit, coefficients, rtol=1e-12)


def test_weights_do_not_matter_for_interpolation():
    basis, values, weights = problem(5, 5, 2)
    np.testing.assert_allclose(
        weighted_least_squares(basis, values, weights),
        np.linalg.solve(basis, values),
        rtol=1e-9,
    )


def test_the_error_bound():
    """|P f - f^|^2 <= lambda_min(G)^-1 |g|_n^2, in coordinates: f is the residual g plus anything."""
    basis, values, weights = problem(12, 4, 3)
    fit = weighted_least_squares(basis, values, weights)
    bound = stability_constant(basis, weights) * (weights * values**2).mean()
    assert fit @ fit <= bound


def test_too_few_points_are_never_stable():
    basis, _, weights = problem(2, 4, 0)
    assert stability_constant(basis, weights) == np.inf
    assert stability_constant(np.ones((5, 2)), np.ones(5)) == np.inf


ONES = np.ones(3)
BASIS = np.eye(3)[:, :2]
BAD_CALLS = {
    "basis: 1 points are too few for 2 coefficients": lambda: weighted_least_squares(
        [[1.0, 2.0]], [1.0]
    ),
    "basis: has nan": lambda: weighted_least_squares(np.nan * BASIS, ONES),
    r"basis: must have shape \(..., n, m\)": lambda: gram_matrix(ONES, ONES),
    "basis: its columns are dependent": lambda: weighted_least_squares(
        np.ones((3, 2)), ONES
    ),
    "values: has inf": lambda: weighted_least_squares(BASIS, [1.0, np.inf, 0.0]),
    r"values: must have shape \(3,\)": lambda: weighted_least_squares(BASIS, [1.0]),
    "values: must be real numbers": lambda: weighted_least_squares(BASIS, 1j * ONES),
    "weights: must be positive, has -1": lambda: gram_matrix(BASIS, -ONES),
    "weights: must be positive, has 0": lambda: weighted_least_squares(
        BASIS, ONES, 0 * ONES
    ),
    "weights: has nan": lambda: stability_constant(BASIS, np.nan * ONES),
    r"weights: must have shape \(3,\)": lambda: gram_matrix(BASIS, [1.0]),
    r"gram: must have shape \(..., m, m\)": lambda: gram_deviation(BASIS),
}


@pytest.mark.parametrize("message", BAD_CALLS)
def test_bad_input(message):
    with pytest.raises(ValueError, match=message):
        BAD_CALLS[message]()


def test_units_of_the_basis_do_not_matter():
    basis, values, _ = problem(9, 4, 3)
    units = np.array([1e-10, 1.0, 1e10, 1e-3])
    expected = weighted_least_squares(basis, values)
    found = weighted_least_squares(basis * units, values) * units
    np.testing.assert_allclose(found, expected, rtol=1e-10)
    with pytest.raises(ValueError, match="basis: its columns are dependent"):
        weighted_least_squares(basis[:, [0, 1, 2, 0]] * units, values)
