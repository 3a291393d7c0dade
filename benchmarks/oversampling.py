"""How long SMOTE takes beside imbalanced-learn's, for the same neighbours and the same law of a new row.

Run ``PYTHONPATH=lib:benchmarks python benchmarks/oversampling.py``. Both sides bring the minority up to the
size of the majority and return all rows with their labels; the rows come from a normal law. All is done in
one process on one thread, in turn, and the time is the processor's. It prints the ratios of the medians
(imbalanced-learn's time over ours), and fails if one is below 0.9.
"""

import harness.single_thread  # noqa: F401, I001

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from imblearn.over_sampling import SMOTE, SMOTENC

from harness.records import Ratio, write_record
from harness.timing import medians_in_turn
from samplebook.subsets.smote import sample_smote
from samplebook.subsets.smote_nominal import sample_smote_nc

SMALLEST_RATIO = 0.9
ROUNDS = 9
SIZES = ((30, 970, 64), (500, 5_000, 10), (5_000, 20_000, 20))
"""Minority, majority and features."""
MIXED_SIZE = (300, 3_000, 8, 4)
"""Minority, majority, numeric features and categories."""
Sampler = Callable[[], Any]


def table(minority: int, majority: int, width: int) -> tuple[Any, Any]:
    """Rows of a normal law, the minority first, and their labels."""
    rng = np.random.default_rng(0)
    labels = np.repeat([1, 0], [minority, majority])
    return rng.standard_normal((len(labels), width)), labels


def numeric_samplers(minority: int, majority: int, width: int) -> dict[str, Sampler]:
    """Both sides for rows of numbers."""
    X, y = table(minority, majority, width)
    rng, count = np.random.default_rng(0), majority - minority

    def ours() -> Any:
        new = sample_smote(X[y == 1], count, rng=rng).points
        return np.vstack([X, new]), np.append(y, np.ones(count, dtype=y.dtype))

    return {"ours": ours, "theirs": lambda: SMOTE().fit_resample(X, y)}


def mixed_samplers(
    minority: int, majority: int, numbers: int, nominal: int
) -> dict[str, Sampler]:
    """Both sides for rows with categories, of which each has five values."""
    X, y = table(minority, majority, numbers)
    rng, count = np.random.default_rng(0), majority - minority
    categories = rng.integers(5, size=(len(y), nominal))
    mixed = np.hstack([X, categories])
    places = range(numbers, numbers + nominal)

    def ours() -> Any:
        rare = y == 1
        new = sample_smote_nc(X[rare], categories[rare], count, rng=rng)
        rows = np.hstack([new.points, new.categories])
        return np.vstack([mixed, rows]), np.append(y, np.ones(count, dtype=y.dtype))

    return {
        "ours": ours,
        "theirs": lambda: SMOTENC(list(places)).fit_resample(mixed, y),
    }


def ratio(function: str, work: str, samplers: dict[str, Sampler]) -> Ratio:
    """Median times of both sides, printed."""
    times = medians_in_turn(samplers, ROUNDS)
    found = Ratio(
        part="subsets",
        function=f"samplebook.subsets.{function}",
        work=work,
        other="imbalanced-learn",
        kind="peer",
        unit="s",
        ours=times["ours"],
        theirs=times["theirs"],
    )
    print(
        f"{work:54} {1e3 * found.ours:9.2f} {1e3 * found.theirs:9.2f} "
        f"{found.theirs / found.ours:6.2f}"
    )
    return found


def measured() -> list[Ratio]:
    """All comparisons."""
    ratios = [
        ratio(
            "smote.sample_smote",
            f"{minority:,} rare rows to {majority:,}, {width} features",
            numeric_samplers(minority, majority, width),
        )
        for minority, majority, width in SIZES
    ]
    minority, majority, numbers, nominal = MIXED_SIZE
    work = f"{minority:,} rare rows to {majority:,}, {numbers} numbers, {nominal} categories"
    mixed = mixed_samplers(minority, majority, numbers, nominal)
    return [*ratios, ratio("smote_nominal.sample_smote_nc", work, mixed)]


if __name__ == "__main__":
    print(f"{'ms a call':54} {'ours':>9} {'theirs':>9} {'ratio':>6}")
    found = measured()
    write_record("oversampling", ratios=found)
    worst = min(entry.theirs / entry.ours for entry in found)
    print(f"ratios at least {SMALLEST_RATIO}")
    sys.exit(worst < SMALLEST_RATIO)
