"""Write the copies that other files hold of something: ``make stamp``.

The repository's address stands in ``_config.yml``; bootstrap cells, ``CITATION.cff``, ``pyproject.toml``,
``README.md`` and others copy it. The lines of ``requirements-data.lock`` that a chapter needs are copied
into the library, so that a reader who has only the wheel gets the same data; so are the records of large
experiments, which notebooks show. The index has the titles of the chapters. Assignments share the cell of
check functions and the words on how to work.
"""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import nbformat
import yaml
from packaging.requirements import Requirement

from press.book import Book, Chapter, write_atomically
from press.chapter_index import chapter_index
from press.dependencies import dependencies
from press.errors import PressError
from press.experiment_records import DAMAGED, age_of, outdated_records
from press.keys import distributions_by_import
from press.notebooks import code_cells, read_notebook, tags
from samplebook.installing import NEVER_INSTALLED

BOOTSTRAP_CELL = Path(__file__).parent / "bootstrap_cell.py.txt"
BOOTSTRAP_TAG = "bootstrap"
ASSIGNMENT_CELLS = {
    "checks": Path(__file__).parent / "classroom" / "checks_cell.py.txt",
    "how-to": Path(__file__).parent / "classroom" / "how_to_cell.md",
}
"""The cells that all assignments share, by their tag."""
FILES_WITH_ADDRESS = ("CITATION.cff", "CONTRIBUTING.md", "README.md", "book/*.md")
LAUNCH_LINK = re.compile(
    r"(mybinder\.org/v2/gh/|colab\.research\.google\.com/github/)[^/\s]+/[^/?#)\s]+"
)
DATA_LOCK = "requirements-data.lock"


def repository_url(book: Book) -> str:
    """The repository's address, from ``_config.yml``."""
    config = yaml.safe_load((book.root / "_config.yml").read_text(encoding="utf-8"))
    return str(config["repository"]["url"]).rstrip("/")


def stamped_url(book: Book) -> str:
    """The address that was stamped last, from ``pyproject.toml``."""
    project = tomllib.loads((book.root / "pyproject.toml").read_text(encoding="utf-8"))[
        "project"
    ]
    return str(project["urls"]["Repository"])


def owner_and_name(url: str) -> tuple[str, str]:
    """Owner and name in a GitHub address.

    Raises
    ------
    PressError
        If the address has another form.
    """
    match = re.fullmatch(r"https://github\.com/([\w.-]+)/([\w.-]+)", url)
    if match is None:
        raise PressError(
            f"the repository's address must be https://github.com/OWNER/NAME, not {url!r}"
        )
    return match[1], match[2]


def bootstrap_source(book: Book) -> str:
    """Source of the bootstrap cell, the same in every chapter."""
    template = BOOTSTRAP_CELL.read_text(encoding="utf-8")
    return template.replace("@REPOSITORY@", repository_url(book)).rstrip()


def with_new_address(text: str, old: str, new: str) -> str:
    """A text in which every link to the repository, its pages and its launch buttons is the new one."""
    (old_owner, old_name), (owner, name) = owner_and_name(old), owner_and_name(new)
    text = re.sub(rf"{re.escape(old)}(?![\w-])", new, text)
    old_pages = re.escape(f"{old_owner}.github.io/{old_name}")
    text = re.sub(rf"\b{old_pages}(?![\w-])", f"{owner}.github.io/{name}", text)
    text = re.sub(r"(?m)^repository-code:.*$", f'repository-code: "{new}"', text)
    return LAUNCH_LINK.sub(rf"\g<1>{owner}/{name}", text)


def stamped_addresses(book: Book) -> Iterator[tuple[Path, str]]:
    """Files that hold the repository's address, with the text they should have.

    ``pyproject.toml`` comes last: it says which address the others still hold if stamping is broken off.
    """
    old, new = stamped_url(book), repository_url(book)
    for pattern in (*FILES_WITH_ADDRESS, "pyproject.toml"):
        for path in sorted(book.root.glob(pattern)):
            yield path, with_new_address(path.read_text(encoding="utf-8"), old, new)


def stamped_notebook(book: Book, chapter: Chapter) -> tuple[Path, str]:
    """A chapter's notebook with the generated source in its bootstrap cell.

    Raises
    ------
    PressError
        If it has not exactly one bootstrap cell.
    """
    path = book.notebook(chapter)
    text = path.read_text(encoding="utf-8")
    notebook = read_notebook(path)
    cells = [cell for cell in code_cells(notebook) if BOOTSTRAP_TAG in tags(cell)]
    if len(cells) != 1:
        raise PressError(
            f"{chapter.name}: needs one cell with the tag {BOOTSTRAP_TAG!r}, has {len(cells)}"
        )
    if cells[0].source == bootstrap_source(book):
        return path, text
    cells[0].source = bootstrap_source(book)
    return path, nbformat.writes(notebook) + "\n"


def stamped_assignment(book: Book, slug: str) -> tuple[Path, str]:
    """An assignment's source with the cells that all assignments share."""
    path = book.assignments / slug / f"{slug}.ipynb"
    text = path.read_text(encoding="utf-8")
    notebook = read_notebook(path)
    before = nbformat.writes(notebook)
    for cell in notebook.cells:
        for tag in set(tags(cell)) & ASSIGNMENT_CELLS.keys():
            cell.source = ASSIGNMENT_CELLS[tag].read_text(encoding="utf-8").rstrip()
    after = nbformat.writes(notebook)
    return path, text if after == before else after + "\n"


def same_name(name: str) -> str:
    """A distribution's name in the form in which equal names compare equal."""
    return re.sub(r"[-_.]+", "-", name).lower()


def data_lock_entries(book: Book) -> dict[str, str]:
    """Requirements with their hashes, as ``requirements-data.lock`` writes them, by normalised name."""
    text = (book.root / DATA_LOCK).read_text(encoding="utf-8")
    entries = re.findall(r"(?m)^[\w.-]+==(?:.*\\\n)*.*$", text)
    return {same_name(entry.partition("==")[0]): entry for entry in entries}


def data_requirements(book: Book, chapter: Chapter) -> str:
    """Lock lines of the data packages that a chapter reads; empty if it reads none.

    Raises
    ------
    PressError
        If the lock lacks a package.
    """
    folders = dependencies(
        read_notebook(book.notebook(chapter)), book.library, chapter.name
    ).folders
    entries = data_lock_entries(book)
    lines = []
    for folder in sorted(folders):
        names = [
            same_name(name)
            for name in [folder, *distributions_by_import().get(folder, [])]
        ]
        found = [entries[name] for name in names if name in entries]
        if not found:
            raise PressError(
                f"{DATA_LOCK} has no package with {folder!r}, which {chapter.name} reads"
            )
        lines.append(found[0])
    header = f"# Data packages of the chapter {chapter.slug}, copied from {DATA_LOCK} by `make stamp`."
    return "\n".join([header, *lines]) + "\n" if lines else ""


def project_requirements(book: Book) -> dict[str, list[str]]:
    """The requirement lines of ``pyproject.toml``, in the groups in which a chapter needs them.

    Each line of ``dependencies`` and of the extra ``chapters`` is a group of its own; each other extra
    is one group.
    """
    text = (book.root / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(text)["project"]
    extras = dict(project.get("optional-dependencies", {}))
    alone = [*project.get("dependencies", []), *extras.pop("chapters", [])]
    return extras | {line: [line] for line in alone}


def required_name(line: str) -> str:
    """Normalised name of the distribution in a requirement line."""
    return same_name(Requirement(line).name)


def package_requirements(book: Book, chapter: Chapter) -> str:
    """Requirement lines of the packages that a chapter imports; empty if it imports none.

    Of a group of which a chapter imports one package it may need the others: transformers
    reads GGUF files with the help of two. The library itself and what a session never installs are left out.
    """
    imports = dependencies(
        read_notebook(book.notebook(chapter)), book.library, chapter.name
    ).imports
    names = {
        same_name(name)
        for imported in imports
        for name in distributions_by_import().get(imported, [])
    }
    lines = {
        line
        for group in project_requirements(book).values()
        if names & set(map(required_name, group))
        for line in group
        if required_name(line) not in (*NEVER_INSTALLED, "samplebook")
    }
    header = f"# Packages that the chapter {chapter.slug} imports, from pyproject.toml by `make stamp`."
    ordered = sorted(lines, key=str.lower)
    return "\n".join([header, *ordered]) + "\n" if lines else ""


def recorded_experiments(book: Book) -> dict[Path, str]:
    """The library's copies of the records of experiments, with the text they should have.

    Raises
    ------
    PressError
        Naming a record that is damaged.
    """
    copies = book.experiment_records_folder
    files = dict.fromkeys(copies.glob("*/*.json"), "")
    for path in sorted(book.experiments.glob("*/*.json")):
        if age_of(book, path) == DAMAGED:
            raise PressError(
                f"{book.shown(path)} is no record: run `make experiments`, or remove it"
            )
        files[copies / path.relative_to(book.experiments)] = path.read_text(
            encoding="utf-8"
        )
    return files


def stamped_files(book: Book) -> dict[Path, str]:
    """Every file that holds a copy, with the text it should have; an empty text means no file."""
    files = recorded_experiments(book)
    files[book.root / "index.ipynb"] = chapter_index(book)
    for chapter in book.chapters():
        path, text = stamped_notebook(book, chapter)
        files[path] = text
        files[book.data_requirements_folder / f"{chapter.slug}.txt"] = (
            data_requirements(book, chapter)
        )
        files[book.data_requirements_folder / f"{chapter.slug}.packages.txt"] = (
            package_requirements(book, chapter)
        )
    for source in sorted(book.assignments.glob("*/*.ipynb")):
        path, text = stamped_assignment(book, source.stem)
        files[path] = text
    for path in book.data_requirements_folder.glob("*.txt"):
        files.setdefault(path, "")
    return files | dict(stamped_addresses(book))


def outdated_copies(book: Book) -> dict[Path, str]:
    """The files whose copies are not what they should be, with the text they should have."""
    return {
        path: text
        for path, text in stamped_files(book).items()
        if text != (path.read_text(encoding="utf-8") if path.is_file() else "")
    }


def check_stamps(book: Book) -> None:
    """See that all copies are equal.

    Raises
    ------
    PressError
        Naming the files that `make stamp` would change.
    """
    outdated = outdated_copies(book)
    if outdated:
        names = ", ".join(book.shown(path) for path in outdated)
        raise PressError(f"these files hold outdated copies, run `make stamp`: {names}")


def stamp(book: Book) -> None:
    """Bring all copies up to date."""
    outdated = outdated_copies(book)
    for path, text in outdated.items():
        if text:
            write_atomically(path, text)
        else:
            path.unlink()
        print(f"stamped {book.shown(path)}")
    if not outdated:
        print("All copies are up to date.")
    for line in outdated_records(book):
        print(line)
