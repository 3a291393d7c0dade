"""How much of a sample is signal and how much is noise: alpha, sigma, and the half log-SNR lambda.

A noised sample is x = alpha x_0 + sigma z, with z standard normal and alpha^2 + sigma^2 = 1 ("variance
preserving"). Then one number says all: lambda = log(alpha / sigma), half the logarithm of the signal-to-noise
ratio. It grows while noise is taken away. Solvers and predictions here take lambda; the time t of a schedule
only matters for choosing a grid.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samplebook.core.arrays import as_result
from samplebook.core.checks import (
    as_choice,
    as_count,
    as_finite,
    as_number_in_range,
    as_vector,
)

Numbers = NDArray[np.float64]
SPACINGS = ("log-snr", "time", "quadratic")


def signal_scale(half_log_snr: ArrayLike) -> Any:
    """alpha = 1 / sqrt(1 + e^(-2 lambda)), in (0, 1), for lambda of any shape."""
    lam = as_finite(half_log_snr, "half_log_snr")
    return as_result(np.exp(-0.5 * np.logaddexp(0.0, -2 * lam)))


def noise_scale(half_log_snr: ArrayLike) -> Any:
    """sigma = 1 / sqrt(1 + e^(2 lambda)), in (0, 1), for lambda of any shape."""
    lam = as_finite(half_log_snr, "half_log_snr")
    return as_result(np.exp(-0.5 * np.logaddexp(0.0, 2 * lam)))


@dataclass(frozen=True)
class LinearSchedule:
    """The rate of noise grows linearly in time: beta(t) = beta_0 + t (beta_1 - beta_0), for t in (0, 1].

    Then log alpha_t = -(beta_1 - beta_0) t^2 / 4 - beta_0 t / 2.

    Attributes
    ----------
    beta_0, beta_1 : float
        0 < beta_0 < beta_1.

    Raises
    ------
    ValueError
        If the two are not in this order.
    """

    beta_0: float = 0.1
    beta_1: float = 20.0

    def __post_init__(self) -> None:
        as_number_in_range(self.beta_0, "beta_0", above=0)
        as_number_in_range(self.beta_1, "beta_1", above=self.beta_0)

    def half_log_snr(self, time: ArrayLike) -> Any:
        """lambda_t = log alpha_t - log sigma_t, strictly falling in t.

        Raises
        ------
        ValueError
            If a time is not in (0, 1]: at t = 0 there is no noise, and lambda is infinite.
        """
        t = as_finite(time, "time")
        if t.min() <= 0 or t.max() > 1:
            raise ValueError(
                f"time: must be in (0, 1], got {t.min():g} to {t.max():g}; at 0 lambda is infinite"
            )
        log_alpha = -(self.beta_1 - self.beta_0) * t**2 / 4 - self.beta_0 * t / 2
        return as_result(log_alpha - 0.5 * np.log(-np.expm1(2 * log_alpha)))

    def time(self, half_log_snr: ArrayLike) -> Any:
        """The time t at which lambda_t has the given value, by the quadratic formula without cancellation.

        Raises
        ------
        ValueError
            If a value is not finite.
        """
        lam = as_finite(half_log_snr, "half_log_snr")
        slope = self.beta_1 - self.beta_0
        rest = 2 * slope * np.logaddexp(0.0, -2 * lam)  # -4 slope log alpha
        root = np.sqrt(self.beta_0**2 + rest)
        return as_result(rest / ((root + self.beta_0) * slope))

    def grid(
        self,
        num_steps: int,
        *,
        start: float = 1.0,
        end: float = 1e-3,
        spacing: str = "log-snr",
    ) -> Numbers:
        """The rising values of lambda between which a solver steps, from much noise to little.

        Parameters
        ----------
        num_steps : int
            M >= 1.
        start, end : float
            Times, 1 >= start > end > 0.
        spacing : str
            What is evenly spaced: ``"log-snr"`` lambda, ``"time"`` t, ``"quadratic"`` the square root of t.

        Returns
        -------
        float64 array, shape (M + 1,)

        Raises
        ------
        ValueError
            If an argument is outside its range.
        """
        num_steps = as_count(num_steps, "num_steps")
        start = as_number_in_range(start, "start", above=0, at_most=1)
        end = as_number_in_range(end, "end", above=0, below=start)
        ends = np.array([start, end])
        if as_choice(spacing, "spacing", SPACINGS) == "log-snr":
            lowest, highest = self.half_log_snr(ends)
            return np.linspace(lowest, highest, num_steps + 1)
        power = 1 if spacing == "time" else 2
        first, last = ends ** (1 / power)
        times = np.linspace(first, last, num_steps + 1) ** power
        times[[0, -1]] = ends
        return np.asarray(self.half_log_snr(times))


def as_grid(values: Any, name: str = "grid") -> Numbers:
    """``values`` as strictly rising lambdas (M + 1,), M >= 1.

    Raises
    ------
    ValueError
        If it is no finite vector, has fewer than two entries, or does not rise at every step.
    """
    grid = as_vector(values, name)
    if grid.size < 2:
        raise ValueError(f"{name}: needs two values or more, got {grid.size}")
    falls = np.flatnonzero(np.diff(grid) <= 0)
    if falls.size:
        place = int(falls[0])
        raise ValueError(
            f"{name}: must rise at every step (time must fall), "
            f"but goes from {grid[place]:g} to {grid[place + 1]:g}"
        )
    return grid
