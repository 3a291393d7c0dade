"""Trace a claim's number from the page back to its cell, parameters, versions and commit."""

import json
import re
import subprocess
from dataclasses import dataclass
from typing import Any

from nbformat import NotebookNode

from press.book import Book, Chapter
from press.citation import published_address
from press.claims_ledger import (
    Record,
    chapter_slug,
    check_positions,
    claims_of,
    stored_records,
)
from press.environment import PINNED, Environment
from press.errors import PressError
from press.notebooks import code_cells, read_notebook, tags

VERSIONED = ("numpy", "scipy", "torch", "cvxpy")
SHORT_COMMIT = 10


@dataclass(frozen=True)
class Origin:
    """The commit that holds a stored number as it is now.

    Attributes
    ----------
    commit : str or None
        The last that changed the notebook or the stored claims; None without git or before the first commit.
    words : str
        The commit and its date, or why there is none.
    changed : list of str
        Which of these files differ from that commit.
    """

    commit: str | None
    words: str
    changed: list[str]


def git(book: Book, *arguments: str) -> str | None:
    """What git prints in the book's folder; None if there is no git or no repository."""
    try:
        result = subprocess.run(
            ["git", "-C", str(book.root), *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        return None
    return result.stdout.strip() if result.returncode == 0 else None


def origin_of(book: Book, chapter: Chapter) -> Origin:
    """Find the commit of a chapter's stored notebook and of the stored claims."""
    files = [
        book.shown(book.notebook(chapter)),
        book.shown(book.stored_claims),
    ]
    line = git(book, "log", "-1", "--format=%H %cs", "--", *files)
    if git(book, "rev-parse", "--git-dir") is None:
        return Origin(None, "unknown: no git, or no git repository", [])
    changes = git(book, "status", "--porcelain", "--", *files) or ""
    changed = [each.split(maxsplit=1)[1] for each in changes.splitlines()]
    if not line:
        return Origin(None, "none yet: the files were never committed", changed)
    commit, date = line.split()
    return Origin(commit, f"{commit} of {date}", changed)


def chapter_of_claim(book: Book, claim_id: str) -> Chapter:
    """The chapter that checks a claim.

    Raises
    ------
    PressError
        If there is no such claim, with the names that there are.
    """
    chapter = book.chapter(chapter_slug(claim_id) or claim_id)
    known = list(claims_of(book, chapter))
    if claim_id not in known:
        raise PressError(
            f"there is no claim {claim_id!r}; the claims of {chapter.name} are: {', '.join(known)}"
        )
    return chapter


def cell_words(book: Book, chapter: Chapter, notebook: NotebookNode, name: str) -> str:
    """Where a claim is checked: the number of the cell, among all cells and as it was executed."""
    positions = check_positions(notebook, name)
    if not positions:
        raise PressError(f"{chapter.name}: no cell checks {name}")
    cell = notebook.cells[positions[0]]
    counted = cell.execution_count or "not run"
    path = book.shown(book.notebook(chapter))
    return f"cell {positions[0] + 1} of {path}, In [{counted}]"


def parameters(notebook: NotebookNode) -> str:
    """What the chapter's parameters cell sets, in one line."""
    lines = [
        line.partition("#")[0].strip()
        for cell in code_cells(notebook)
        if "parameters" in tags(cell)
        for line in cell.source.splitlines()
    ]
    return "; ".join(filter(None, lines)) or "none"


def value_words(record: Record) -> str:
    """A record's value without rounding, its interval and its verdict."""
    interval = record["interval"]
    ends = "no interval" if interval is None else f"interval {interval}"
    return f"{record['value']}, {ends}, {record['verdict']}"


def versions_words(versions: dict[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def locked_versions(book: Book, origin: Origin) -> str:
    """The numerical packages as the lock had them at that commit, or as it has them now."""
    lock = Environment(book.root).lock
    at_commit = origin.commit and git(
        book, "show", f"{origin.commit}:{book.shown(lock)}"
    )
    text = at_commit or (lock.read_text(encoding="utf-8") if lock.is_file() else "")
    pinned = dict(PINNED.findall(text))
    found = {name: pinned[name] for name in VERSIONED if name in pinned}
    return f"{versions_words(found)} (all: {book.shown(lock)})"


def last_record(book: Book, chapter: Chapter, claim_id: str) -> Record | None:
    """The claim's record in the chapter's last execution on this machine."""
    file = book.result(chapter) / "claims.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    records: list[dict[str, Any]] = [json.loads(line) for line in lines]
    return next((record for record in records if record["id"] == claim_id), None)


def here_words(record: Record | None) -> list[str]:
    """The last execution on this machine: value, versions, device."""
    if record is None:
        return ["not run"]
    return [
        value_words(record),
        f"{versions_words(record['versions'])}; device {record['device']}",
    ]


def commands(chapter: Chapter, claim_id: str, commit: str) -> list[str]:
    """What checks the number's commit out beside this folder, and runs its chapter again."""
    folder = f"../{claim_id}-{commit[:SHORT_COMMIT]}"
    return [
        f"git worktree add --detach {folder} {commit[:SHORT_COMMIT]}",
        f"make -C {folder} refresh CHAPTER={chapter.slug}",
    ]


def trace(book: Book, claim_id: str) -> str:
    """Everything that is known about a claim's stored number, in lines.

    Raises
    ------
    PressError
        If there is no such claim.
    """
    chapter = chapter_of_claim(book, claim_id)
    notebook = read_notebook(book.notebook(chapter))
    stored = stored_records(book).get(claim_id)
    origin = origin_of(book, chapter)
    statement = re.sub(r"\s+", " ", claims_of(book, chapter)[claim_id].statement)
    page = f"{published_address(book)}/chapters/{chapter.name}.html#claim-{claim_id}"
    seed = (
        f"seed {stored['seed']}, profile {stored['profile']}"
        if stored
        else "not stored yet"
    )
    rows = [
        ("claim", claim_id),
        ("statement", statement),
        ("page", page),
        ("cell", cell_words(book, chapter, notebook, claim_id)),
        ("parameters", parameters(notebook)),
        ("run with", seed),
        ("stored", value_words(stored) if stored else "not stored yet"),
        ("versions", locked_versions(book, origin)),
        ("commit", origin.words),
        *(("", f"{name} has changes since then") for name in origin.changed),
        *(
            ("here" if number == 0 else "", words)
            for number, words in enumerate(
                here_words(last_record(book, chapter, claim_id))
            )
        ),
    ]
    lines = [f"{name:<11} {words}".rstrip() for name, words in rows]
    if origin.commit:
        lines += ["", "To run it again as it was stored:"]
        lines += [f"  {each}" for each in commands(chapter, claim_id, origin.commit)]
    return "\n".join(lines)
