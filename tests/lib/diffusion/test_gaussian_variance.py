"""The exact variance of a stochastic sampler: against samples, a scalar recursion, and its orders.

Seeds are fixed. A right program would fail the test on samples with probability 1e-6 over seeds.
"""

from itertools import pairwise

import numpy as np
import pytest
import scipy.stats
from mixtures import SCHEDULE, orders

from samplebook.diffusion import (
    GaussianMixture,
    noise_scale,
    sampled_variance,
    signal_scale,
    solve,
)

FALSE_ALARM = 1e-6
SCALE = 0.5


def true_variance(lam):
    return (signal_scale(lam) * SCALE) ** 2 + noise_scale(lam) ** 2


@pytest.mark.parametrize(
    ("method", "variant"),
    [
        ("sde-1", "midpoint"),
        ("sde-2M", "midpoint"),
        ("sde-2M", "taylor"),
        ("sde-3M", "taylor"),
        ("2M", "midpoint"),
    ],
)
def test_samples_have_this_variance(method, variant):
    """Steps are linear, so the samples are normal, and their sum of squares has a chi-square law."""
    rng, grid, size = np.random.default_rng(0), SCHEDULE.grid(6), 40_000
    law = GaussianMixture([1.0], [[0.0]], SCALE)
    x = np.sqrt(true_variance(grid[0])) * rng.standard_normal((size, 1))
    y = solve(
        law.predict_data,
        x,
        grid,
        method=method,
        variant=variant,
        rng=None if method == "2M" else rng,
    )
    ratio = (y**2).sum() / sampled_variance(SCALE, grid, method=method, variant=variant)
    tail = scipy.stats.chi2(size).cdf(ratio)
    assert 2 * min(tail, 1 - tail) > FALSE_ALARM


def test_first_order_by_a_scalar_recursion():
    grid = SCHEDULE.grid(9)
    variance = 2.0
    for start, end in pairwise(grid):
        h, alpha, sigma = end - start, signal_scale(end), noise_scale(end)
        slope = signal_scale(start) * SCALE**2 / true_variance(start)
        factor = sigma / noise_scale(start) * np.exp(-h)
        factor += alpha * (1 - np.exp(-2 * h)) * slope
        variance = factor**2 * variance + sigma**2 * (1 - np.exp(-2 * h))
    found = sampled_variance(SCALE, grid, method="sde-1", start_variance=2.0)
    assert found == pytest.approx(variance, rel=1e-12)


@pytest.mark.parametrize(
    ("method", "variant", "order"),
    [("sde-1", "midpoint", 1), ("sde-2M", "midpoint", 2), ("sde-2M", "taylor", 2)],
)
def test_weak_orders(method, variant, order):
    errors = [
        abs(sampled_variance(SCALE, grid, method=method, variant=variant) - true)
        for grid in map(SCHEDULE.grid, (320, 640))
        for true in [true_variance(grid[-1])]
    ]
    assert orders(errors)[0] == pytest.approx(order, abs=0.05)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scale": 0.0}, "scale"),
        ({"grid": [1.0, 0.0]}, "grid"),
        ({"method": "2S"}, "method: '2S' is no multistep"),
        ({"method": "noise-sde-1"}, "method"),
        ({"method": "sde-9"}, "method"),
        ({"variant": "none"}, "variant"),
        ({"start_variance": -1.0}, "start_variance"),
    ],
)
def test_bad_input(arguments, message):
    good = {"scale": 1.0, "grid": [0.0, 1.0, 2.0], "method": "sde-1"}
    with pytest.raises(ValueError, match=message):
        sampled_variance(**(good | arguments))
