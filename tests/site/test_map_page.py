"""The map has each paper of the register once in the picture and once in the list."""

import json

import pytest
import yaml
from bs4 import Tag
from site_pages import HTML, ROOT, chapters_of_the_toc, parsed

MAP = HTML / "book" / "map.html"


@pytest.fixture(scope="module")
def papers() -> list[dict[str, object]]:
    """The entries of the register."""
    return yaml.safe_load((ROOT / "book" / "papers.yml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def cells(html: object) -> list[Tag]:
    """The papers in the picture."""
    return parsed(MAP).select(".paper-map li.paper")


def test_every_paper_stands_in_the_picture_and_in_the_list(
    cells: list[Tag], papers: list[dict[str, object]]
) -> None:
    titles = sorted(str(paper["title"]) for paper in papers)
    assert sorted(str(cell["title"]) for cell in cells) == titles
    entries = parsed(MAP).select("article section section li strong")
    listed = sorted(entry.get_text().replace("’", "'") for entry in entries)
    assert listed == titles


def test_every_cell_says_its_state(cells: list[Tag]) -> None:
    for cell in cells:
        state, *_ = cell.get_text(" ", strip=True).lstrip("●◐○ ").split(":")
        assert state in ("chapter", "library only", "not yet")


def test_every_chapter_is_a_link_with_its_verdicts(cells: list[Tag]) -> None:
    links = {
        str(link["href"]).removeprefix("../").removesuffix(".html"): cell
        for cell in cells
        for link in cell.select("a")
    }
    assert sorted(links) == sorted(chapters_of_the_toc())
    gathered = json.loads((ROOT / "_build" / "claims.json").read_text(encoding="utf-8"))
    for name, cell in links.items():
        claims = gathered["chapters"][name.rpartition("/")[2]]["claims"]
        verdicts = [gathered["records"][claim]["verdict"] for claim in claims]
        counts = cell.select_one(".counts")
        assert counts is not None
        assert counts.get_text().startswith(
            f"{verdicts.count('holds')} hold, {verdicts.count('fails')} fail"
        )


def test_six_papers_are_marked_as_treated_in_depth(cells: list[Tag]) -> None:
    marked = [cell for cell in cells if "treated in depth" in cell.get_text()]
    assert len(marked) == 6
