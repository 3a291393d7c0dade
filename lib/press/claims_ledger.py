"""Gather the claims that the chapters checked, and see that claims, checks and labels fit together."""

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


def records_in(folder: Path) -> list[Record]:
    """What one execution recorded, in the order of its checks."""
    lines = (folder / "claims.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def records_of(book: Book, chapter: Chapter) -> list[Record]:
    """What a chapter's last execution recorded."""
    return records_in(book.result(chapter))


def chapter_slug(claim_id: str) -> str:
    """The slug of the chapter that a claim belongs to."""
    return claim_id.rpartition("-")[0]


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


def is_record(record: Any) -> bool:
    """Whether this is a claim's record: a verdict, a value, and an interval of two numbers or none."""
    if not isinstance(record, dict) or not {"verdict", "value", "interval"} <= set(
        record
    ):
        return False
    ends = [] if record["interval"] is None else record["interval"]
    return (
        isinstance(ends, list)
        and len(ends) in (0, 2)
        and all(isinstance(end, int | float) for end in ends)
    )


def stored_records(book: Book) -> dict[str, Record]:
    """The committed claim records, by id; empty before the first refresh.

    Raises
    ------
    PressError
        If the file is damaged.
    """
    if not book.stored_claims.is_file():
        return {}
    advice = "take it back with `git checkout`, or write it with `make refresh`"
    name = book.shown(book.stored_claims)
    try:
        content = json.loads(book.stored_claims.read_text(encoding="utf-8"))
    except ValueError as error:
        raise PressError(f"{name} is not JSON ({error}); {advice}") from error
    records = content.get("records") if isinstance(content, dict) else None
    if not isinstance(records, dict):
        raise PressError(f"{name} has no records of claims; {advice}")
    for claim_id, record in records.items():
        if not is_record(record):
            raise PressError(
                f"{name}: the record of {claim_id} needs verdict, value and interval; {advice}"
            )
    return records


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


def verdict_counts(records: Iterable[Record]) -> str:
    """How many claims have each verdict, in words."""
    counts = Counter(record["verdict"] for record in records)
    holding, failing, beyond = (counts[verdict] for verdict in VERDICT_WORDS)
    return f"{holding} hold, {failing} fail, {beyond} are beyond this scale"


def counts_sentence(records: Iterable[Record]) -> str:
    """How many claims there are, and how many have each verdict, as a sentence."""
    listed = list(records)
    return f"Of {len(listed)} claims, {verdict_counts(listed)}."


def unfounded_findings(book: Book, records: dict[str, Record]) -> list[Claim]:
    """The claims that give a reason for failing but do not fail in this execution.

    They are an error of the book, which its tests refuse. The press only warns: what a reader's machine
    measured decides the verdict, and must not keep the reader from the pages that show it.
    """
    return [
        claim
        for chapter in book.chapters()
        for claim in claims_of(book, chapter).values()
        if claim.finding is not None and records[claim.id]["verdict"] != "fails"
    ]
