"""Confidence intervals and goodness of fit, by SciPy (imported on first use: it takes a second)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samplebook.core.checks import (
    as_count,
    as_mask,
    as_probabilities,
    as_unit_interval,
)


def check_level(level: float) -> None:
    """Raise ``ValueError`` unless ``level`` is a number strictly between 0 and 1."""
    if not 0 < level < 1:
        raise ValueError(f"level: must be strictly between 0 and 1, got {level!r}")


def as_sample(values: ArrayLike) -> Any:
    """``values`` as a float64 array (n,) with n >= 2, or ``ValueError``."""
    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 1 or sample.size < 2 or not np.isfinite(sample).all():
        raise ValueError("values: must be at least two finite numbers of shape (n,)")
    return sample


def proportion_interval(
    successes: int, trials: int, *, level: float = 0.95
) -> tuple[float, float]:
    """Clopper-Pearson interval of a probability: it covers with at least the stated ``level``.

    Raises
    ------
    ValueError
        If not 0 <= ``successes`` <= ``trials``, ``trials`` < 1, or ``level`` is not inside (0, 1).
    """
    from scipy.stats import binomtest

    trials = as_count(trials, "trials")
    successes = as_count(successes, "successes", minimum=0)
    if successes > trials:
        raise ValueError(f"successes: {successes} exceeds trials, {trials}")
    check_level(level)
    interval = binomtest(successes, trials).proportion_ci(level, method="exact")
    return float(interval.low), float(interval.high)


def mean_interval(values: ArrayLike, *, level: float = 0.95) -> tuple[float, float]:
    """Normal interval of a mean, from the sample's standard error.

    Parameters
    ----------
    values : array-like of shape (n,)
        Independent draws, n >= 2; the level is approximate and needs n large.

    Raises
    ------
    ValueError
        If there are fewer than two values, one is not finite, or ``level`` is not inside (0, 1).
    """
    from scipy.stats import norm

    sample = as_sample(values)
    check_level(level)
    reach = norm.ppf(0.5 + level / 2) * sample.std(ddof=1) / np.sqrt(sample.size)
    return float(sample.mean() - reach), float(sample.mean() + reach)


def bootstrap_interval(
    values: ArrayLike,
    *,
    rng: np.random.Generator,
    level: float = 0.95,
    resamples: int = 9999,
) -> tuple[float, float]:
    """Bias-corrected accelerated bootstrap interval of a mean, for values (n,) far from normal.

    Raises
    ------
    ValueError
        As :func:`mean_interval`, or if ``resamples`` < 1. A level of 1 - a needs many more than 1 / a
        resamples.
    """
    from scipy.stats import bootstrap

    sample = as_sample(values)
    check_level(level)
    if np.ptp(sample) == 0:
        return float(sample[0]), float(sample[0])
    interval = bootstrap(
        (sample,),
        np.mean,
        n_resamples=as_count(resamples, "resamples"),
        confidence_level=level,
        batch=100,
        rng=rng,
    ).confidence_interval
    return float(interval.low), float(interval.high)


@dataclass(frozen=True)
class ReliabilityTable:
    """Predicted probabilities beside what happened, in bins of rising prediction.

    Attributes
    ----------
    predicted : float64 array, shape (B,)
        Mean prediction in each bin.
    observed : float64 array, shape (B,)
        Share of the bin's cases in which the event happened.
    low, high : float64 arrays, shape (B,)
        Clopper-Pearson interval of that share.
    count : int64 array, shape (B,)
        Cases in each bin.
    """

    predicted: NDArray[np.float64]
    observed: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    count: NDArray[np.int64]


def reliability_table(
    probabilities: ArrayLike,
    outcomes: ArrayLike,
    *,
    num_bins: int = 10,
    level: float = 0.95,
) -> ReliabilityTable:
    """Is what is predicted with probability p true in a share p of the cases? Bins hold equally many cases.

    Parameters
    ----------
    probabilities : array-like of float, shape (n,)
        Predictions, in [0, 1].
    outcomes : array-like of bool, shape (n,)
        Whether each predicted event happened.
    num_bins : int
        B, at most n.
    level : float
        Of each bin's interval.

    Raises
    ------
    ValueError
        If a probability is NaN or outside [0, 1], lengths differ, or an argument is outside its range.
    """
    predicted = as_unit_interval(probabilities, "probabilities")
    if predicted.ndim != 1:
        raise ValueError(f"probabilities: must be a vector (n,), got {predicted.shape}")
    happened = as_mask(outcomes, "outcomes", shape=predicted.shape)
    if as_count(num_bins, "num_bins") > predicted.size:
        raise ValueError(
            f"num_bins: {num_bins} is more than the {predicted.size} cases"
        )
    bins = np.array_split(np.argsort(predicted, kind="stable"), num_bins)
    counts = [len(cases) for cases in bins]
    hits = [int(happened[cases].sum()) for cases in bins]
    intervals = [
        proportion_interval(hit, count, level=level)
        for hit, count in zip(hits, counts, strict=True)
    ]
    return ReliabilityTable(
        predicted=np.array([predicted[cases].mean() for cases in bins]),
        observed=np.array(hits) / counts,
        low=np.array([interval[0] for interval in intervals]),
        high=np.array([interval[1] for interval in intervals]),
        count=np.array(counts),
    )


def goodness_of_fit(
    counts: ArrayLike, law: ArrayLike, *, smallest_expected: float = 5.0
) -> float:
    """P-value of the chi-square test that ``counts`` were drawn from ``law``.

    Cells whose expected count is below ``smallest_expected`` are pooled into one, which joins the smallest
    other cell if it stays below. A count in a cell of probability 0 gives the p-value 0.

    Parameters
    ----------
    counts : array-like of int, shape (V,)
        How often each of the V outcomes was seen.
    law : array-like of float, shape (V,)
        Their probabilities.
    smallest_expected : float
        The smallest expected count of a cell of its own.

    Returns
    -------
    float
        In [0, 1]; 1 where one cell is left, since there is nothing to test then.

    Raises
    ------
    ValueError
        If ``law`` is not a law, the shapes differ, or a count is negative or not an integer.
    """
    from scipy.stats import chisquare

    probability = as_probabilities(law, "law")
    observed = np.asarray(counts)
    if observed.shape != probability.shape or probability.ndim != 1:
        raise ValueError(
            f"counts: shape {observed.shape} differs from law's {probability.shape}, or is not (V,)"
        )
    if observed.dtype.kind not in "iu" or observed.min() < 0 or observed.sum() == 0:
        raise ValueError("counts: must be non-negative integers, not all 0")
    if observed[probability == 0].any():
        return 0.0
    cells = pool_small_cells(observed, probability * observed.sum(), smallest_expected)
    return float(chisquare(*cells).pvalue) if cells.shape[1] > 1 else 1.0


def pool_small_cells(observed: Any, expected: Any, smallest_expected: float) -> Any:
    """Observed and expected counts (2, cells), with the small cells pooled, in no particular order."""
    order = np.argsort(-expected, kind="stable")
    cells = np.stack([observed, expected])[:, order].astype(np.float64)
    own = int((expected >= smallest_expected).sum())
    pooled = cells[:, own:].sum(axis=1, keepdims=True)
    if own and pooled[1, 0] < smallest_expected:
        cells[:, own - 1 : own] += pooled
        return cells[:, :own]
    return np.concatenate([cells[:, :own], pooled], axis=1)
