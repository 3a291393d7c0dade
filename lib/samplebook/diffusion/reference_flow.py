"""What a solver should have found: the probability-flow ODE by a method of order 8, to many digits."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samplebook.core.checks import as_finite, as_number_in_range
from samplebook.diffusion.guidance import Prediction
from samplebook.diffusion.noise_schedule import as_grid, noise_scale

Numbers = NDArray[np.float64]


def reference_flow(
    predict_data: Prediction,
    x: ArrayLike,
    start: float,
    end: float,
    *,
    tolerance: float = 1e-11,
) -> Numbers:
    """The state at ``end`` of the probability-flow ODE from x at ``start``, by SciPy's DOP853.

    With y = x / sigma the ODE is dy / d lambda = e^lambda x_theta(sigma y, lambda): no stiff term is left.

    Parameters
    ----------
    predict_data : callable
        As :func:`~samplebook.diffusion.solve` takes it; smooth in both arguments.
    x : array-like of shape (B, D)
    start, end : float
        lambda_s < lambda_t.
    tolerance : float
        Relative, of each step; at least 1e-13.

    Returns
    -------
    float64 array, shape (B, D)

    Raises
    ------
    ValueError
        If x is not finite or no matrix, lambda does not rise, or ``tolerance`` is below 1e-13 or above 1e-2.
    RuntimeError
        If DOP853 gives up.
    """
    from scipy.integrate import solve_ivp

    state = as_finite(x, "x", ndim=2)
    grid = as_grid([start, end], "start, end")
    rtol = as_number_in_range(tolerance, "tolerance", at_least=1e-13, at_most=1e-2)

    def derivative(lam: float, flat: Numbers) -> Any:
        points = noise_scale(lam) * flat.reshape(state.shape)
        return np.exp(lam) * np.ravel(predict_data(points, lam))

    found = solve_ivp(
        derivative,
        grid,
        (state / noise_scale(grid[0])).ravel(),
        method="DOP853",
        rtol=rtol,
        atol=rtol * 1e-2,
    )
    if not found.success:
        raise RuntimeError(f"DOP853 gave up: {found.message}")
    return np.asarray(noise_scale(grid[1]) * found.y[:, -1].reshape(state.shape))
