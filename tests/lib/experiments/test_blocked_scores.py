"""The scores of blocks of rows are the library's."""

import numpy as np
import pytest
import torch
from small_tall_matrix import small_tall_matrix

from samplebook import subsets
from samplebook.experiments.blocked_scores import (
    NotConvergedError,
    exact_leverage_scores,
    lewis_weights,
    orthonormal_basis,
    orthonormalised,
    sensitivity_bounds,
    squared_norms,
)

BLOCK = 170


@pytest.fixture(scope="module")
def rows():
    return small_tall_matrix(600)


@pytest.fixture(scope="module")
def matrix(rows):
    return rows.double().numpy()


def test_leverage_scores_are_the_librarys(rows, matrix):
    scores = exact_leverage_scores(rows, BLOCK).numpy()
    np.testing.assert_allclose(scores, subsets.leverage_scores(matrix), rtol=1e-9)


@pytest.mark.parametrize("p", [1.0, 1.5, 2.0, 3.0, 4.0, 6.0])
def test_lewis_weights_are_the_librarys(rows, matrix, p):
    found = lewis_weights(rows, p, BLOCK, tolerance=1e-10)
    expected = subsets.lewis_weights(matrix, p, tolerance=1e-10)
    np.testing.assert_allclose(found.weights.numpy(), expected, rtol=1e-8)
    B = found.weights[:, None] ** (0.5 - 1 / p) * (rows.double() @ found.basis)
    torch.testing.assert_close(B.T @ B, torch.eye(5).double(), rtol=0, atol=1e-12)


def test_an_iteration_that_does_not_converge_says_so(rows):
    with pytest.raises(NotConvergedError, match="p = 4: a weight still changes"):
        lewis_weights(rows, 4.0, BLOCK, tolerance=1e-10, max_iterations=3)


@pytest.mark.parametrize("p", [1.0, 1.5, 3.0, 4.0])
def test_bounds_hold_for_any_weights(rows, matrix, p):
    exact = subsets.lp_sensitivities(matrix, p, rows=np.arange(0, 600, 29))
    generator = torch.Generator().manual_seed(0)
    near = lewis_weights(rows, p, BLOCK, tolerance=1e-6).weights
    far = near * torch.rand(600, generator=generator, dtype=torch.float64).exp()
    basis = orthonormal_basis(rows, BLOCK)
    for weights in (near, far):
        change = orthonormalised(rows, basis, BLOCK, weights ** (1 - 2 / p))
        forms = squared_norms(rows, change, BLOCK)
        lower, upper = sensitivity_bounds(weights, forms, p)
        assert (lower[::29].numpy() <= exact * (1 + 1e-6)).all()
        assert (upper[::29].numpy() >= exact * (1 - 1e-6)).all()


def test_bounds_are_as_far_apart_as_the_theory_says(rows):
    for p, factor in [(1.0, 5**0.5), (4.0, 5.0)]:
        lewis = lewis_weights(rows, p, BLOCK, tolerance=1e-10)
        forms = squared_norms(rows, lewis.basis, BLOCK)
        lower, upper = sensitivity_bounds(lewis.weights, forms, p)
        assert (upper / lower).max().item() <= factor * (1 + 1e-8)
        assert (upper / lower).median().item() == pytest.approx(factor)
