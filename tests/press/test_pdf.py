"""The printed book: pages, links that jump, numbered contents, an outline, formulas that are set."""

import os
import unicodedata

import pytest
from miniature_book import run_press
from pypdf import PageObject, PdfReader
from pypdf.generic import DictionaryObject

from press.book import Book
from press.browser import NO_CHROMIUM, find_chromium


@pytest.fixture(scope="module")
def pdf(printed: Book) -> PdfReader:
    """The miniature book as a PDF. Without Chromium: a visible skip on a laptop, a failure in CI."""
    if find_chromium() is None:
        if os.environ.get("CI") == "true":
            pytest.fail(NO_CHROMIUM)
        pytest.skip(NO_CHROMIUM)
    result = run_press(printed, "pdf")
    assert result.returncode == 0, result.stderr
    return PdfReader(printed.pdf)


def links(page: PageObject) -> list[DictionaryObject]:
    notes = [note.get_object() for note in page.get("/Annots", [])]
    return [note for note in notes if note["/Subtype"] == "/Link"]


def text_of(page: PageObject) -> str:
    """The text of a sheet, with fi in place of its ligature."""
    return unicodedata.normalize("NFKC", page.extract_text())


def sheet_text(pdf: PdfReader, name: str) -> str:
    """The text of the sheet on which a page of the book begins."""
    number = pdf.get_destination_page_number(pdf.named_destinations[f"/{name}"])
    return text_of(pdf.pages[number])


def test_title_and_contents_come_first(pdf: PdfReader) -> None:
    title, contents = (text_of(pdf.pages[number]) for number in (0, 1))
    assert "Miniature" in title
    assert "The Miniaturists" in title
    assert "Version 1.2" in title
    assert contents.split()[:3] == ["2", "Contents", "Miniature"]


def test_every_page_of_the_book_begins_a_sheet(pdf: PdfReader) -> None:
    assert len(pdf.pages) >= 2 + 5
    assert "Words." in sheet_text(pdf, "book/intro")
    for slug in ("first", "second", "third"):
        text = sheet_text(pdf, f"chapters/toys/{slug}")
        assert f"Chapter {slug}" in text
        assert "Cite this chapter" in text


def test_contents_give_the_sheets(pdf: PdfReader) -> None:
    lines = text_of(pdf.pages[1]).splitlines()
    for slug in ("first", "second", "third"):
        target = pdf.named_destinations[f"/chapters/toys/{slug}"]
        sheet = pdf.get_destination_page_number(target) + 1
        assert f"Chapter {slug} {sheet}" in lines


def test_links_jump_inside_or_lead_to_the_web(pdf: PdfReader) -> None:
    found = [link for page in pdf.pages for link in links(page)]
    inside = [str(link["/Dest"]) for link in found if "/Dest" in link]
    outside = [str(link["/A"]["/URI"]) for link in found if "/A" in link]
    assert "/chapters/toys/first--claim-first-c1" in inside
    assert [name for name in inside if name not in pdf.named_destinations] == []
    assert [address for address in outside if not address.startswith("https:")] == []
    assert len(inside) + len(outside) == len(found)


def test_outline_has_pages_and_sections(pdf: PdfReader) -> None:
    titles = [item.title for item in pdf.outline if not isinstance(item, list)]
    pages = [
        "Miniature",
        "The claims",
        "The findings",
        "Robustness",
        "The map",
        "Works",
    ]
    assert titles == [*pages, "Chapter first", "Chapter second", "Chapter third"]
    assert pdf.outline[-1][0].title == "Cite this chapter"


def test_formulas_are_set(pdf: PdfReader) -> None:
    text = sheet_text(pdf, "book/claims")
    assert "Twice 1 is right" in text
    assert "2|x|" in text
    assert "\\(" not in text


def test_pdf_is_tagged(pdf: PdfReader) -> None:
    assert "/StructTreeRoot" in pdf.root_object
    assert pdf.root_object["/Lang"] == "en"


def test_without_a_site(miniature: Book) -> None:
    result = run_press(miniature, "pdf")
    assert result.returncode == 1
    assert "run `make book` first" in result.stderr
    assert not miniature.pdf.exists()
