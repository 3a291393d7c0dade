"""Answers to the assignments, and folders of submissions, for the tests of the classroom."""

import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
import pytest
import yaml
from nbformat import NotebookNode
from nbgrader.api import Gradebook

from press.book import Book
from press.classroom.assignments import Assignment, grading, read_assignment
from press.classroom.gradebook import own_programs
from press.classroom.grades import Grade
from press.classroom.releases import release_notebook
from press.classroom.submissions import Submission

REPOSITORY = Path(__file__).resolve().parents[2]
WRONG_ANSWERS = Path(__file__).parent / "wrong_answers"
SLUGS = sorted(path.stem for path in (REPOSITORY / "assignments").glob("*/*.ipynb"))


@dataclass(frozen=True)
class BookWithOutputsElsewhere(Book):
    """The real book, which writes releases, marks and feedback into another folder."""

    outputs: Path

    @property
    def build(self) -> Path:
        return self.outputs / "_build"

    @property
    def classroom(self) -> Path:
        return self.outputs / "classroom"


@dataclass(frozen=True)
class WrongAnswer:
    """A known wrong answer: sources by solution cell, and the test cells that it must lose."""

    name: str
    cells: dict[str, str]
    loses: frozenset[str]


def real_book(outputs: Path) -> BookWithOutputsElsewhere:
    """The real book; its outputs go into a folder, which is made if need be."""
    outputs.mkdir(exist_ok=True)
    return BookWithOutputsElsewhere(REPOSITORY, outputs)


@cache
def empty_gradebook() -> bytes:
    """A new gradebook of nbgrader's, which needs seconds to make one."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "gradebook.db"
        with own_programs(), Gradebook(f"sqlite:///{path}"):
            pass
        return path.read_bytes()


def real_book_with_gradebook(outputs: Path) -> BookWithOutputsElsewhere:
    """As ``real_book``, with an empty gradebook in its classroom."""
    book = real_book(outputs)
    book.classroom.mkdir()
    (book.classroom / "gradebook.db").write_bytes(empty_gradebook())
    return book


def real_assignment(slug: str) -> Assignment:
    return read_assignment(Book(REPOSITORY), slug)


def wrong_answers(slug: str) -> list[WrongAnswer]:
    """The known wrong answers to an assignment."""
    entries = yaml.safe_load((WRONG_ANSWERS / f"{slug}.yml").read_text("utf-8"))
    return [
        WrongAnswer(one["name"], one["cells"], frozenset(one["loses"]))
        for one in entries
    ]


def answered(assignment: Assignment, cells: Mapping[str, str]) -> NotebookNode:
    """The release with the given sources in solution cells; other cells stay blank."""
    notebook = release_notebook(assignment)
    by_name = {
        grading(cell)["grade_id"]: cell
        for cell in notebook.cells
        if grading(cell).get("solution")
    }
    for name, source in cells.items():
        by_name[name].source = source
    return notebook


def right_but_for(assignment: Assignment, cells: Mapping[str, str]) -> NotebookNode:
    """The release with the right solutions, except in the given cells."""
    return answered(assignment, assignment.solutions | dict(cells))


def hand_in(folder: Path, student: str, slug: str, notebook: NotebookNode) -> Path:
    """Write a submission as nbgrader keeps it: ``STUDENT/ASSIGNMENT/ASSIGNMENT.ipynb``."""
    path = folder / student / slug / f"{slug}.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(notebook, path)
    return path


def made_grade(
    assignment: Assignment,
    student: str,
    failed: Iterable[str] = (),
    *,
    messages: Mapping[str, str] | None = None,
    problem: str = "",
    system: str = "",
    number: str = "",
) -> Grade:
    """A grade as if a submission had been marked that fails the given test cells."""
    path = Path(f"{student}.ipynb")
    return Grade(
        Submission(student, assignment.slug, path, system, number),
        assignment,
        {test.name: test.name not in set(failed) for test in assignment.tests},
        dict(messages or {}),
        [],
        problem,
    )


def need_containment() -> None:
    """Skip visibly on a laptop without bubblewrap; fail in CI."""
    if shutil.which("bwrap") is None:
        reason = "no bubblewrap (Debian: apt-get install bubblewrap)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
