"""The chains' law, and their basis against the library's."""

import numpy as np
import pytest
import torch
from scipy.stats import norm

from samplebook.core.statistics import goodness_of_fit
from samplebook.experiments.determinantal_batches import (
    LegendreProducts,
    determinantal_draws,
    without_span,
)
from samplebook.subsets import LegendreSpace, TensorSpace, total_degree_indices


def space(num_variables, degree):
    indices = total_degree_indices(num_variables, degree)
    return LegendreProducts(torch.from_numpy(indices)), TensorSpace(
        LegendreSpace, indices
    )


def seeded(seed):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("num_variables", "degree"), [(1, 0), (1, 12), (3, 4)])
def test_the_basis_is_the_librarys(num_variables, degree):
    ours, library = space(num_variables, degree)
    assert ours.dimension == library.dimension
    points = 2 * torch.rand(40, num_variables, generator=seeded(0)).double() - 1
    phi = ours.basis(points.view(8, 5, num_variables)).view(40, -1)
    np.testing.assert_allclose(phi, library.basis(points.numpy()), rtol=1e-12)


def test_what_is_left_is_orthogonal():
    basis = torch.linalg.qr(torch.randn(2, 6, 6, generator=seeded(1)).double())[0]
    basis[0, 4:] = 0
    basis[1, 1:] = 0
    phi = torch.randn(2, 3, 6, generator=seeded(2)).double()
    left = without_span(phi, basis)
    assert (left @ basis.transpose(1, 2)).abs().max() < 1e-14
    again = left + (phi @ basis.transpose(1, 2)) @ basis
    torch.testing.assert_close(again, phi)


def cells(points, edges):
    """Counts in a grid of cells."""
    return np.histogramdd(points, bins=[edges] * points.shape[1])[0].ravel().astype(int)


def test_christoffel_points_have_their_density():
    """Chi-square test at 1e-6: (1 + 3 x^2 + 3 y^2) / 3 on the square."""
    ours, _ = space(2, 1)
    points = ours.christoffel_draws(20_000, seeded(3)).numpy()
    edges = np.linspace(-1, 1, 7)
    squares = np.diff(edges**3) / np.diff(edges)
    law = (1 + squares[:, None] + squares[None, :]) / 3
    assert goodness_of_fit(cells(points, edges), law.ravel() / law.sum()) > 1e-6


def test_two_points_have_their_joint_density():
    """Chi-square test at 1e-6: det(1, sqrt(3) x_i)^2 / 2 = 3 (x - y)^2 / 2, with both uniform."""
    ours, _ = space(1, 1)
    points = determinantal_draws(ours, 20_000, seeded(4))[..., 0].numpy()
    edges = np.linspace(-1, 1, 7)
    mean = (edges[1:] + edges[:-1]) / 2
    square = np.diff(edges**3) / np.diff(edges) / 3
    law = square[:, None] + square[None, :] - 2 * np.outer(mean, mean)
    assert goodness_of_fit(cells(points, edges), law.ravel() / law.sum()) > 1e-6


def test_linear_statistics_have_mean_and_variance_of_the_kernel():
    """Two-sided tests at 1e-6, the variance's by its own standard error, on six points in the square."""
    ours, library = space(2, 2)
    points = determinantal_draws(ours, 4000, seeded(5)).numpy()
    nodes, weights = library.quadrature(12)
    phi = library.basis(nodes)
    kernel = phi @ phi.T
    h = lambda x: np.cos(2 * x[..., 0]) + x[..., 0] * x[..., 1]  # noqa: E731
    at_nodes = h(nodes)
    mean = weights @ (kernel.diagonal() * at_nodes)
    mass = weights * at_nodes
    variance = weights @ (kernel.diagonal() * at_nodes**2) - mass @ kernel**2 @ mass
    sums = h(points).sum(axis=1)
    limit = norm.isf(1e-6 / 4)
    assert abs(sums.mean() - mean) < limit * np.sqrt(variance / 4000)
    squares = (sums - mean) ** 2
    error = squares.std() / np.sqrt(4000)
    assert abs(squares.mean() - variance) < limit * error


def test_every_chain_ends_with_distinct_points():
    ours, _ = space(2, 9)
    points = determinantal_draws(ours, 3, seeded(6))
    assert points.shape == (3, 55, 2)
    assert points.abs().max() <= 1
    phi = ours.basis(points)
    assert torch.linalg.svdvals(phi).min() > 1e-6
