"""Which pages the site has, and where the book and its build lie."""

from functools import cache
from pathlib import Path

from bs4 import BeautifulSoup
from sphinx_external_toc.parsing import parse_toc_yaml

ROOT = Path(__file__).resolve().parents[2]
HTML = ROOT / "_build" / "html"
PATIENCE = 120_000  # milliseconds for one step of the browser, on a busy machine


def pages_of_the_toc() -> list[str]:
    """Names of all pages in ``_toc.yml``, such as ``book/intro``."""
    return list(parse_toc_yaml(ROOT / "_toc.yml"))


def chapters_of_the_toc() -> list[str]:
    """Names of the pages that are notebooks, such as ``chapters/drafts/spectr``."""
    return [name for name in pages_of_the_toc() if name.startswith("chapters/")]


@cache
def parsed(page: Path) -> BeautifulSoup:
    """The parsed HTML of a built page, for reading only."""
    return BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
