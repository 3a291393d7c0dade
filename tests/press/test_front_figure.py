"""The start page's figure is the output of the one cell that has the tag for it."""

from pathlib import Path

import nbformat
import pytest
from miniature_book import copy_of, run_press, write
from nbformat.v4 import new_output

from press.book import Book, Chapter
from press.errors import PressError
from press.front_figure import front_figure
from press.notebooks import code_cells, read_notebook

FIGURE = "<p>A figure\n\nthat **moves**.</p>"
INTRO = "# Miniature\n\nWords.\n\n```{include} generated/front-figure.md\n```\n"


def offer_figure(book: Book, slug: str, *, mime_type: str = "text/html") -> None:
    """Tag the last code cell of a chapter's execution, and let it display the figure."""
    executed = book.result(Chapter("toys", slug)) / "notebook.ipynb"
    notebook = read_notebook(executed)
    cell = code_cells(notebook)[-1]
    cell.metadata["tags"] = ["front-page"]
    cell.outputs = [new_output("display_data", data={mime_type: FIGURE})]
    write(executed, nbformat.writes(notebook))


@pytest.fixture
def book(printed: Book, tmp_path: Path) -> Book:
    return copy_of(printed, tmp_path / "book")


def test_the_start_page_shows_the_tagged_cells_output_as_it_is(book: Book) -> None:
    offer_figure(book, "second")
    write(book.root / "book" / "intro.md", INTRO)
    result = run_press(book, "book")
    assert result.returncode == 0, result.stderr
    page = (book.html / "book" / "intro.html").read_text(encoding="utf-8")
    assert FIGURE in page


def test_a_book_without_a_figure_says_so(book: Book) -> None:
    assert front_figure(book) == "No chapter offers a figure for this page yet.\n"


def test_two_figures_are_one_too_many(book: Book) -> None:
    offer_figure(book, "first")
    offer_figure(book, "third")
    with pytest.raises(PressError, match="2 cells .* toys/first, toys/third"):
        front_figure(book)


def test_a_tagged_cell_without_html_is_named(book: Book) -> None:
    offer_figure(book, "first", mime_type="text/plain")
    with pytest.raises(PressError, match="toys/first: .* displays no HTML"):
        front_figure(book)
