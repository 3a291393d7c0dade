"""Exact predictions against autograd, quadrature, conjugacy and samples.

Seeds are fixed. A right program would fail any one test of a law with probability 1e-6 over seeds.
"""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from mixtures import SCHEDULE, THREE, starts

from samplebook.core.statistics import goodness_of_fit
from samplebook.diffusion import (
    GaussianMixture,
    exact_gaussian_flow,
    noise_scale,
    reference_flow,
    signal_scale,
)

FALSE_ALARM = 1e-6


def random_mixture(seed, components, dimension):
    rng = np.random.default_rng(seed)
    weights = rng.uniform(0.1, 1, components)
    return GaussianMixture(
        weights / weights.sum(),
        rng.standard_normal((components, dimension)),
        rng.uniform(0.05, 1, components),
    )


@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 5),
    st.integers(1, 4),
    st.floats(-5, 4),
)
def test_score_is_the_gradient_of_the_log_density(seed, components, dimension, lam):
    """By torch's automatic differentiation of SciPy-free code of its own."""
    torch = pytest.importorskip("torch")
    mixture = random_mixture(seed, components, dimension)
    x = starts(3, dimension, seed=seed)
    alpha, sigma = signal_scale(lam), noise_scale(lam)
    points = torch.tensor(x, requires_grad=True)
    law = torch.distributions.MixtureSameFamily(
        torch.distributions.Categorical(torch.tensor(mixture.weights)),
        torch.distributions.Independent(
            torch.distributions.Normal(
                torch.tensor(alpha * mixture.means),
                torch.tensor(np.hypot(alpha * mixture.scales, sigma))[:, None],
            ),
            1,
        ),
    )
    log_density = law.log_prob(points)
    (gradient,) = torch.autograd.grad(log_density.sum(), points)
    np.testing.assert_allclose(
        mixture.log_density(x, lam), log_density.detach(), atol=1e-9
    )
    scale = 1 + np.abs(gradient.numpy()).max()
    np.testing.assert_allclose(
        mixture.score(x, lam), gradient.numpy(), atol=1e-9 * scale
    )


@pytest.mark.parametrize("lam", [-3.0, 0.0, 1.5])
def test_score_by_finite_differences(lam):
    x, step = starts(8), 1e-5
    score = THREE.score(x, lam)
    for axis in range(2):
        shift = step * np.eye(2)[axis]
        rise = THREE.log_density(x + shift, lam) - THREE.log_density(x - shift, lam)
        np.testing.assert_allclose(score[:, axis], rise / (2 * step), atol=1e-6)


@pytest.mark.parametrize("lam", [-2.0, 0.3, 2.0])
def test_prediction_is_the_mean_of_the_posterior(lam):
    """E[x_0 | x] by quadrature over x_0 in one dimension."""
    mixture = random_mixture(3, 3, 1)
    grid = np.linspace(-8, 8, 40_001)
    prior = sum(
        w * scipy.stats.norm.pdf(grid, m, s)
        for w, m, s in zip(
            mixture.weights, mixture.means[:, 0], mixture.scales, strict=True
        )
    )
    for x in (-1.0, 0.2, 1.7):
        posterior = prior * scipy.stats.norm.pdf(
            x, signal_scale(lam) * grid, noise_scale(lam)
        )
        mean = (grid * posterior).sum() / posterior.sum()
        found = mixture.predict_data([[x]], lam)[0, 0]
        assert found == pytest.approx(mean, abs=1e-8)


def test_points_as_data():
    """Scale 0: the prediction is a mean of the data points, and the only one of a single point."""
    points = GaussianMixture([0.5, 0.5], [[-1.0, 0], [1, 0]], 0.0)
    predicted = points.predict_data(starts(50), 0.4)
    assert np.abs(predicted[:, 0]).max() <= 1
    np.testing.assert_allclose(predicted[:, 1], 0, atol=1e-15)
    one = points.given([1])
    np.testing.assert_allclose(one.predict_data(starts(4), 0.4), [[1, 0]] * 4)


def test_leading_axes_are_loops():
    x = starts(12).reshape(3, 4, 2)
    for function in (THREE.predict_data, THREE.score, THREE.responsibilities):
        together = function(x, 0.5)
        for i in np.ndindex(3, 4):
            np.testing.assert_allclose(together[i], function(x[i], 0.5), rtol=1e-12)


def test_given_is_bayes_rule():
    """The whole prediction is the mixture of the two classes' predictions."""
    x, lam = starts(20), 0.2
    shares = THREE.responsibilities(x, lam)
    in_class = shares[:, [0, 2]].sum(axis=1, keepdims=True)
    mixed = in_class * THREE.given([2, 0]).predict_data(x, lam)
    mixed += (1 - in_class) * THREE.given([1]).predict_data(x, lam)
    np.testing.assert_allclose(THREE.predict_data(x, lam), mixed, atol=1e-13)


def test_samples_have_the_law():
    """Counts in the components' quantiles of the first coordinate, 20,000 draws."""
    draws = THREE.sample(20_000, rng=np.random.default_rng(0))[:, 0]
    edges = np.array([-1.2, -0.9, -0.5, 0.0, 0.4, 0.8, 1.1, 1.4])
    below = sum(
        w * scipy.stats.norm.cdf(edges, m, s)
        for w, m, s in zip(THREE.weights, THREE.means[:, 0], THREE.scales, strict=True)
    )
    law = np.diff(below, prepend=0, append=1)
    counts = np.bincount(np.searchsorted(edges, draws), minlength=9)
    assert goodness_of_fit(counts, law) > FALSE_ALARM


@given(st.floats(0, 3), st.floats(-5, 0), st.floats(0.1, 5), st.integers(0, 2**32 - 1))
def test_flow_of_one_gaussian_carries_its_law(scale, start, rise, seed):
    """Standardised points are the same before and after, and the way back is the inverse."""
    mean, end = np.array([0.7, -2.0]), start + rise
    x = starts(5, seed=seed)
    y = exact_gaussian_flow(x, start, end, mean=mean, scale=scale)
    before, after = (
        (points - signal_scale(lam) * mean)
        / np.hypot(signal_scale(lam) * scale, noise_scale(lam))
        for points, lam in ((x, start), (y, end))
    )
    np.testing.assert_allclose(after, before, rtol=1e-9, atol=1e-9)
    back = exact_gaussian_flow(y, end, start, mean=mean, scale=scale)
    np.testing.assert_allclose(back, x, rtol=1e-9, atol=1e-9)


def test_reference_is_the_closed_form():
    one = GaussianMixture([1.0], [[0.7, -2.0]], 0.3)
    start, end = SCHEDULE.half_log_snr([1.0, 1e-3])
    x = starts()
    found = reference_flow(one.predict_data, x, start, end)
    exact = exact_gaussian_flow(x, start, end, mean=one.means[0], scale=0.3)
    np.testing.assert_allclose(found, exact, atol=1e-10)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: GaussianMixture([0.5, 0.5], [[0.0]], 1.0), "weights"),
        (lambda: GaussianMixture([1.0, 0.0], [[0.0], [1.0]], 1.0), "weights"),
        (lambda: GaussianMixture([0.4, 0.4], [[0.0], [1.0]], 1.0), "weights"),
        (lambda: GaussianMixture([1.0], [0.0], 1.0), "means"),
        (lambda: GaussianMixture([1.0], [[0.0]], -1.0), "scales"),
        (lambda: THREE.given([]), "components"),
        (lambda: THREE.given([3]), "components"),
        (lambda: THREE.sample(0, rng=np.random.default_rng(0)), "size"),
        (lambda: THREE.sample(3, rng=None), "rng"),
        (lambda: THREE.predict_data(starts(3, 3), 0.0), "x: must have shape"),
        (lambda: THREE.predict_data([[np.nan, 0.0]], 0.0), "x"),
        (lambda: THREE.predict_data(starts(3), np.inf), "half_log_snr"),
        (
            lambda: exact_gaussian_flow([[0.0]], 0.0, 1.0, mean=[0.0], scale=-1.0),
            "scale",
        ),
        (
            lambda: exact_gaussian_flow([[0.0]], 0.0, 1.0, mean=[0.0, 1.0], scale=1.0),
            "x",
        ),
        (lambda: reference_flow(THREE.predict_data, starts(3), 1.0, 1.0), "start, end"),
        (lambda: reference_flow(THREE.predict_data, [1.0], 0.0, 1.0), "x"),
        (
            lambda: reference_flow(
                THREE.predict_data, starts(3), 0.0, 1.0, tolerance=1e-15
            ),
            "tolerance",
        ),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
