"""Estimates and their 95 % intervals, as records keep them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from samplebook.core.statistics import mean_interval, proportion_interval


def with_interval(values: Any, digits: int = 4) -> dict[str, Any]:
    """Mean and 95 % interval of independent values; no interval for one value."""
    values = np.asarray(values, dtype=np.float64)
    interval = None
    if values.size > 1:
        interval = [round(end, digits) for end in mean_interval(values)]
    return {"mean": round(float(values.mean()), digits), "interval": interval}


def with_student_interval(values: Any, digits: int = 4) -> dict[str, Any]:
    """Mean and 95 % interval by Student's t, for few independent values that are close to normal."""
    from scipy.stats import sem, t

    values = np.asarray(values, dtype=np.float64)
    mean, interval = float(values.mean()), None
    if values.size > 1:
        reach = float(t.ppf(0.975, values.size - 1) * sem(values))
        interval = [round(mean - reach, digits), round(mean + reach, digits)]
    return {"mean": round(mean, digits), "interval": interval}


def significant(value: float, digits: int = 5) -> float | None:
    """``value`` to a number of significant digits; none if it is NaN or infinite, which JSON lacks."""
    return float(f"{value:.{digits}g}") if np.isfinite(value) else None


def quantile_with_interval(
    values: NDArray[np.float64], probability: float
) -> dict[str, Any]:
    """A quantile of independent values (n,), with the interval between two of them that covers it.

    An end is null where too few values lie beyond the quantile, or where it is infinite.
    """
    from scipy.stats import quantile_test

    interval = quantile_test(values, p=probability).confidence_interval(0.95)
    return {
        "value": significant(float(np.quantile(values, probability))),
        "interval": [significant(float(end)) for end in interval],
    }


def share_with_interval(events: NDArray[np.bool_]) -> dict[str, Any]:
    """The share of true events (n,) among independent ones, with its Clopper-Pearson interval."""
    ends = proportion_interval(int(events.sum()), events.size)
    return {
        "value": significant(float(events.mean())),
        "interval": [significant(end) for end in ends],
    }
