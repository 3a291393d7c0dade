"""A reader with a keyboard alone gets everywhere, sees where they are, and gets out again."""

from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page
from site_pages import chapters_of_the_toc, open_page

CONTROLS = 'a[href], button, summary, input, select, textarea, [tabindex="0"]'
# Everything that a mouse can use or scroll now.
MARK_CONTROLS = f"""() => {{
    const shown = element => element.checkVisibility({{visibilityProperty: true}})
        && element.getBoundingClientRect().width > 0 && !element.closest("dialog:not([open])");
    const controls = [...document.querySelectorAll(`{CONTROLS}`)].filter(shown);
    controls.forEach(element => element.dataset.unreached = "");
    return controls.length;
}}"""
NOTE_FOCUS = """() => {
    const element = document.activeElement;
    if (element === document.body || element.dataset.reached !== undefined) return null;
    delete element.dataset.unreached;
    element.dataset.reached = "";
    const style = getComputedStyle(element);
    const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
    const visible = element.checkVisibility({opacityProperty: true, visibilityProperty: true});
    return {html: element.outerHTML.slice(0, 120), seen: outlined && visible};
}"""


def unreached(page: Page) -> list[str]:
    """Controls that no press of Tab came to."""
    return page.locator("[data-unreached]").evaluate_all(
        "elements => elements.map(element => element.outerHTML.slice(0, 120))"
    )


def stops_of_tab(page: Page, most: int) -> list[dict[str, Any]]:
    """Where Tab stops, from the top of a page until it leaves it."""
    stops: list[dict[str, Any]] = []
    while len(stops) <= most:
        page.keyboard.press("Tab")
        stop = page.evaluate(NOTE_FOCUS)
        if stop is None:
            return stops
        stops.append(stop)
    pytest.fail(f"after {len(stops)} presses of Tab the focus is still on the page")


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", chapters_of_the_toc())
@pytest.mark.parametrize("device", ["desktop", "phone"])
def test_tab_stops_at_everything_and_shows_where(
    request: pytest.FixtureRequest, device: str, site: str, name: str
) -> None:
    page = open_page(request.getfixturevalue(device), f"{site}/{name}.html")
    controls = page.evaluate(MARK_CONTROLS)
    stops = stops_of_tab(page, most=controls + 20)
    assert "Skip to main content" in stops[0]["html"]
    assert [stop["html"] for stop in stops if not stop["seen"]] == []
    assert unreached(page) == []
    page.close()


def test_skip_link_leads_to_the_text(desktop: BrowserContext, site: str) -> None:
    page = open_page(desktop, f"{site}/{chapters_of_the_toc()[0]}.html")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")
    page.close()


@pytest.mark.parametrize("key", ["Enter", "Space"])
@pytest.mark.parametrize("name", chapters_of_the_toc())
def test_keys_unfold_what_is_hidden(
    desktop: BrowserContext, site: str, name: str, key: str
) -> None:
    page = open_page(desktop, f"{site}/{name}.html")
    cell = page.locator("article details:not([open])").first
    cell.locator("summary").press(key)
    solution = page.locator(".solution.dropdown, .solution .dropdown, .dropdown").and_(
        page.locator("article .toggle-hidden")
    )
    hidden = solution.count()
    solution.first.locator("button.toggle-button").press(key)
    assert solution.count() == hidden - 1
    page.close()


def test_escape_closes_the_search(desktop: BrowserContext, site: str) -> None:
    page = open_page(desktop, f"{site}/book/intro.html")
    page.locator("button.search-button-field").press("Enter")
    dialog = page.locator("#pst-search-dialog")
    dialog.wait_for(state="visible")
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
    page.close()


def test_escape_closes_the_side_bar(phone: BrowserContext, site: str) -> None:
    page = open_page(phone, f"{site}/book/intro.html")
    page.locator(
        "article button.primary-toggle, .bd-header-article .primary-toggle"
    ).first.press("Enter")
    dialog = page.locator("#pst-primary-sidebar-modal")
    dialog.wait_for(state="visible")
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
    page.close()
