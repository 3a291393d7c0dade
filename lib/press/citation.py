"""What readers need to cite the book, a chapter and its paper: the text and BibTeX of generated pages.

Authors, year and version come from ``CITATION.cff``, a chapter's title from its notebook, the published
address from ``_config.yml``, and a paper's entry from ``book/references.bib``.
"""

import codecs
import re
from dataclasses import dataclass

import latexcodec  # noqa: F401 (registers the codec "ulatex")
import yaml
from pybtex.database import parse_file

from press.book import Book, Chapter
from press.errors import PressError
from press.notebooks import notebook_title, read_notebook

MATHS = re.compile(r"(\$[^$]*\$)")


@dataclass(frozen=True)
class BookCitation:
    """What ``CITATION.cff`` and ``_config.yml`` say about the book."""

    authors: list[str]
    title: str
    version: str
    year: str
    address: str


def published_address(book: Book) -> str:
    """Where the pages are published, without a slash at the end, from ``_config.yml``.

    Raises
    ------
    PressError
        If it is not there.
    """
    config = yaml.safe_load((book.root / "_config.yml").read_text(encoding="utf-8"))
    try:
        return str(config["html"]["baseurl"]).rstrip("/")
    except KeyError as error:
        raise PressError(
            "_config.yml needs html: baseurl: the address where the pages are published"
        ) from error


def author_name(author: dict[str, str]) -> str:
    """A person or a group of ``CITATION.cff`` as BibTeX writes names."""
    if "name" in author:
        return f"{{{author['name']}}}"
    return f"{author['family-names']}, {author['given-names']}"


def read_citation(book: Book) -> BookCitation:
    """The book's own citation.

    Raises
    ------
    PressError
        If ``CITATION.cff`` is missing or lacks a field.
    """
    try:
        fields = yaml.safe_load(
            (book.root / "CITATION.cff").read_text(encoding="utf-8")
        )
        return BookCitation(
            authors=[author_name(author) for author in fields["authors"]],
            title=fields["title"],
            version=str(fields["version"]),
            year=str(fields["date-released"])[:4],
            address=published_address(book),
        )
    except FileNotFoundError as error:
        raise PressError("CITATION.cff is missing") from error
    except KeyError as error:
        raise PressError(f"CITATION.cff lacks the field {error}") from error


def escaped(title: str) -> str:
    """A title as LaTeX, its formulas left as they are."""
    return "".join(
        part if MATHS.fullmatch(part) else str(codecs.encode(part, "ulatex+utf-8"))
        for part in MATHS.split(title)
    )


def bibtex(kind: str, key: str, fields: dict[str, str]) -> str:
    """One BibTeX entry as text."""
    lines = [f"    {name} = {{{value}}}" for name, value in fields.items()]
    return f"@{kind}{{{key},\n" + ",\n".join(lines) + "\n}"


def own_fields(
    citation: BookCitation, titles: dict[str, str], address: str
) -> dict[str, str]:
    """Fields of an entry for the book or a part of it; its authors publish the book."""
    authors = " and ".join(citation.authors)
    protected = {name: f"{{{escaped(title)}}}" for name, title in titles.items()}
    return {
        "author": authors,
        **protected,
        "publisher": authors,
        "year": citation.year,
        "note": f"Version {citation.version}",
        "url": address,
    }


def book_entry(citation: BookCitation) -> str:
    """BibTeX for the whole book."""
    fields = own_fields(citation, {"title": citation.title}, citation.address)
    return bibtex("book", "samplebook", fields)


def chapter_address(citation: BookCitation, chapter: Chapter) -> str:
    return f"{citation.address}/chapters/{chapter.name}.html"


def chapter_entry(citation: BookCitation, chapter: Chapter, title: str) -> str:
    """BibTeX for one chapter."""
    titles = {"title": title, "booktitle": citation.title}
    fields = own_fields(citation, titles, chapter_address(citation, chapter))
    return bibtex("incollection", f"samplebook-{chapter.slug}", fields)


def paper_entry(book: Book, chapter: Chapter) -> str | None:
    """BibTeX for a chapter's paper, or none while ``references.bib`` has no entry under the slug."""
    entry = parse_file(book.root / "book" / "references.bib").entries.get(chapter.slug)
    if entry is None:
        return None
    people = {
        role: " and ".join(map(str, names)) for role, names in entry.persons.items()
    }
    return bibtex(entry.type, chapter.slug, people | dict(entry.fields))


def names_in_words(citation: BookCitation) -> str:
    return " and ".join(name.strip("{}") for name in citation.authors)


def block(entry: str) -> str:
    """A BibTeX entry as a block of code."""
    return f"```bibtex\n{entry}\n```\n"


def book_section(book: Book) -> str:
    """How to cite the book, as Markdown for a page to include."""
    citation = read_citation(book)
    words = (
        f"{names_in_words(citation)} ({citation.year}). *{citation.title}*, "
        f"version {citation.version}. <{citation.address}>\n"
    )
    return f"{words}\n{block(book_entry(citation))}"


def chapter_section(book: Book, chapter: Chapter) -> str:
    """How to cite a chapter and its paper: the Markdown of the section that ends its page."""
    citation = read_citation(book)
    title = notebook_title(read_notebook(book.notebook(chapter)))
    address = chapter_address(citation, chapter)
    text = [
        "## Cite this chapter\n",
        f"{names_in_words(citation)} ({citation.year}). {title}. In *{citation.title}*, "
        f"version {citation.version}. <{address}>\n",
        block(chapter_entry(citation, chapter, title)),
    ]
    paper = paper_entry(book, chapter)
    if paper is not None:
        text += [
            f"Please cite the paper that the chapter is about too {{cite}}`{chapter.slug}`.\n",
            block(paper),
        ]
    return "\n".join(text)
