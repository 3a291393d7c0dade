"""What a reader needs on a page: maths, copy buttons, the download, launch buttons."""

import nbformat
import pytest
import yaml
from bs4 import Tag
from playwright.sync_api import BrowserContext
from site_pages import (
    HTML,
    ROOT,
    chapters_of_the_toc,
    open_page,
    parsed,
)


@pytest.mark.parametrize("name", chapters_of_the_toc())
def test_maths_and_copy_buttons(desktop: BrowserContext, site: str, name: str) -> None:
    page = open_page(desktop, f"{site}/{name}.html")
    assert page.locator("mjx-container").count() > 0
    inputs = page.locator("div.cell_input div.highlight pre").count()
    assert inputs > 0
    assert page.locator("div.cell_input button.copybtn").count() == inputs
    page.close()


@pytest.mark.parametrize("name", chapters_of_the_toc())
@pytest.mark.usefixtures("html")
def test_download_is_the_stored_notebook(name: str) -> None:
    page = HTML / f"{name}.html"
    (button,) = parsed(page).select("a.btn-download-source-button")
    offered = (page.parent / str(button["href"])).read_bytes()
    assert offered == (ROOT / f"{name}.ipynb").read_bytes()
    nbformat.validate(nbformat.reads(offered.decode(), as_version=4))


def launch_links(name: str) -> dict[str, str]:
    """Addresses behind a chapter's launch buttons, by the service's host."""
    links = parsed(HTML / f"{name}.html").select(".dropdown-launch-buttons a[href]")
    return {
        str(link["href"]).split("/")[2]: str(link["href"])
        for link in links
        if isinstance(link, Tag)
    }


@pytest.mark.parametrize("name", chapters_of_the_toc())
@pytest.mark.usefixtures("html")
def test_launch_buttons_name_the_repository_and_the_notebook(name: str) -> None:
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    repository = config["repository"]["url"].removeprefix("https://github.com/")
    links = launch_links(name)
    assert set(links) == {"mybinder.org", "colab.research.google.com"}
    for address in links.values():
        assert repository in address
        assert f"{name}.ipynb" in address
