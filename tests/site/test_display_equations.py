"""Formulas are whole at every width: nothing is cut off, wide ones scroll in their own box."""

import pytest
from playwright.sync_api import BrowserContext
from site_pages import open_page, pages_of_the_toc, unfold

WIDTHS = (1280, 768, 360)
PROBLEMS = """() => {
    const problems = [];
    const widest = document.documentElement.clientWidth;
    for (const box of document.querySelectorAll("article mjx-container")) {
        const note = problem => problems.push(`${problem}: ${box.closest(".math").textContent.slice(0, 60)}`);
        const display = box.getAttribute("display") === "true";
        const formula = box.querySelector("mjx-math").getBoundingClientRect();
        const frame = box.getBoundingClientRect();
        if (display && box.scrollHeight > box.clientHeight) note("cut above or below");
        if (formula.left < frame.left - 1) note("cut at the left");
        if (formula.right > frame.right + 1 && box.tabIndex !== 0) note("cut at the right");
        if (box.closest(".pst-scrollable-table-container")) continue;
        if (frame.left < 0 || frame.right > widest) note("out of the page");
    }
    for (const number of document.querySelectorAll("article .math .eqno")) {
        const place = number.getBoundingClientRect();
        if (place.width === 0 || place.left < 0 || place.right > widest)
            problems.push(`number out of sight: ${number.textContent}`);
    }
    return problems;
}"""


@pytest.mark.parametrize("name", pages_of_the_toc())
def test_no_formula_is_cut(desktop: BrowserContext, site: str, name: str) -> None:
    page = open_page(desktop, f"{site}/{name}.html")
    unfold(page)
    problems = {}
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_timeout(500)  # until the observer of the formulas' widths is done
        problems[width] = page.evaluate(PROBLEMS)
    page.close()
    assert problems == {width: [] for width in WIDTHS}
