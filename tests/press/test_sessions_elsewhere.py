"""Each chapter opened alone, outside the repository, where Colab's packages are and nothing else."""

import json
import re
import shutil
import sys
from pathlib import Path

import pytest
from bare_environment import (
    OLDER,
    bare_variables,
    name_kernel,
    open_environment,
    preinstall,
)
from built_wheel import run
from miniature_book import REPOSITORY

from press.book import Book
from press.environment import PINNED
from press.notebooks import code_cells, read_notebook
from samplebook.claims import load
from samplebook.session import OPTIONAL, STAND_IN_MARK

BOOK = Book(REPOSITORY)
LIMIT_S = 60
"""Longest time that a session may install."""
VERSIONS = (
    "import importlib.metadata as m, json;"
    "print(json.dumps({d.name: d.version for d in reversed([*m.distributions()])}))"
)


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is there beforehand: older NumPy, SciPy and Matplotlib than the lock's, torch as locked."""
    return preinstall(tmp_path_factory.mktemp("older") / "preinstalled", OLDER)


def needed_data(slug: str) -> dict[str, str]:
    """Version of each data package that a chapter's smoke profile needs."""
    file = BOOK.data_requirements_folder / f"{slug}.txt"
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    return {n: version for n, version in PINNED.findall(text) if n not in OPTIONAL}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("slug", [chapter.slug for chapter in BOOK.chapters()])
def test_the_chapter_runs_alone_on_the_real_data(
    older: Path, wheel: Path, tmp_path: Path, slug: str
) -> None:
    python = open_environment(tmp_path / "environment", older)
    place = tmp_path / "content"
    place.mkdir()
    stored = BOOK.notebook(BOOK.chapter(slug))
    shutil.copy(stored, place / stored.name)
    kernels = name_kernel(tmp_path / "jupyter", python)
    before = json.loads(run(python, "-c", VERSIONS, folder=place))
    options = ("-p", "profile", "smoke", "-k", "python3", "--no-progress-bar")
    command = (sys.executable, "-m", "papermill", stored.name, "executed.ipynb")
    variables = bare_variables(place, kernels, str(wheel))
    run(*command, *options, folder=place, **variables)

    after = json.loads(run(python, "-c", VERSIONS, folder=place))
    assert before.items() <= after.items()  # nothing that was there was replaced
    assert before.items() >= OLDER.items()
    assert needed_data(slug).items() <= after.items()

    lines = (place / "claims.jsonl").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    assert sorted(record["id"] for record in records) == sorted(load(slug))
    assert {record["profile"] for record in records} == {"smoke"}

    cells = code_cells(read_notebook(place / "executed.ipynb"))
    texts = [output.get("text", "") for cell in cells for output in cell.outputs]
    (report,) = [text for text in texts if text.startswith(f"Chapter {slug}, ")]
    assert report.count("\n") == 1
    assert f"Data: {', '.join(needed_data(slug)) or 'none needed'}." in report
    assert f"numpy {OLDER['numpy']}, torch {before['torch']}" in report
    seconds = re.search(r"Installed in (\d+) s: samplebook ", report)
    assert seconds
    assert int(seconds[1]) <= LIMIT_S
    stand_ins = [text for text in texts if STAND_IN_MARK in text]
    assert all(any(name in text for name in OPTIONAL) for text in stand_ins)
