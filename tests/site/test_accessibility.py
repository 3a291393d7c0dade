"""axe-core finds nothing on any page: light and dark, desktop and phone, folded and unfolded."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page
from site_pages import all_pages, open_page, unfold

SETTLING = 1000  # milliseconds: after a change of width the theme looks anew which parts scroll


@pytest.fixture(scope="session")
def axe(node_modules: Path) -> str:
    """The script of axe-core."""
    script = node_modules / "axe-core" / "axe.min.js"
    return script.read_text(encoding="utf-8")


def violations(page: Page) -> list[str]:
    """What axe-core finds with its default rules: one line an element."""
    found: list[dict[str, Any]] = page.evaluate(
        "async () => (await axe.run({resultTypes: ['violations']})).violations"
    )
    return [
        f"{rule['id']}: {element['html'][:150]} {element['failureSummary']}"
        for rule in found
        for element in rule["nodes"]
    ]


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", all_pages())
def test_axe_finds_nothing(
    desktop: BrowserContext, site: str, axe: str, name: str
) -> None:
    page = open_page(desktop, f"{site}/{name}.html")
    page.evaluate(axe)
    problems = []
    for folded in (True, False):
        if not folded:
            unfold(page)
        for width in (1280, 360):
            page.set_viewport_size({"width": width, "height": 800})
            page.wait_for_timeout(SETTLING)
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)
                page.wait_for_selector(f"html[data-theme={scheme}]")
                problems += [
                    f"{scheme}, {width} px: {problem}" for problem in violations(page)
                ]
    page.close()
    assert problems == []
