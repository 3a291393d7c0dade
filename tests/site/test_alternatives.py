"""What a picture says to a reader who does not see it."""

import nbformat
import pytest
from bs4 import Tag
from site_pages import HTML, ROOT, all_pages, chapters_of_the_toc, parsed


def is_decoration(picture: Tag) -> bool:
    """Whether a picture is declared to say nothing, and stands in no figure."""
    declared = picture.get("alt") == "" or picture.get("aria-hidden") == "true"
    return declared and picture.find_parent("figure") is None


def alternative(picture: Tag) -> str:
    """The words in place of a picture."""
    title = picture.find("title", recursive=False)
    words = (picture.get("alt"), picture.get("aria-label"), title and title.get_text())
    return str(next(filter(None, words), "")).strip()


def says_nothing(picture: Tag) -> bool:
    """Whether a picture has no alternative text, or just the name of its file."""
    words = alternative(picture)
    return not words or words.lower().endswith((".png", ".svg", ".jpg"))


@pytest.mark.parametrize("name", all_pages())
@pytest.mark.usefixtures("html")
def test_every_picture_has_an_alternative(name: str) -> None:
    pictures = parsed(HTML / f"{name}.html").select("article img, article svg")
    assert [
        str(picture)[:150]
        for picture in pictures
        if not is_decoration(picture) and says_nothing(picture)
    ] == []


def shows_a_picture(cell: nbformat.NotebookNode) -> bool:
    """Whether a code cell's stored output is a picture."""
    return any(
        kind.startswith("image/")
        for output in cell.get("outputs", [])
        for kind in output.get("data", {})
    )


@pytest.mark.parametrize("name", chapters_of_the_toc())
def test_cells_describe_their_pictures(name: str) -> None:
    cells = nbformat.read(ROOT / f"{name}.ipynb", as_version=4).cells
    pictured = [cell for cell in cells if shows_a_picture(cell)]
    assert pictured
    assert [
        cell.source[:80]
        for cell in pictured
        if not cell.metadata.get("mystnb", {}).get("image", {}).get("alt")
    ] == []
