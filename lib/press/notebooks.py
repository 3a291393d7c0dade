"""Notebooks as files: reading, stripping what changes by itself, tags, source."""

import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import nbformat
from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode
from nbformat.reader import NotJSONError

from press.book import write_atomically
from press.errors import PressError

VOLATILE_METADATA = (
    "papermill",
    "execution",
    "ExecuteTime",
    "widgets",
    "language_info",
    "collapsed",
    "scrolled",
)


def read_notebook(path: Path) -> NotebookNode:
    """A notebook file of format 4.

    Raises
    ------
    PressError
        If the file is not a notebook.
    """
    try:
        notebook: NotebookNode = nbformat.read(path, as_version=4)
    except (NotJSONError, nbformat.ValidationError, KeyError) as error:
        raise PressError(f"{path.name} is not a notebook: {error}") from error
    return notebook


def write_notebook(notebook: NotebookNode, path: Path) -> None:
    write_atomically(path, nbformat.writes(notebook) + "\n")


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def notebook_title(notebook: NotebookNode) -> str:
    """The heading that a notebook begins with.

    Raises
    ------
    PressError
        If it begins with anything else.
    """
    first = notebook.cells[0].source if notebook.cells else ""
    heading = re.match(r"# +(.+)", first)
    if heading is None:
        raise PressError("a chapter must begin with its title: a line '# ...'")
    return heading[1].strip()


def tags(cell: NotebookNode) -> list[str]:
    return list(cell.metadata.get("tags", []))


def samplebook_metadata(notebook: NotebookNode) -> dict[str, Any]:
    """What the notebook's metadata says to the press: slug, exclusive, key."""
    return dict(notebook.metadata.get("samplebook", {}))


def python_source(cell: NotebookNode) -> str:
    """A code cell as plain Python, with IPython's own syntax translated."""
    return str(TransformerManager().transform_cell(cell.source))


def without_volatile_metadata(notebook: NotebookNode) -> NotebookNode:
    """A copy without time stamps and whatever else differs from run to run; outputs stay."""
    copy: NotebookNode = deepcopy(notebook)
    for holder in [copy, *copy.cells]:
        for key in VOLATILE_METADATA:
            holder.metadata.pop(key, None)
    return copy


def without_outputs(notebook: NotebookNode) -> NotebookNode:
    """A copy of what the author wrote: no outputs, counts, volatile metadata or stored key."""
    copy = without_volatile_metadata(notebook)
    copy.metadata.get("samplebook", {}).pop("key", None)
    for cell in code_cells(copy):
        cell.outputs, cell.execution_count = [], None
    return copy


def with_outputs(written: NotebookNode, executed: NotebookNode) -> NotebookNode:
    """A copy of what the author wrote, with the outputs and counts of an execution of the same cells."""
    copy = without_volatile_metadata(written)
    for cell, ran in zip(code_cells(copy), code_cells(executed), strict=True):
        cell.outputs, cell.execution_count = ran.outputs, ran.execution_count
    return copy
