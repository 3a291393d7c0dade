"""Marks as tables: ours, and in the columns that Canvas and Moodle import."""

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from press.book import write_atomically
from press.classroom.assignments import POINTS_OF_AN_ASSIGNMENT, Assignment
from press.classroom.grades import Grade

Table = list[list[str]]

FORMULA_SIGNS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
NO_DATE = "-"
CANVAS_COLUMNS = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
MOODLE_COLUMNS = [
    "Identifier",
    "Full name",
    "Email address",
    "Grade",
    "Maximum Grade",
    "Last modified (grade)",
    "Feedback comments",
]


def harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula, and every file can hold."""
    text = text.encode(errors="replace").decode()
    is_formula = text.lstrip().startswith(FORMULA_SIGNS) and text != NO_DATE
    return f"'{text}" if is_formula else text


def points_of(grade: Grade) -> str:
    """The points as a table shows them: none, not 0, where a submission could not be marked."""
    return "" if grade.problem else str(grade.points)


def write_table(path: Path, table: Table) -> None:
    output = io.StringIO()
    writer = csv.writer(output, lineterminator="\n")
    writer.writerows([[harmless(cell) for cell in row] for row in table])
    write_atomically(path, output.getvalue())


def graded_assignments(grades: Iterable[Grade]) -> list[Assignment]:
    """The assignments that occur, each once, by slug."""
    by_slug = {grade.assignment.slug: grade.assignment for grade in grades}
    return [by_slug[slug] for slug in sorted(by_slug)]


def marks_table(grades: list[Grade]) -> Table:
    """One row for each submission: student, assignment, total, points by task, problems."""
    most = max((len(grade.assignment.tasks) for grade in grades), default=0)
    header = ["student", "number", "assignment", "points", "possible"]
    header += [f"task {number}" for number in range(1, most + 1)] + ["problem", "notes"]
    rows = []
    for grade in grades:
        by_task = [
            "" if grade.problem else str(grade.points_in(task))
            for task in grade.assignment.tasks
        ]
        rows.append(
            [
                grade.submission.student,
                grade.submission.number,
                grade.assignment.slug,
                points_of(grade),
                str(POINTS_OF_AN_ASSIGNMENT),
                *by_task,
                *[""] * (most - len(by_task)),
                grade.problem,
                "; ".join(grade.notes),
            ]
        )
    return [header, *rows]


def canvas_table(grades: list[Grade]) -> Table:
    """One row for each student and one column for each assignment, for Canvas's gradebook.

    Canvas knows a student by ID or SIS Login ID: the ID is in the names of the files that Canvas hands out;
    otherwise the student's folder is taken for the login. A column belongs to the assignment whose name in
    Canvas is its header.
    """
    slugs = [assignment.slug for assignment in graded_assignments(grades)]
    students: dict[str, dict[str, Grade]] = {}
    for grade in grades:
        name = grade.submission.unique_name
        students.setdefault(name, {})[grade.assignment.slug] = grade
    rows = []
    for by_slug in students.values():
        submission = next(iter(by_slug.values())).submission
        from_canvas = submission.system == "canvas"
        rows.append(
            [
                submission.student,
                submission.number if from_canvas else "",
                "",
                "" if from_canvas else submission.student,
                "",
                *[
                    points_of(by_slug[slug]) if slug in by_slug else ""
                    for slug in slugs
                ],
            ]
        )
    possible = ["    Points Possible", "", "", "", ""]
    possible += [str(POINTS_OF_AN_ASSIGNMENT)] * len(slugs)
    return [[*CANVAS_COLUMNS, *slugs], possible, *rows]


def points_by_task(grade: Grade) -> str:
    return "; ".join(
        f"task {task.number}: {grade.points_in(task)} of {task.points}"
        for task in grade.assignment.tasks
    )


def moodle_tables(grades: list[Grade]) -> dict[str, Table]:
    """One grading worksheet for each assignment, by slug.

    Moodle knows a student by ``Participant NUMBER``, from the names of the folders that it hands out. With
    no date in the column ``Last modified (grade)`` it leaves the grades that it has, unless told otherwise.
    """
    tables: dict[str, Table] = {}
    for grade in grades:
        submission = grade.submission
        from_moodle = submission.system == "moodle"
        row = [
            f"Participant {submission.number}" if from_moodle else "",
            submission.student,
            "",
            points_of(grade),
            str(POINTS_OF_AN_ASSIGNMENT),
            NO_DATE,
            "" if grade.problem else points_by_task(grade),
        ]
        tables.setdefault(grade.assignment.slug, [MOODLE_COLUMNS]).append(row)
    return tables
