"""Assignments as data: tasks, points and checks, read from the sources in ``assignments/``.

A source is a notebook in nbgrader's form. Its cells, in order: the introduction, how to work, the checks
cell, setup cells, and then the tasks. Each task has a heading ``## Task 2 (20 points): ...``, a solution
cell that defines a function, and test cells: visible ones, and hidden ones whose first line says what they
look at.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from press.book import Book
from press.errors import PressError
from press.notebooks import notebook_title, read_notebook, samplebook_metadata, tags
from press.stamp import ASSIGNMENT_CELLS

INSTRUCTOR_TAG = "instructor"
HEADING = re.compile(r"## Task (\d+) \((\d+) points\): (.+)")
TOPIC = re.compile(r"# Hidden checks: (.+)\.")
HIDDEN_REGION = "### BEGIN HIDDEN TESTS"
SOLUTION_MARKERS = ["### BEGIN SOLUTION", "### END SOLUTION"]
HIDDEN_MARKERS = [HIDDEN_REGION, "### END HIDDEN TESTS"]
LIKE_A_MARKER = re.compile(
    r"(?i)###\s*(begin|end)\b|\b(begin|end)\s+(solution|hidden|mark)"
)
NOTE_IN_MARKDOWN = "<!--"
POINTS_OF_AN_ASSIGNMENT = 100


@dataclass(frozen=True)
class TestCell:
    """One cell of checks: its nbgrader name, its points, whether students see it, and what it looks at."""

    name: str
    points: int
    source: str

    @property
    def is_visible(self) -> bool:
        return HIDDEN_REGION not in self.source

    @property
    def topic(self) -> str:
        if self.is_visible:
            return "the checks in the notebook"
        match = TOPIC.match(self.source)
        if match is None:
            raise PressError(
                f"{self.name}: a cell of hidden tests must begin with '# Hidden checks: ... .'"
            )
        return match[1]


@dataclass(frozen=True)
class Task:
    """One task: its number, points and title, and its test cells."""

    number: int
    points: int
    title: str
    tests: tuple[TestCell, ...]

    @property
    def plain_title(self) -> str:
        """The title for pages without MathJax, where a formula is read as it is written."""
        return self.title.replace("$", "")


@dataclass(frozen=True)
class Assignment:
    """One assignment, from its source."""

    slug: str
    notebook: NotebookNode

    @property
    def title(self) -> str:
        return notebook_title(self.notebook).removeprefix("Assignment: ")

    @property
    def minutes(self) -> int:
        return int(samplebook_metadata(self.notebook)["minutes"])

    @cached_property
    def tasks(self) -> tuple[Task, ...]:
        """The tasks in order, each with the test cells between its heading and the next."""
        headings: list[tuple[int, int, str]] = []
        tests: list[list[TestCell]] = []
        for cell in self.notebook.cells:
            heading = HEADING.match(cell.source)
            if cell.cell_type == "markdown" and heading:
                headings.append((int(heading[1]), int(heading[2]), heading[3]))
                tests.append([])
            elif grading(cell).get("grade"):
                if not tests:
                    raise PressError(
                        f"{self.slug}: a test stands before the first task"
                    )
                name, points = grading(cell)["grade_id"], grading(cell)["points"]
                tests[-1].append(TestCell(name, int(points), cell.source))
        return tuple(
            Task(*heading, tuple(cells))
            for heading, cells in zip(headings, tests, strict=True)
        )

    @property
    def tests(self) -> list[TestCell]:
        return [test for task in self.tasks for test in task.tests]

    @property
    def setup(self) -> list[str]:
        """Sources of the checks cell and the setup cells: imports and data, which students do not change."""
        return [
            cell.source
            for cell in self.notebook.cells
            if grading(cell).get("locked") and not grading(cell).get("grade")
        ]

    @property
    def solutions(self) -> dict[str, str]:
        """Sources of the solution cells, by name."""
        return {
            grading(cell)["grade_id"]: cell.source
            for cell in self.notebook.cells
            if grading(cell).get("solution")
        }

    @property
    def functions(self) -> list[str]:
        """Names of the functions that students write."""
        return [
            statement.name
            for source in self.solutions.values()
            for statement in ast.parse(source).body
            if isinstance(statement, ast.FunctionDef)
        ]

    def cells_tagged(self, tag: str) -> list[NotebookNode]:
        return [cell for cell in self.notebook.cells if tag in tags(cell)]


def grading(cell: NotebookNode) -> dict[str, Any]:
    """What nbgrader's metadata say of a cell; empty where there are none."""
    metadata = cell.metadata.get("nbgrader", {})
    return dict(metadata) if isinstance(metadata, dict) else {}


def outside_regions(source: str) -> list[str]:
    """The lines of a cell that students see: those outside solutions and hidden tests."""
    seen, inside = [], False
    for line in source.splitlines():
        if LIKE_A_MARKER.search(line):
            inside = "BEGIN" in line
        elif not inside and line.strip():
            seen.append(line)
    return seen


def shared_cell_faults(assignment: Assignment) -> Iterator[str]:
    for tag in ASSIGNMENT_CELLS:
        if len(assignment.cells_tagged(tag)) != 1:
            yield f"needs one cell with the tag {tag!r}"
    known = {*ASSIGNMENT_CELLS, INSTRUCTOR_TAG}
    for cell in assignment.notebook.cells:
        unknown = [] if INSTRUCTOR_TAG in tags(cell) else set(tags(cell)) - known
        yield from (f"no cell can have the tag {tag!r}" for tag in sorted(unknown))


def metadata_faults(assignment: Assignment) -> Iterator[str]:
    metadata = samplebook_metadata(assignment.notebook)
    if metadata.get("assignment") != assignment.slug:
        yield f"its metadata do not say samplebook.assignment = {assignment.slug}"
    if type(metadata.get("minutes")) is not int:
        yield "its metadata do not say samplebook.minutes"
    graded = [cell for cell in assignment.notebook.cells if grading(cell)]
    names = [str(grading(cell).get("grade_id")) for cell in graded]
    for name in sorted(set(names)):
        if names.count(name) > 1:
            yield f"two cells are named {name}"


def point_faults(assignment: Assignment) -> Iterator[str]:
    numbers = [task.number for task in assignment.tasks]
    if numbers != list(range(1, len(numbers) + 1)):
        yield f"the tasks are numbered {numbers}"
    for task in assignment.tasks:
        total = sum(test.points for test in task.tests)
        if total != task.points:
            yield f"task {task.number} promises {task.points} points, has {total}"
    total = sum(task.points for task in assignment.tasks)
    if total != POINTS_OF_AN_ASSIGNMENT:
        yield f"the points sum to {total}"


def test_faults(assignment: Assignment) -> Iterator[str]:
    """Test cells of which students would see too much, or not know what they look at."""
    for test in assignment.tests:
        seen = outside_regions(test.source)
        if test.is_visible:
            if any("hidden" in line.lower() for line in seen):
                yield f"students see {test.name}, which speaks of hidden tests"
        elif not TOPIC.match(test.source):
            yield f"{test.name} must begin with '# Hidden checks: ... .'"
        elif len(seen) > 1:
            yield f"students see this line of {test.name}: {seen[1].strip()}"


def solution_faults(assignment: Assignment) -> Iterator[str]:
    """Solution cells that leave students more, or less, than one function with its docstring."""
    for name, source in assignment.solutions.items():
        try:
            statements = ast.parse("\n".join(outside_regions(source))).body
        except SyntaxError:
            statements = []
        match statements:
            case [ast.FunctionDef(name=given, body=[ast.Expr(ast.Constant(str()))])]:
                if given != name:
                    yield f"the cell {name} defines a function named {given}"
            case _:
                yield f"students must get of {name} one function's first line and docstring"


def region_faults(assignment: Assignment) -> Iterator[str]:
    """Markers of solutions and hidden tests that nbgrader would not understand, or not heed."""
    for place, cell in enumerate(assignment.notebook.cells):
        if INSTRUCTOR_TAG in tags(cell):
            continue
        lines = map(str.strip, cell.source.splitlines())
        found = [line for line in lines if LIKE_A_MARKER.search(line)]
        if grading(cell).get("solution"):
            good = found == SOLUTION_MARKERS
        else:
            good = not found or (
                bool(grading(cell).get("grade")) and found == HIDDEN_MARKERS
            )
        if not good:
            yield f"cell {place} has the markers {found}"


def note_faults(assignment: Assignment) -> Iterator[str]:
    """Notes that no page shows, but that students can read in the file."""
    for place, cell in enumerate(assignment.notebook.cells):
        if INSTRUCTOR_TAG in tags(cell):
            continue
        if cell.cell_type == "raw":
            yield f"cell {place} is raw; only a cell for instructors can be"
        if cell.cell_type == "markdown" and NOTE_IN_MARKDOWN in cell.source:
            yield f"cell {place} has an HTML comment, which students can read"


def faults(assignment: Assignment) -> list[str]:
    """What is wrong with an assignment's source, in words."""
    kinds = (
        shared_cell_faults,
        metadata_faults,
        point_faults,
        test_faults,
        solution_faults,
        region_faults,
        note_faults,
    )
    return [fault for kind in kinds for fault in kind(assignment)]


def source_path(book: Book, slug: str) -> Path:
    return book.assignments / slug / f"{slug}.ipynb"


def read_assignment(book: Book, slug: str) -> Assignment:
    """The assignment with this slug.

    Raises
    ------
    PressError
        If its source is not what it should be.
    """
    assignment = Assignment(slug, read_notebook(source_path(book, slug)))
    found = faults(assignment)
    if found:
        raise PressError(f"the assignment {slug}: {'; '.join(found)}")
    return assignment


def read_assignments(book: Book) -> list[Assignment]:
    """All assignments, in the order of their slugs."""
    slugs = sorted(path.stem for path in book.assignments.glob("*/*.ipynb"))
    return [read_assignment(book, slug) for slug in slugs]
