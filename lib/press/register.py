"""The register: the papers of the book and its parts, from ``book/papers.yml`` and ``book/parts.yml``."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from press.book import Book
from press.errors import PressError


@dataclass(frozen=True)
class Part:
    """One part of the book.

    Attributes
    ----------
    name : str
        Folder of its chapters and sub-package of samplebook.
    question : str
        What it answers.
    """

    name: str
    question: str


@dataclass(frozen=True)
class Paper:
    """One paper of the register.

    Attributes
    ----------
    slug : str
        Its name in file names, labels and claim ids.
    short : str
        Its name on the pages.
    title : str
        The paper's title.
    part : str
        Name of its part.
    named : bool
        Whether the book treats it in depth.
    reference : str
        Authors, place and year, unchecked until ``references.bib`` has the slug.
    """

    slug: str
    short: str
    title: str
    part: str
    named: bool
    reference: str


def _entries(book: Book, path: Path, kind: type[Any]) -> list[Any]:
    """The entries of a YAML list as objects of one kind.

    Raises
    ------
    PressError
        If the file is not a list of entries with exactly the kind's fields.
    """
    try:
        return [kind(**entry) for entry in yaml.safe_load(path.read_text("utf-8"))]
    except (TypeError, yaml.YAMLError) as error:
        fields = ", ".join(kind.__dataclass_fields__)
        raise PressError(
            f"{book.shown(path)} must be a list of entries with the fields {fields}: {error}"
        ) from error


def parts(book: Book) -> dict[str, Part]:
    """The parts by name, in the order of the book."""
    listed = _entries(book, book.root / "book" / "parts.yml", Part)
    return {part.name: part for part in listed}


def register_problems(book: Book, listed: list[Paper]) -> list[str]:
    """What does not fit between the papers, the parts and the chapters; empty if all is well."""
    known = parts(book)
    times = Counter(paper.slug for paper in listed)
    places = {(paper.part, paper.slug) for paper in listed}
    return [
        *(f"the paper {slug} occurs {n} times" for slug, n in times.items() if n > 1),
        *(
            f"the paper {paper.slug} is of the part {paper.part!r}, which book/parts.yml lacks"
            for paper in listed
            if paper.part not in known
        ),
        *(
            f"the chapter {chapter.name} has no paper of that part and slug"
            for chapter in book.chapters()
            if (chapter.part, chapter.slug) not in places
        ),
    ]


def papers(book: Book) -> dict[str, Paper]:
    """The papers by slug.

    Raises
    ------
    PressError
        If a paper occurs twice or has no part, or a chapter has no paper.
    """
    listed = _entries(book, book.root / "book" / "papers.yml", Paper)
    problems = register_problems(book, listed)
    if problems:
        raise PressError("\n".join(f"book/papers.yml: {text}" for text in problems))
    return {paper.slug: paper for paper in listed}
