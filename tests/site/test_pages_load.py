"""Every page, in light, dark and on phones: whole without another host, no errors, no sideways scrolling."""

import pytest
from playwright.sync_api import BrowserContext, Page
from site_pages import SharedPage, all_pages


def assert_page_is_as_wide_as(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    shown = page.evaluate("document.scrollingElement.scrollWidth")
    assert shown <= width, f"the page is {shown} px wide"


def assert_formulas_are_drawn(page: Page) -> None:
    assert page.locator("mjx-merror").count() == 0, "MathJax could not read a formula"
    assert page.locator("mjx-container").count() >= page.locator(".math").count()


def theme(page: Page) -> str:
    """The theme that the page has chosen for itself."""
    return page.evaluate("document.documentElement.dataset.theme")


@pytest.mark.parametrize("name", all_pages())
def test_page_loads_in_light_and_turns_dark(on_desktop: SharedPage, name: str) -> None:
    loaded = on_desktop.load(name)
    assert theme(loaded.page) == "light"
    assert_formulas_are_drawn(loaded.page)
    for scheme in ("light", "dark"):
        loaded.page.emulate_media(color_scheme=scheme)
        loaded.page.wait_for_selector(f"html[data-theme={scheme}]")
        assert_page_is_as_wide_as(loaded.page, 1280)
    loaded.page.emulate_media(color_scheme="light")
    assert loaded.problems == []


@pytest.mark.parametrize("name", all_pages())
def test_page_loads_in_dark_on_a_phone(on_phone: SharedPage, name: str) -> None:
    loaded = on_phone.load(name)
    assert theme(loaded.page) == "dark"
    assert_formulas_are_drawn(loaded.page)
    for width in (320, 360):
        assert_page_is_as_wide_as(loaded.page, width)
    assert loaded.problems == []


def test_address_of_the_site_leads_to_the_start_page(
    desktop: BrowserContext, site: str
) -> None:
    page = desktop.new_page()
    page.goto(f"{site}/index.html")
    page.wait_for_url(f"{site}/book/intro.html")
    assert page.locator("article h1").inner_text().strip("#").strip() == "SampleBook"
    page.close()
