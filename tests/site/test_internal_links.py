"""Every link from one page of the site to another leads to a file and an anchor that exist."""

import posixpath
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from markdown_it import MarkdownIt
from site_pages import HTML, ROOT, all_pages, parsed
from sphinx.util.inventory import InventoryFile


@cache
def anchors(page: Path) -> frozenset[str]:
    """All ids and link names of a page."""
    soup = parsed(page)
    ids = {str(element["id"]) for element in soup.select("[id]")}
    return frozenset(ids | {str(element["name"]) for element in soup.select("a[name]")})


def link_problem(page: Path, address: str) -> str | None:
    """What is wrong with a link on a page, if anything."""
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        return None
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if not target.is_file():
        return f"{address}: no such file"
    fragment = unquote(parts.fragment)
    if fragment and target.suffix == ".html" and fragment not in anchors(target):
        return f"{address}: no such anchor"
    return None


def generated_pages() -> list[str]:
    """Names of the pages at the site's root, which Sphinx and jupyter-book add."""
    return [str(file.relative_to(HTML).with_suffix("")) for file in HTML.glob("*.html")]


@pytest.mark.parametrize("name", sorted({*all_pages(), "index", *generated_pages()}))
@pytest.mark.usefixtures("html")
def test_internal_links(name: str) -> None:
    page = HTML / f"{name}.html"
    soup = parsed(page)
    addresses = {str(link["href"]) for link in soup.select("a[href], link[href]")}
    addresses |= {str(element["src"]) for element in soup.select("[src]")}
    addresses |= {
        str(element["content"]).partition("url=")[2]
        for element in soup.select("meta[http-equiv=refresh i]")
    }
    problems = [
        problem
        for address in sorted(addresses)
        if (problem := link_problem(page, address))
    ]
    assert problems == []


@pytest.mark.usefixtures("html")
def test_inventory_for_other_books() -> None:
    with (HTML / "objects.inv").open("rb") as file:
        inventory = InventoryFile.load(file, "", posixpath.join)
    assert "claim-spectr-c1" in inventory["std:label"]
    addresses = {
        entry[2] for entries in inventory.values() for entry in entries.values()
    }
    addresses.remove("py-modindex.html")  # Sphinx names it even where there is none
    index = HTML / "index.html"
    problems = [link_problem(index, address) for address in addresses]
    assert [problem for problem in problems if problem] == []


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_files_named_in_the_repository_exist(name: str) -> None:
    tokens = MarkdownIt().parse((ROOT / name).read_text(encoding="utf-8"))
    inline = [child for token in tokens for child in token.children or []]
    addresses = [
        str(child.attrs.get("href") or child.attrs.get("src"))
        for child in inline
        if child.type in ("link_open", "image")
    ]
    problems = [link_problem(ROOT / name, address) for address in addresses]
    assert [problem for problem in problems if problem] == []
