"""A miniature book: the real press and claims, two small modules, and three chapters of a few short cells."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from press.book import Book, Chapter

REPOSITORY = Path(__file__).resolve().parents[2]
REAL_LIBRARY = REPOSITORY / "lib" / "samplebook"
COPIED_FILES = (
    "__init__.py",
    "claims/__init__.py",
    "data/__init__.py",
    "data/packages.py",
    "display.py",
    "experiments/__init__.py",
    "experiments/measured_code.py",
    "installing.py",
    "session.py",
    "slider.html",
    "slider.py",
)
SLUGS = ("first", "second", "third")

GENERATED_PAGES = {"claims": "ledger", "findings": "findings", "map": "map"}

CONFIG = """\
title: Miniature
only_build_toc_files: true
execute: {execute_notebooks: "off"}
repository: {url: "https://github.com/someone/miniature", branch: main, path_to_book: ""}
html: {baseurl: "https://someone.github.io/miniature/"}
bibtex_bibfiles: [book/references.bib]
sphinx:
  config:
    html_static_path: ["static"]
    html_css_files: ["print.css"]
    mathjax_path: mathjax/startup.js
    mathjax3_config: {loader: {load: [input/tex, output/chtml, a11y/assistive-mml]}}
"""

TOC = """\
format: jb-book
root: book/intro
chapters:
  - file: book/claims
  - file: book/findings
  - file: book/robustness
  - file: book/map
  - file: book/references
"""

PYPROJECT = """\
[project]
name = "miniature"
[project.urls]
Repository = "https://github.com/someone/miniature"
"""

CITATION = """\
title: Miniature
authors:
  - {name: "The Miniaturists"}
  - {family-names: Small, given-names: Ada}
version: 1.2
date-released: "2026-01-31"
"""

REFERENCES = r"""
@misc{first, author = {Gr{\"u}n, Eva}, title = {50\% of {$\ell_p$}}, year = {2020}, url = {https://example.org/a_b?c=d&e=f}}
"""

TOY_ON_DOUBLING = """\
from . import doubling


def twice(x):
    return doubling.FACTOR * x
"""

CLAIM = """\
- id: {slug}-c1
  kind: derived
  statement: "Twice {number} is right: $2 |x|$."
  figure: null
  place: this test
  source: ours
  rule: Equality.
  false_alarm: 0
  scale: laptop
"""

FINDING = "  finding: The table adds one twice.\n"

PARTS = """\
- {name: toys, question: What a toy can show}
- {name: others, question: What else there is}
"""

PAPER = """\
- slug: {slug}
  short: {slug}
  title: "The {slug} paper"
  part: {part}
  named: {named}
  reference: "Somebody, 2020."
"""


def chapter_notebook(
    slug: str, number: int, seconds: float, holds: bool = True
) -> nbformat.NotebookNode:
    """A chapter that waits, prints twice its number through the library, and checks one claim."""
    markdown, code = (
        [
            f"# Chapter {slug}\n\nSome words.",
            f"The claim.\n\n(claim-{slug}-c1)=\nTwice the number is right.",
        ],
        [
            ("# found by the press", ["bootstrap", "hide-cell"]),
            (
                f"import time\nfrom samplebook import claims\nfrom samplebook.toys import {slug}_toy\n"
                f"time.sleep({seconds})",
                [],
            ),
            (f"print('twice {number} is', {slug}_toy.twice({number}))", []),
            (
                f'claims.check("{slug}-c1", {slug}_toy.twice({number}), interval=(0, 1000), holds={holds})',
                [],
            ),
        ],
    )
    code_cells = [
        new_code_cell(
            source, id=f"code-{place}", metadata={"tags": list(tags)} if tags else {}
        )
        for place, (source, tags) in enumerate(code)
    ]
    prose = [
        new_markdown_cell(source, id=f"prose-{place}")
        for place, source in enumerate(markdown)
    ]
    cells = [prose[0], *code_cells[:3], prose[1], code_cells[3]]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return new_notebook(
        cells=cells, metadata={"kernelspec": kernel, "samplebook": {"slug": slug}}
    )


def register() -> str:
    """The papers of all chapters, one in the same part without a chapter, and one in another part."""
    toys = "".join(
        PAPER.format(slug=slug, part="toys", named=str(slug == "first").lower())
        for slug in (*SLUGS, "fourth")
    )
    return toys + PAPER.format(slug="lonely", part="others", named="false")


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def write_library(library: Path) -> None:
    """The press as it is, the parts of samplebook that chapters need, and one toy module a chapter."""
    for name in COPIED_FILES:
        (library / "samplebook" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REAL_LIBRARY / name, library / "samplebook" / name)
    (library / "press").symlink_to(REPOSITORY / "lib" / "press")
    toys = library / "samplebook" / "toys"
    write(toys / "__init__.py", "")
    write(toys / "doubling.py", "FACTOR = 2\n")
    for slug in SLUGS[:2]:
        write(toys / f"{slug}_toy.py", TOY_ON_DOUBLING)
    write(toys / "third_toy.py", "def twice(x):\n    return 2 * x\n")


def write_chapter(
    book: Book,
    slug: str,
    number: int,
    seconds: float = 0.0,
    holds: bool = True,
    has_finding: bool = False,
) -> None:
    """Write a chapter's notebook and claims file."""
    path = book.notebook(Chapter("toys", slug))
    notebook = chapter_notebook(slug, number, seconds, holds)
    write(path, nbformat.writes(notebook) + "\n")
    claim = CLAIM.format(slug=slug, number=number) + (FINDING if has_finding else "")
    write(book.claims_folder / f"{slug}.yml", claim)


def write_sweepable_chapter(
    book: Book, slug: str, first: str = "", holds: str = "True"
) -> None:
    """Write a chapter with parameters whose claim measures twice ``number`` plus ``seed``.

    Parameters
    ----------
    book : Book
    slug : str
    first : str
        Source that runs after the parameters are set.
    holds : str
        Expression of the claim's rule.
    """
    write_chapter(book, slug, number=1)
    path = book.notebook(Chapter("toys", slug))
    notebook = nbformat.read(path, as_version=4)
    parameters = "seed = 0\nnumber = 3  # is doubled\nword = 'one'"
    measured = f"{slug}_toy.twice(number) + seed"
    notebook.cells[
        -1
    ].source = (
        f'claims.check("{slug}-c1", {measured}, interval=(0, 1000), holds={holds})'
    )
    notebook.cells[1:1] = [
        new_code_cell(parameters, id="own", metadata={"tags": ["parameters"]}),
        new_code_cell(first, id="first"),
        new_code_cell(
            "raise RuntimeError('no sweep runs this cell')",
            id="left-out",
            metadata={"tags": ["not-in-sweep"]},
        ),
    ]
    write(path, nbformat.writes(notebook) + "\n")


def make_miniature_book(
    root: Path, slugs: Sequence[str] = SLUGS, seconds: float = 0.0
) -> Book:
    """Write the whole tree below ``root``, with these chapters, each of which sleeps for ``seconds``."""
    book = Book(root)
    write_library(book.library)
    for number, slug in enumerate(slugs, start=1):
        write_chapter(book, slug, number, seconds)
    write(root / "_config.yml", CONFIG)
    write(
        root / "_toc.yml",
        TOC + "".join(f"  - file: chapters/toys/{slug}\n" for slug in slugs),
    )
    write(root / "pyproject.toml", PYPROJECT)
    write(root / "requirements-data.lock", "some-data==1.0 \\\n    --hash=sha256:00\n")
    write(root / "book" / "intro.md", "# Miniature\n\nWords.\n")
    for page, generated in GENERATED_PAGES.items():
        write(
            root / "book" / f"{page}.md",
            f"# The {page}\n\n```{{include}} generated/{generated}.md\n```\n",
        )
    shutil.copy(REPOSITORY / "book" / "robustness.md", root / "book")
    write(root / "book" / "references.md", "# Works\n\n```{bibliography}\n```\n")
    write(root / "book" / "references.bib", REFERENCES)
    write(root / "book" / "parts.yml", PARTS)
    write(root / "book" / "papers.yml", register())
    write(root / "CITATION.cff", CITATION)
    (root / "static").mkdir()
    shutil.copy(REPOSITORY / "static" / "print.css", root / "static")
    return book


def copy_of(book: Book, folder: Path) -> Book:
    """A copy of a book with all its results, which stay fresh: no key depends on the place."""
    return Book(Path(shutil.copytree(book.root, folder, symlinks=True)))


def press_environment(book: Book) -> dict[str, str]:
    return dict(os.environ) | {"PYTHONPATH": str(book.library), "OMP_NUM_THREADS": "1"}


def run_press(book: Book, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the press's command line on a miniature book."""
    command = [sys.executable, "-m", "press", "--root", str(book.root), *arguments]
    environment = press_environment(book)
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False
    )
