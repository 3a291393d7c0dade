"""Every page, in light, dark and on a phone: whole without another host, no errors, no sideways scrolling."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request
from site_pages import PATIENCE, pages_of_the_toc

VIEWS = {
    "light": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "phone": {
        "viewport": {"width": 390, "height": 844},
        "color_scheme": "light",
        "is_mobile": True,
    },
}


@pytest.fixture(scope="module", params=VIEWS)
def view(
    request: pytest.FixtureRequest, browser: Browser
) -> Iterator[tuple[str, BrowserContext]]:
    context = browser.new_context(**VIEWS[request.param])
    context.set_default_timeout(PATIENCE)
    yield request.param, context
    context.close()


def problems_while_loading(page: Page, address: str, site: str) -> list[str]:
    """Requests to other hosts, failed requests, console errors and uncaught exceptions while a page loads."""
    problems: list[str] = []

    def note_foreign(request: Request) -> None:
        if not request.url.startswith((site, "data:", "blob:")):
            problems.append(f"request to another host: {request.url}")

    def note_error(line: ConsoleMessage) -> None:
        if line.type == "error":
            problems.append(f"console: {line.text}")

    page.on("request", note_foreign)
    page.on(
        "requestfailed",
        lambda request: problems.append(f"failed request: {request.url}"),
    )
    page.on("console", note_error)
    page.on("pageerror", lambda error: problems.append(f"exception: {error}"))
    page.goto(address, wait_until="networkidle")
    return problems


@pytest.mark.parametrize("name", pages_of_the_toc())
def test_page_loads(view: tuple[str, BrowserContext], site: str, name: str) -> None:
    view_name, context = view
    page = context.new_page()
    try:
        assert problems_while_loading(page, f"{site}/{name}.html", site) == []
        mode = page.evaluate("document.documentElement.dataset.theme")
        assert mode == ("dark" if view_name == "dark" else "light")
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= VIEWS[view_name]["viewport"]["width"], (
            f"the page is {width} px wide"
        )
        assert page.locator("mjx-merror").count() == 0, (
            "MathJax could not read a formula"
        )
        if page.locator(".math").count():
            assert (
                page.locator("mjx-container").count() >= page.locator(".math").count()
            )
    finally:
        page.close()


def test_address_of_the_site_leads_to_the_start_page(
    desktop: BrowserContext, site: str
) -> None:
    page = desktop.new_page()
    page.goto(f"{site}/index.html")
    page.wait_for_url(f"{site}/book/intro.html")
    assert page.locator("article h1").inner_text().strip("#").strip() == "SampleBook"
    page.close()
