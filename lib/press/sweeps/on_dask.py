"""Send the runs of a sweep to a Dask cluster.

The workers share the book's folder with this process, under the same path, and import the press from it:
start each in the book's folder, with the same Python, as

    PYTHONPATH=lib .venv/bin/dask worker tcp://host:port --nthreads 1

A run is one task, and its result is a folder that appears in one step. So the scheduler gives the run of
a worker that died to another one, which finds the folder or makes it.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from distributed import Client, Future, as_completed

from press.book import Book
from press.errors import PressError
from press.execution import TEMPORARY, Failure, Job, bar_of_jobs, run_job, stale_reasons

SECONDS_TO_CONNECT = 20
HOW_TO_START_WORKERS = (
    "start each worker in the book's folder as "
    "`PYTHONPATH=lib .venv/bin/dask worker tcp://host:port --nthreads 1`"
)


def check_address(address: str) -> None:
    """See that a scheduler's address has the form of one.

    Raises
    ------
    PressError
        If not.
    """
    if not re.fullmatch(r"(tcp|tls|ws|wss)://[^\s/]+:\d+", address):
        raise PressError(f"DASK: {address!r} must read tcp://host:port")


def connect(address: str) -> Client:
    """A client of the scheduler at an address.

    Raises
    ------
    PressError
        If none answers.
    """
    try:
        return Client(address, timeout=SECONDS_TO_CONNECT, set_as_default=False)
    except (OSError, ValueError) as error:
        raise PressError(f"DASK: no scheduler answers at {address}: {error}") from error


def wait_for_workers(client: Client, address: str) -> None:
    """Wait for the first worker.

    Raises
    ------
    PressError
        If none comes.
    """
    try:
        client.wait_for_workers(1, timeout=SECONDS_TO_CONNECT)
    except TimeoutError as error:
        raise PressError(
            f"DASK: the scheduler at {address} has no worker; {HOW_TO_START_WORKERS}"
        ) from error


def sees_file(path: str) -> bool:
    """Whether this process sees a file; run by each worker."""
    return Path(path).is_file()


def check_workers(client: Client, book: Book) -> None:
    """See that each worker can import the press and sees the book's folder.

    Raises
    ------
    PressError
        If one does not.
    """
    probe = book.swept / f"{TEMPORARY}probe"
    probe.touch()
    answers = client.run(sees_file, str(probe), on_error="return")
    probe.unlink()
    for worker, answer in answers.items():
        if answer is not True:
            trouble = answer or f"it does not see {book.swept}"
            raise PressError(
                f"DASK: the worker {worker} cannot help: {trouble}; {HOW_TO_START_WORKERS}"
            )


def run_unless_fresh(book: Book, job: Job) -> Failure | None:
    """Do one job, unless a worker that is gone has done it; run by the workers."""
    if not stale_reasons(book, job):
        return None
    outcome = run_job(book, job, move=lambda seconds: None)
    # Two workers may do one job, if the scheduler took one of them for dead.
    return outcome if stale_reasons(book, job) else None


def outcome_of(future: "Future[Any]", job: Job) -> Failure | None:
    """What came of a task; a task without an answer is a failure."""
    if future.status == "finished":
        return future.result()
    if future.status == "error":
        return Failure(job.name, f"the cluster gave up: {future.exception()!r}")
    return Failure(job.name, "the scheduler was lost before it answered")


def execute_on_dask(
    book: Book, jobs: Sequence[Job], address: str, what: str = "run"
) -> list[Failure]:
    """Do jobs on a cluster. A job that fails does not stop the others.

    Parameters
    ----------
    book : Book
    jobs : sequence of Job
    address : str
        The scheduler's, ``tcp://host:port``.
    what : str
        What the progress bar calls one of the jobs.

    Returns
    -------
    list of Failure
        The jobs that have no result now.

    Raises
    ------
    PressError
        If the scheduler or the workers cannot be used.
    """
    check_address(address)
    if not jobs:
        return []
    with connect(address) as client:
        wait_for_workers(client, address)
        check_workers(client, book)
        futures = client.map(run_unless_fresh, [book] * len(jobs), jobs, pure=False)
        by_key = dict(zip((future.key for future in futures), jobs, strict=True))
        outcomes = []
        with bar_of_jobs(jobs, what) as bar:
            for future in as_completed(futures, loop=client.loop, raise_errors=False):
                job = by_key[future.key]
                outcomes.append(outcome_of(future, job))
                bar.update(sum(job.seconds.values()))
    return [outcome for outcome in outcomes if outcome is not None]
