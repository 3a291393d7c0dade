"""No page is heavy: at most 2 MB besides the scripts, styles and fonts that all pages share."""

import pytest
from site_pages import SharedPage, all_pages

LIMIT = 2_000_000  # bytes
LOAD_ALL = """async pictures => {
    pictures.forEach(picture => picture.loading = "eager");
    await Promise.all(pictures.map(picture => picture.decode()));
}"""


@pytest.mark.parametrize("name", all_pages())
def test_page_weight(on_desktop: SharedPage, name: str) -> None:
    loaded = on_desktop.load(name)
    loaded.page.locator("img").evaluate_all(LOAD_ALL)
    loaded.page.wait_for_load_state("networkidle")
    weights = loaded.weights
    assert f"{loaded.site}/{name}.html" in weights
    print(f"{name}: {sum(weights.values()) / 1e6:.2f} MB")
    assert sum(weights.values()) <= LIMIT, weights
