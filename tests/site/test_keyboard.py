"""A reader with a keyboard alone gets everywhere, sees where they are, and gets out again."""

from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page
from site_pages import SharedPage, chapters_of_the_toc, open_page

CONTROLS = 'a[href], button, summary, input, select, textarea, [tabindex="0"]'
# Everything that a mouse can use or scroll now.
MARK_CONTROLS = f"""() => {{
    const shown = element => element.checkVisibility({{visibilityProperty: true}})
        && element.getBoundingClientRect().width > 0 && !element.closest("dialog:not([open])");
    const controls = [...document.querySelectorAll(`{CONTROLS}`)].filter(shown);
    controls.forEach(element => element.dataset.unreached = "");
    return controls.length;
}}"""
# Notes each place where the focus comes to, until it leaves the page or comes to a place again.
WATCH_FOCUS = """() => {
    const walk = window.walk = {stops: [], ended: false};
    const note = element => {
        if (element === document.body || element.dataset.reached !== undefined) walk.ended = true;
        if (walk.ended) return;
        delete element.dataset.unreached;
        element.dataset.reached = "";
        const style = getComputedStyle(element);
        const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
        const visible = element.checkVisibility({opacityProperty: true, visibilityProperty: true});
        walk.stops.push({html: element.outerHTML.slice(0, 120), seen: outlined && visible});
    };
    document.addEventListener("keyup", event => {
        if (event.key === "Tab") note(document.activeElement);
    }, true);
}"""
PRESSES = 20  # between two looks at whether the focus has left the page


def unreached(page: Page) -> list[str]:
    """Controls that no press of Tab came to."""
    return page.locator("[data-unreached]").evaluate_all(
        "elements => elements.map(element => element.outerHTML.slice(0, 120))"
    )


def stops_of_tab(page: Page, most: int) -> list[dict[str, Any]]:
    """Where Tab stops, from the top of a page until it leaves it."""
    page.evaluate(WATCH_FOCUS)
    for _ in range(most // PRESSES + 1):
        for _ in range(PRESSES):
            page.keyboard.press("Tab")
        if page.evaluate("walk.ended"):
            return page.evaluate("walk.stops")
    pytest.fail("the focus is still on the page")


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", chapters_of_the_toc())
@pytest.mark.parametrize("device", ["on_desktop", "on_phone"])
def test_tab_stops_at_everything_and_shows_where(
    request: pytest.FixtureRequest, device: str, name: str
) -> None:
    page = request.getfixturevalue(device).load(name).page
    controls = page.evaluate(MARK_CONTROLS)
    stops = stops_of_tab(page, most=controls + 20)
    assert "Skip to main content" in stops[0]["html"]
    assert [stop["html"] for stop in stops if not stop["seen"]] == []
    assert unreached(page) == []


def test_skip_link_leads_to_the_text(desktop: BrowserContext, site: str) -> None:
    page = open_page(desktop, f"{site}/{chapters_of_the_toc()[0]}.html")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")
    page.close()


@pytest.mark.parametrize("name", chapters_of_the_toc())
@pytest.mark.parametrize(("opens", "closes"), [("Enter", "Space"), ("Space", "Enter")])
def test_keys_unfold_what_is_hidden_and_fold_it_again(
    on_desktop: SharedPage, opens: str, closes: str, name: str
) -> None:
    page = on_desktop.load(name).page
    cells = page.locator("article details:not([open])")
    solutions = page.locator("article .dropdown.toggle-hidden")
    for hidden, button in ((cells, "summary"), (solutions, "button.toggle-button")):
        before = hidden.count()
        control = hidden.first.locator(button).element_handle()
        control.press(opens)
        assert hidden.count() == before - 1
        control.press(closes)
        assert hidden.count() == before


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
