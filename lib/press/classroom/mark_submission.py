"""Mark one submission in a process of its own: ``python -m press.classroom.mark_submission REQUEST``.

The request is JSON; the outcomes are printed as JSON. The grader runs one such process a submission, so that
nothing a submission does to its marking can touch another.
"""

import json
import resource
import sys
from dataclasses import asdict
from pathlib import Path

from press.book import Book
from press.classroom.assignments import read_assignment
from press.classroom.containment import Limits
from press.classroom.marking import mark
from press.lifeline import end_with_the_press

ADDRESS_SPACE = 6 << 30
"""Bytes for the test cells and what a submission answers them."""


def limit_memory() -> None:
    """A test cell that needs too much memory fails, and disturbs nobody else."""
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    limit = (
        ADDRESS_SPACE if most == resource.RLIM_INFINITY else min(ADDRESS_SPACE, most)
    )
    resource.setrlimit(resource.RLIMIT_AS, (limit, most))


def main(request: str) -> None:
    end_with_the_press()
    limit_memory()
    order = json.loads(request)
    assignment = read_assignment(Book(Path(order["root"])), order["assignment"])
    marked = mark(
        assignment,
        Path(order["submission"]),
        Limits(**order["limits"]),
        hidden=map(Path, order["hidden"]),
        overlay=order["overlay"],
    )
    json.dump(asdict(marked), sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
