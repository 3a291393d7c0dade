"""What a reader needs on a page: maths, copy buttons, the download, launch buttons."""

from functools import cache
from typing import Any

import nbformat
import pytest
import yaml
from bs4 import Tag
from pybtex.database import parse_string
from site_pages import (
    HTML,
    ROOT,
    SharedPage,
    chapters_of_the_toc,
    pages_of_the_toc,
    parsed,
)


@pytest.mark.parametrize("name", chapters_of_the_toc())
def test_maths_and_copy_buttons(on_desktop: SharedPage, name: str) -> None:
    page = on_desktop.load(name).page
    assert page.locator("mjx-container").count() > 0
    inputs = page.locator("div.cell_input div.highlight pre").count()
    assert inputs > 0
    assert page.locator("div.cell_input button.copybtn").count() == inputs


@pytest.mark.parametrize("name", chapters_of_the_toc())
@pytest.mark.usefixtures("html")
def test_download_is_the_stored_notebook(name: str) -> None:
    page = HTML / f"{name}.html"
    (button,) = parsed(page).select("a.btn-download-source-button")
    offered = (page.parent / str(button["href"])).read_bytes()
    assert offered == (ROOT / f"{name}.ipynb").read_bytes()
    nbformat.validate(nbformat.reads(offered.decode(), as_version=4))


@cache
def configuration() -> dict[str, Any]:
    """The settings in ``_config.yml``."""
    return yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))


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
    repository = configuration()["repository"]["url"]
    place = repository.removeprefix("https://github.com/")
    notebook = f"{name}.ipynb"
    assert launch_links(name) == {
        "mybinder.org": f"https://mybinder.org/v2/gh/{place}/main?urlpath=lab/tree/{notebook}",
        "colab.research.google.com": f"https://colab.research.google.com/github/{place}/blob/main/{notebook}",
    }


@pytest.mark.parametrize("name", pages_of_the_toc())
@pytest.mark.usefixtures("html")
def test_github_buttons_lead_to_the_one_repository(name: str) -> None:
    repository = configuration()["repository"]["url"]
    buttons = parsed(HTML / f"{name}.html").select("a[class*=btn-source-]")
    addresses = [str(button["href"]) for button in buttons]
    assert repository in addresses
    assert any(address.startswith(f"{repository}/issues/") for address in addresses)
    assert f"{repository}/edit/main/{name}" in {
        address.rpartition(".")[0] for address in addresses
    }


@pytest.mark.parametrize("name", pages_of_the_toc())
@pytest.mark.usefixtures("html")
def test_page_names_the_address_where_it_is_published(name: str) -> None:
    (link,) = parsed(HTML / f"{name}.html").select("link[rel=canonical]")
    published = configuration()["html"]["baseurl"]
    assert link["href"] == f"{published}/{name}.html"


@pytest.mark.parametrize("name", chapters_of_the_toc())
def test_citations_of_chapter_and_paper_can_be_copied(
    on_desktop: SharedPage, name: str
) -> None:
    page = on_desktop.load(name).page
    blocks = page.locator("#cite-this-chapter div.highlight-bibtex pre")
    entries = parse_string("\n".join(blocks.all_inner_texts()), "bibtex").entries
    buttons = page.locator("#cite-this-chapter button.copybtn").count()
    slug = name.rpartition("/")[2]
    assert list(entries) == [f"samplebook-{slug}", slug]
    published = configuration()["html"]["baseurl"]
    own = entries[f"samplebook-{slug}"].fields
    assert own["url"] == f"{published}/{name}.html"
    assert buttons == 2
