"""Least-p-norm regression against an independent solver, and its certificate."""

import cvxpy
import numpy as np
import pytest
import torch

from samplebook.experiments.least_p_norm import least_p_norm
from samplebook.subsets import least_absolute_deviations


def problems(batch, rows, columns, seed=0):
    """Heavy-tailed problems [F, b] (batch, rows, columns + 1)."""
    generator = torch.Generator().manual_seed(seed)
    shape = (batch, rows, columns + 1)
    normal = torch.randn(shape, generator=generator, dtype=torch.float64)
    uniform = torch.rand(shape[:2], generator=generator, dtype=torch.float64)
    return normal * (1 - uniform[..., None]) ** -0.5


def least_norm(problem, p):
    """The least norm by cvxpy."""
    F, b = problem[:, :-1].numpy(), problem[:, -1].numpy()
    x = cvxpy.Variable(F.shape[1])
    objective = cvxpy.Minimize(cvxpy.norm(b - F @ x, p))
    return cvxpy.Problem(objective).solve(solver=cvxpy.CLARABEL)


@pytest.mark.parametrize("p", [1.0, 1.2, 1.5, 2.0, 3.0, 4.0, 8.0])
def test_norms_are_the_independent_solvers(p):
    batch = problems(3, 60, 4)
    fit = least_p_norm([batch], p, tolerance=1e-6)
    expected = [least_norm(problem, p) for problem in batch]
    np.testing.assert_allclose(fit.norm.numpy(), expected, rtol=2e-6)
    assert fit.gap.max() <= 1e-6
    left = batch[..., -1] - (batch[..., :-1] @ fit.solution[..., None])[..., 0]
    torch.testing.assert_close(left.abs().pow(p).sum(1) ** (1 / p), fit.norm)


def test_absolute_deviations_are_those_of_the_linear_program():
    problem = problems(1, 200, 3, seed=1)
    F, b = problem[0, :, :-1].numpy(), problem[0, :, -1].numpy()
    x = least_absolute_deviations(F, b)
    fit = least_p_norm([problem], 1.0, tolerance=1e-7)
    assert fit.norm.item() == pytest.approx(np.abs(b - F @ x).sum(), rel=1e-7)


@pytest.mark.parametrize("p", [1.0, 1.5, 4.0])
def test_the_bound_is_below_the_optimum_at_every_step(p):
    batch = problems(4, 40, 5, seed=2)
    least = least_p_norm([batch], p, tolerance=1e-8).norm
    for steps in range(1, 8):
        fit = least_p_norm([batch], p, tolerance=0.0, max_iterations=steps)
        assert (fit.norm / (1 + fit.gap) <= least * (1 + 1e-10)).all()
        assert (fit.norm >= least * (1 - 2e-8)).all()


@pytest.mark.parametrize("p", [1.0, 4.0])
def test_blocks_batches_and_padding_change_nothing(p):
    batch = problems(3, 50, 4, seed=3)
    fit = least_p_norm([batch], p, tolerance=1e-7)
    in_blocks = least_p_norm([batch[:, :20], batch[:, 20:]], p, tolerance=1e-7)
    padded = torch.cat([batch, torch.zeros(3, 30, 5).double()], dim=1)
    for other in (in_blocks, least_p_norm([padded], p, tolerance=1e-7)):
        torch.testing.assert_close(other.norm, fit.norm, rtol=2e-7, atol=0)
    for problem, norm in zip(batch, fit.norm, strict=True):
        alone = least_p_norm([problem[None]], p, tolerance=1e-7).norm[0]
        torch.testing.assert_close(alone, norm, rtol=2e-7, atol=0)


@pytest.mark.parametrize("p", [1.0, 1.5, 4.0])
def test_a_ridge_solves_problems_without_full_rank(p):
    batch = problems(2, 50, 4, seed=4)
    batch[0, :, 0] = 0
    ridge = torch.tensor([1e-9, 0.0]).double()
    fit = least_p_norm([batch], p, tolerance=1e-5, ridge=ridge)
    expected = [least_norm(problem, p) for problem in batch]
    np.testing.assert_allclose(fit.norm.numpy(), expected, rtol=1e-4)
    assert fit.solution[0, 0] == 0
