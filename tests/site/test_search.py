"""The search works from the site's own files, served or opened from the disk, and its results open."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, Route

WORDS = {
    "prose of a page": ("backs off", "book/data"),
    "text of a chapter": ("transport", "chapters/drafts/spectr"),
    "statement of a claim": ("skips rejects draft-like", "book/claims"),
    "citation of a chapter": ("Cite this chapter", "chapters/drafts/spectr"),
}


@pytest.fixture
def page(desktop: BrowserContext, site: str) -> Iterator[Page]:
    """A page that reaches this site's files and nothing else."""

    def allow_own_files(route: Route) -> None:
        if route.request.url.startswith((site, "file:", "data:")):
            route.continue_()
        else:
            route.abort()

    page = desktop.new_page()
    page.route("**/*", allow_own_files)
    yield page
    page.close()


def open_result(page: Page, start: str, words: str, wanted: str) -> None:
    """Search for words, and follow the result that leads to a page."""
    page.goto(f"{start}/search.html?q={words}")
    results = page.locator("#search-results ul.search li a")
    results.first.wait_for()
    result = page.locator(f'#search-results ul.search li a[href*="{wanted}"]').first
    result.click()
    page.wait_for_url(f"**/{wanted}.html**")
    assert page.locator("article h1").count() == 1


@pytest.mark.parametrize(("words", "wanted"), WORDS.values(), ids=WORDS)
def test_search_finds_and_opens(page: Page, site: str, words: str, wanted: str) -> None:
    open_result(page, site, words, wanted)


def test_search_from_the_disk(page: Page, html: Path) -> None:
    open_result(page, html.as_uri(), *WORDS["text of a chapter"])


def test_search_field_leads_to_results(page: Page, site: str) -> None:
    page.goto(f"{site}/book/intro.html", wait_until="networkidle")
    field = page.locator("#pst-search-dialog input[type=search]")
    for _ in range(20):  # the theme's script may not listen yet on a busy machine
        page.locator("button.search-button-field").click(force=True)
        page.wait_for_timeout(500)
        if field.is_visible():
            break
    field.fill("notation")
    field.press("Enter")
    page.wait_for_url("**/search.html?q=notation")
    page.locator("#search-results ul.search li a").first.wait_for()
