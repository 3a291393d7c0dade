"""The page of assignments hands out the releases; the syllabus agrees with them."""

import re

import pytest
from site_pages import HTML, ROOT, parsed

from press.book import Book
from press.classroom.assignments import read_assignment

PAGE = HTML / "book" / "assignments.html"
SLUGS = sorted(path.stem for path in (ROOT / "assignments").glob("*/*.ipynb"))


def links() -> list[str]:
    """All addresses that the page's text leads to."""
    return [str(link["href"]) for link in parsed(PAGE).select("article a[href]")]


def test_every_chapter_has_an_assignment() -> None:
    chapters = sorted(chapter.slug for chapter in Book(ROOT).chapters())
    assert chapters == SLUGS


@pytest.mark.parametrize("slug", SLUGS)
@pytest.mark.parametrize("release", ["{slug}.zip", "{slug}/{slug}.ipynb"])
def test_downloads_are_the_releases(slug: str, release: str) -> None:
    released = Book(ROOT).releases / release.format(slug=slug)
    (address,) = [
        link
        for link in links()
        if link.endswith(f"/{released.name}") and "://" not in link
    ]
    offered = (PAGE.parent / address).resolve()
    assert offered.read_bytes() == released.read_bytes()


@pytest.mark.parametrize("slug", SLUGS)
@pytest.mark.parametrize("host", ["colab.research.google.com", "mybinder.org"])
def test_launch_links_lead_to_the_branch_of_releases(slug: str, host: str) -> None:
    (address,) = [link for link in links() if host in link and f"/{slug}/" in link]
    assert "/samplebook/samplebook/" in address
    assert "/releases" in address
    assert address.endswith(f"/{slug}/{slug}.ipynb")


@pytest.mark.parametrize("slug", SLUGS)
def test_the_chapter_leads_to_its_assignment(slug: str) -> None:
    (chapter,) = [one for one in Book(ROOT).chapters() if one.slug == slug]
    page = parsed(HTML / "chapters" / f"{chapter.name}.html")
    addresses = {str(link["href"]) for link in page.select("article a[href]")}
    assert f"../../book/assignments.html#assignment-{slug}" in addresses


@pytest.mark.parametrize("slug", SLUGS)
def test_the_syllabus_gives_each_assignment_its_minutes(slug: str) -> None:
    text = (ROOT / "book" / "for-teachers.md").read_text(encoding="utf-8")
    (minutes,) = re.findall(rf"<assignment-{slug}>` \| (\d+) \|", text)
    assert int(minutes) == read_assignment(Book(ROOT), slug).minutes
