"""What proven bounds of all sensitivities cost: at most ten QR factorisations, within 4 GB.

Run ``PYTHONPATH=lib:benchmarks python benchmarks/sensitivity_bounds.py``. For p = 1, 3 and 4 it times
``sensitivity_bounds`` of a 1,000,000 x 20 matrix, checks of its arguments included, against
``numpy.linalg.qr`` of the same matrix, in turn in one process. The matrix has heavy-tailed rows, so that the
scores differ by many orders of magnitude. It prints the ratio of the medians, how far apart the bounds are,
and the process's peak memory. It fails if a ratio is above 10, the bounds are further apart than 1.01
d^|1 - p/2|, or the peak is above 4 GB.
"""

import harness.single_thread  # noqa: F401, I001

import resource
import sys

import numpy as np

from harness.records import Ratio, write_record
from harness.timing import Call, medians_in_turn
from samplebook.subsets import sensitivity_bounds

NUM_ROWS, NUM_COLUMNS = 1_000_000, 20
EXPONENTS = (1, 3, 4)
REPEATS = 3
LARGEST_RATIO = 10.0
LARGEST_SLACK = 1.01
MOST_GIGABYTES = 4.0


def slack(A: np.ndarray, p: float) -> float:
    """Largest upper / lower, as a multiple of d^|1 - p/2|; upper bounds cut at 1 are left out."""
    lower, upper = sensitivity_bounds(A, p)
    ratios = (upper / lower)[upper < 1]
    return float(ratios.max() / NUM_COLUMNS ** abs(1 - p / 2))


def within_limits(seed: int = 0) -> bool:
    """Whether times and widths keep to their limits."""
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((NUM_ROWS, NUM_COLUMNS))
    A *= rng.standard_t(1.2, size=(NUM_ROWS, 1))
    calls: dict[str, Call] = {"QR": lambda: np.linalg.qr(A)}
    calls |= {f"p = {p}": lambda p=p: sensitivity_bounds(A, p) for p in EXPONENTS}
    medians = medians_in_turn(calls, REPEATS)
    passed, ratios = True, []
    for p in EXPONENTS:
        ours, qr = medians[f"p = {p}"], medians["QR"]
        width = slack(A, p)
        print(
            f"p = {p}: bounds {ours:.2f} s, QR {qr:.2f} s, ratio {ours / qr:.2f}, at most {LARGEST_RATIO}; "
            f"upper / lower at most {width:.3f} d^|1 - p/2|"
        )
        ratios.append(
            Ratio(
                part="subsets",
                function="samplebook.subsets.sensitivity_bounds",
                work=f"p = {p}, {NUM_ROWS:,} x {NUM_COLUMNS} matrix",
                other="numpy.linalg.qr of the matrix",
                kind="yardstick",
                unit="s",
                ours=ours,
                theirs=qr,
            )
        )
        passed &= ours <= LARGEST_RATIO * qr and width <= LARGEST_SLACK
    write_record("sensitivity-bounds", ratios=ratios)
    return passed


if __name__ == "__main__":
    fast = within_limits()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"peak memory {peak:.2f} GB, at most {MOST_GIGABYTES}")
    sys.exit(not fast or peak > MOST_GIGABYTES)
