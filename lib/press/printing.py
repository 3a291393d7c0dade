"""``make book``: execute what is stale, gather the claims, build the site, and say what came out."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from filelock import FileLock, Timeout

from press.book import Book, Chapter
from press.claims_ledger import gather_claims, unfounded_findings, verdict_counts
from press.errors import PressError
from press.execution import Failure, Job, execute_chapters, make_job, stale_reasons
from press.labels import check_labels
from press.website import build_site

REASONS_SHOWN = 3


@contextmanager
def sole_press(book: Book, work: str = "press") -> Iterator[None]:
    """Hold the lock of one kind of work; the system frees it when this process ends, however it ends.

    Raises
    ------
    PressError
        If another process is at this work in this tree.
    """
    book.build.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(book.build / f"{work}.lock", timeout=0):
            yield
    except Timeout as error:
        raise PressError(
            f"another {work} is at work in {book.root}; wait until it ends"
        ) from error


def reasons_in_words(chapter: Chapter, reasons: Sequence[str]) -> str:
    shown = ", ".join(reasons[:REASONS_SHOWN])
    more = (
        f" and {len(reasons) - REASONS_SHOWN} more"
        if len(reasons) > REASONS_SHOWN
        else ""
    )
    return f"{chapter.name} is stale: {shown}{more}"


def stale_jobs(book: Book) -> tuple[list[Job], list[Failure]]:
    """The chapters to execute, and those whose source does not say what they depend on.

    Prints why a chapter is stale.
    """
    jobs, failures = [], []
    for chapter in book.chapters():
        try:
            job = make_job(book, chapter)
        except PressError as error:
            failures.append(Failure(chapter.name, str(error)))
            continue
        reasons = stale_reasons(book, job)
        if reasons:
            print(reasons_in_words(chapter, reasons), flush=True)
            jobs.append(job)
    return jobs, failures


def report_failures(failures: Sequence[Failure]) -> None:
    """Raise one error that describes all chapters without a result.

    Raises
    ------
    PressError
        If there is any.
    """
    if not failures:
        return
    texts = [f"Chapter {failure.name}: {failure.text}" for failure in failures]
    names = ", ".join(failure.name for failure in failures)
    raise PressError(
        "\n\n".join(texts)
        + f"\n\nNo result from: {names}. Nothing was built or stored."
    )


def execute_stale(book: Book) -> int:
    """Execute the stale chapters and return how many there were.

    Raises
    ------
    PressError
        If a chapter fails; the others are finished first.
    """
    jobs, failures = stale_jobs(book)
    report_failures(failures + execute_chapters(book, jobs))
    return len(jobs)


def print_book(book: Book) -> None:
    """Everything from stale chapters to the site.

    Raises
    ------
    PressError
        If a label is missing, a chapter, a claim, the build or a page fails, or another press is at work.
    """
    start = time.monotonic()
    with sole_press(book):
        check_labels(book)
        executed = execute_stale(book)
        records = gather_claims(book)
        built = build_site(book, records)
    fresh = len(book.chapters()) - executed
    print(f"Chapters: {executed} executed, {fresh} already fresh.")
    print(f"Site:     {'built' if built else 'already up to date'}.")
    print(f"Claims:   {verdict_counts(records.values())}.")
    for claim in unfounded_findings(book, records):
        print(
            f"Warning:  {claim.id} is said to fail (`finding:` in its claims file), but does not in this run."
        )
    print(f"Time:     {time.monotonic() - start:.0f} s.")
    print(f"Open {book.html / 'index.html'}, or run `make serve`.")
