"""Enter marks in nbgrader's gradebook, so that its own commands and its form grader show them."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbgrader.api as nbgrader
from nbgrader.api import Gradebook
from sqlalchemy.exc import DatabaseError

from press.book import Book
from press.classroom.assignments import Assignment
from press.classroom.grades import Grade
from press.classroom.marks import graded_assignments
from press.errors import PressError
from press.terminal import progress_bar


def drop_old_tests(gradebook: Gradebook, assignment: Assignment) -> None:
    """Forget test cells of an earlier edition, with their points: they would count in every total."""
    names = {test.name for test in assignment.tests}
    notebook = gradebook.find_notebook(assignment.slug, assignment.slug)
    for cell in [cell for cell in notebook.grade_cells if cell.name not in names]:
        for entry in [*cell.grades, cell]:
            gradebook.db.delete(entry)
    gradebook.db.commit()


def enter_assignment(gradebook: Gradebook, assignment: Assignment) -> None:
    """Let the gradebook know an assignment, its notebook and its cells."""
    slug = assignment.slug
    gradebook.update_or_create_assignment(slug)
    gradebook.update_or_create_notebook(slug, slug)
    for test in assignment.tests:
        gradebook.update_or_create_grade_cell(
            test.name, slug, slug, max_score=test.points, cell_type="code"
        )
    for name in assignment.solutions:
        gradebook.update_or_create_solution_cell(name, slug, slug)
    drop_old_tests(gradebook, assignment)


def entries(
    gradebook: Gradebook, grade: Grade, submission: nbgrader.SubmittedAssignment
) -> dict[str, nbgrader.Grade]:
    """A submission's entries by test cell, new ones for cells that it was entered without."""
    slug = grade.assignment.slug
    notebook = gradebook.find_submission_notebook(slug, slug, submission.student.id)
    found = {entry.cell.name: entry for entry in notebook.grades}
    for test in grade.assignment.tests:
        if test.name not in found:
            cell = gradebook.find_grade_cell(test.name, slug, slug)
            found[test.name] = nbgrader.Grade(cell=cell, notebook=notebook)
            gradebook.db.add(found[test.name])
    return found


def enter_grade(gradebook: Gradebook, grade: Grade) -> None:
    """Enter the points of each test cell; what a teacher has graded by hand stays as it is.

    A submission that could not be marked has no points, and waits for a grade by hand.
    """
    slug, student = grade.assignment.slug, grade.submission.unique_name
    gradebook.update_or_create_student(student)
    with gradebook.db.no_autoflush:
        submission = gradebook.update_or_create_submission(slug, student)
        by_test = entries(gradebook, grade, submission)
    for test in grade.assignment.tests:
        entry = by_test[test.name]
        points = test.points if grade.passed[test.name] else 0
        entry.auto_score = None if grade.problem else points
        entry.needs_manual_grade = bool(grade.problem) and entry.manual_score is None
    gradebook.db.commit()


@contextmanager
def own_programs() -> Iterator[None]:
    """Let nbgrader find the program ``alembic``, which is installed beside the interpreter."""
    before = os.environ["PATH"]
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{before}"
    try:
        yield
    finally:
        os.environ["PATH"] = before


def record_marks(book: Book, grades: list[Grade]) -> None:
    """Enter all marks in ``classroom/gradebook.db``.

    Raises
    ------
    PressError
        If another program has locked it, or it is damaged.
    """
    path = book.classroom / "gradebook.db"
    try:
        with own_programs(), Gradebook(f"sqlite:///{path}") as gradebook:
            for assignment in graded_assignments(grades):
                enter_assignment(gradebook, assignment)
            gradebook.db.expire_all()
            gradebook.db().expire_on_commit = False  # else all is read again each time
            with progress_bar(len(grades), "Gradebook") as bar:
                for grade in grades:
                    enter_grade(gradebook, grade)
                    bar.update(1)
    except DatabaseError as error:
        raise PressError(
            f"the marks are written, but {book.shown(path)} could not take them: {error.orig}"
        ) from error
