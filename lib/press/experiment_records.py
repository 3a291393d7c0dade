"""Which records of large experiments are of the code as it is, complete and readable."""

from pathlib import Path

from press.book import Book
from samplebook.experiments import read_record
from samplebook.experiments.measured_code import OLDER, changed_modules

MODULES_SHOWN = 3
DAMAGED = "its record is damaged"


def in_short(names: list[str]) -> str:
    """A few names, and how many more there are."""
    more = len(names) - MODULES_SHOWN
    return ", ".join(names[:MODULES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def age_of(book: Book, file: Path) -> str:
    """What is said of a record beside its numbers: that its code has changed, or nothing; or damage."""
    try:
        record = read_record(file)
    except ValueError:
        return DAMAGED
    return OLDER if changed_modules(record, book.library) else ""


def reasons_to_run(book: Book, file: Path) -> list[str]:
    """Why an experiment has to be run; empty if its record is complete and of this code."""
    if not file.is_file():
        return ["no record yet"]
    try:
        record = read_record(file)
    except ValueError:
        return [DAMAGED]
    changed = changed_modules(record, book.library)
    if changed:
        return [f"{OLDER}, changed since: {in_short(changed)}"]
    if not record.get("complete"):
        names = [part.get("name", str(part)) for part in record["not_measured"]]
        return [f"not complete, still missing: {in_short(names)}"]
    return []


def outdated_records(book: Book) -> list[str]:
    """A line for each record in ``results`` that is not complete and of this code."""
    return [
        f"{book.shown(file)}: {reason}"
        for file in sorted(book.experiments.glob("*/*.json"))
        for reason in reasons_to_run(book, file)
    ]
