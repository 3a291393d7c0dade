"""A small assignment, of two tasks, for tests that change or break a source."""

import re

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from press.book import Book
from press.classroom.assignments import Assignment, grading, source_path
from press.stamp import ASSIGNMENT_CELLS

SLUG = "first"  # a chapter of the miniature book
HIDDEN_INPUT = "4711.0625"
HIDDEN_MESSAGE = "the double of a large number"

DOUBLE = '''\
def double(x):
    """Twice a number."""
    ### BEGIN SOLUTION
    return x + x
    ### END SOLUTION'''
DOUBLE_VISIBLE = """\
# Visible checks.
check_close(double(KNOWN), 6, "double(3)")"""
DOUBLE_HIDDEN = f"""\
# Hidden checks: a large number.
### BEGIN HIDDEN TESTS
check_close(double({HIDDEN_INPUT}), 9422.125, "{HIDDEN_MESSAGE}")
### END HIDDEN TESTS"""

LARGER = '''\
def larger():
    """The letter of the larger number: "a" for 2, "b" for 1."""
    ### BEGIN SOLUTION
    return "a"
    ### END SOLUTION'''
LARGER_VISIBLE = """\
# Visible checks.
assert larger() in ("a", "b"), f"the answer should be a or b, not {larger()!r}\""""
LARGER_HIDDEN = """\
# Hidden checks: the answer.
### BEGIN HIDDEN TESTS
assert larger() == "a", "two is more than one"
### END HIDDEN TESTS"""


def graded_cell(name: str, source: str, points: int | None = None) -> NotebookNode:
    """A cell that nbgrader knows: a test if it has points, a solution if it has a region of one."""
    is_solution = "### BEGIN SOLUTION" in source
    metadata = {
        "grade": points is not None,
        "grade_id": name,
        "locked": not is_solution,
        "schema_version": 3,
        "solution": is_solution,
        "task": False,
    } | ({} if points is None else {"points": points})
    return new_code_cell(source, metadata={"nbgrader": metadata})


def shared_cell(tag: str) -> NotebookNode:
    """One of the cells that all assignments share."""
    source = ASSIGNMENT_CELLS[tag].read_text(encoding="utf-8").rstrip()
    cell = graded_cell(tag, source) if tag == "checks" else new_markdown_cell(source)
    cell.metadata["tags"] = [tag]
    return cell


def small_notebook() -> NotebookNode:
    """The source of the small assignment, without a fault."""
    cells = [
        new_markdown_cell("# Assignment: doubling\n\nDouble numbers."),
        shared_cell("how-to"),
        shared_cell("checks"),
        graded_cell("setup", "KNOWN = 3.0"),
        new_markdown_cell("## Task 1 (60 points): double a number\n\nTwo threes: 6."),
        graded_cell("double", DOUBLE),
        graded_cell("double-visible", DOUBLE_VISIBLE, 20),
        graded_cell("double-inputs", DOUBLE_HIDDEN, 40),
        new_markdown_cell("## Task 2 (40 points): judge\n\n- a. 2\n- b. 1"),
        graded_cell("larger", LARGER),
        graded_cell("larger-visible", LARGER_VISIBLE, 0),
        graded_cell("larger-answer", LARGER_HIDDEN, 40),
        new_markdown_cell("For instructors.", metadata={"tags": ["instructor"]}),
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {
        "kernelspec": kernel,
        "samplebook": {"assignment": SLUG, "minutes": 45},
    }
    return new_notebook(cells=cells, metadata=metadata)


def small_assignment(notebook: NotebookNode | None = None) -> Assignment:
    return Assignment(SLUG, notebook or small_notebook())


def cell_named(notebook: NotebookNode, name: str) -> NotebookNode:
    """The cell with this name in nbgrader's metadata."""
    return next(
        cell for cell in notebook.cells if grading(cell).get("grade_id") == name
    )


def change(notebook: NotebookNode, name: str, pattern: str, replacement: str) -> None:
    """Change the source of a cell, once; the pattern must occur."""
    cell = cell_named(notebook, name)
    cell.source, changes = re.subn(pattern, replacement, cell.source, count=1)
    assert changes == 1


def add_small_assignment(book: Book, notebook: NotebookNode) -> None:
    """Write a source into a book."""
    path = source_path(book, SLUG)
    path.parent.mkdir(parents=True)
    nbformat.write(notebook, path)
