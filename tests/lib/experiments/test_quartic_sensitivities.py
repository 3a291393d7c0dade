"""l_4 sensitivities by fourth moments against the library's, which reads all rows."""

import numpy as np
import pytest
import torch
from small_tall_matrix import small_tall_matrix

from samplebook.experiments.blocked_scores import lewis_weights
from samplebook.experiments.quartic_sensitivities import (
    as_matrices,
    best_length,
    bounds_at,
    fourth_moments,
    newton_step,
    products,
    quartic_sensitivities,
)
from samplebook.subsets import lp_sensitivities


@pytest.fixture(scope="module")
def rows():
    return small_tall_matrix(500)


@pytest.fixture(scope="module")
def whitened(rows):
    return rows.double() @ lewis_weights(rows, 4.0, 500, tolerance=1e-10).basis


@pytest.fixture(scope="module")
def moments(whitened):
    return fourth_moments(whitened, torch.eye(5).double(), 130)


def vectors(count, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, 5, generator=generator, dtype=torch.float64)


def test_products_of_squares():
    z, x = vectors(2)
    torch.testing.assert_close(products(z) @ products(x), (z @ x) ** 2)
    v = products(vectors(3, seed=1))
    torch.testing.assert_close(
        torch.einsum("rij,i,j->r", as_matrices(v, 5), x, x), v @ products(x)
    )


def test_moments_give_the_norm(whitened, moments):
    x = vectors(7)
    expected = (whitened @ x.T).pow(4).sum(0)
    h = products(x)
    torch.testing.assert_close(((h @ moments) * h).sum(1), expected)


def test_derivatives_are_those_of_the_norm(whitened, moments):
    x = vectors(1)
    _, _, gradient, hessian = bounds_at(moments, x, x)
    power = lambda y: (whitened @ y).pow(4).sum()  # noqa: E731
    torch.testing.assert_close(
        gradient[0], torch.autograd.functional.jacobian(power, x[0])
    )
    torch.testing.assert_close(
        hessian[0], torch.autograd.functional.hessian(power, x[0])
    )


def test_sensitivities_are_the_librarys(rows, whitened, moments):
    chosen = np.arange(0, 500, 7)
    found = quartic_sensitivities(moments, whitened[chosen], tolerance=1e-7)
    exact = lp_sensitivities(rows.double().numpy(), 4.0, rows=chosen)
    np.testing.assert_allclose(found.lower.numpy(), exact, rtol=1e-6)
    assert (found.upper <= (1 + 1e-7) * found.lower).all()
    assert found.steps < 30


def test_bounds_are_proven_before_convergence(rows, whitened, moments):
    chosen = np.arange(0, 500, 11)
    exact = lp_sensitivities(rows.double().numpy(), 4.0, rows=chosen)
    for steps in range(4):
        found = quartic_sensitivities(
            moments, whitened[chosen], tolerance=0.0, max_steps=steps
        )
        assert (found.lower.numpy() <= exact * (1 + 1e-7)).all()
        assert (found.upper.numpy() >= exact * (1 - 1e-7)).all()


def test_a_step_keeps_the_constraint_and_its_length_is_best(whitened, moments):
    z = whitened[:40]
    x = z / z.square().sum(1, keepdim=True)
    _, _, gradient, hessian = bounds_at(moments, z, x)
    step = newton_step(hessian, gradient, z)
    assert (step * z).sum(1).abs().max() < 1e-8
    best = best_length(moments, x, step)
    power = lambda t: (whitened @ (x + t[:, None] * step).T).pow(4).sum(0)  # noqa: E731
    for other in (0.9 * best, (1.1 * best).clamp_max(4.0)):
        assert (power(best) <= power(other) * (1 + 1e-12)).all()
