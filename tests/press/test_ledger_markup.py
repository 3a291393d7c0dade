"""The ledger prints every claim in words, in the book's order, whatever signs its statement has."""

import re
from pathlib import Path

import pytest
from bs4 import BeautifulSoup, Tag
from miniature_book import SLUGS, make_miniature_book, run_press, write

from press.book import Book
from press.ledger_page import ledger_page, ledger_row
from press.register import papers
from samplebook.claims import Claim

STATEMENT = "> 1. At most | `p < q` *always* holds, $a_1 | b_2 < c$."
RECORD = {"id": "first-c1", "verdict": "holds", "value": 2.0, "interval": None}


def claim(source: str, figure: str | None, **changes: object) -> Claim:
    fields = {
        "id": "first-c1",
        "kind": "paper",
        "statement": "It is fast.",
        "figure": figure,
        "place": "Table 2",
        "source": source,
        "rule": "The rule.",
        "false_alarm": 1e-6,
        "scale": "laptop",
    }
    return Claim(**(fields | changes))


def row(book: Book, claim: Claim, **changes: object) -> BeautifulSoup:
    """A row's Markdown, its HTML tags parsed."""
    text = ledger_row(papers(book)["first"], claim, RECORD | changes)
    return BeautifulSoup(text, "html.parser")


def words(row: BeautifulSoup, column: str) -> str:
    cell = row.select_one(f".{column}")
    assert cell is not None
    return cell.get_text(" ", strip=True)


def test_only_what_was_read_is_shown_as_the_papers(miniature: Book) -> None:
    for source, figure, shown in [
        ("read", "2.13x", "2.13x Table 2"),
        ("secondary", "4.0", "4.0 Table 2 (from a secondary source)"),
        ("ours", None, "no figure Table 2 (this book's own)"),
    ]:
        assert words(row(miniature, claim(source, figure)), "source") == shown


def test_the_rule_comes_with_its_false_alarms_or_the_reason(miniature: Book) -> None:
    shown = words(row(miniature, claim("ours", None)), "statement")
    assert "The rule." in shown
    assert "at most 1e-06" in shown
    exact = row(miniature, claim("ours", None, false_alarm=0))
    assert "none, the rule is exact" in words(exact, "statement")
    beyond = claim("ours", None, scale="beyond", scale_reason="Too large.")
    assert "Why not here: Too large." in words(row(miniature, beyond), "statement")


def test_measured_numbers_are_rounded(miniature: Book) -> None:
    shown = row(
        miniature, claim("ours", None), value=1.23456, interval=[1.0, 1234567.0]
    )
    assert words(shown, "measured") == "1.235 [1, 1.235e+06]"
    nothing = row(miniature, claim("ours", None), value=None)
    assert words(nothing, "measured") == "not measured"


def test_rows_follow_the_chapters_and_their_claims_files(miniature: Book) -> None:
    file = miniature.claims_folder / "second.yml"
    entry = file.read_text(encoding="utf-8")
    write(file, entry.replace("second-c1", "second-c10") + entry)
    ids = ["first-c1", "second-c10", "second-c1", "third-c1"]
    page = ledger_page(miniature, {name: RECORD | {"id": name} for name in ids})
    assert page.splitlines()[0].startswith("Of 4 claims, 4 hold")
    assert re.findall(r"^\(ledger-(.*)\)=$", page, flags=re.MULTILINE) == ids


@pytest.fixture(scope="module")
def statement(tmp_path_factory: pytest.TempPathFactory) -> Tag:
    """The cell of a statement full of signs, on a built page."""
    folder: Path = tmp_path_factory.mktemp("signs")
    book = make_miniature_book(folder / "book", SLUGS[:1])
    file = book.claims_folder / "first.yml"
    text = file.read_text(encoding="utf-8")
    write(file, re.sub("statement: .*", f"statement: '{STATEMENT}'", text))
    result = run_press(book, "book")
    assert result.returncode == 0, result.stderr
    page = (book.html / "book" / "claims.html").read_text(encoding="utf-8")
    (cell,) = BeautifulSoup(page, "html.parser").select("table.ledger td.statement")
    return cell


def test_a_statement_is_markdown_of_one_paragraph(statement: Tag) -> None:
    first = statement.find("p")
    assert isinstance(first, Tag)
    assert first.get_text() == (
        r"> 1. At most | p < q always holds, \(a_1 | b_2 < c\)."
    )
    assert [code.get_text() for code in first.select("code")] == ["p < q"]
    assert [word.get_text() for word in first.select("em")] == ["always"]
    assert [formula.get_text() for formula in first.select(".math")] == [
        r"\(a_1 | b_2 < c\)"
    ]
