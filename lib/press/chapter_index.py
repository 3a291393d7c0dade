"""``index.ipynb``, which Binder opens: the chapters in the order in which they are read, by `make stamp`."""

from itertools import groupby

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_notebook

from press.book import Book
from press.contents import chapters_in_reading_order
from press.errors import PressError
from press.notebooks import read_notebook
from press.register import parts

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
OPENING = "# SampleBook\n\nThe chapters. Each opens here, and runs from top to bottom."


def chapter_title(notebook: NotebookNode, name: str) -> str:
    """A chapter's title: its first heading.

    Raises
    ------
    PressError
        If its first cell does not begin with one.
    """
    first = notebook.cells[0].source.partition("\n")[0] if notebook.cells else ""
    if not first.startswith("# "):
        raise PressError(f"{name}: the first cell does not begin with a title")
    return str(first.removeprefix("# ").strip())


def chapter_index(book: Book) -> str:
    """The text of ``index.ipynb``: a link to each chapter under the question of its part."""
    questions = {part.name: part.question for part in parts(book).values()}
    sections = [OPENING]
    ordered = chapters_in_reading_order(book)
    for part, chapters in groupby(ordered, key=lambda chapter: chapter.part):
        links = "\n".join(
            f"- [{chapter_title(read_notebook(book.notebook(chapter)), chapter.name)}]"
            f"(chapters/{chapter.name}.ipynb)"
            for chapter in chapters
        )
        sections.append(f"## {questions[part]}\n\n{links}")
    cell = new_markdown_cell("\n\n".join(sections), id="index")
    about = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    return str(nbformat.writes(new_notebook(cells=[cell], metadata=about))) + "\n"
