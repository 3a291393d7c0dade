"""Coverage, the share of problems that one of k samples solves at least: exact, estimated, read backwards.

One sample solves problem i with probability p_i, its pass rate. pass@k of the problem is 1 - (1 - p_i)^k, and
coverage C(k) is the mean over the problems: ``pass_at_k(pass_rates, k).mean(axis=0)``.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samplebook.core.arrays import to_numpy
from samplebook.core.checks import (
    as_array,
    as_count,
    as_number_in_range,
    as_unit_interval,
    is_integer,
)

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
LOG_STEPS = 200
"""Halvings of an interval of log k: more than float64 can tell apart."""


def as_integers(values: Any, name: str, *, minimum: int) -> IntArray:
    """Integers of any shape, none below ``minimum``, as int64; or ``ValueError``."""
    array = to_numpy(as_array(values, name))
    if not is_integer(array):
        raise ValueError(f"{name}: must be integers, got {array.dtype}")
    if array.min() < minimum:
        raise ValueError(f"{name}: must be at least {minimum}, got {array.min()}")
    return array.astype(np.int64)


def as_counts(passed: Any, drawn: Any) -> tuple[IntArray, IntArray]:
    """Passed and drawn samples of each problem, in one shape; or ``ValueError``."""
    passed = as_integers(passed, "passed", minimum=0)
    drawn = as_integers(drawn, "drawn", minimum=1)
    try:
        passed, drawn = np.broadcast_arrays(passed, drawn)
    except ValueError as error:
        raise ValueError(
            f"drawn: shape {drawn.shape} does not go with passed's {passed.shape}"
        ) from error
    if (passed > drawn).any():
        place = tuple(np.argwhere(passed > drawn)[0].tolist())
        raise ValueError(
            f"passed: {passed[place]} at {place} is more than the {drawn[place]} drawn"
        )
    return passed, drawn


def log_spaced_budgets(largest: int, count: int = 40) -> IntArray:
    """At most ``count`` whole numbers from 1 to ``largest``, each once, about evenly spaced in log k."""
    largest = as_count(largest, "largest")
    spaced = np.geomspace(1, largest, as_count(count, "count", minimum=2))
    return np.unique(spaced.round().astype(np.int64))


def pass_at_k(pass_rates: ArrayLike, k: ArrayLike) -> FloatArray:
    """1 - (1 - p)^k, the probability that one of k independent samples passes; exact also for small p.

    Parameters
    ----------
    pass_rates : array-like of float, shape (...)
        p of each problem, in [0, 1].
    k : int or array-like of int, shape (K,)
        Numbers of samples, >= 1.

    Returns
    -------
    float64 array, shape (..., K), or (...) for one k

    Raises
    ------
    ValueError
        If a pass rate is outside [0, 1], or a k is no integer >= 1.
    """
    rates = as_unit_interval(pass_rates, "pass_rates")
    budgets = as_integers(k, "k", minimum=1)
    return any_of(np.expand_dims(rates, tuple(range(-budgets.ndim, 0))), budgets)


def any_of(rates: FloatArray, tries: Any) -> FloatArray:
    """1 - (1 - p)^k where p and the real k > 0 broadcast; p = 1 gives 1."""
    with np.errstate(divide="ignore"):
        return -np.expm1(tries * np.log1p(-rates))


def estimate_pass_at_k(passed: ArrayLike, drawn: ArrayLike, k: ArrayLike) -> FloatArray:
    """Unbiased estimates of pass@k from c passes among n samples (Chen et al. 2021; the paper's Eq. 1).

    The estimate is 1 - u_k, where u_k = binom(n - c, k) / binom(n, k) is the share of the k-subsets of the
    samples without a pass. Nothing large is ever formed: u_0 = 1 and u_(k+1) = u_k (n - c - k) / (n - k).
    So all k up to the largest cost no more than that one does.

    Parameters
    ----------
    passed : int or array-like of int, shape (...)
        c of each problem, 0..n.
    drawn : int or array-like of int, shape (...)
        n of each problem, >= 1; broadcast against ``passed``.
    k : int or array-like of int, shape (K,)
        Numbers of samples, from 1 to the smallest n.

    Returns
    -------
    float64 array, shape (..., K), or (...) for one k

    Raises
    ------
    ValueError
        If a number is no integer or outside its range.
    """
    passed, drawn = as_counts(passed, drawn)
    budgets = as_integers(k, "k", minimum=1)
    if budgets.max() > drawn.min():
        raise ValueError(
            f"k: {budgets.max()} is more than the {drawn.min()} samples drawn"
        )
    pairs = np.stack([passed.ravel(), drawn.ravel()])
    (c, n), place = np.unique(pairs, axis=1, return_inverse=True)
    taken = np.arange(budgets.max())
    failing = np.maximum(n[:, None] - c[:, None] - taken, 0)
    none_passes = np.cumprod(failing / (n[:, None] - taken), axis=1)
    estimates = 1 - none_passes[:, budgets - 1][place.ravel()]
    return estimates.reshape(passed.shape + budgets.shape)


def plug_in_pass_at_k(passed: ArrayLike, drawn: ArrayLike, k: ArrayLike) -> FloatArray:
    """1 - (1 - c/n)^k: the biased estimate, for comparison. It is too low in the mean for every k > 1.

    It is also the answer to "draw k of the n samples with replacement". Arguments, result and errors as in
    :func:`estimate_pass_at_k`, but k may exceed n.
    """
    passed, drawn = as_counts(passed, drawn)
    return pass_at_k(passed / drawn, k)


def samples_to_reach(pass_rates: ArrayLike, level: float) -> float:
    """The number of samples, a real one, at which the coverage of these problems is ``level``.

    Parameters
    ----------
    pass_rates : array-like of float, shape (M,)
    level : float
        Coverage to be reached; strictly between 0 and the share of problems with p > 0.

    Returns
    -------
    float
        k > 0 with C(k) = ``level``, by bisection in log k; C is read at real k by its formula.

    Raises
    ------
    ValueError
        If a pass rate is outside [0, 1], or no number of samples reaches the level.
    """
    rates = as_unit_interval(pass_rates, "pass_rates").ravel()
    ceiling = float((rates > 0).mean())
    level = as_number_in_range(level, "level", above=0, below=1)
    if level >= ceiling or level <= (rates == 1).mean():
        raise ValueError(
            f"level: {level:g} is not reached, coverage rises from "
            f"{(rates == 1).mean():g} to {ceiling:g}"
        )
    low, high = 0.0, 0.0
    while any_of(rates, np.exp(low)).mean() > level:
        low -= 1
    while any_of(rates, np.exp(high)).mean() < level:
        high += 1
    for _ in range(LOG_STEPS):
        middle = (low + high) / 2
        if any_of(rates, np.exp(middle)).mean() < level:
            low = middle
        else:
            high = middle
    return float(np.exp((low + high) / 2))


def coverage_shift(first: ArrayLike, second: ArrayLike, level: float = 0.5) -> float:
    """How many times as many samples the second set of pass rates needs to reach the coverage ``level``.

    Its logarithm is the horizontal shift that brings the two coverage curves together at that level, on an
    axis of log k. Raises as :func:`samples_to_reach`.
    """
    return samples_to_reach(second, level) / samples_to_reach(first, level)
