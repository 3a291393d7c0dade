"""The real chapters without the cells that no sweep runs: what is left must be able to run."""

import subprocess
import sys

import pytest
from miniature_book import REPOSITORY

from press.book import Book, Chapter
from press.claims_ledger import check_positions, claims_of
from press.notebooks import code_cells, python_source, read_notebook
from press.sweeps.grid import own_parameters
from press.sweeps.results import swept_notebook

BOOK = Book(REPOSITORY)


def unknown_names(source: str) -> str:
    """What ruff says of names that nothing defines."""
    return subprocess.run(
        [
            *(sys.executable, "-m", "ruff", "check", "--isolated", "--quiet"),
            *("--select", "F821", "--output-format", "concise", "-"),
        ],
        input=source,
        capture_output=True,
        text=True,
        check=False,
    ).stdout


def test_a_name_that_nothing_defines_is_found() -> None:
    assert "missing" in unknown_names("print(missing)")


@pytest.mark.parametrize("chapter", BOOK.chapters(), ids=lambda chapter: chapter.slug)
def test_a_swept_chapter_needs_no_cell_that_is_left_out(chapter: Chapter) -> None:
    swept = swept_notebook(read_notebook(BOOK.notebook(chapter)))
    source = "\n".join(python_source(cell) for cell in code_cells(swept))
    assert unknown_names(source) == ""
    assert any(check_positions(swept, claim) for claim in claims_of(BOOK, chapter))
    assert "profile" in own_parameters(BOOK, chapter)
