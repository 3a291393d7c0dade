"""The miniature book that the press's tests work on."""

from pathlib import Path

import pytest
from miniature_book import make_miniature_book, run_press

from press.book import Book


@pytest.fixture
def miniature(tmp_path: Path) -> Book:
    """A miniature book, not yet executed."""
    return make_miniature_book(tmp_path / "book")


@pytest.fixture(scope="session")
def printed(tmp_path_factory: pytest.TempPathFactory) -> Book:
    """A miniature book, executed and built; tests that share it leave it as it is."""
    book = make_miniature_book(tmp_path_factory.mktemp("printed") / "book")
    result = run_press(book, "book")
    assert result.returncode == 0, result.stderr
    return book
