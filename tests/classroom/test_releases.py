"""What students get: valid notebooks that run with NumPy and SciPy alone, the same bytes every time."""

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import nbformat
import pytest
import yaml
from classroom_answers import SLUGS, answered, real_assignment, real_book
from nbformat import NotebookNode
from small_assignment import SLUG, cell_named, small_assignment, small_notebook

from press.classroom.assignments import Assignment, grading
from press.classroom.releases import make_assignments, release_notebook, write_releases
from press.errors import PressError
from press.notebooks import code_cells

RUN_CELLS = """
import importlib.abc, json, os, sys

allowed = {*sys.stdlib_module_names, "numpy", "scipy"}

class NothingElse(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top not in allowed and not top.startswith("_"):
            raise ModuleNotFoundError(f"No module named {name!r}")

sys.meta_path.insert(0, NothingElse())
names, results = {"__name__": "__main__"}, {}
for number, source in json.load(sys.stdin).items():
    try:
        exec(compile(source, f"<cell {number}>", "exec"), names)
        results[number] = None
    except Exception as error:
        results[number] = f"{type(error).__name__}: {error}"
json.dump(results, sys.stdout)
"""
"""Runs cells in turn, as a kernel would, where nothing but NumPy and SciPy can be imported."""


def run_cells(sources: Mapping[str, str], folder: Path) -> dict[str, str | None]:
    """What each cell raised, by its name."""
    result = subprocess.run(
        [sys.executable, "-I", "-c", RUN_CELLS],
        input=json.dumps(sources),
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    results: dict[str, str | None] = json.loads(result.stdout)
    return results


def sources_of(notebook: NotebookNode) -> dict[str, str]:
    """Sources of the code cells, all of which have a name."""
    return {grading(cell)["grade_id"]: cell.source for cell in code_cells(notebook)}


@pytest.fixture(scope="module", params=SLUGS)
def assignment(request: pytest.FixtureRequest) -> Assignment:
    return real_assignment(request.param)


@pytest.fixture(scope="module")
def release(assignment: Assignment) -> NotebookNode:
    return release_notebook(assignment)


def test_a_release_is_a_valid_notebook(release: NotebookNode) -> None:
    assert (release.nbformat, release.nbformat_minor) >= (4, 5)
    nbformat.validate(release, relax_add_props=False)
    assert len({cell.id for cell in release.cells}) == len(release.cells)


def test_a_release_has_no_outputs(release: NotebookNode) -> None:
    cells = code_cells(release)
    assert [cell for cell in cells if cell.outputs or cell.execution_count] == []


def test_students_can_change_the_solution_cells_alone(
    assignment: Assignment, release: NotebookNode
) -> None:
    for cell in code_cells(release):
        is_solution = grading(cell)["grade_id"] in assignment.solutions
        assert grading(cell)["locked"] is not is_solution
        assert cell.metadata.get("editable", True) is is_solution
        assert cell.metadata["deletable"] is False


def test_a_blank_release_runs_with_numpy_and_scipy_alone(
    assignment: Assignment, release: NotebookNode, tmp_path: Path
) -> None:
    raised = run_cells(sources_of(release), tmp_path)
    stubs = {test.name for test in assignment.tests if test.is_visible}
    assert stubs
    assert {name for name, error in raised.items() if error} == stubs
    assert {raised[name] for name in stubs} == {"NotImplementedError: "}


def test_the_right_answers_pass_the_visible_checks_in_plain_python(
    assignment: Assignment, tmp_path: Path
) -> None:
    notebook = answered(assignment, assignment.solutions)
    raised = run_cells(sources_of(notebook), tmp_path)
    assert {name: error for name, error in raised.items() if error} == {}


def test_nothing_but_numpy_and_scipy_can_be_imported_here(tmp_path: Path) -> None:
    names = ("matplotlib", "torch", "samplebook", "press", "IPython")
    sources = {name: f"import {name}" for name in (*names, "numpy", "scipy.optimize")}
    raised = run_cells(sources, tmp_path)
    assert {name for name, error in raised.items() if error} == set(names)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All that `make assignments` writes, twice over the same folder."""
    book = real_book(tmp_path_factory.mktemp("written"))
    make_assignments(book)
    make_assignments(book)
    return book.outputs


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_releases_have_the_same_bytes_on_every_run(
    written: Path, tmp_path: Path
) -> None:
    book = real_book(tmp_path)
    write_releases(book)
    again = contents(book.releases)
    assert again == contents(written / "_build" / "releases")
    assert set(again) == {"environment.yml"} | {
        name
        for slug in SLUGS
        for name in (f"{slug}/README.md", f"{slug}/{slug}.ipynb", f"{slug}.zip")
    }
    assert {path.name for path in book.build.iterdir()} == {"releases"}


@pytest.mark.parametrize("slug", SLUGS)
def test_the_archive_holds_the_release(written: Path, slug: str) -> None:
    releases = written / "_build" / "releases"
    data = (releases / f"{slug}.zip").read_bytes()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    assert held == {
        f"{slug}/{name}": data for name, data in contents(releases / slug).items()
    }


@pytest.mark.parametrize("slug", SLUGS)
def test_the_readme_says_what_a_student_must_know(written: Path, slug: str) -> None:
    assignment = real_assignment(slug)
    readme = (written / "_build" / "releases" / slug / "README.md").read_text("utf-8")
    assert readme.startswith(f"# Assignment: {assignment.title}\n")
    for words in (
        f"{len(assignment.tasks)} tasks, 100 points, about {assignment.minutes} minutes",
        f"`{slug}.ipynb`",
        "NumPy and SciPy, and nothing\nelse",
        "there is no file to download",
        "2 GB of\nmemory and 10 seconds a call",
    ):
        assert words in readme


def test_binder_gets_numpy_and_scipy_and_jupyter_alone(written: Path) -> None:
    text = (written / "_build" / "releases" / "environment.yml").read_text("utf-8")
    installed = {one.partition("=")[0] for one in yaml.safe_load(text)["dependencies"]}
    assert installed == {"python", "jupyterlab", "numpy", "scipy"}


def test_a_second_run_leaves_marks_where_they_are(tmp_path: Path) -> None:
    book = real_book(tmp_path)
    marks = book.classroom / "marks" / "marks.csv"
    marks.parent.mkdir(parents=True)
    marks.write_text("student,points\n")
    make_assignments(book)
    assert marks.read_text() == "student,points\n"


def test_a_picture_that_the_text_shows_stays_and_no_other() -> None:
    notebook = small_notebook()
    cell = notebook.cells[0]
    cell.source += "\n\n![axes](attachment:two%20axes.png)"
    cell.attachments = {
        name: {"image/png": "iVBORw0KGgo="}
        for name in ("two axes.png", "axes.png", "two", "axes")
    }
    released = release_notebook(small_assignment(notebook)).cells[0]
    assert released.attachments == {"two axes.png": {"image/png": "iVBORw0KGgo="}}


def test_a_marker_that_is_left_stops_the_release() -> None:
    notebook = small_notebook()
    notebook.cells[0].source += "\n### BEGIN MARK SCHEME"
    with pytest.raises((PressError, RuntimeError), match="(?i)mark scheme"):
        release_notebook(small_assignment(notebook))


def message_of(check: str) -> str:
    """What a check says in the notebook, given these arguments."""
    names: dict[str, object] = {}
    exec(cell_named(small_notebook(), "checks").source, names)
    with pytest.raises(AssertionError) as raised:
        exec(check, names)
    return str(raised.value)


@pytest.mark.parametrize(
    ("check", "words"),
    [
        (
            "check_close(None, 1, 'f(2)')",
            ["f(2) returned None", "`return`"],
        ),
        (
            "check_close([1, 2], [1, 2, 3], 'f(2)')",
            ["f(2) has the shape (2,)", "(3,)"],
        ),
        (
            "check_close([[1, 5.5], [3, 4]], [[1, 2], [3, 9]], 'f(2)')",
            ["f(2) at the index (1, 1) is 4; it should be 9", "2 of 4 numbers"],
        ),
        (
            "check_close([1, np.nan], [1, 2], 'f(2)')",
            ["at the index (1,) is nan; it should be 2"],
        ),
        ("check_close('two', 2, 'f(2)')", ["f(2) should be numbers", "'two'"]),
        ("check_close(0.1 + 1e-7, 0.1, 'f(2)')", ["is 0.1000001; it should be 0.1"]),
        ("check_equal([1, 2], [1, 3], 'f(2)')", ["[1, 2]; it should be [1, 3]"]),
        (
            "check_raises('k', lambda k: k, 7)",
            ["a wrong 'k' should raise a ValueError", "the call returned 7"],
        ),
        (
            "check_raises('k', int, 'many')",
            ["should name the argument 'k'", "'many'"],
        ),
        (
            "check_law(np.zeros(1000, int), [0.5, 0.5], 'f(rng)')",
            ["of 1000 draws the share of", "its probability is 0.5000"],
        ),
        ("check_law(np.array([0, 2]), [0.5, 0.5], 'f')", ["f gave 2", "0 to 1"]),
        ("check_law(np.array([0, 1]), [1, 0], 'f')", ["gave 1, whose probability"]),
        ("check_law(np.array([0.5]), [1, 0], 'f')", ["whole numbers", "0.5"]),
    ],
)
def test_a_check_says_what_is_wrong_with_the_numbers(
    check: str, words: list[str]
) -> None:
    message = message_of(check)
    assert [word for word in words if word not in message] == [], message


def test_the_small_release_keeps_the_words_and_loses_the_answers() -> None:
    released = release_notebook(small_assignment())
    expected = {
        "setup": "KNOWN = 3.0",
        "double": 'def double(x):\n    """Twice a number."""\n'
        "    raise NotImplementedError",
        "double-inputs": "# Hidden checks: a large number.",
        "larger-answer": "# Hidden checks: the answer.",
    }
    assert {name: cell_named(released, name).source for name in expected} == expected
    assert released.metadata["samplebook"] == {"assignment": SLUG, "minutes": 45}
    assert "instructors" not in nbformat.writes(released)
