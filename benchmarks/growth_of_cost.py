"""How time and memory of the core algorithms grow with the work, beside what is stated of them.

Run ``PYTHONPATH=lib:benchmarks python benchmarks/growth_of_cost.py`` (or with some of the names that
``--list`` prints: then nothing is recorded). Each algorithm runs at five sizes on one thread. The slope of
log cost against log size is fitted by least squares, and its 95 % Student interval compared with the slope
that the stated cost has over the same sizes. Time is the processor's; memory is measured in a process of its
own, by :mod:`harness.memory`.
"""

import harness.single_thread  # noqa: F401, I001

import argparse
import json
import os
import subprocess
import sys
from typing import Any

from growth import CASES
from harness.cases import Case, bytes_of, entry, seconds_of
from harness.memory import CHILD_ENVIRONMENT, is_measurable
from harness.records import write_record
from harness.timing import keep_freed_memory


def peaks_in_child(case: Case) -> list[int] | None:
    """Peak memory at each size, from a child process; None where it can't be measured or isn't stated."""
    if case.memory is None or not is_measurable():
        return None
    command = [sys.executable, __file__, "--memory-of", case.slug]
    output = subprocess.run(
        command,
        env=dict(os.environ) | CHILD_ENVIRONMENT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    peaks: list[int] = json.loads(output.splitlines()[-1])
    return peaks


def words(growth: dict[str, Any] | None) -> str:
    """One growth in a line."""
    if growth is None:
        return "not measured"
    lower, upper = growth["interval"]
    stated = "-" if growth["stated"] is None else f"{growth['stated']:.2f}"
    return (
        f"{growth['slope']:5.2f} [{lower:5.2f}, {upper:5.2f}], stated {stated}: "
        f"{growth['verdict'] or 'no growth stated'}"
    )


def measured(case: Case) -> dict[str, Any]:
    """Measure a case and print it."""
    found = entry(case, seconds_of(case), peaks_in_child(case))
    print(f"{case.slug}\n  time   {words(found['time'])}", flush=True)
    print(f"  memory {words(found['memory'])}", flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures how costs grow.")
    parser.add_argument("slugs", nargs="*", help="all by default")
    parser.add_argument("--list", action="store_true", help="print the names")
    parser.add_argument("--memory-of", metavar="SLUG", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.list:
        print("\n".join(CASES))
    elif options.memory_of:
        print(json.dumps(bytes_of(CASES[options.memory_of])))
    else:
        keep_freed_memory()
        found = [measured(CASES[slug]) for slug in options.slugs or CASES]
        if not options.slugs:
            write_record("growth-of-cost", growth=found)


if __name__ == "__main__":
    main()
