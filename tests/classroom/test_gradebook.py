"""nbgrader's gradebook holds the same marks, beside what nbgrader and the teacher enter there."""

import csv
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from classroom_answers import (
    BookWithOutputsElsewhere,
    made_grade,
    real_assignment,
    real_book_with_gradebook,
)
from nbgrader.api import Gradebook

from press.classroom.gradebook import record_marks
from press.classroom.grades import Grade
from press.classroom.releases import write_course, write_releases
from press.errors import PressError

CET = real_assignment("cet")
FIRST, SECOND, *_ = [test for test in CET.tests if test.points]
EVERY_TEST = [test.name for test in CET.tests]


@pytest.fixture
def book(tmp_path: Path) -> BookWithOutputsElsewhere:
    return real_book_with_gradebook(tmp_path)


def opened(book: BookWithOutputsElsewhere) -> Gradebook:
    return Gradebook(f"sqlite:///{book.classroom / 'gradebook.db'}")


def scores(book: BookWithOutputsElsewhere) -> dict[str, tuple[float, float, bool]]:
    """Score, largest score, and whether a teacher must look, by student."""
    with opened(book) as gradebook:
        return {
            one.student.id: (one.score, one.max_score, one.needs_manual_grade)
            for one in gradebook.find_assignment("cet").submissions
        }


def nbgrader(book: BookWithOutputsElsewhere, *arguments: str) -> None:
    """Run nbgrader in the teacher's folder, as a teacher with the book's environment would."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = [sys.executable, "-m", "nbgrader", *arguments]
    subprocess.run(
        command,
        cwd=book.classroom,
        env=os.environ | {"PATH": path},
        check=True,
        capture_output=True,
    )


def test_nbgrader_reads_the_same_scores(book: BookWithOutputsElsewhere) -> None:
    odd = 'Zoë "O\'Neil" =1 \N{GRINNING FACE}'
    record_marks(
        book,
        [
            made_grade(CET, "ada"),
            made_grade(CET, odd, [FIRST.name], system="moodle", number="5"),
            made_grade(CET, "ben", EVERY_TEST),
        ],
    )
    assert scores(book) == {
        "ada": (100, 100, False),
        f"{odd}-5": (100 - FIRST.points, 100, False),
        "ben": (0, 100, False),
    }


def test_grading_again_updates_scores_and_leaves_those_given_by_hand(
    book: BookWithOutputsElsewhere,
) -> None:
    record_marks(book, [made_grade(CET, "ada", [FIRST.name, SECOND.name])])
    with opened(book) as gradebook:
        gradebook.find_grade(FIRST.name, "cet", "cet", "ada").manual_score = 1
        gradebook.db.commit()
    record_marks(book, [made_grade(CET, "ada")])
    assert scores(book)["ada"] == (100 - FIRST.points + 1, 100, False)


def test_what_could_not_be_marked_waits_for_the_teacher(
    book: BookWithOutputsElsewhere,
) -> None:
    problem = made_grade(CET, "ada", EVERY_TEST, problem="marking took too long")
    record_marks(book, [made_grade(CET, "ada")])
    record_marks(book, [problem])
    assert scores(book)["ada"] == (0, 100, True)
    with opened(book) as gradebook:
        for test in CET.tests:
            entry = gradebook.find_grade(test.name, "cet", "cet", "ada")
            assert entry.auto_score is None
            entry.manual_score, entry.needs_manual_grade = test.points, False
        gradebook.db.commit()
    record_marks(book, [problem])
    assert scores(book)["ada"] == (100, 100, False)


def in_another_edition(grade: Grade) -> Grade:
    """The same grade in an edition whose first test cell had another name."""
    tests = list(grade.assignment.tasks[0].tests)
    place = next(n for n, test in enumerate(tests) if test.name == FIRST.name)
    tests[place] = replace(FIRST, name="old-name")
    notebook = grade.assignment.notebook
    edition = type(grade.assignment)("cet", notebook)
    first, *others = edition.tasks
    edition.__dict__["tasks"] = (replace(first, tests=tuple(tests)), *others)
    passed = {test.name: True for test in edition.tests}
    return replace(grade, assignment=edition, passed=passed)


def test_a_new_edition_replaces_the_tests_of_the_old(
    book: BookWithOutputsElsewhere,
) -> None:
    record_marks(book, [in_another_edition(made_grade(CET, "ada"))])
    with opened(book) as gradebook:
        gradebook.find_grade("old-name", "cet", "cet", "ada")
    record_marks(book, [made_grade(CET, "ada", [SECOND.name])])
    assert scores(book)["ada"] == (100 - SECOND.points, 100, False)


def test_entries_that_nbgrader_made_first_are_used_and_nbgrader_exports_the_marks(
    book: BookWithOutputsElsewhere,
) -> None:
    write_course(book, write_releases(book))
    nbgrader(book, "generate_assignment", "cet", "--force")
    record_marks(book, [made_grade(CET, "ada", [FIRST.name])])
    assert scores(book) == {"ada": (100 - FIRST.points, 100, False)}
    nbgrader(book, "export", "--to=marks.csv")
    with (book.classroom / "marks.csv").open(newline="") as file:
        [row] = [row for row in csv.DictReader(file) if row["assignment"] == "cet"]
    assert row["student_id"] == "ada"
    assert float(row["score"]) == 100 - FIRST.points
    assert float(row["max_score"]) == 100


def test_a_gradebook_that_cannot_be_written_is_named(
    book: BookWithOutputsElsewhere,
) -> None:
    (book.classroom / "gradebook.db").write_text("no database " * 100)
    with pytest.raises(PressError, match="gradebook.db could not take them"):
        record_marks(book, [made_grade(CET, "ada")])
