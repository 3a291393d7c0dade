"""Confirming the runs of an earlier state: what is kept, and what is not."""

import pytest
from miniature_book import make_miniature_book, write, write_sweepable_chapter

from press.book import Book, Chapter
from press.errors import PressError
from press.sweeps.confirm import confirm
from press.sweeps.results import read_sweep, sweep_file, sweep_key
from press.sweeps.run import sweep

FIRST = Chapter("toys", "first")


@pytest.fixture
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    """A book with two stored runs, whose library then changes."""
    book = make_miniature_book(tmp_path_factory.mktemp("sweep") / "book", ("first",))
    write_sweepable_chapter(book, "first")
    sweep(book, "4-5")
    return book


def change_factor(book: Book, factor: str) -> None:
    write(book.library / "samplebook" / "toys" / "doubling.py", f"FACTOR = {factor}\n")


def test_equal_values_keep_all_runs_and_others_none(book: Book) -> None:
    file = sweep_file(book, FIRST)
    before = read_sweep(file)
    change_factor(book, "1 + 1")
    confirm(book)
    after = read_sweep(file)
    assert after.rows == before.rows
    assert after.key == sweep_key(book, FIRST) != before.key
    assert after.earlier == [before.key["digest"]]
    assert after.confirmed_by == [4]

    stored = file.read_bytes()
    change_factor(book, "3")
    with pytest.raises(
        PressError, match=r"first-c1, seed 4, \{\}: value was 10.0, now 13"
    ):
        confirm(book, "first")
    assert file.read_bytes() == stored


def test_what_needs_no_confirming_is_said(
    book: Book, capsys: pytest.CaptureFixture[str]
) -> None:
    confirm(book)
    assert "the stored runs are of the present state" in capsys.readouterr().out
    sweep_file(book, FIRST).unlink()
    confirm(book)
    assert "no runs are stored" in capsys.readouterr().out
