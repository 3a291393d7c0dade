"""Which pages the site has, where the book and its build lie, and how tests open a page."""

import importlib.util
import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from bs4 import BeautifulSoup
from playwright.sync_api import Browser, BrowserContext, Page
from sphinx_external_toc.parsing import parse_toc_yaml

from press import browser

ROOT = Path(__file__).resolve().parents[2]
HTML = ROOT / "_build" / "html"
PATIENCE = 120_000  # milliseconds for one step of the browser, on a busy machine
NO_OTHER_HOST = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
CHROMIUM_FLAGS = (*browser.CHROMIUM_FLAGS, NO_OTHER_HOST)
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


def load_extension(name: str) -> ModuleType:
    """The module of one of the book's own Sphinx extensions."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "_ext" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where dataclasses look for it
    spec.loader.exec_module(module)
    return module


def open_window(
    chromium: Browser,
    width: int,
    *,
    color_scheme: Literal["light", "dark"] = "light",
    **settings: Any,
) -> BrowserContext:
    """A window of its own, as wide as stated, in which nothing fades in or out."""
    context = chromium.new_context(
        viewport={"width": width, "height": 800},
        color_scheme=color_scheme,
        reduced_motion="reduce",
        **settings,
    )
    context.set_default_timeout(PATIENCE)
    return context


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


def unfold(page: Page) -> None:
    """Open every hidden cell and every solution."""
    page.evaluate(
        """() => {
        document.querySelectorAll("details:not([open]) > summary").forEach(part => part.click());
        document.querySelectorAll("button.toggle-button-hidden").forEach(part => part.click());
        }"""
    )


@cache
def parsed(page: Path) -> BeautifulSoup:
    """The parsed HTML of a built page, for reading only."""
    return BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
