"""Which pages the site has, where the book and its build lie, and how tests open a page."""

import importlib.util
import sys
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from bs4 import BeautifulSoup
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    Response,
)
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


def go_to(page: Page, address: str) -> None:
    """Load a page, and draw all its formulas."""
    page.goto(address)
    wait_for_formulas(page)
    page.wait_for_load_state("networkidle")


def open_page(window: BrowserContext, address: str) -> Page:
    """A loaded page with all formulas drawn."""
    page = window.new_page()
    go_to(page, address)
    return page


@dataclass
class LoadedPage:
    """A page with all formulas drawn, and what happened while it was loaded."""

    page: Page
    site: str
    problems: list[str] = field(default_factory=list)
    """Requests to other hosts, failed requests, console errors and uncaught exceptions."""
    weights: dict[str, int] = field(default_factory=dict)
    """Bytes by address, without the scripts, styles and fonts that all pages share."""

    def note_request(self, request: Request) -> None:
        if not request.url.startswith((self.site, "data:", "blob:")):
            self.problems.append(f"request to another host: {request.url}")

    def note_failure(self, request: Request) -> None:
        self.problems.append(f"failed request: {request.url}")

    def note_response(self, response: Response) -> None:
        if "/_static/" not in response.url:
            self.weights[response.url] = int(response.headers["content-length"])

    def note_line(self, line: ConsoleMessage) -> None:
        if line.type == "error":
            self.problems.append(f"console: {line.text}")

    def note_exception(self, error: object) -> None:
        self.problems.append(f"exception: {error}")


def load_page(window: BrowserContext, site: str, name: str) -> LoadedPage:
    """Load a page of a site, and keep watching it."""
    page = window.new_page()
    loaded = LoadedPage(page, site)
    page.on("request", loaded.note_request)
    page.on("requestfailed", loaded.note_failure)
    page.on("response", loaded.note_response)
    page.on("console", loaded.note_line)
    page.on("pageerror", loaded.note_exception)
    go_to(page, f"{site}/{name}.html")
    return loaded


class SharedPage:
    """One page of the site, loaded once for all tests that leave it as they found it.

    Each file asks for the pages in turn. ``work_groups`` puts the tests of a page together, so that the page
    loaded last is most often the one that is asked for.
    """

    def __init__(self, window: BrowserContext, site: str):
        self.window = window
        self.site = site
        self.name = ""
        self.loaded: LoadedPage | None = None

    def load(self, name: str) -> LoadedPage:
        """The loaded page of this name."""
        if self.loaded is None or self.name != name:
            self.close()
            self.loaded, self.name = load_page(self.window, self.site, name), name
        return self.loaded

    def close(self) -> None:
        if self.loaded is not None:
            self.loaded.page.close()
        self.loaded = None


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
