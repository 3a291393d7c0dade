"""A slider on a bare page: it moves by keyboard, on its own, and is one still picture on paper."""

from collections.abc import Iterator

import matplotlib.pyplot as plt
import pytest
from playwright.sync_api import Browser, Locator, Page
from site_pages import PATIENCE

from samplebook import display


def slider_html(label: str, start: str) -> str:
    """HTML of a slider over the numbers 1 to 8."""
    frames = {str(value): plt.figure(figsize=(3, 1)) for value in range(1, 9)}
    for value, figure in frames.items():
        figure.text(0.5, 0.5, value)
    shown = display.slider(frames, label, alt=label + " {}.", start=start)
    return shown._repr_html_()


PAGE = slider_html("height", "2") + slider_html("width", "5")


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    context.set_default_timeout(PATIENCE)
    yield context.new_page()
    context.close()


def visible_pictures(page: Page) -> list[str]:
    """Text alternatives of the pictures that a reader sees."""
    return [
        str(picture.get_attribute("alt"))
        for picture in page.locator("img").all()
        if picture.is_visible()
    ]


def control(page: Page, label: str) -> Locator:
    return page.get_by_role("slider", name=label, exact=True)


def test_arrow_keys_move_one_slider_and_not_the_other(page: Page) -> None:
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.set_content(PAGE)
    assert visible_pictures(page) == ["height 2.", "width 5."]
    before = [picture.get_attribute("src") for picture in page.locator("img").all()]
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    assert visible_pictures(page) == ["height 3.", "width 5."]
    after = [picture.get_attribute("src") for picture in page.locator("img").all()]
    assert [old == new for old, new in zip(before, after, strict=True)] == [
        *(True, False),
        *(True, True),
    ]
    assert page.locator("output").all_inner_texts() == ["3", "5"]
    assert control(page, "height").get_attribute("aria-valuetext") == "3"
    control(page, "width").press("End")
    assert visible_pictures(page) == ["height 3.", "width 8."]
    assert page.locator("output").all_inner_texts() == ["3", "8"]
    assert [url for url in requests if not url.startswith("data:")] == []


def test_every_value_has_its_picture(page: Page) -> None:
    page.set_content(PAGE)
    slider = control(page, "height")
    slider.press("Home")
    seen = set()
    for value in range(1, 9):
        picture = page.get_by_alt_text(f"height {value}.").last
        assert picture.evaluate("image => image.decode().then(() => image.width)") > 0
        seen.add(picture.get_attribute("src"))
        slider.press("ArrowRight")
    assert len(seen) == 8


def test_paper_shows_the_start_and_its_value_in_words(page: Page) -> None:
    page.set_content(PAGE)
    control(page, "height").press("End")
    page.emulate_media(media="print")
    assert visible_pictures(page) == ["height 2.", "width 5."]
    assert page.locator("body").inner_text().split("\n\n") == ["height: 2", "width: 5"]
    assert not page.locator("input").first.is_visible()


def test_without_scripts_the_start_stands_alone(browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.set_content(PAGE)
    assert visible_pictures(page) == ["height 2.", "width 5."]
    assert page.locator("input").count() == 0
    assert page.get_by_text("height: 2").is_visible()
    context.close()
