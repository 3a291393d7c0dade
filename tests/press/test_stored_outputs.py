"""What the repository stores of each chapter's run came from the real thing."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from miniature_book import REPOSITORY

from press.book import Book
from press.notebooks import code_cells, read_notebook
from samplebook.session import STAND_IN_MARK

BOOK = Book(REPOSITORY)


def printed_lines(notebook: Path) -> Iterator[str]:
    for cell in code_cells(read_notebook(notebook)):
        for output in cell.get("outputs", []):
            yield from output.get("text", "").splitlines()


@pytest.mark.parametrize("chapter", BOOK.chapters(), ids=lambda chapter: chapter.slug)
def test_no_output_came_from_a_stand_in(chapter):
    executed = BOOK.result(chapter) / "notebook.ipynb"
    for notebook in (BOOK.notebook(chapter), executed):
        lines = list(printed_lines(notebook))
        assert lines
        assert not [line for line in lines if STAND_IN_MARK in line]
