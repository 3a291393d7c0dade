"""The sources of the assignments: what is a fault in one, and that the real ones have none."""

from collections.abc import Callable

import pytest
from classroom_answers import REPOSITORY, SLUGS, real_assignment
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_raw_cell
from small_assignment import cell_named, change, small_assignment, small_notebook

from press.book import Book
from press.classroom.assignments import Assignment, faults
from press.errors import PressError
from press.notebooks import code_cells
from press.stamp import ASSIGNMENT_CELLS

MOST_VISIBLE_POINTS = 30


def set_nbgrader(name: str, **values: object) -> Callable[[NotebookNode], None]:
    return lambda notebook: (
        cell_named(notebook, name).metadata["nbgrader"].update(values)
    )


def changed(
    name: str, pattern: str, replacement: str
) -> Callable[[NotebookNode], None]:
    return lambda notebook: change(notebook, name, pattern, replacement)


def changed_text(place: int, old: str, new: str) -> Callable[[NotebookNode], None]:
    def deed(notebook: NotebookNode) -> None:
        assert old in notebook.cells[place].source
        notebook.cells[place].source = notebook.cells[place].source.replace(old, new)

    return deed


def added(cell: NotebookNode) -> Callable[[NotebookNode], None]:
    return lambda notebook: notebook.cells.append(cell)


def retagged(old: str, new: list[str]) -> Callable[[NotebookNode], None]:
    def deed(notebook: NotebookNode) -> None:
        cell = next(
            cell for cell in notebook.cells if old in cell.metadata.get("tags", [])
        )
        cell.metadata["tags"] = new

    return deed


def without_minutes(notebook: NotebookNode) -> None:
    del notebook.metadata["samplebook"]["minutes"]


def of_another_assignment(notebook: NotebookNode) -> None:
    notebook.metadata["samplebook"]["assignment"] = "second"


BREAKS = {
    "no cell of checks": (
        retagged("checks", []),
        ["needs one cell with the tag 'checks'"],
    ),
    "no cell on how to work": (
        retagged("how-to", []),
        ["needs one cell with the tag 'how-to'"],
    ),
    "two cells of checks": (
        added(new_markdown_cell("", metadata={"tags": ["checks"]})),
        ["needs one cell with the tag 'checks'"],
    ),
    "a misspelt tag": (
        retagged("instructor", ["instructors"]),
        ["no cell can have the tag 'instructors'"],
    ),
    "metadata of another assignment": (
        of_another_assignment,
        ["its metadata do not say samplebook.assignment = first"],
    ),
    "no time": (without_minutes, ["its metadata do not say samplebook.minutes"]),
    "two cells of one name": (
        set_nbgrader("setup", grade_id="checks"),
        ["two cells are named checks"],
    ),
    "tasks 1 and 3": (
        changed_text(8, "Task 2", "Task 3"),
        ["the tasks are numbered [1, 3]"],
    ),
    "tasks that begin at 2": (
        changed_text(4, "Task 1", "Task 2"),
        ["the tasks are numbered [2, 2]"],
    ),
    "a task that promises too much": (
        changed_text(4, "60 points", "70 points"),
        ["task 1 promises 70 points, has 60", "the points sum to 110"],
    ),
    "a test with other points": (
        set_nbgrader("double-inputs", points=30),
        ["task 1 promises 60 points, has 50"],
    ),
    "a hidden cell without a topic": (
        changed("double-inputs", "# Hidden checks: a large number.\n", ""),
        ["double-inputs must begin with '# Hidden checks: ... .'"],
    ),
    "a hidden cell whose topic has no end": (
        changed("double-inputs", r"number\.", "number"),
        ["double-inputs must begin with '# Hidden checks: ... .'"],
    ),
    "a hidden check after its region": (
        changed("double-inputs", r"\Z", "\nassert double(5) == 10"),
        ["students see this line of double-inputs: assert double(5) == 10"],
    ),
    "a hidden check before its region": (
        changed("double-inputs", "### BEGIN", "assert double(5) == 10\n### BEGIN"),
        ["students see this line of double-inputs: assert double(5) == 10"],
    ),
    "hidden tests without a region": (
        changed("double-inputs", "### BEGIN HIDDEN TESTS\n", ""),
        [
            "students see double-inputs, which speaks of hidden tests",
            "cell 7 has the markers ['### END HIDDEN TESTS']",
        ],
    ),
    "hidden tests without an end": (
        changed("double-inputs", "### END HIDDEN TESTS", ""),
        ["cell 7 has the markers ['### BEGIN HIDDEN TESTS']"],
    ),
    "a misspelt region of hidden tests": (
        changed("double-inputs", "BEGIN HIDDEN TESTS", "BEGIN HIDDEN TEST"),
        [
            "students see double-inputs, which speaks of hidden tests",
            "cell 7 has the markers ['### BEGIN HIDDEN TEST', '### END HIDDEN TESTS']",
        ],
    ),
    "a visible test with the word of a hidden region": (
        changed("double-visible", r"\Z", "  # HIDDEN"),
        ["students see double-visible, which speaks of hidden tests"],
    ),
    "a hidden region in a cell that is no test": (
        changed(
            "setup", r"\Z", "\n### BEGIN HIDDEN TESTS\nx = 1\n### END HIDDEN TESTS"
        ),
        ["cell 3 has the markers ['### BEGIN HIDDEN TESTS', '### END HIDDEN TESTS']"],
    ),
    "a solution without a region": (
        changed("double", r"(?s)    ###.*", "    return x + x"),
        [
            "students must get of double one function's first line and docstring",
            "cell 5 has the markers []",
        ],
    ),
    "a solution that begins before its region": (
        changed("double", "    ### BEGIN", "    x = 1 * x\n    ### BEGIN"),
        ["students must get of double one function's first line and docstring"],
    ),
    "a solution that goes on after its region": (
        changed("double", r"\Z", "\n\n\ndouble.right = True"),
        ["students must get of double one function's first line and docstring"],
    ),
    "a solution without a docstring": (
        changed("double", '    """.*"""\n', ""),
        ["students must get of double one function's first line and docstring"],
    ),
    "a function named unlike its cell": (
        changed("double", "def double", "def twice"),
        ["the cell double defines a function named twice"],
    ),
    "a solution in prose": (
        added(new_markdown_cell("### BEGIN SOLUTION\nb\n### END SOLUTION")),
        ["cell 13 has the markers ['### BEGIN SOLUTION', '### END SOLUTION']"],
    ),
    "a raw cell": (
        added(new_raw_cell("note")),
        ["cell 13 is raw; only a cell for instructors can be"],
    ),
    "a comment in prose": (
        added(new_markdown_cell("<!-- the answer is a -->")),
        ["cell 13 has an HTML comment, which students can read"],
    ),
}


def test_the_small_assignment_has_no_fault() -> None:
    assert faults(small_assignment()) == []


@pytest.mark.parametrize("name", BREAKS)
def test_a_fault_is_noticed_and_no_other(name: str) -> None:
    deed, expected = BREAKS[name]
    notebook = small_notebook()
    deed(notebook)
    assert faults(small_assignment(notebook)) == expected


def test_what_instructors_get_may_look_like_anything() -> None:
    notebook = small_notebook()
    for cell in (
        new_raw_cell("note"),
        new_markdown_cell("<!-- note -->\n### BEGIN SOLUTION\n# Hidden"),
    ):
        cell.metadata["tags"] = ["instructor", "another"]
        notebook.cells.append(cell)
    assert faults(small_assignment(notebook)) == []


def test_a_test_before_the_first_task_is_refused() -> None:
    notebook = small_notebook()
    del notebook.cells[4]
    with pytest.raises(PressError, match="a test stands before the first task"):
        faults(small_assignment(notebook))


@pytest.fixture(params=SLUGS)
def assignment(request: pytest.FixtureRequest) -> Assignment:
    """Each real assignment; reading it fails if it has a fault."""
    return real_assignment(request.param)


def test_every_chapter_has_an_assignment() -> None:
    assert [chapter.slug for chapter in Book(REPOSITORY).chapters()]
    assert sorted(chapter.slug for chapter in Book(REPOSITORY).chapters()) == SLUGS


def test_the_shared_cells_are_those_of_every_assignment(assignment: Assignment) -> None:
    for tag, path in ASSIGNMENT_CELLS.items():
        (cell,) = assignment.cells_tagged(tag)
        assert cell.source == path.read_text(encoding="utf-8").rstrip()


def test_an_assignment_has_the_size_of_a_week(assignment: Assignment) -> None:
    assert 4 <= len(assignment.tasks) <= 6
    assert 45 <= assignment.minutes <= 90


def test_every_function_has_visible_and_hidden_checks(assignment: Assignment) -> None:
    assert assignment.functions == list(assignment.solutions)
    for name in assignment.functions:
        own = [test for test in assignment.tests if test.name.startswith(f"{name}-")]
        assert {test.is_visible for test in own} == {True, False}, name


def test_most_points_are_for_hidden_tests(assignment: Assignment) -> None:
    visible = [test.points for test in assignment.tests if test.is_visible]
    assert 0 < sum(visible) <= MOST_VISIBLE_POINTS


def test_a_task_of_judgement_does_not_tell_the_answer(assignment: Assignment) -> None:
    """Its visible check looks at the form alone, and so is worth nothing."""
    worthless = [
        test for test in assignment.tests if test.is_visible and not test.points
    ]
    assert worthless


def test_no_outputs_are_stored(assignment: Assignment) -> None:
    cells = code_cells(assignment.notebook)
    assert [cell for cell in cells if cell.outputs or cell.execution_count] == []
