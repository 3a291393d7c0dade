"""The library beside packages that do the same work: SciPy, cvxpy, scikit-learn, torch, transformers.

Run ``PYTHONPATH=lib:benchmarks python benchmarks/beside_packages.py`` (or with some of the names that
``--list`` prints: then nothing is recorded). Both sides get the same input, on one thread. Their results are
compared first; it fails if they differ. Then both are timed in turn, in processor time.
"""

import harness.single_thread  # noqa: F401, I001

import argparse

from duels import DUELS
from harness.duels import hold
from harness.records import write_record


def main() -> None:
    parser = argparse.ArgumentParser(description="Times the library beside packages.")
    parser.add_argument("names", nargs="*", help="all by default")
    parser.add_argument("--list", action="store_true", help="print the names")
    options = parser.parse_args()
    if options.list:
        print("\n".join(DUELS))
        return
    ratios = [hold(DUELS[name]()) for name in options.names or DUELS]
    if not options.names:
        write_record("beside-packages", ratios=ratios)


if __name__ == "__main__":
    main()
