"""See that whatever readers may link to carries a label, so that no link depends on a number."""

import re
from collections.abc import Iterator

from nbformat import NotebookNode

from press.book import Book
from press.errors import PressError
from press.notebooks import read_notebook

# A directive and the lines of options below it. Proofs and solutions have no label of their own.
DIRECTIVE = re.compile(
    r"^[ \t]*(?:`{3,}|:{3,})\{(?P<name>prf:(?!proof\b)\w+|exercise|exercise-start|figure)\}.*\n"
    r"(?P<options>(?:[ \t]*:[\w-]+:.*(?:\n|\Z))*)",
    re.MULTILINE,
)
LABEL = re.compile(r"^[ \t]*:(?:label|name):[ \t]*\S", re.MULTILINE)


def unlabelled(cell: NotebookNode) -> Iterator[str]:
    """Names of the directives of a cell that lack a label, and ``figure`` for a figure made by code."""
    if cell.cell_type == "markdown":
        for directive in DIRECTIVE.finditer(cell.source + "\n"):
            if not LABEL.search(directive["options"]):
                yield directive["name"]
    figure = cell.metadata.get("mystnb", {}).get("figure")
    if figure is not None and not figure.get("name"):
        yield "figure"


def label_problems(notebook: NotebookNode) -> list[str]:
    """What lacks a label in a notebook, with the number of its cell, counted from 1."""
    return [
        f"cell {number} has a {{{name}}} without a label"
        for number, cell in enumerate(notebook.cells, start=1)
        for name in unlabelled(cell)
    ]


def check_labels(book: Book) -> None:
    """See that every theorem, exercise and figure of the chapters has a label.

    Raises
    ------
    PressError
        Naming the cells without one.
    """
    problems = [
        f"{chapter.name}: {problem}"
        for chapter in book.chapters()
        for problem in label_problems(read_notebook(book.notebook(chapter)))
    ]
    if problems:
        raise PressError("\n".join(problems))
