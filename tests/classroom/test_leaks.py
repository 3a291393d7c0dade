"""Solutions, hidden tests and what is for instructors reach no artefact for students.

Words that occur nowhere else are planted in the assignment of a miniature book, in every place that could
leak, and searched in all that the book then makes. Of the real ones, the lines themselves are searched.
"""

import base64
import hashlib
import io
import json
import re
import shutil
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from classroom_answers import (
    REPOSITORY,
    SLUGS,
    answered,
    hand_in,
    need_containment,
    real_assignment,
    real_book,
)
from hidden_lines import (
    HiddenCell,
    distinctive,
    hidden_cells,
    hidden_names,
    released_text,
)
from leak_search import SEARCH_INDEX, found_in
from miniature_book import make_miniature_book, run_press, write
from nbformat import NotebookNode
from nbformat.v4 import (
    new_code_cell,
    new_markdown_cell,
    new_output,
    new_raw_cell,
)
from small_assignment import (
    HIDDEN_INPUT,
    HIDDEN_MESSAGE,
    SLUG,
    add_small_assignment,
    cell_named,
    change,
    small_assignment,
    small_notebook,
)
from snowballstemmer import stemmer

from press.book import Book
from press.classroom.releases import write_releases
from press.notebooks import read_notebook

HTML = REPOSITORY / "_build" / "html"
LINES_OF_A_CELL = 2
"""So many lines of each cell are searched in the site and the wheel: a cell leaks whole, or not at all."""


class Canaries:
    """Words that occur nowhere by chance, and that a stemmer leaves as they are."""

    def __init__(self) -> None:
        self.planted: list[str] = []

    def word(self, place: str) -> str:
        """A new word for a place; where it is found, its first letters tell the place."""
        letters = "".join(filter(str.isalpha, place))
        digest = hashlib.sha256(place.encode()).hexdigest()
        self.planted.append(f"{letters}{digest[:12]}7")
        return self.planted[-1]

    def base64(self, place: str) -> str:
        return base64.b64encode(f"a picture, {self.word(place)}".encode()).decode()


def plant_in_regions(notebook: NotebookNode, canaries: Canaries) -> None:
    solution = f"# {canaries.word('solution')}\n    return x + x"
    change(notebook, "double", r"return x \+ x", solution)
    hidden = f'assert double(0) == 0, "{canaries.word("message")}"\n### END'
    change(notebook, "double-inputs", "### END", hidden)


def plant_instructor_cells(notebook: NotebookNode, canaries: Canaries) -> None:
    cells = [
        new_markdown_cell(f"{canaries.word('prose')} <!-- {canaries.word('note')} -->"),
        new_markdown_cell(
            "![plan](attachment:plan.png)",
            attachments={"plan.png": {"image/png": canaries.base64("plan")}},
        ),
        new_code_cell(canaries.word("code")),
        new_raw_cell(canaries.word("raw")),
    ]
    for cell in cells:
        cell.metadata["tags"] = [
            "instructor",
            canaries.word(f"tag of {cell.cell_type}"),
        ]
    notebook.cells[1:1] = cells[:2]
    notebook.cells += cells[2:]


def plant_outputs(notebook: NotebookNode, canaries: Canaries) -> None:
    picture = {
        "image/png": canaries.base64("picture"),
        "text/html": f"<b>{canaries.word('html')}</b>",
    }
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.execution_count = 5
            place = cell.metadata.get("nbgrader", {}).get("grade_id", "code")
            cell.outputs = [
                new_output("stream", text=canaries.word(f"stream {place}")),
                new_output("display_data", picture),
                new_output(
                    "error",
                    ename="E",
                    evalue=canaries.word(f"error {place}"),
                    traceback=[canaries.word(f"traceback {place}")],
                ),
            ]


def plant_metadata(notebook: NotebookNode, canaries: Canaries) -> None:
    notebook.metadata[canaries.word("key")] = {"deep": [canaries.word("value")]}
    notebook.metadata["samplebook"]["key"] = canaries.word("own")
    notebook.metadata["kernelspec"]["display_name"] = canaries.word("kernel")
    notebook.metadata["authors"] = [{"name": canaries.word("author")}]
    for number, cell in enumerate(notebook.cells):
        cell.id = canaries.word(f"id{number}")
        cell.metadata[canaries.word(f"celkey{number}")] = True
        cell.metadata["editable"] = canaries.word(f"editable{number}")
        cell.metadata["jupyter"] = {"source_hidden": canaries.word(f"hidden{number}")}
    for name in ("checks", "double", "double-visible", "double-inputs"):
        grading = cell_named(notebook, name).metadata["nbgrader"]
        grading[canaries.word(f"grading{name}")] = canaries.word(f"graded{name}")
        grading["checksum"] = canaries.word(f"checksum{name}")


def plant_attachments(notebook: NotebookNode, canaries: Canaries) -> None:
    """Pictures that no text shows, in cells that students get."""
    notebook.cells[0].attachments = {
        "unused.png": {"image/png": canaries.base64("unused")},
        canaries.word("named"): {"text/plain": canaries.word("text")},
    }


def planted_notebook(canaries: Canaries) -> NotebookNode:
    notebook = small_notebook()
    plant_in_regions(notebook, canaries)
    plant_instructor_cells(notebook, canaries)
    plant_outputs(notebook, canaries)
    plant_metadata(notebook, canaries)
    plant_attachments(notebook, canaries)
    return notebook


def plant_beside(book: Book, overlay: Path, canaries: Canaries) -> None:
    """The teacher's overlay, and files that lie beside a source."""
    for name, check in (
        ("double-inputs", "double(8) == 16"),
        ("larger-answer", 'larger() == "a"'),
    ):
        word = canaries.word(f"overlay {name}")
        write(overlay / SLUG / f"{name}.py", f'assert {check}, "{word}"\n')
    folder = book.assignments / SLUG
    write(folder / "notes.md", canaries.word("notes"))
    write(folder / "answers" / "answer.py", canaries.word("answer"))
    write(
        folder / ".ipynb_checkpoints" / f"{SLUG}-checkpoint.ipynb", canaries.word("old")
    )


ANSWERS = {
    "ada": {
        "double": "def double(x):\n    return 2 * x",
        "larger": 'def larger():\n    return "a"',
    },
    "ben": {
        "double": "def double(x):\n    return x + 3",
        "larger": 'def larger():\n    return "b"',
    },
    "eva": {},
    "<img src=x>": {
        "double": "seen = []\ndef double(x):\n    seen.append(x)\n    raise OSError(str(seen))",
        "larger": "def larger():\n    return str(seen)",
    },
}
LAUNCH_BUTTONS = """\
launch_buttons:
  colab_url: https://colab.research.google.com
  binderhub_url: https://mybinder.org
"""
PAGE = "# Assignments\n\nWords.\n\n```{include} generated/assignments.md\n```\n"


def offer_assignments(book: Book) -> None:
    """Give a miniature book the page that offers its assignments."""
    config, contents = book.root / "_config.yml", book.root / "_toc.yml"
    write(config, config.read_text() + LAUNCH_BUTTONS)
    write(contents, contents.read_text() + "  - file: book/assignments\n")
    write(book.root / "book" / "assignments.md", PAGE)


@pytest.fixture(scope="module")
def canaries() -> Canaries:
    return Canaries()


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory, canaries: Canaries) -> Book:
    """A miniature book with a planted assignment: site and releases built, submissions graded."""
    need_containment()
    folder = tmp_path_factory.mktemp("planted")
    book = make_miniature_book(folder / "book", [SLUG])
    offer_assignments(book)
    notebook = planted_notebook(canaries)
    add_small_assignment(book, notebook)
    plant_beside(book, folder / "overlay", canaries)
    for student, cells in ANSWERS.items():
        answer = answered(small_assignment(notebook), cells)
        hand_in(folder / "submitted", student, SLUG, answer)
    grade = ("grade", str(folder / "submitted"), "--overlay", str(folder / "overlay"))
    for arguments in (("book",), grade):
        result = run_press(book, *arguments)
        assert result.returncode == 0, result.stderr
    return book


def artefacts(book: Book) -> dict[str, Path]:
    return {
        "releases": book.releases,
        "site": book.html,
        "feedback": book.classroom / "feedback",
        "nbgrader's release": book.classroom / "release",
    }


def test_every_canary_is_in_the_sources(planted: Book, canaries: Canaries) -> None:
    """So the search finds words in sources, outputs, metadata and attachments alike."""
    folders = [planted.assignments, planted.root.parent / "overlay"]
    found = {word for folder in folders for word in found_in(folder, canaries.planted)}
    assert found == set(canaries.planted)
    assert len(found) > 50


@pytest.mark.parametrize("name", ["releases", "site", "feedback", "nbgrader's release"])
def test_no_canary_is_in_what_students_get(
    planted: Book, canaries: Canaries, name: str
) -> None:
    folder = artefacts(planted)[name]
    assert found_in(folder, ["Assignment: doubling"])  # it is about this assignment
    words = [*canaries.planted, HIDDEN_INPUT, HIDDEN_MESSAGE, "two is more than one"]
    assert found_in(folder, words) == []


def test_the_site_offers_the_archive_and_the_notebook(planted: Book) -> None:
    """Else the search above would not have looked into them."""
    downloads = {path.name for path in planted.html.rglob("_downloads/**/*")}
    assert {f"{SLUG}.zip", f"{SLUG}.ipynb"} <= downloads


def test_every_student_got_feedback(planted: Book) -> None:
    pages = (planted.classroom / "feedback").rglob("*.html")
    assert {page.parent.parent.name for page in pages} == set(ANSWERS)


def test_what_nbgrader_releases_itself_is_without_canaries(
    planted: Book, canaries: Canaries
) -> None:
    """Its source keeps solutions and hidden tests, which it removes, and nothing else of the author's."""
    left = found_in(planted.classroom / "source", canaries.planted)
    assert {word[:7] for word in left} == {"solutio", "message"}


ARCHIVE = io.BytesIO()
with zipfile.ZipFile(ARCHIVE, "w") as archive:
    archive.writestr("folder/file.txt", "a hidden word")
PACKED = {
    "plain text": b"a Hidden Word",
    "an archive": ARCHIVE.getvalue(),
    "markup": b"<p>a <span>hidden</span> w&#111;rd</p>",
    "JSON": json.dumps({"a": ['"quoted"', "a hid\u0064en word"]}).encode(),
    "base64": b'"image": "' + base64.b64encode(b"a hidden word of 22 by") + b'"',
    "base64 for addresses": base64.urlsafe_b64encode(b"?>?>?>?>a hidden word"),
    "a notebook": nbformat.writes(
        nbformat.v4.new_notebook(cells=[new_markdown_cell("a hidden word")])
    ).encode(),
    "the inventory": b"# Sphinx inventory version 2\n# P\n# V\n# zlib\n"
    + zlib.compress(b"a hidden word"),
    "the search index": b'Search.setIndex({"terms": {"a hidden word": [1]}})',
}


@pytest.mark.parametrize("form", PACKED)
def test_the_search_looks_into(form: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(PACKED[form])
    assert found_in(tmp_path, ["hidden word", "other word"]) == ["hidden word"]


def test_the_search_reads_the_names_of_files(tmp_path: Path) -> None:
    (tmp_path / "hidden-word").mkdir()
    (tmp_path / "hidden-word" / "file").write_text("x")
    assert found_in(tmp_path, ["hidden-word"]) == ["hidden-word"]


@pytest.fixture(scope="module")
def published() -> str:
    """Code that is public anyway: the library and the chapters, which have reference implementations."""
    library = (REPOSITORY / "lib" / "samplebook").rglob("*.py")
    book = Book(REPOSITORY)
    chapters = [read_notebook(book.notebook(one)) for one in book.chapters()]
    sources = [path.read_text(encoding="utf-8") for path in library]
    sources += [cell.source for chapter in chapters for cell in chapter.cells]
    return "\n".join(sources)


@pytest.fixture(scope="module")
def hidden() -> dict[str, list[HiddenCell]]:
    """The cells of the real assignments that hide something."""
    return {slug: hidden_cells(real_assignment(slug)) for slug in SLUGS}


@pytest.fixture(scope="module")
def secrets(hidden: dict[str, list[HiddenCell]], published: str) -> list[HiddenCell]:
    """The same cells, with their lines that are nowhere public."""
    return [
        replace(cell, lines=distinctive(cell.lines, published))
        for cells in hidden.values()
        for cell in cells
    ]


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    book = real_book(tmp_path_factory.mktemp("releases"))
    write_releases(book)
    return book.releases


@pytest.mark.parametrize("slug", SLUGS)
@pytest.mark.parametrize(("kind", "most"), [("hidden test", 0.1), ("solution", 0.3)])
def test_little_of_what_is_hidden_is_public_already(
    hidden: dict[str, list[HiddenCell]],
    published: str,
    slug: str,
    kind: str,
    most: float,
) -> None:
    """The library and the chapters are open: what they share with an assignment is the exception."""
    cells = [cell for cell in hidden[slug] if cell.kind == kind]
    lines = {line for cell in cells for line in cell.lines}
    assert len(lines) - len(distinctive(lines, published)) <= most * len(lines)


def test_every_assignment_has_secrets_to_look_for(secrets: list[HiddenCell]) -> None:
    lines = dict.fromkeys(("hidden test", "solution", "instructor"), 0)
    for cell in secrets:
        lines[cell.kind] += len(cell.lines)
    assert min(lines.values()) > 10 * len(SLUGS)


def test_the_real_releases_hold_no_secret(
    releases: Path, secrets: list[HiddenCell]
) -> None:
    assert found_in(releases, [line for cell in secrets for line in cell.lines]) == []


def test_the_real_sources_hold_all_secrets(secrets: list[HiddenCell]) -> None:
    lines = [line for cell in secrets for line in cell.lines]
    assert found_in(REPOSITORY / "assignments", lines) == lines


def longest_lines(cells: list[HiddenCell]) -> list[str]:
    """Some lines of each cell, for searches in much text."""
    return [
        line
        for cell in cells
        for line in sorted(cell.lines, key=len)[-LINES_OF_A_CELL:]
    ]


@pytest.fixture(scope="module")
def html() -> Path:
    if not (HTML / "index.html").is_file():
        pytest.fail("there is no site in _build/html: run `make book` first")
    return HTML


def test_the_real_site_holds_no_secret(html: Path, secrets: list[HiddenCell]) -> None:
    """Pages, their sources, the search index, the inventory and all downloads."""
    assert found_in(html, longest_lines(secrets)) == []


def test_no_name_in_a_hidden_test_can_be_searched(html: Path, published: str) -> None:
    """The search index has words, not lines."""
    stem = stemmer("porter").stemWord
    assignments = [real_assignment(slug) for slug in SLUGS]
    public = "\n".join([published, *map(released_text, assignments)]).lower()
    known = {stem(word) for word in re.findall(r"\w+_\w+", public)}
    names = {stem(name.lower()) for one in assignments for name in hidden_names(one)}
    assert len(names - known) > len(SLUGS)
    text = (html / "searchindex.js").read_text(encoding="utf-8")
    index = json.loads(text.removeprefix(SEARCH_INDEX).rstrip().removesuffix(")"))
    indexed = index["terms"].keys() | index["titleterms"].keys()
    assert stem("acceptance") in indexed
    assert (names - known) & indexed == set()


def test_the_wheel_holds_no_secret(
    wheel: Path, tmp_path: Path, secrets: list[HiddenCell]
) -> None:
    shutil.copy(wheel, tmp_path)
    assert found_in(tmp_path, ["samplebook/claims/__init__.py"])
    assert found_in(tmp_path, longest_lines(secrets)) == []
