"""Print the map: all papers of the register by part, as a picture and as a list, with what exists for each.

What exists is seen from the files: a notebook in ``chapters/``, a module of the library named by the
paper's slug, a folder in ``assignments/``, a record in ``results/experiments/``.
"""

import re
from dataclasses import dataclass
from html import escape

from pybtex.database import parse_file
from pybtex.exceptions import PybtexError

from press.book import Book, Chapter
from press.claims_ledger import Record, claims_of, verdict_counts
from press.errors import PressError
from press.register import Paper, Part, papers, parts

STATE_SIGNS = {"chapter": "●", "library": "◐", "nothing": "○"}
STATE_WORDS = {"chapter": "chapter", "library": "library only", "nothing": "not yet"}
DEPTH_SIGN = "★"
MARKDOWN_SIGNS = re.compile(r"([\\`*_{}\[\]<>$^~#|])")


@dataclass(frozen=True)
class Standing:
    """What exists for one paper.

    Attributes
    ----------
    paper : Paper
    claims : tuple of str
        Ids of its chapter's claims; empty where it has no chapter.
    verdicts : str
        How many of them have each verdict, in words.
    has_module, has_assignment, has_record : bool
        Whether the library has a module of its name, and whether there are an assignment and the record of a
        large experiment.
    is_checked : bool
        Whether ``references.bib`` has it.
    """

    paper: Paper
    claims: tuple[str, ...]
    verdicts: str
    has_module: bool
    has_assignment: bool
    has_record: bool
    is_checked: bool

    @property
    def state(self) -> str:
        """``"chapter"``, ``"library"`` or ``"nothing"``."""
        if self.claims:
            return "chapter"
        return "library" if self.has_module else "nothing"


def checked_references(book: Book) -> set[str]:
    """Keys of the entries in ``references.bib``.

    Raises
    ------
    PressError
        If the file is missing or not BibTeX.
    """
    file = book.root / "book" / "references.bib"
    try:
        return set(parse_file(str(file), bib_format="bibtex").entries)
    except (OSError, PybtexError) as error:
        raise PressError(f"{book.shown(file)} cannot be read: {error}") from error


def has_module(book: Book, paper: Paper) -> bool:
    """Whether the paper's part of the library has a module or a package named by its slug."""
    module = book.library / "samplebook" / paper.part / paper.slug.replace("-", "_")
    return module.is_dir() or module.with_suffix(".py").is_file()


def standing(
    book: Book, paper: Paper, records: dict[str, Record], is_checked: bool
) -> Standing:
    """What exists for a paper, seen from the files and from the records of this execution."""
    chapter = Chapter(paper.part, paper.slug)
    claims = tuple(claims_of(book, chapter)) if chapter in book.chapters() else ()
    experiment = book.experiments / paper.slug
    return Standing(
        paper=paper,
        claims=claims,
        verdicts=verdict_counts(records[claim_id] for claim_id in claims),
        has_module=has_module(book, paper),
        has_assignment=(book.root / "assignments" / paper.slug).is_dir(),
        has_record=any(experiment.glob("*.json")),
        is_checked=is_checked,
    )


def standings(book: Book, records: dict[str, Record]) -> dict[str, list[Standing]]:
    """The papers of each part, by the part's name, those treated in depth and those with a chapter first."""
    checked = checked_references(book)
    found = [
        standing(book, paper, records, paper.slug in checked)
        for paper in papers(book).values()
    ]
    found.sort(key=lambda one: (one.state != "chapter", not one.paper.named))
    return {
        name: [one for one in found if one.paper.part == name] for name in parts(book)
    }


def plain(text: str) -> str:
    """Plain text as Markdown."""
    return MARKDOWN_SIGNS.sub(r"\\\1", text)


def chapter_link(paper: Paper, words: str) -> str:
    return f"{{doc}}`{words} </chapters/{paper.part}/{paper.slug}>`"


def sign(words: str, shown: str) -> str:
    """A sign for the eye, and words for a screen reader."""
    return (
        f'<span class="sign" aria-hidden="true">{shown}</span>'
        f'<span class="visually-hidden">{words}: </span>'
    )


def picture_cell(one: Standing) -> str:
    """One paper in the picture."""
    paper, state = one.paper, one.state
    name = plain(paper.short)
    if state == "chapter":
        name = f'{chapter_link(paper, paper.short)}<span class="counts">{one.verdicts}</span>'
    depth = sign("treated in depth", DEPTH_SIGN) if paper.named else ""
    start = f'<li class="paper {state}" title="{escape(paper.title)}">'
    mark = sign(STATE_WORDS[state], STATE_SIGNS[state])
    return f"{start}\n\n{mark}{depth}{name}\n\n</li>"


def picture_part(part: Part, members: list[Standing]) -> str:
    """One part in the picture: its name, its question, its papers."""
    return "\n".join(
        [
            '<div class="part">\n',
            f'{{ref}}`{part.name} <part-{part.name}>` <span class="question">{part.question}</span>\n',
            "<ul>",
            *map(picture_cell, members),
            "</ul>",
            "</div>",
        ]
    )


def legend() -> str:
    """What the picture's signs mean."""
    signs = [f"{STATE_SIGNS[state]} {words}" for state, words in STATE_WORDS.items()]
    return ", ".join([*signs, f"{DEPTH_SIGN} treated in depth"]) + "."


def totals(members: list[Standing]) -> str:
    """How many papers have what, in words."""
    numbers = {
        state: sum(one.state == state for one in members) for state in STATE_SIGNS
    }
    return (
        f"{len(members)} papers: {numbers['chapter']} with a chapter, "
        f"{numbers['library']} in the library only, {numbers['nothing']} not yet."
    )


def what_exists(one: Standing) -> str:
    """What exists for a paper, in words with links."""
    things = []
    if one.claims:
        row = f"{{ref}}`{one.verdicts} <ledger-{one.claims[0]}>`"
        things.append(f"{chapter_link(one.paper, 'chapter')} ({row})")
    if one.has_module:
        things.append("module of the library")
    if one.has_assignment:
        things.append("assignment")
    if one.has_record:
        things.append("record of the large experiment")
    return ", ".join(things) or STATE_WORDS["nothing"]


def list_entry(one: Standing) -> str:
    """One paper in the list: title, reference, what exists."""
    paper = one.paper
    depth = f", {DEPTH_SIGN} treated in depth" if paper.named else ""
    reference = f"{{cite:t}}`{paper.slug}`" if one.is_checked else paper.reference
    lines = [
        f"- **{plain(paper.title)}** ({plain(paper.short)}{depth})",
        reference,
        f"{STATE_SIGNS[one.state]} {what_exists(one)}",
    ]
    return "\\\n  ".join(lines)


def list_part(part: Part, members: list[Standing]) -> str:
    """One part of the list under its question; the label ``part-<name>`` leads to it."""
    return "\n".join(
        [
            f"(part-{part.name})=\n## {part.question}\n",
            f"Part *{part.name}*. {totals(members)}\n",
            *map(list_entry, members),
        ]
    )


def map_page(book: Book, records: dict[str, Record]) -> str:
    """The map as MyST Markdown: the totals, the picture with its legend, the list."""
    members = standings(book, records)
    by_part = [(part, members[name]) for name, part in parts(book).items()]
    everything = [one for group in members.values() for one in group]
    return "\n\n".join(
        [
            f"{totals(everything)} {legend()}",
            '<div class="paper-map">',
            *(picture_part(part, group) for part, group in by_part),
            "</div>",
            *(list_part(part, group) for part, group in by_part),
        ]
    )
