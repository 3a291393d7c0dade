"""A single page printed from the browser: light colours whatever the screen shows, as wide as the sheet."""

import pytest
from playwright.sync_api import Browser
from site_pages import PATIENCE, chapters_of_the_toc

ALL_FORMULAS_ARE_DRAWN = (
    "document.querySelectorAll('mjx-container').length >= "
    "document.querySelectorAll('.math').length"
)
SHEET = {"width": 643, "height": 957}  # of A4 within its margins, in CSS pixels


@pytest.mark.parametrize(
    "name", [chapters_of_the_toc()[0], "book/claims", "book/robustness"]
)
def test_page_on_paper(browser: Browser, site: str, name: str) -> None:
    page = browser.new_page(color_scheme="dark", viewport=SHEET)
    page.set_default_timeout(PATIENCE)
    page.goto(f"{site}/{name}.html", wait_until="networkidle")
    page.wait_for_function(ALL_FORMULAS_ARE_DRAWN)  # an undrawn one is wide source text
    theme = "document.documentElement.dataset.theme"
    assert page.evaluate(theme) == "dark"
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    assert page.evaluate(theme) == "light"
    assert page.evaluate("document.documentElement.scrollWidth") <= SHEET["width"]
    assert page.locator(".copybtn:visible, a.headerlink:visible").count() == 0
    assert page.locator("details.hide:not([open]):visible").count() == 0
    solutions = page.locator(".solution section").count()
    assert page.locator(".solution section:visible").count() == solutions
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.evaluate(theme) == "dark"
    page.close()
