"""Citations are generated from CITATION.cff, the notebooks and references.bib, and BibTeX can read them."""

import tomllib

import pytest
import yaml
from miniature_book import REPOSITORY
from pybtex.database import Entry, parse_file, parse_string

from press.book import Book, Chapter
from press.citation import book_section, chapter_section, escaped
from press.errors import PressError

FIRST = Chapter("toys", "first")


def entries(markdown: str) -> dict[str, Entry]:
    """The BibTeX entries in the blocks of a Markdown text."""
    blocks = [part.partition("```")[0] for part in markdown.split("```bibtex\n")[1:]]
    return dict(parse_string("\n".join(blocks), "bibtex").entries)


def test_chapter_entry(miniature: Book) -> None:
    entry = entries(chapter_section(miniature, FIRST))["samplebook-first"]
    assert entry.type == "incollection"
    assert [str(name) for name in entry.persons["author"]] == [
        "{The Miniaturists}",
        "Small, Ada",
    ]
    assert dict(entry.fields) == {
        "title": "{Chapter first}",
        "booktitle": "{Miniature}",
        "publisher": "{The Miniaturists} and Small, Ada",
        "year": "2026",
        "note": "Version 1.2",
        "url": "https://someone.github.io/miniature/chapters/toys/first.html",
    }


def test_paper_entry_is_the_one_in_the_references(miniature: Book) -> None:
    stored = parse_file(miniature.root / "book" / "references.bib").entries["first"]
    shown = entries(chapter_section(miniature, FIRST))["first"]
    assert shown == stored


def test_chapter_without_an_entry_for_its_paper(miniature: Book) -> None:
    text = chapter_section(miniature, Chapter("toys", "second"))
    assert list(entries(text)) == ["samplebook-second"]
    assert "{cite}" not in text


def test_book_entry(miniature: Book) -> None:
    (entry,) = entries(book_section(miniature)).values()
    assert entry.type == "book"
    assert {"title", "publisher", "year"} <= set(entry.fields)


def test_title_for_latex_keeps_formulas() -> None:
    assert escaped("50% of $\\ell_p$ & more") == "50\\% of $\\ell_p$ \\& more"


@pytest.mark.parametrize(
    ("file", "line", "message"),
    [
        ("CITATION.cff", 'date-released: "2026-01-31"\n', "CITATION.cff.*date-released"),
        ("_config.yml", 'html: {baseurl: "https://someone.github.io/miniature/"}\n', "baseurl"),
    ],
)  # fmt: skip
def test_missing_field_is_named(
    miniature: Book, file: str, line: str, message: str
) -> None:
    path = miniature.root / file
    text = path.read_text(encoding="utf-8")
    assert line in text
    path.write_text(text.replace(line, ""), encoding="utf-8")
    with pytest.raises(PressError, match=message):
        book_section(miniature)


def test_the_citation_file_states_the_version_of_the_library() -> None:
    citation = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    assert citation["version"] == project["project"]["version"]
    assert citation["cff-version"] == "1.2.0"
