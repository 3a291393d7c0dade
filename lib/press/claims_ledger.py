"""Gather the claims that the chapters checked, and print the ledger from them."""

import json
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from press.book import Book, Chapter, write_atomically
from press.errors import PressError
from press.notebooks import read_notebook
from samplebook.claims import VERDICT_WORDS, Claim, read_claims

Record = dict[str, Any]
VOLATILE_FIELDS = ("seconds", "versions", "device")
SOURCE_WORDS = {
    "read": "",
    "secondary": " (from a secondary source)",
    "memory": " (from memory)",
    "ours": " (this book's own)",
}


def claims_of(book: Book, chapter: Chapter) -> dict[str, Claim]:
    """The claims file of a chapter, validated.

    Raises
    ------
    PressError
        If it is missing or wrong.
    """
    file = book.claims_file(chapter)
    if not file.is_file():
        raise PressError(
            f"{chapter.name}: the claims file {book.shown(file)} is missing"
        )
    try:
        return read_claims(file)
    except ValueError as error:
        raise PressError(str(error)) from error


def records_of(book: Book, chapter: Chapter) -> list[Record]:
    """What a chapter's last execution recorded, in the order of its checks."""
    lines = (
        (book.result(chapter) / "claims.jsonl").read_text(encoding="utf-8").splitlines()
    )
    return [json.loads(line) for line in lines]


def claim_label(claim_id: str) -> str:
    """The line that labels a claim's cell on the site."""
    return f"(claim-{claim_id})="


def check_positions(notebook: NotebookNode, claim_id: str) -> list[int]:
    """Positions of the code cells that check a claim."""
    call = re.compile(rf"""\bcheck\(\s*(?:id\s*=\s*)?["']{re.escape(claim_id)}["']""")
    return [
        position
        for position, cell in enumerate(notebook.cells)
        if cell.cell_type == "code" and call.search(cell.source)
    ]


def label_problem(notebook: NotebookNode, claim_id: str) -> str | None:
    """What is wrong with the label before a claim's check, if anything."""
    checks = check_positions(notebook, claim_id)
    label = claim_label(claim_id)
    if not checks:
        return f"no cell calls check({claim_id!r}, ...) with the id spelled out"
    before = [
        cell for cell in notebook.cells[: checks[0]] if cell.cell_type == "markdown"
    ]
    if not any(label in map(str.strip, cell.source.splitlines()) for cell in before):
        return f"no Markdown cell before the check of {claim_id} has the line {label}"
    return None


def claim_problems(
    claims: Iterable[str], records: list[Record], notebook: NotebookNode
) -> list[str]:
    """What is wrong between a chapter's claims, its checks and its labels; empty if all is well."""
    problems = []
    counts = Counter(record["id"] for record in records)
    for claim_id in claims:
        if counts[claim_id] != 1:
            times = "never" if counts[claim_id] == 0 else f"{counts[claim_id]} times"
            problems.append(f"{claim_id} was checked {times}, not once")
        problem = label_problem(notebook, claim_id)
        if problem:
            problems.append(problem)
    unknown = sorted(set(counts) - set(claims))
    return problems + [
        f"{name} was checked, but is not in the chapter's claims file"
        for name in unknown
    ]


def write_claims(book: Book, path: Path, records: dict[str, Record]) -> None:
    """Write records to a file, with the list of the chapters and their claims."""
    chapters = {
        chapter.slug: {"part": chapter.part, "claims": list(claims_of(book, chapter))}
        for chapter in book.chapters()
    }
    write_atomically(
        path, json.dumps({"records": records, "chapters": chapters}, indent=1) + "\n"
    )


def gather_claims(book: Book) -> dict[str, Record]:
    """Collect the records of all chapters into ``_build/claims.json``.

    Returns
    -------
    dict
        One record for each claim, by id, in the order of the chapters and of their claims files.

    Raises
    ------
    PressError
        If a claim has no check, two checks, or no label before its check.
    """
    gathered: dict[str, Record] = {}
    problems: list[str] = []
    for chapter in book.chapters():
        claims, records = claims_of(book, chapter), records_of(book, chapter)
        notebook = read_notebook(book.notebook(chapter))
        problems += [
            f"{chapter.name}: {text}"
            for text in claim_problems(claims, records, notebook)
        ]
        by_id = {record["id"]: record for record in records}
        gathered |= {
            claim_id: by_id[claim_id] for claim_id in claims if claim_id in by_id
        }
    if problems:
        raise PressError("\n".join(problems))
    write_claims(book, book.gathered_claims, gathered)
    return gathered


def without_volatile_fields(record: Record) -> Record:
    """A record as it is stored in the repository."""
    return {
        name: value for name, value in record.items() if name not in VOLATILE_FIELDS
    }


def rounded(number: float) -> str:
    return f"{number:.4g}"


def measured_words(record: Record) -> str:
    """The measured value and its interval, rounded."""
    if record["value"] is None:
        return "not measured"
    words = rounded(record["value"])
    if record["interval"] is not None:
        lower, upper = map(rounded, record["interval"])
        words += f" [{lower}, {upper}]"
    return words


def paper_words(claim: Claim) -> str:
    """The source's figure and place, marked when this book has not read the source itself."""
    return f"{claim.figure or 'no figure'}; {claim.place}{SOURCE_WORDS[claim.source]}"


def alarm_words(claim: Claim) -> str:
    """How often the rule would reject a true claim, or why there is nothing to decide."""
    if claim.scale_reason is not None:
        return claim.scale_reason
    return (
        "(exact)" if claim.false_alarm == 0 else f"(false alarm {claim.false_alarm:g})"
    )


def ledger_row(claim: Claim, record: Record) -> str:
    """One claim as an item of a MyST list table."""
    cells = [
        f"{{ref}}`{claim.id} <claim-{claim.id}>`",
        claim.statement,
        paper_words(claim),
        measured_words(record),
        VERDICT_WORDS[record["verdict"]],
        f"{claim.rule} {alarm_words(claim)}",
    ]
    lines = [" ".join(cell.split()) for cell in cells]
    return "* - " + "\n  - ".join(lines)


def verdict_counts(records: Iterable[Record]) -> str:
    """How many claims have each verdict, in words."""
    counts = Counter(record["verdict"] for record in records)
    holding, failing, beyond = (counts[verdict] for verdict in VERDICT_WORDS)
    return f"{holding} hold, {failing} fail, {beyond} are beyond this scale"


def ledger_page(book: Book, records: dict[str, Record]) -> str:
    """The ledger as MyST Markdown: the counts, then a table for each chapter."""
    text = [f"Of {len(records)} claims, {verdict_counts(records.values())}.", ""]
    for chapter in book.chapters():
        rows = [
            ledger_row(claim, records[claim.id])
            for claim in claims_of(book, chapter).values()
        ]
        text += [
            f"{{doc}}`/chapters/{chapter.part}/{chapter.slug}`",
            "",
            "```{list-table}",
            ":header-rows: 1",
            ":class: ledger",
            "* - Claim\n  - Statement\n  - Source\n  - Measured here\n  - Verdict\n  - Rule",
            *rows,
            "```",
            "",
        ]
    return "\n".join(text)
