"""Stage a copy of the book with its executed notebooks, and build the site from it."""

import hashlib
import importlib.util
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections import deque
from pathlib import Path

from bs4 import BeautifulSoup
from nbformat.v4 import new_markdown_cell

from press.assignments_page import assignments_page, staged_assignments
from press.book import Book, put_in_place, write_atomically
from press.citation import book_section, chapter_section
from press.claims_ledger import Record, counts_sentence
from press.contents import pages
from press.errors import PressError
from press.findings_page import findings_page
from press.front_figure import front_figure
from press.keys import distribution_versions, file_digest
from press.ledger_page import ledger_page
from press.map_page import map_page
from press.notebooks import read_notebook, with_outputs, write_notebook
from press.performance_page import performance_figures, performance_page
from press.robustness import all_runs
from press.robustness_page import ledger_links, robustness_page, summary
from press.terminal import progress_bar, without_colours

SOURCES = ("_config.yml", "_toc.yml", "_ext", "static", "book")
MATHJAX_PACKAGE = "sphinx-mathjax-offline"
MATHJAX_PARTS = (
    "startup.js",
    "core.js",
    "input/tex.js",
    "input/tex/extensions",
    "output/chtml.js",
    "output/chtml/fonts",
    "a11y/assistive-mml.js",
)
SPHINX_COMPLAINT = re.compile(r"\b(WARNING|ERROR|CRITICAL):")
SPHINX_PROGRESS = re.compile(r"(reading sources|writing output)\.\.\. \[\s*(\d+)%\]")
BUILDERS = {"jupyter_book", "sphinx", "myst_nb", "sphinx_book_theme"}
LINES_SHOWN_ON_FAILURE = 60
TEMPORARY = ".tmp-site-"


def copy_path(source: Path, target: Path) -> None:
    """Copy a file or a folder, caches left out."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(
            source,
            target,
            ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints"),
        )
    else:
        shutil.copy2(source, target)


def mathjax_folder() -> Path:
    """Where the installed package keeps MathJax.

    Raises
    ------
    PressError
        If the package is not installed.
    """
    spec = importlib.util.find_spec(MATHJAX_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise PressError(
            f"the package {MATHJAX_PACKAGE} is not installed; `make book` installs it"
        )
    return Path(spec.submodule_search_locations[0]) / "static" / "mathjax"


def stage_generated_pages(book: Book, records: dict[str, Record]) -> None:
    """Write what the pages of ``book/`` include from ``generated/``, and what they offer for download."""
    assignments = staged_assignments(book)
    runs = all_runs(book)
    texts = {
        "assignments": assignments_page(book, assignments),
        "citation": book_section(book),
        "claim-counts": counts_sentence(records.values()) + "\n",
        "findings": findings_page(book, records),
        "front-figure": front_figure(book),
        "ledger": ledger_page(book, records, ledger_links(runs)),
        "map": map_page(book, records),
        "robustness": robustness_page(book, records, runs),
        "robustness-summary": summary(book, runs),
        "performance": performance_page(book),
    }
    folder = book.stage / "book" / "generated"
    for name, text in texts.items():
        write_atomically(folder / f"{name}.md", text)
    for name, picture in performance_figures(book).items():
        write_atomically(folder / name, picture)
    copy_path(book.gathered_claims, folder / "claims.json")
    if book.sweeps.is_dir():
        copy_path(book.sweeps, folder / "sweeps")


def stage(book: Book, records: dict[str, Record]) -> None:
    """Make ``_build/stage``: the book's sources, executed notebooks, generated pages and MathJax."""
    shutil.rmtree(book.stage, ignore_errors=True)
    for name in SOURCES:
        if (book.root / name).exists():
            copy_path(book.root / name, book.stage / name)
    for part in MATHJAX_PARTS:
        copy_path(mathjax_folder() / part, book.stage / "static" / "mathjax" / part)
    for chapter in book.chapters():
        executed = read_notebook(book.result(chapter) / "notebook.ipynb")
        stored = book.notebook(chapter)
        page = with_outputs(read_notebook(stored), executed)
        page.cells.append(
            new_markdown_cell(chapter_section(book, chapter), id="citation")
        )
        write_notebook(page, book.stage / stored.relative_to(book.root))
    stage_generated_pages(book, records)


def site_key(book: Book) -> str:
    """Hash of everything the site is made of: the staged files, the stored notebooks and the builders."""
    hashed = hashlib.sha256(json.dumps(distribution_versions(BUILDERS)).encode())
    stored = [book.notebook(chapter) for chapter in book.chapters()]
    staged = [file for file in book.stage.rglob("*") if file.is_file()]
    for file in [*sorted(staged), *stored, Path(__file__)]:
        hashed.update(f"{book.shown(file)} {file_digest(file)}\n".encode())
    return hashed.hexdigest()


def run_jupyter_book(book: Book, output: Path) -> Path:
    """Build the stage with warnings as errors, quiet unless it fails.

    Parameters
    ----------
    book : Book
        Whose stage is made already.
    output : Path
        A folder for this build alone: a builder that outlives a killed press cannot write into a later build.

    Returns
    -------
    Path
        The folder of the finished pages.

    Raises
    ------
    PressError
        With the end of the builder's output.
    """
    command = [
        *(sys.executable, "-m", "press.run_jupyter_book", "build"),
        str(book.stage),
        *("--path-output", str(output), "-W", "--keep-going", "-n"),
    ]
    last_lines: deque[str] = deque(maxlen=LINES_SHOWN_ON_FAILURE)
    complaints: list[str] = []
    with (
        progress_bar(200, "Building the site") as bar,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        for line in map(without_colours, process.stdout):
            progress = SPHINX_PROGRESS.search(line)
            if progress:
                done = int(progress[2]) + (
                    100 if progress[1] == "writing output" else 0
                )
                bar.update(max(0, done - bar.n))
            else:
                last_lines.append(line.rstrip())
            if SPHINX_COMPLAINT.search(line):
                complaints.append(line.rstrip())
    if process.returncode:
        raise PressError(
            "jupyter-book failed; the end of its output, and its complaints:\n"
            + "\n".join([*last_lines, *complaints])
        )
    return output / "_build" / "html"


def page_problem(page: Path) -> str | None:
    """What is wrong with a built page: missing, or no text besides its headings."""
    if not page.is_file():
        return "is missing"
    article = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser").find(
        "article"
    )
    if article is None:
        return "has no article"
    for heading in article.find_all(["h1", "h2", "h3", "h4", "h5", "h6"]):
        heading.decompose()
    return None if article.get_text(strip=True) else "is empty"


def page_problems(book: Book, html: Path) -> list[str]:
    """What is wrong with the pages of the table of contents and with the site's entrance."""
    problems = [(name, page_problem(html / f"{name}.html")) for name in pages(book)]
    texts = [f"the page {name} {problem}" for name, problem in problems if problem]
    if not (html / "index.html").is_file():
        texts.append("the page index is missing")
    return texts


def check_pages(book: Book, html: Path) -> None:
    """See that every page of the table of contents has text.

    Raises
    ------
    PressError
        Naming the pages that are missing or empty.
    """
    problems = page_problems(book, html)
    if problems:
        raise PressError("\n".join(problems))


def offer_stored_notebooks(book: Book, html: Path) -> None:
    """Let the download button hand out the stored notebooks, not their executed copies."""
    for chapter in book.chapters():
        stored = book.notebook(chapter)
        shutil.copy2(stored, html / "_sources" / stored.relative_to(book.root))


def build_site(book: Book, records: dict[str, Record]) -> bool:
    """Build ``_build/html`` unless it is up to date; a failed build leaves the old site where it was.

    Returns
    -------
    bool
        Whether there was anything to build.

    Raises
    ------
    PressError
        If the build fails or a page is missing or empty.
    """
    stage(book, records)
    key_file = book.build / "site-key.txt"
    key = site_key(book)
    is_current = key_file.is_file() and key_file.read_text(encoding="utf-8") == key
    if is_current and not page_problems(book, book.html):
        return False
    key_file.unlink(missing_ok=True)
    for leftover in book.build.glob(f"{TEMPORARY}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=TEMPORARY, dir=book.build) as output:
        html = run_jupyter_book(book, Path(output))
        check_pages(book, html)
        offer_stored_notebooks(book, html)
        put_in_place(html, book.html)
    write_atomically(key_file, key)
    return True
