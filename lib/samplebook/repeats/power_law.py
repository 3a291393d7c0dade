"""The exponentiated power law, C(k) = exp(a k^b), fitted to coverage, with intervals over problems."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samplebook.core.checks import (
    as_count,
    as_finite_number,
    as_generator,
    as_matrix,
    as_unit_interval,
)
from samplebook.repeats.coverage import IntArray, as_integers

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class PowerLaw:
    """C(k) = exp(a k^b) with a < 0; coverage rises where b < 0 (the paper's Eqs. 2 and 3).

    On axes of log k and log(-log C) it is a line with slope b.

    Attributes
    ----------
    a, b : float

    Raises
    ------
    ValueError
        If a number is not finite, or a is not negative.
    """

    a: float
    b: float

    def __post_init__(self) -> None:
        if as_finite_number(self.a, "a") >= 0:
            raise ValueError(f"a: must be negative, got {self.a:g}")
        as_finite_number(self.b, "b")

    def coverage(self, k: ArrayLike) -> FloatArray:
        """exp(a k^b) for integers k >= 1, in the shape of k."""
        budgets = as_integers(k, "k", minimum=1)
        return np.asarray(np.exp(self.a * budgets.astype(np.float64) ** self.b))


def fit_power_law(k: ArrayLike, coverage: ArrayLike) -> PowerLaw:
    """The power law with the smallest sum of squared errors in coverage.

    The search is over log(-a) and b. It starts from the line through log(-log C) against log k with the
    weights (C log C)^2, which turn errors of log(-log C) into errors of C.

    Parameters
    ----------
    k : array-like of int, shape (K,)
        Numbers of samples, at least two different ones; best spaced evenly in log k.
    coverage : array-like of float, shape (K,)
        Coverage at each, in [0, 1].

    Returns
    -------
    PowerLaw

    Raises
    ------
    ValueError
        If shapes or ranges are wrong, or coverage is strictly between 0 and 1 at fewer than two different k.
    """
    budgets, observed = as_curve(k, coverage)
    log_k = np.log(budgets)

    def curve(parameters: FloatArray) -> FloatArray:
        log_minus_a, b = parameters
        return np.asarray(np.exp(-np.exp(log_minus_a + b * log_k)))

    def slopes(parameters: FloatArray) -> FloatArray:
        fitted = curve(parameters)
        by_log = fitted * -np.exp(parameters[0] + parameters[1] * log_k)
        return np.column_stack([by_log, by_log * log_k])

    from scipy.optimize import least_squares

    found = least_squares(
        lambda parameters: curve(parameters) - observed,
        straight_line(log_k, observed),
        jac=slopes,
        method="lm",
        xtol=1e-12,
        ftol=1e-12,
        gtol=1e-12,
    )
    log_minus_a, b = found.x
    return PowerLaw(-float(np.exp(log_minus_a)), float(b))


def as_curve(k: ArrayLike, coverage: ArrayLike) -> tuple[IntArray, FloatArray]:
    """Budgets and coverage of one shape (K,), or ``ValueError``."""
    budgets = as_integers(k, "k", minimum=1)
    observed = as_unit_interval(coverage, "coverage")
    if budgets.ndim != 1 or observed.shape != budgets.shape:
        raise ValueError(
            f"coverage: shape {observed.shape} is not (K,), or differs from k's {budgets.shape}"
        )
    inside = (observed > 0) & (observed < 1)
    if np.unique(budgets[inside]).size < 2:
        raise ValueError(
            "coverage: must be strictly between 0 and 1 at two different k"
        )
    return budgets, observed


def straight_line(log_k: FloatArray, coverage: FloatArray) -> FloatArray:
    """Intercept and slope (2,) of log(-log C) against log k, with weights, where 0 < C < 1."""
    inside = (coverage > 0) & (coverage < 1)
    log_c = np.log(coverage[inside])
    weight = -coverage[inside] * log_c  # of the errors; squared, of their squares
    design = np.column_stack([np.ones(log_c.size), log_k[inside]])
    line = np.linalg.lstsq(
        design * weight[:, None], np.log(-log_c) * weight, rcond=None
    )
    return np.asarray(line[0])


def bootstrap_power_laws(
    passes: ArrayLike, k: ArrayLike, *, resamples: int, rng: np.random.Generator
) -> list[PowerLaw]:
    """Power laws fitted to resampled problems: how far a and b would move with other problems.

    A problem keeps its whole row, since its entries depend on each other. Samples are not resampled: the
    rows' own noise is part of what differs between problems.

    Parameters
    ----------
    passes : array-like of float, shape (M, K)
        pass@k of each problem, exact or estimated.
    k : array-like of int, shape (K,)
    resamples : int
    rng : numpy.random.Generator

    Returns
    -------
    list of PowerLaw, one a resample

    Raises
    ------
    ValueError
        As :func:`fit_power_law`, if ``passes`` is no matrix with K columns, or ``resamples`` < 1.
    """
    rows = as_matrix(passes, "passes")
    count = as_count(resamples, "resamples")
    equal = np.full(len(rows), 1 / len(rows))
    times = as_generator(rng).multinomial(len(rows), equal, size=count)
    curves = np.clip(times @ rows / len(rows), 0, 1)
    return [fit_power_law(k, curve) for curve in curves]
