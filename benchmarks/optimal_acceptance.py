"""What the optimum costs at a real vocabulary's size, counted in sorts.

Run ``PYTHONPATH=lib python benchmarks/optimal_acceptance.py``. It times ``optimal_acceptance`` at V =
128,000 and k = 8, checks of its arguments included, against a default ``numpy.argsort`` of a random law of
the same size, in turn in one process. It prints the ratio of the medians, and fails if that is above 4.
"""

import statistics
import sys
import time
from collections.abc import Callable

import numpy as np

from samplebook.drafts import optimal_acceptance

VOCABULARY = 128_000
NUM_DRAFTS = 8
REPEATS = 51
LARGEST_RATIO = 4.0


def seconds(call: Callable[[], object]) -> float:
    """Time of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def ratio_to_argsort(seed: int = 0) -> float:
    """Median time of ``optimal_acceptance`` over median time of ``argsort``."""
    rng = np.random.default_rng(seed)
    target, draft = (rng.dirichlet(np.ones(VOCABULARY)) for _ in range(2))
    pairs = [
        (
            seconds(lambda: optimal_acceptance(target, draft, NUM_DRAFTS)),
            seconds(lambda: np.argsort(draft)),
        )
        for _ in range(REPEATS)
    ]
    ours, sorts = (statistics.median(times) for times in zip(*pairs, strict=True))
    print(
        f"optimal_acceptance, V = {VOCABULARY:,}, k = {NUM_DRAFTS}: {1e3 * ours:.2f} ms"
    )
    print(f"numpy.argsort, V = {VOCABULARY:,}: {1e3 * sorts:.2f} ms")
    return ours / sorts


if __name__ == "__main__":
    ratio = ratio_to_argsort()
    print(f"ratio {ratio:.2f}, at most {LARGEST_RATIO}")
    sys.exit(ratio > LARGEST_RATIO)
