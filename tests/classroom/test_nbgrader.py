"""nbgrader's own commands, in the course folder that ``make assignments`` writes."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from classroom_answers import (
    REPOSITORY,
    BookWithOutputsElsewhere,
    answered,
    hand_in,
    need_containment,
    real_assignment,
    real_book,
    right_but_for,
    wrong_answers,
)
from hidden_lines import hidden_cells
from nbgrader.api import Gradebook

from press.classroom.assignments import Assignment
from press.classroom.containment import Limits
from press.classroom.marking import mark
from press.classroom.releases import make_assignments

SLUG = "cet"
STUDENTS = ("ada", "ben", "eva")


def run_nbgrader(course: Path, *arguments: str) -> None:
    """Run one of nbgrader's commands in the course's folder; it fails if the command does."""
    programs = Path(sys.executable).parent  # nbgrader looks there for `alembic`
    environment = os.environ | {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(REPOSITORY / "lib"),
    }
    result = subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=course,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-3000:]


@pytest.fixture(scope="module")
def assignment() -> Assignment:
    return real_assignment(SLUG)


@pytest.fixture(scope="module")
def book(
    tmp_path_factory: pytest.TempPathFactory, assignment: Assignment
) -> BookWithOutputsElsewhere:
    """A course in which nbgrader has graded the right answer, a blank and a wrong one."""
    book = real_book(tmp_path_factory.mktemp("course"))
    make_assignments(book)
    submissions = dict(
        zip(
            STUDENTS,
            (
                right_but_for(assignment, {}),
                answered(assignment, {}),
                right_but_for(assignment, wrong_answers(SLUG)[0].cells),
            ),
            strict=True,
        )
    )
    for student, notebook in submissions.items():
        hand_in(book.classroom / "submitted", student, SLUG, notebook)
    for command in ("generate_assignment", "autograde", "generate_feedback"):
        more = ["--force"] if command == "generate_assignment" else []
        run_nbgrader(book.classroom, command, SLUG, *more)
    return book


@pytest.mark.parametrize("student", STUDENTS)
def test_nbgrader_gives_the_same_points(
    book: BookWithOutputsElsewhere, assignment: Assignment, student: str
) -> None:
    need_containment()
    path = book.classroom / "submitted" / student / SLUG / f"{SLUG}.ipynb"
    ours = {
        outcome.test: outcome.passed
        for outcome in mark(assignment, path, Limits()).outcomes
    }
    with Gradebook(f"sqlite:///{book.classroom / 'gradebook.db'}") as gradebook:
        theirs = {
            test.name: gradebook.find_grade(test.name, SLUG, SLUG, student).score
            for test in assignment.tests
        }
    assert theirs == {
        test.name: test.points if ours[test.name] else 0 for test in assignment.tests
    }


def test_the_three_submissions_differ(book: BookWithOutputsElsewhere) -> None:
    with Gradebook(f"sqlite:///{book.classroom / 'gradebook.db'}") as gradebook:
        right, blank, wrong = (
            gradebook.find_submission(SLUG, student).score for student in STUDENTS
        )
    assert (right, blank) == (100, 0)
    assert 0 < wrong < 100


def test_nbgrader_would_release_what_we_release(
    book: BookWithOutputsElsewhere,
) -> None:
    name = f"{SLUG}/{SLUG}.ipynb"
    theirs, ours = (
        nbformat.read(folder / name, as_version=4)
        for folder in (book.classroom / "release", book.releases)
    )
    assert theirs == ours


@pytest.mark.parametrize("student", STUDENTS)
def test_nbgraders_feedback_shows_no_hidden_test(
    book: BookWithOutputsElsewhere, assignment: Assignment, student: str
) -> None:
    page = book.classroom / "feedback" / student / SLUG / f"{SLUG}.html"
    tree = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
    text = tree.get_text()
    assert assignment.title in text
    lines = {
        line
        for cell in hidden_cells(assignment)
        if cell.kind == "hidden test"
        for line in cell.lines
    }
    assert len(lines) > 100
    assert [line for line in lines if line in text] == []
    assert tree.select(".output_area, .jp-OutputArea-output") == []
