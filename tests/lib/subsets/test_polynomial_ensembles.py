"""Eigenvalues of random tridiagonal matrices have the law of the chain rule's points.

Seeds are fixed. A right program would fail any one test with probability 1e-6 over seeds.
"""

import numpy as np
import pytest
from scipy.stats import ks_2samp

from samplebook.subsets import (
    HermiteSpace,
    LegendreSpace,
    TensorSpace,
    sample_dpp,
    sample_orthogonal_polynomial_ensemble,
    total_degree_indices,
)

FALSE_ALARM = 1e-6
SPACES = [LegendreSpace(1), LegendreSpace(5), HermiteSpace(1), HermiteSpace(5)]
STATISTICS = {
    "smallest": lambda x: x[:, 0],
    "largest": lambda x: x[:, -1],
    "smallest gap": lambda x: np.diff(x, axis=1, prepend=-9).min(axis=1),
    "sum": lambda x: x.sum(axis=1),
    "sum of squares": lambda x: (x**2).sum(axis=1),
}


@pytest.mark.parametrize(
    "space", SPACES, ids=lambda s: f"{type(s).__name__} {s.dimension}"
)
def test_agrees_with_the_chain_rule(space):
    """Two-sample Kolmogorov-Smirnov tests of functions of all points."""
    rng = np.random.default_rng(0)
    eigenvalues = sample_orthogonal_polynomial_ensemble(
        space, rng=rng, repetitions=10_000
    )
    points = np.sort(sample_dpp(space, rng=rng, repetitions=10_000), axis=1)
    for statistic in STATISTICS.values():
        p = ks_2samp(statistic(eigenvalues), statistic(points)).pvalue
        assert p > FALSE_ALARM / len(STATISTICS)


@pytest.mark.parametrize("space", [LegendreSpace(60), HermiteSpace(60)])
def test_mean_of_a_linear_statistic(space):
    """sum cos(x_i) against int cos k; the standard error is the sample's own."""
    draws = sample_orthogonal_polynomial_ensemble(
        space, rng=np.random.default_rng(0), repetitions=500
    )
    sums = np.cos(draws).sum(axis=1)
    x, weights = space.quadrature(120)
    mean = weights @ (np.cos(x) * (space.basis(x) ** 2).sum(axis=1))
    assert abs(sums.mean() - mean) < 4.9 * sums.std() / np.sqrt(500)


def test_one_draw():
    space = LegendreSpace(20)
    points = sample_orthogonal_polynomial_ensemble(space, rng=np.random.default_rng(0))
    batch = sample_orthogonal_polynomial_ensemble(
        space, rng=np.random.default_rng(0), repetitions=1
    )
    np.testing.assert_array_equal(points, batch[0])
    assert points.shape == (20,)
    assert (np.diff(points) > 0).all()
    assert np.abs(points).max() < 1


def test_bad_input():
    rng = np.random.default_rng(0)
    product = TensorSpace(LegendreSpace, total_degree_indices(2, 1))
    with pytest.raises(ValueError, match="space: must be a LegendreSpace or a Hermite"):
        sample_orthogonal_polynomial_ensemble(product, rng=rng)
    with pytest.raises(ValueError, match="repetitions: must be at least 1"):
        sample_orthogonal_polynomial_ensemble(LegendreSpace(2), rng=rng, repetitions=0)
    with pytest.raises(ValueError, match="rng: must be a numpy.random.Generator"):
        sample_orthogonal_polynomial_ensemble(LegendreSpace(2), rng=7)
