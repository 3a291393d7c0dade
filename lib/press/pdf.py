"""``make pdf``: print the whole book with the system's Chromium into ``_build/pdf``."""

import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from pypdf import PdfReader, PdfWriter
from pypdf.generic import IndirectObject

from press.book import Book
from press.browser import CHROMIUM_FLAGS, NO_CHROMIUM, find_chromium
from press.errors import PressError
from press.print_edition import Entry, print_edition

PATIENCE = 300_000  # milliseconds for one step of the browser, on a busy machine
FILL_IN_SHEETS = """sheets => {
  for (const link of document.querySelectorAll(".book-contents a")) {
    link.dataset.sheet = sheets[decodeURIComponent(link.hash.slice(1))];
  }
}"""


def sheets_of_anchors(pdf: Path) -> dict[str, int]:
    """The sheet, counted from 1, on which each target of a link stands."""
    reader = PdfReader(pdf)
    return {
        name.removeprefix("/"): number + 1
        for name, target in reader.named_destinations.items()
        if (number := reader.get_destination_page_number(target)) is not None
    }


def print_sheets(page: Page, target: Path) -> None:
    page.pdf(path=target, prefer_css_page_size=True, print_background=True, tagged=True)


def print_document(document: Path, target: Path) -> None:
    """Print an HTML file when its formulas are set: once to number the sheets, once with the numbers.

    Raises
    ------
    PressError
        If there is no Chromium.
    """
    chromium = find_chromium()
    if chromium is None:
        raise PressError(NO_CHROMIUM)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=list(CHROMIUM_FLAGS)
        )
        page = browser.new_page(color_scheme="light")
        page.set_default_timeout(PATIENCE)
        page.goto(document.as_uri())
        page.evaluate("window.MathJax?.startup.promise")
        print_sheets(page, target)
        page.evaluate(FILL_IN_SHEETS, sheets_of_anchors(target))
        print_sheets(page, target)
        browser.close()


def add_bookmarks(pdf: Path, contents: Iterable[Entry]) -> None:
    """Give a PDF the table of contents as its outline."""
    sheets = sheets_of_anchors(pdf)
    writer = PdfWriter(pdf, incremental=True)
    last: dict[int, IndirectObject] = {}  # by level
    for entry in contents:
        last[entry.level] = writer.add_outline_item(
            title=entry.title,
            page_number=sheets[entry.anchor] - 1,
            parent=last.get(entry.level - 1),
        )
    writer.write(pdf)


def print_pdf(book: Book) -> None:
    """Print the built site as one PDF.

    Raises
    ------
    PressError
        If there is no site yet, or no Chromium.
    """
    if not (book.html / "index.html").is_file():
        raise PressError(
            f"there is no site in {book.shown(book.html)}; run `make book` first"
        )
    start = time.monotonic()
    print("Printing the book, which takes about a minute ...", flush=True)
    with tempfile.TemporaryDirectory(prefix=".tmp-pdf-", dir=book.build) as folder:
        edition = print_edition(book)
        document, pdf = Path(folder) / "book.html", Path(folder) / "book.pdf"
        document.write_text(edition.html, encoding="utf-8")
        print_document(document, pdf)
        add_bookmarks(pdf, edition.contents)
        book.pdf.parent.mkdir(exist_ok=True)
        pdf.replace(book.pdf)
    print(f"{book.shown(book.pdf)}: {time.monotonic() - start:.0f} s.")
