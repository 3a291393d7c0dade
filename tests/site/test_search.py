"""The search works from the site's own files."""

from playwright.sync_api import BrowserContext
from site_pages import open_page


def test_search_finds_a_chapter(desktop: BrowserContext, site: str) -> None:
    page = desktop.new_page()
    page.goto(f"{site}/search.html?q=transport")
    found = page.locator("#search-results ul.search li a")
    found.first.wait_for()
    addresses = found.evaluate_all("links => links.map(link => link.href)")
    page.close()
    assert any("chapters/drafts/spectr" in address for address in addresses), addresses


def test_search_field_leads_to_results(desktop: BrowserContext, site: str) -> None:
    page = open_page(desktop, f"{site}/book/intro.html")
    field = page.locator("#pst-search-dialog input[type=search]")
    for _ in range(20):  # the theme's script may not listen yet on a busy machine
        page.locator("button.search-button-field").click(force=True)
        page.wait_for_timeout(500)
        if field.is_visible():
            break
    field.fill("notation")
    field.press("Enter")
    page.wait_for_url("**/search.html?q=notation")
    page.locator("#search-results ul.search li a").first.wait_for()
    page.close()
