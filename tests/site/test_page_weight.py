"""No page is heavy: at most 2 MB besides the scripts, styles and fonts that all pages share."""

import pytest
from playwright.sync_api import BrowserContext, Response
from site_pages import all_pages

LIMIT = 2_000_000  # bytes


@pytest.mark.parametrize("name", all_pages())
def test_page_weight(desktop: BrowserContext, site: str, name: str) -> None:
    page = desktop.new_page()
    weights: dict[str, int] = {}

    def weigh(response: Response) -> None:
        if "/_static/" not in response.url:
            weights[response.url] = int(response.headers["content-length"])

    page.on("response", weigh)
    page.goto(f"{site}/{name}.html")
    page.locator("img").evaluate_all(
        "pictures => pictures.forEach(picture => picture.loading = 'eager')"
    )
    page.wait_for_load_state("networkidle")
    page.close()
    assert f"{site}/{name}.html" in weights
    print(f"{name}: {sum(weights.values()) / 1e6:.2f} MB")
    assert sum(weights.values()) <= LIMIT, weights
