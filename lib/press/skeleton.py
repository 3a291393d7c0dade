"""Make the files of a new chapter: ``make chapter PART=... SLUG=...``."""

import difflib

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from press.book import Book, Chapter, write_atomically
from press.errors import PressError
from press.register import Paper, papers, parts
from press.stamp import BOOTSTRAP_TAG, bootstrap_source

SESSION_CELL = """\
from samplebook import claims, display, session

book = session.start(profile, seed, chapter="{slug}")"""

PARAMETERS_CELL = """\
profile = "laptop"  # or "smoke": smaller sizes, done in seconds
seed = 0"""

TITLE_ROOM = """\
# {short}

*The question in two sentences.* What does the method decide, and why is that hard?

The paper: *{title}* (to be cited once `book/references.bib` has it).

**You will be able to** say what the method does, run it, and name what its claims rest on.
**You should know** probability at the level of a first course.
**Minutes:** about 45 to read, 1 to run."""

ROOMS = (
    "## The problem in a picture\n\nOne figure, and what to look at in it.",
    "## The method in small steps\n\nEach step: the idea, the library's own source, a small toy.",
    "## The experiment on real data",
    "## The claims",
    "## The large experiment\n\nNot yet run. What it would measure, and on which machine.",
    "## What this scale cannot show\n\nAlso: where the paper, its code and this chapter differ.",
    "## Exercises\n\n## Further reading",
)

CLAIM_ROOM = """\
(claim-{slug}-c1)=
**Claim 1.** What the paper claims, in one sentence."""

CLAIM_CELL = """\
claims.check("{slug}-c1", None, holds=None)"""

CLAIMS_FILE = """\
# What the chapter {slug} checks. Write the rule before anything is measured.

- id: {slug}-c1
  kind: paper
  statement: What the paper claims, in one sentence.
  figure: null
  place: not located
  source: secondary
  rule: When the claim passes, in words.
  false_alarm: 0
  scale: beyond
  scale_reason: Not measured yet.
"""

NEXT_STEPS = """\
Next: the paper in book/references.bib (key {slug}), the rules in the claims file, the method in
lib/samplebook/{part}/, its tests in tests/lib/{part}/, the rooms of the notebook; then
  make stamp
  make refresh CHAPTER={slug}
  make test"""


def registered_paper(book: Book, chapter: Chapter) -> Paper:
    """The register's entry for a chapter to be made.

    Raises
    ------
    PressError
        If the register has no such slug, or has it in another part, or the chapter exists.
    """
    registered = papers(book)
    if chapter.slug not in registered:
        near = difflib.get_close_matches(chapter.slug, registered, n=3, cutoff=0.4)
        advice = f"; did you mean {' or '.join(near)}?" if near else ""
        raise PressError(
            f"book/papers.yml has no paper {chapter.slug!r} for PART=... SLUG=...{advice}"
        )
    paper = registered[chapter.slug]
    if paper.part != chapter.part:
        raise PressError(
            f"{chapter.slug} belongs to the part {paper.part!r}, not to {chapter.part!r}"
        )
    for path in (book.notebook(chapter), book.claims_file(chapter)):
        if path.exists():
            raise PressError(f"{book.shown(path)} exists already")
    return paper


def skeleton_notebook(book: Book, chapter: Chapter, paper: Paper) -> NotebookNode:
    """A notebook with all the rooms of a chapter, ready to run."""
    title, *rest = [
        TITLE_ROOM.format(short=paper.short, title=paper.title),
        *ROOMS,
    ]
    claims_room = rest.index("## The claims") + 1
    cells = [
        new_markdown_cell(title),
        new_code_cell(
            bootstrap_source(book), metadata={"tags": [BOOTSTRAP_TAG, "hide-cell"]}
        ),
        new_code_cell(PARAMETERS_CELL, metadata={"tags": ["parameters"]}),
        new_code_cell(SESSION_CELL.format(slug=chapter.slug)),
        *map(new_markdown_cell, rest[:claims_room]),
        new_markdown_cell(CLAIM_ROOM.format(slug=chapter.slug)),
        new_code_cell(CLAIM_CELL.format(slug=chapter.slug)),
        *map(new_markdown_cell, rest[claims_room:]),
    ]
    metadata = {
        "kernelspec": {
            "display_name": "Python 3",
            "language": "python",
            "name": "python3",
        },
        "samplebook": {"slug": chapter.slug},
    }
    notebook: NotebookNode = new_notebook(cells=cells, metadata=metadata)
    return notebook


def toc_with_chapter(book: Book, chapter: Chapter) -> str | None:
    """``_toc.yml`` with the chapter after the last one of its part; none if the part has no chapter yet."""
    lines = (book.root / "_toc.yml").read_text(encoding="utf-8").splitlines()
    places = [
        number
        for number, line in enumerate(lines)
        if f"file: chapters/{chapter.part}/" in line
    ]
    if not places:
        return None
    indent, _, _ = lines[places[-1]].partition("file:")
    lines.insert(
        places[-1] + 1, f"{indent}file: chapters/{chapter.part}/{chapter.slug}"
    )
    return "\n".join(lines) + "\n"


def make_chapter(book: Book, chapter: Chapter) -> None:
    """Write the notebook, the claims file and the entry in the table of contents, and say what comes next.

    Raises
    ------
    PressError
        As :func:`registered_paper`.
    """
    paper = registered_paper(book, chapter)
    notebook, claims = book.notebook(chapter), book.claims_file(chapter)
    write_atomically(
        notebook, nbformat.writes(skeleton_notebook(book, chapter, paper)) + "\n"
    )
    write_atomically(claims, CLAIMS_FILE.format(slug=chapter.slug))
    toc = toc_with_chapter(book, chapter)
    if toc is not None:
        write_atomically(book.root / "_toc.yml", toc)
    print(f"Made {book.shown(notebook)} and {book.shown(claims)}.")
    if toc is None:
        print(
            f"_toc.yml has no part {chapter.part} yet: add it, with the caption "
            f'"{parts(book)[chapter.part].question}" and the chapter {chapter.name}.'
        )
    print(NEXT_STEPS.format(part=chapter.part, slug=chapter.slug))
