"""Every link from one page of the site to another leads to a file and an anchor that exist."""

from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from site_pages import HTML, all_pages, parsed


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


@pytest.mark.parametrize("name", all_pages())
@pytest.mark.usefixtures("html")
def test_internal_links(name: str) -> None:
    page = HTML / f"{name}.html"
    soup = parsed(page)
    addresses = {str(link["href"]) for link in soup.select("a[href], link[href]")}
    addresses |= {
        str(element["src"]) for element in soup.select("img[src], script[src]")
    }
    problems = [
        problem
        for address in sorted(addresses)
        if (problem := link_problem(page, address))
    ]
    assert problems == []
