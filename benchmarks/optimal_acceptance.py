"""What the optimum costs at a real vocabulary's size: with replacement in sorts, without in seconds.

Run ``PYTHONPATH=lib:benchmarks python benchmarks/optimal_acceptance.py``. It times ``optimal_acceptance`` at
V = 128,000 and k = 8, checks of its arguments included, against a default ``numpy.argsort`` of a random law
of the same size, in turn in one process. It prints the ratio of the medians, and fails if that is above 4.

Without replacement it times the optimum at V = 72,546 and k = 4, for random laws and for laws as peaked as a
language model's. It fails if a median is above 2 seconds, on two cores of an ordinary machine.
"""

import harness.single_thread  # noqa: F401, I001

import sys

import numpy as np

from harness.records import Ratio, write_record
from harness.timing import medians_in_turn
from samplebook.drafts import optimal_acceptance

VOCABULARY = 128_000
NUM_DRAFTS = 8
REPEATS = 25
LARGEST_RATIO = 4.0
VOCABULARY_WITHOUT_REPLACEMENT = 72_546
NUM_DRAFTS_WITHOUT_REPLACEMENT = 4
REPEATS_WITHOUT_REPLACEMENT = 5
MOST_SECONDS = 2.0


def ratio_to_argsort(seed: int = 0) -> Ratio:
    """Median times of ``optimal_acceptance`` and of ``argsort``."""
    rng = np.random.default_rng(seed)
    target, draft = (rng.dirichlet(np.ones(VOCABULARY)) for _ in range(2))
    medians = medians_in_turn(
        {
            "ours": lambda: optimal_acceptance(target, draft, NUM_DRAFTS),
            "sorts": lambda: np.argsort(draft),
        },
        REPEATS,
    )
    ours, sorts = medians["ours"], medians["sorts"]
    print(
        f"optimal_acceptance, V = {VOCABULARY:,}, k = {NUM_DRAFTS}: {1e3 * ours:.2f} ms"
    )
    print(f"numpy.argsort, V = {VOCABULARY:,}: {1e3 * sorts:.2f} ms")
    return Ratio(
        part="drafts",
        function="samplebook.drafts.optimal_acceptance",
        work=f"V = {VOCABULARY:,}, k = {NUM_DRAFTS}",
        other="numpy.argsort of V numbers",
        kind="yardstick",
        unit="s",
        ours=ours,
        theirs=sorts,
    )


def seconds_without_replacement(seed: int = 0) -> float:
    """Larger one of two median times: for random laws, and for peaked ones."""
    rng = np.random.default_rng(seed)
    size = VOCABULARY_WITHOUT_REPLACEMENT
    logits = 3 * rng.standard_normal(size)
    peaked = np.exp([logits, logits + rng.standard_normal(size)])
    problems = {
        "random": rng.dirichlet(np.ones(size), size=2),
        "peaked": peaked / peaked.sum(axis=1, keepdims=True),
    }
    medians = medians_in_turn(
        {
            name: lambda laws=laws: optimal_acceptance(
                *laws, NUM_DRAFTS_WITHOUT_REPLACEMENT, replacement=False
            )
            for name, laws in problems.items()
        },
        REPEATS_WITHOUT_REPLACEMENT,
    )
    for name, median in medians.items():
        print(f"without replacement, {name} laws, V = {size:,}: {median:.2f} s")
    return max(medians.values())


if __name__ == "__main__":
    found = ratio_to_argsort()
    ratio = found.ours / found.theirs
    print(f"ratio {ratio:.2f}, at most {LARGEST_RATIO}")
    longest = seconds_without_replacement()
    print(f"longest {longest:.2f} s, at most {MOST_SECONDS} s")
    write_record("optimal-acceptance", ratios=[found])
    sys.exit(ratio > LARGEST_RATIO or longest > MOST_SECONDS)
