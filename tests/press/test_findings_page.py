"""The findings: what fails with a reason, what fails without one, and a reason without a failure."""

import pytest
from bs4 import BeautifulSoup
from miniature_book import FINDING, make_miniature_book, run_press, write_chapter

from press.book import Book

REASON = FINDING.partition(":")[2].strip()


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> tuple[Book, str]:
    """A built book and what the press said of it: each chapter's claim is of another sort."""
    book = make_miniature_book(tmp_path_factory.mktemp("failing") / "book")
    write_chapter(book, "first", 1, holds=False, has_finding=True)
    write_chapter(book, "second", 2, holds=False)
    write_chapter(book, "third", 3, has_finding=True)
    result = run_press(book, "book")
    assert result.returncode == 0, result.stderr
    return book, result.stdout


def page(book: Book, name: str) -> BeautifulSoup:
    html = (book.html / "book" / f"{name}.html").read_text(encoding="utf-8")
    return BeautifulSoup(html, "html.parser")


def section(book: Book, title: str) -> str:
    """The text of a section of the findings page, told by its heading."""
    (found,) = [
        element
        for element in page(book, "findings").select("article section section")
        if element.h2 is not None and element.h2.get_text().startswith(title)
    ]
    return found.get_text(" ", strip=True)


def test_each_claim_stands_in_its_section(failing: tuple[Book, str]) -> None:
    book, _ = failing
    explained = section(book, "Fails, and why")
    assert "first-c1" in explained
    assert REASON in explained
    unexplained = section(book, "Fails, not yet explained")
    assert "second-c1" in unexplained
    assert "Not yet explained." in unexplained
    unconfirmed = section(book, "Said to fail, but did not in this run")
    assert "third-c1" in unconfirmed
    assert REASON not in unconfirmed


def test_ledger_and_findings_lead_to_each_other(failing: tuple[Book, str]) -> None:
    book, _ = failing
    ledger, findings = page(book, "claims"), page(book, "findings")
    for slug in ("first", "second"):
        badge = ledger.select_one(f'tr[data-chapter="{slug}"] .badge-fails a')
        assert badge is not None
        assert badge["href"] == f"findings.html#finding-{slug}-c1"
        assert findings.find(id=f"finding-{slug}-c1") is not None
        assert findings.select(f'a[href="claims.html#ledger-{slug}-c1"]')
        assert findings.select(
            f'a[href="../chapters/toys/{slug}.html#claim-{slug}-c1"]'
        )
        assert ledger.find(id=f"ledger-{slug}-c1") is not None


def test_a_reason_without_a_failure_is_reported(failing: tuple[Book, str]) -> None:
    _, said = failing
    assert "1 hold, 2 fail" in said
    assert "third-c1 is said to fail" in said
    assert "first-c1" not in said


def test_a_book_in_which_nothing_fails_says_so(printed: Book) -> None:
    article = page(printed, "findings").find("article")
    assert article is not None
    assert "In this run no claim fails" in article.get_text()
    assert not article.select("h2")
