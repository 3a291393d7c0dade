"""Every page, in light, dark and on a phone: whole without another host, no errors, no sideways scrolling."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request
from site_pages import all_pages, open_window, wait_for_formulas

VIEWS = {
    "light": {"width": 1280},
    "dark": {"width": 1280, "color_scheme": "dark"},
    "phone": {"width": 360, "is_mobile": True},
    "narrowest phone": {"width": 320, "is_mobile": True},
}


@pytest.fixture(scope="module", params=VIEWS)
def view(
    request: pytest.FixtureRequest, browser: Browser
) -> Iterator[tuple[str, BrowserContext]]:
    context = open_window(browser, **VIEWS[request.param])
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
    page.goto(address)
    wait_for_formulas(page)
    page.wait_for_load_state("networkidle")
    return problems


@pytest.mark.parametrize("name", all_pages())
def test_page_loads(view: tuple[str, BrowserContext], site: str, name: str) -> None:
    view_name, context = view
    page = context.new_page()
    try:
        assert problems_while_loading(page, f"{site}/{name}.html", site) == []
        mode = page.evaluate("document.documentElement.dataset.theme")
        assert mode == ("dark" if view_name == "dark" else "light")
        width = page.evaluate("document.scrollingElement.scrollWidth")
        assert width <= VIEWS[view_name]["width"], f"the page is {width} px wide"
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
