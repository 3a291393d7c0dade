"""The law of a stochastic sampler's output without a single draw, where the data are one Gaussian.

There the prediction is linear in x, so each step is a linear map of the state and the last predictions, plus
noise. Covariances go through it exactly.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samplebook.core.checks import as_choice, as_number_in_range
from samplebook.diffusion.dpm_solver_pp import (
    METHODS,
    VARIANTS,
    interpolation,
    step_mean,
    step_orders,
)
from samplebook.diffusion.noise_schedule import as_grid, noise_scale, signal_scale

Numbers = NDArray[np.float64]


def sampled_variance(
    scale: float,
    grid: ArrayLike,
    *,
    method: str,
    variant: str = "midpoint",
    start_variance: float | None = None,
) -> float:
    """Variance of each coordinate at the end of :func:`~samplebook.diffusion.solve`, over starts and noise.

    Parameters
    ----------
    scale : float
        s > 0, the standard deviation of the data N(0, s^2 I).
    grid : array-like of shape (M + 1,)
        Rising lambdas.
    method : str
        A multistep one of ``METHODS`` that predicts the data.
    variant : str
        One of ``VARIANTS``.
    start_variance : float, optional
        Of the states at ``grid[0]``; by default the true one, alpha^2 s^2 + sigma^2.

    Raises
    ------
    ValueError
        If the grid does not rise or is too short, a number is not positive, or the method is another one.
    """
    s = as_number_in_range(scale, "scale", above=0)
    lambdas = as_grid(grid)
    chosen = METHODS[as_choice(method, "method", METHODS)]
    as_choice(variant, "variant", VARIANTS)
    if chosen.singlestep or chosen.form.of_noise:
        raise ValueError(f"method: {method!r} is no multistep method of the data form")
    variances = (signal_scale(lambdas) * s) ** 2 + noise_scale(lambdas) ** 2
    slopes = signal_scale(lambdas) * s**2 / variances  # x_theta = slope * x
    first = variances[0]
    if start_variance is not None:
        first = as_number_in_range(start_variance, "start_variance", above=0)
    size = chosen.order  # the state, and the predictions that are kept
    covariance = np.zeros((size, size))
    covariance[0, 0] = first
    orders = step_orders(chosen, lambdas.size - 1, lower_order_final=False)
    for done, order in enumerate(orders):
        # rows: the new state, and the predictions that the next step will find
        rows = np.eye(size)
        newest = slopes[done] * rows[0]
        kept = [newest, *rows[1:]][:order]
        used = lambdas[done::-1][:order]
        start, end = lambdas[done], lambdas[done + 1]
        coefficients = interpolation(list(used), kept, end - start)
        state = step_mean(chosen.form, rows[0], start, end, coefficients, variant)
        step = np.stack([state, newest, *rows[1:]][:size])
        covariance = step @ covariance @ step.T
        covariance[0, 0] += chosen.form.noise(start, end) ** 2
    return float(covariance[0, 0])
