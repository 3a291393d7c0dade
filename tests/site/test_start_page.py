"""The start page's first screen: what this is, a figure that moves, and three doors."""

from playwright.sync_api import Browser
from site_pages import open_window

DOORS = ["Read", "Run", "Teach"]


def test_first_screen_has_a_living_figure_and_three_equal_doors(
    browser: Browser, site: str
) -> None:
    window = open_window(browser, 1280)
    page = window.new_page()
    page.goto(f"{site}/book/intro.html", wait_until="networkidle")
    slider = page.locator("article").get_by_role("slider")
    before = page.locator(".samplebook-moving img").get_attribute("src")
    slider.press("ArrowRight")
    assert page.locator(".samplebook-moving img").get_attribute("src") != before
    doors = page.locator(".front-page-doors .sd-card")
    assert doors.locator(".sd-card-title").all_inner_texts() == DOORS
    boxes = [door.bounding_box() for door in doors.all()]
    assert len({round(box["height"]) for box in boxes if box}) == 1
    fold = page.evaluate("innerHeight")
    places = [slider.bounding_box(), *boxes]
    assert all(box and box["y"] + box["height"] <= fold for box in places)
    window.close()
