"""The document that `make pdf` prints: all pages, links that resolve, nothing that only a screen can use."""

from collections import Counter

import pytest
from bs4 import BeautifulSoup
from site_pages import ROOT, chapters_of_the_toc, pages_of_the_toc

from press.book import Book
from press.print_edition import PrintEdition, print_edition


@pytest.fixture(scope="module")
def edition(html: object) -> PrintEdition:
    return print_edition(Book(ROOT))


@pytest.fixture(scope="module")
def document(edition: PrintEdition) -> BeautifulSoup:
    return BeautifulSoup(edition.html, "html.parser")


@pytest.fixture(scope="module")
def ids(document: BeautifulSoup) -> Counter[str]:
    return Counter(element["id"] for element in document.select("[id]"))


def test_all_pages_are_printed(document: BeautifulSoup) -> None:
    printed = [article["id"] for article in document.select("article")]
    assert printed == pages_of_the_toc()


def test_links_stay_in_the_document_or_lead_to_the_web(
    document: BeautifulSoup, ids: Counter[str]
) -> None:
    links = [link["href"] for link in document.select("a[href]")]
    inside = [link.removeprefix("#") for link in links if link.startswith("#")]
    assert any("--fig-" in link for link in inside)
    assert [link for link in inside if link not in ids] == []
    assert [link for link in links if not link.startswith(("#", "https://"))] == []


def test_ids_are_unique(ids: Counter[str]) -> None:
    assert [name for name, count in ids.items() if count > 1] == []


def test_contents_name_pages_and_sections_of_chapters(
    edition: PrintEdition, ids: Counter[str]
) -> None:
    anchors = [entry.anchor for entry in edition.contents]
    assert set(pages_of_the_toc()) <= set(anchors)
    for chapter in chapters_of_the_toc():
        assert f"{chapter}--exercises" in anchors
    assert [anchor for anchor in anchors if anchor not in ids] == []


def test_solutions_are_open_and_hidden_cells_left_out(document: BeautifulSoup) -> None:
    assert document.select("article .solution")
    assert document.select("details:not([open])") == []
    assert document.select(".tag_bootstrap, .tag_hide-input .cell_input") == []
    assert document.select("article script, article button, .headerlink") == []


def test_images_and_styles_are_files_of_the_site(document: BeautifulSoup) -> None:
    folder = (ROOT / "_build" / "html").as_uri()
    used = [image["src"] for image in document.select("article img")]
    used += [link["href"] for link in document.select("head link")]
    assert [
        address for address in used if not address.startswith((folder, "data:"))
    ] == []
