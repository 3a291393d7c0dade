"""``make chapter`` makes a chapter that runs and builds, and refuses what cannot be right."""

import nbformat
import pytest
from miniature_book import run_press, write

from press.book import Book, Chapter
from press.errors import PressError
from press.notebooks import code_cells, read_notebook, tags
from press.skeleton import make_chapter
from press.stamp import bootstrap_source
from press.website import pages
from samplebook.claims import read_claims

SMALL_TOC = """\
format: jb-book
root: book/intro
chapters:
  - file: chapters/toys/fourth
"""


def test_the_skeleton_is_complete(miniature: Book) -> None:
    chapter = Chapter("toys", "fourth")
    make_chapter(miniature, chapter)
    notebook = read_notebook(miniature.notebook(chapter))
    nbformat.validate(notebook)
    assert [tags(cell) for cell in code_cells(notebook)[:2]] == [
        ["bootstrap", "hide-cell"],
        ["parameters"],
    ]
    assert code_cells(notebook)[0].source == bootstrap_source(miniature)
    assert list(read_claims(miniature.claims_file(chapter))) == ["fourth-c1"]
    assert pages(miniature)[-2:] == ["chapters/toys/third", "chapters/toys/fourth"]


def test_the_skeleton_can_be_printed(miniature: Book) -> None:
    for chapter in miniature.chapters():
        miniature.notebook(chapter).unlink()
    chapter = Chapter("toys", "fourth")
    make_chapter(miniature, chapter)
    write(miniature.root / "_toc.yml", SMALL_TOC)
    result = run_press(miniature, "book")
    assert result.returncode == 0, result.stderr
    assert "0 hold, 0 fail, 1 are beyond this scale" in result.stdout


def test_what_cannot_be_right(miniature: Book) -> None:
    with pytest.raises(PressError, match="did you mean fourth"):
        make_chapter(miniature, Chapter("toys", "forth"))
    with pytest.raises(PressError, match="belongs to the part 'others', not to 'toys'"):
        make_chapter(miniature, Chapter("toys", "lonely"))
    make_chapter(miniature, Chapter("toys", "fourth"))
    with pytest.raises(PressError, match="exists already"):
        make_chapter(miniature, Chapter("toys", "fourth"))


def test_a_part_without_chapters(
    miniature: Book, capsys: pytest.CaptureFixture[str]
) -> None:
    make_chapter(miniature, Chapter("others", "lonely"))
    assert "_toc.yml has no part others yet" in capsys.readouterr().out
