"""``make sweep CONFIRM=1``: see whether runs of an earlier state of the code still say what they said.

A change that moves no number makes the stored runs old all the same. Instead of all of them, the first seed
of each parameters is run again. If its claims come out equal, the stored runs stay, under the present key,
and the file says so.
"""

import json
from dataclasses import replace

from press.book import Book, Chapter
from press.drift import is_equal
from press.errors import PressError
from press.execution import Failure, stale_reasons
from press.printing import sole_press
from press.sweeps.grid import chapters_from, sweep_defaults
from press.sweeps.results import Row, Sweep, sweep_file, sweep_key, write_sweep
from press.sweeps.run import (
    SweepJob,
    identity,
    jobs_of,
    remove_leftover_runs,
    report_failed_runs,
    rows_of,
    run_all,
    stored_sweep,
)

COMPARED = ("verdict", "value", "lower", "upper", "stand_in")


def first_runs(book: Book, chapter: Chapter, stored: Sweep) -> list[SweepJob]:
    """The run with the least seed for each parameters that are stored."""
    jobs = []
    for parameters in sorted({row.parameters for row in stored.rows}):
        seed = min(row.seed for row in stored.rows if row.parameters == parameters)
        jobs += jobs_of(book, chapter, [json.loads(parameters)], [seed])
    return jobs


def differences(before: Row, now: Row) -> list[str]:
    """What moved between two rows of one claim, in words."""
    found = []
    for name in COMPARED:
        old, new = getattr(before, name), getattr(now, name)
        if not is_equal(old, new):
            found.append(
                f"{now.claim}, seed {now.seed}, {now.parameters}: {name} was {old}, now {new}"
            )
    return found


def moved(book: Book, jobs: list[SweepJob], stored: Sweep) -> list[str]:
    """What moved since the stored runs, in words; empty if the runs confirm them."""
    if stored.defaults != sweep_defaults(jobs[0].notebook):
        return [f"its sweeps set {stored.defaults}, and now other parameters"]
    found = []
    for job in jobs:
        before = {
            row.claim: row
            for row in stored.rows
            if (row.seed, row.parameters) == identity(job)
        }
        now = {row.claim: row for row in rows_of(book, job)}
        for claim in sorted(before.keys() ^ now.keys()):
            found.append(f"{claim} is checked in one of the two states alone")
        for claim in sorted(before.keys() & now.keys()):
            found += differences(before[claim], now[claim])
    return found


def keep(book: Book, jobs: list[SweepJob], stored: Sweep) -> None:
    """Store an earlier state's runs under the present key."""
    confirmed = replace(
        stored,
        key=jobs[0].key,
        earlier=[*stored.earlier, stored.key["digest"]],
        confirmed_by=sorted({job.seed for job in jobs}),
    )
    write_sweep(sweep_file(book, jobs[0].chapter), confirmed)


def settle(book: Book, jobs: list[SweepJob], stored: Sweep) -> list[str]:
    """Keep a chapter's stored runs if they are confirmed; otherwise say what moved."""
    name = jobs[0].chapter.name
    if any(stale_reasons(book, job) for job in jobs):
        return []
    found = moved(book, jobs, stored)
    if found:
        return [f"{name}: {line}" for line in found]
    keep(book, jobs, stored)
    seeds = ", ".join(map(str, sorted({job.seed for job in jobs})))
    print(f"{name}: seed {seeds} gave equal values; all stored runs are kept.")
    return []


def stored_of_earlier_states(
    book: Book, chapters: list[Chapter]
) -> dict[Chapter, Sweep]:
    """What is stored of the chapters whose code or data are no longer those of the stored runs."""
    found = {}
    for chapter in chapters:
        stored = stored_sweep(book, chapter)
        if stored is None:
            print(f"{chapter.name}: no runs are stored.")
        elif stored.key["digest"] == sweep_key(book, chapter)["digest"]:
            print(f"{chapter.name}: the stored runs are of the present state.")
        else:
            found[chapter] = stored
    return found


def confirm(book: Book, chapters: str = "", dask: str = "") -> None:
    """Run the first seeds of stored sweeps again, and keep what they confirm.

    Parameters
    ----------
    book : Book
    chapters : str
        Slugs; all chapters where it names none.
    dask : str
        Address of a Dask scheduler; none runs here.

    Raises
    ------
    PressError
        If a value moved, a run fails, a stored file is damaged, or another sweep is at work.
    """
    chosen = chapters_from(book, chapters)
    with sole_press(book, "sweep"):
        remove_leftover_runs(book)
        stored = stored_of_earlier_states(book, chosen)
        jobs = {each: first_runs(book, each, stored[each]) for each in stored}
        waiting = [
            job for some in jobs.values() for job in some if stale_reasons(book, job)
        ]
        failures: list[Failure] = run_all(book, waiting, dask)
        found = [
            line for each in stored for line in settle(book, jobs[each], stored[each])
        ]
    report_failed_runs(failures)
    if found:
        raise PressError(
            "\n".join(found)
            + "\nThe stored runs stay as they were. Run all seeds again with `make sweep`."
        )
