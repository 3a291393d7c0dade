"""The page of performance: the numbers are the records', lost comparisons show, a broken record is named."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from press.book import Book
from press.errors import PressError
from press.performance_page import performance_figures, performance_page, records

BOOK = Book(Path(__file__).resolve().parents[2])
MACHINE = {
    "cpu": "Some CPU",
    "cores": 2,
    "memory_gib": 23.5,
    "system": "Some Linux",
    "blas": "some BLAS",
    "threads": 1,
    "versions": {"numpy": "2.0"},
}


def ratio(ours: float, theirs: float, **other: Any) -> dict[str, Any]:
    return {
        "part": "drafts",
        "function": "samplebook.drafts.select_token",
        "work": "some work",
        "other": "a peer",
        "kind": "peer",
        "unit": "s",
        "ours": ours,
        "theirs": theirs,
        "smaller_wins": True,
    } | other


def book_with(tmp_path: Path, ratios: list[dict[str, Any]]) -> Book:
    """A book with the real parts and one record."""
    (tmp_path / "book").mkdir()
    for name in ("parts.yml", "papers.yml"):
        text = (BOOK.root / "book" / name).read_text("utf-8")
        (tmp_path / "book" / name).write_text(text, "utf-8")
    folder = tmp_path / "results" / "benchmarks"
    folder.mkdir(parents=True)
    record = {"name": "some", "machine": MACHINE, "growth": [], "ratios": ratios}
    (folder / "some.json").write_text(json.dumps(record), "utf-8")
    return Book(tmp_path)


@pytest.mark.parametrize(
    ("ours", "theirs", "smaller_wins", "said"),
    [
        (0.002, 0.004, True, "the book, 2 times"),
        (0.004, 0.002, True, "**a peer, 2 times**"),
        (4.0, 2.0, False, "the book, 2 times"),
        (0.00201, 0.002, True, "a tie"),
    ],
)
def test_who_wins(
    tmp_path: Path, ours: float, theirs: float, smaller_wins: bool, said: str
) -> None:
    book = book_with(tmp_path, [ratio(ours, theirs, smaller_wins=smaller_wins)])
    assert said in performance_page(book)


def test_machine_and_number_of_lost_comparisons_are_on_the_page(tmp_path: Path) -> None:
    page = performance_page(book_with(tmp_path, [ratio(1.0, 3.0), ratio(3.0, 1.0)]))
    assert "Rows that the book loses are in bold: 1 of 2." in page
    assert "Some CPU, 2 cores, 23.5 GiB" in page


def test_tables_are_narrow_and_become_cards(tmp_path: Path) -> None:
    """Five columns fit the page; each cell names its column, which a card shows beside it."""
    yardstick = ratio(1.0, 2.0, kind="yardstick")
    for page in (
        performance_page(BOOK),
        performance_page(book_with(tmp_path, [ratio(1.0, 2.0), yardstick])),
    ):
        tables = page.split("<table ")[1:]
        assert tables
        for table in tables:
            assert table.startswith('class="ledger performance"')
            columns = re.findall(r'data-column="(\w+)">([^<]+)<', table)
            assert len(columns) <= 5
            rows = table.count('<tr role="row">') - 1
            for name, words in columns:
                assert table.count(f'class="{name}" data-label="{words}"') == rows > 0


def test_a_broken_record_is_named(tmp_path: Path) -> None:
    book = book_with(tmp_path, [])
    (tmp_path / "results" / "benchmarks" / "bad.json").write_text("{}", "utf-8")
    with pytest.raises(PressError, match=r"bad\.json"):
        performance_page(book)


def test_committed_growths_are_on_the_page_and_in_the_same_pictures_each_time() -> None:
    page = performance_page(BOOK)
    growth = [entry for record in records(BOOK) for entry in record["growth"]]
    assert growth
    for entry in growth:
        assert f"{entry['time']['slope']:z.2f} [" in page
        assert entry["work"] in page
    figures = performance_figures(BOOK)
    assert figures == performance_figures(BOOK)
    assert all(f"generated/{name}" in page for name in figures)
