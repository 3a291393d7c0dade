"""Which pages the site has, and where the book and its build lie."""

from functools import cache
from pathlib import Path

from bs4 import BeautifulSoup
from playwright.sync_api import BrowserContext, Page
from sphinx_external_toc.parsing import parse_toc_yaml

ROOT = Path(__file__).resolve().parents[2]
HTML = ROOT / "_build" / "html"
PATIENCE = 120_000  # milliseconds for one step of the browser, on a busy machine
GENERATED = ("search", "genindex", "prf-prf")  # written by Sphinx, in no list of ours


def pages_of_the_toc() -> list[str]:
    """Names of all pages in ``_toc.yml``, such as ``book/intro``."""
    return list(parse_toc_yaml(ROOT / "_toc.yml"))


def chapters_of_the_toc() -> list[str]:
    """Names of the pages that are notebooks, such as ``chapters/drafts/spectr``."""
    return [name for name in pages_of_the_toc() if name.startswith("chapters/")]


def all_pages() -> list[str]:
    """Names of all pages that a reader can reach."""
    return [*pages_of_the_toc(), *GENERATED]


def wait_for_formulas(page: Page) -> None:
    """Return once MathJax, where a page has it, has drawn the last formula."""
    page.evaluate("async () => { await window.MathJax?.startup?.promise }")


def open_page(window: BrowserContext, address: str) -> Page:
    """A loaded page with all formulas drawn."""
    page = window.new_page()
    page.goto(address)
    wait_for_formulas(page)
    page.wait_for_load_state("networkidle")
    return page


@cache
def parsed(page: Path) -> BeautifulSoup:
    """The parsed HTML of a built page, for reading only."""
    return BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
