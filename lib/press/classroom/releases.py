"""What students and teachers get of the assignments: ``make assignments``.

A release is a notebook without solutions, hidden tests, instructor cells, outputs and everything else that
its author did not mean for students. nbgrader's own preprocessors remove the regions that nbgrader knows.
"""

import re
import tempfile
import zipfile
from copy import deepcopy
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import nbformat
from nbformat import NotebookNode
from nbgrader.preprocessors import (
    ClearHiddenTests,
    ClearMarkScheme,
    ClearOutput,
    ClearSolutions,
    ComputeChecksums,
    LockCells,
)
from traitlets.config import Config

from press.book import Book, put_in_place, write_atomically
from press.classroom.assignments import (
    INSTRUCTOR_TAG,
    LIKE_A_MARKER,
    Assignment,
    grading,
    read_assignments,
)
from press.classroom.containment import Limits
from press.errors import PressError
from press.notebooks import notebook_title, read_notebook, tags

STUB = "raise NotImplementedError"
ATTACHMENT = re.compile(r"attachment:([^\s)\"'>]+)")
SETTINGS = Config({"ClearSolutions": {"code_stub": {"python": STUB}}})
PREPROCESSORS = (
    ClearSolutions,
    LockCells,
    ClearOutput,
    ClearHiddenTests,
    ClearMarkScheme,
    ComputeChecksums,
)
FIXED_TIME = (2026, 1, 1, 0, 0, 0)
"""Time stamp of the files in an archive, so that equal releases make equal archives."""

README = """\
# Assignment: {title}

{tasks} tasks, {points} points, about {minutes} minutes, after the chapter *{chapter}* of SampleBook.

Open `{slug}.ipynb` in Jupyter, Colab or Binder. It needs Python 3.11 or newer, NumPy and SciPy, and nothing
else. It makes its data itself: there is no file to download.

Each task has a function to complete and a cell of checks that you can run as often as you like. More checks
run when the assignment is graded. There your code has no network and no files, one process, {memory} GB of
memory and {seconds:g} seconds a call; drawings have no effect. Hand in the file `{slug}.ipynb`.
"""

ENVIRONMENT = """\
# What Binder installs for the assignments.
name: samplebook-assignments
channels:
  - conda-forge
  - nodefaults
dependencies:
  - python=3.11
  - jupyterlab
  - numpy
  - scipy
"""

COURSE_SETTINGS = """\
# Settings of the nbgrader course in this folder, written by `make assignments`.
from pathlib import Path

from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
from nbgrader.preprocessors import ClearHiddenTests, ClearOutput, GetGrades

c = get_config()
c.CourseDirectory.course_id = "samplebook"
c.CourseDirectory.root = str(Path(__file__).parent)
c.ClearSolutions.code_stub = {{"python": "{stub}"}}

# nbgrader's feedback would show hidden tests, and outputs that a submission may fill with them.
c.GenerateFeedback.preprocessors = [
    GetGrades,
    ClearHiddenTests,
    ClearOutput,
    CSSHTMLHeaderPreprocessor,
]
"""

KEPT_OF_GRADING = {
    "grade": bool,
    "grade_id": str,
    "locked": bool,
    "points": int,
    "schema_version": int,
    "solution": bool,
    "task": bool,
}
"""What a release keeps of nbgrader's metadata, and its type."""


def without_instructor_cells(notebook: NotebookNode) -> NotebookNode:
    copy = deepcopy(notebook)
    copy.cells = [cell for cell in copy.cells if INSTRUCTOR_TAG not in tags(cell)]
    return copy


def kept_metadata(cell: NotebookNode) -> dict[str, Any]:
    """The metadata of a cell that a release needs; an author's or editor's others are dropped."""
    kept = {
        key: KEPT_OF_GRADING[key](value)
        for key, value in grading(cell).items()
        if key in KEPT_OF_GRADING
    }
    return {"nbgrader": kept} if kept else {}


def shown_pictures(cell: NotebookNode) -> dict[str, Any]:
    """The attachments of a cell that its text shows."""
    names = {unquote(name) for name in ATTACHMENT.findall(cell.source)}
    return {
        name: picture
        for name, picture in cell.get("attachments", {}).items()
        if name in names
    }


def strip(notebook: NotebookNode, assignment: Assignment) -> None:
    """Drop all that a student does not need: metadata, names of cells, pictures that no text shows."""
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {
                "display_name": "Python 3",
                "language": "python",
                "name": "python3",
            },
            "samplebook": {
                "assignment": assignment.slug,
                "minutes": assignment.minutes,
            },
        }
    )
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"
        cell.metadata = nbformat.from_dict(kept_metadata(cell))
        pictures = shown_pictures(cell)
        cell.pop("attachments", None)
        if pictures:
            cell.attachments = pictures


def course_notebook(assignment: Assignment) -> NotebookNode:
    """The source for nbgrader's own commands, which remove solutions and hidden tests but nothing else."""
    notebook = without_instructor_cells(assignment.notebook)
    notebook, _ = ClearOutput().preprocess(notebook, {})
    strip(notebook, assignment)
    return notebook


def release_notebook(assignment: Assignment) -> NotebookNode:
    """The notebook that students get.

    Raises
    ------
    PressError
        If a marker of a removed region is left.
    """
    notebook = course_notebook(assignment)
    resources = {"nbgrader": {"notebook": assignment.slug}}
    for preprocessor in PREPROCESSORS:
        notebook, resources = preprocessor(config=SETTINGS).preprocess(
            notebook, resources
        )
    marker = LIKE_A_MARKER.search(nbformat.writes(notebook))
    if marker:
        raise PressError(f"the release of {assignment.slug} still has {marker[0]!r}")
    return notebook


def release_files(book: Book, assignment: Assignment) -> dict[str, str]:
    """The files of one release, by name."""
    readme = README.format(
        slug=assignment.slug,
        title=assignment.title,
        chapter=notebook_title(
            read_notebook(book.notebook(book.chapter(assignment.slug)))
        ),
        tasks=len(assignment.tasks),
        points=sum(task.points for task in assignment.tasks),
        minutes=assignment.minutes,
        memory=Limits().memory >> 30,
        seconds=Limits().seconds_per_call,
    )
    notebook = nbformat.writes(release_notebook(assignment)) + "\n"
    return {f"{assignment.slug}.ipynb": notebook, "README.md": readme}


def write_archive(path: Path, slug: str, files: dict[str, str]) -> None:
    """A zip file of one release; equal releases make equal bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in sorted(files.items()):
            entry = zipfile.ZipInfo(f"{slug}/{name}", FIXED_TIME)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, text, zipfile.ZIP_DEFLATED)


def write_releases(book: Book) -> list[Assignment]:
    """Write ``_build/releases``: a folder and an archive for each assignment, and Binder's settings."""
    assignments = read_assignments(book)
    book.build.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".tmp-", dir=book.build) as temporary:
        fresh = Path(temporary) / "releases"
        for assignment in assignments:
            files = release_files(book, assignment)
            for name, text in files.items():
                write_atomically(fresh / assignment.slug / name, text)
            write_archive(fresh / f"{assignment.slug}.zip", assignment.slug, files)
        write_atomically(fresh / "environment.yml", ENVIRONMENT)
        put_in_place(fresh, book.releases)
    return assignments


def write_course(book: Book, assignments: list[Assignment]) -> None:
    """Write the teacher's folder: nbgrader's settings, sources and releases. Marks in it stay."""
    settings = COURSE_SETTINGS.format(stub=STUB)
    write_atomically(book.classroom / "nbgrader_config.py", settings)
    for assignment in assignments:
        slug = assignment.slug
        for folder, text in (
            ("source", nbformat.writes(course_notebook(assignment)) + "\n"),
            (
                "release",
                (book.releases / slug / f"{slug}.ipynb").read_text(encoding="utf-8"),
            ),
        ):
            write_atomically(book.classroom / folder / slug / f"{slug}.ipynb", text)


def make_assignments(book: Book) -> None:
    """Write all releases and the teacher's folder, and say where they are."""
    assignments = write_releases(book)
    write_course(book, assignments)
    for assignment in assignments:
        print(
            f"{assignment.slug}: {len(assignment.tasks)} tasks, {assignment.minutes} minutes"
        )
    print(f"For students: {book.shown(book.releases)}")
    print(f"For teachers: {book.shown(book.classroom)}, a course for nbgrader")
