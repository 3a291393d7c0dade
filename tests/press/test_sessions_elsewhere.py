"""Each chapter opened alone, outside the repository, where Colab's packages are and nothing else.

Beside older packages than the lock's all chapters run. Beside another Python and the newest packages one runs
that does without torch, where there is such an interpreter: torch for it would be gigabytes. All run there if
``SAMPLEBOOK_OTHER_PYTHON`` names the interpreter of an environment with torch, for instance from

    python3.12 -m venv other; other/bin/pip install torch==2.13.0 numpy scipy matplotlib ipykernel
"""

import json
import os
import re
import shutil
import sys
from pathlib import Path

import pytest
from bare_environment import (
    OLDER,
    OWN,
    another_python,
    bare_variables,
    name_kernel,
    newest,
    open_environment,
    packages_of,
    preinstall,
)
from built_wheel import FOLDERS, SOURCES, run
from miniature_book import REPOSITORY

from press.book import Book
from press.environment import PINNED
from press.notebooks import code_cells, read_notebook
from samplebook.claims import load
from samplebook.session import OPTIONAL, STAND_IN_MARK

BOOK = Book(REPOSITORY)
SLUGS = [chapter.slug for chapter in BOOK.chapters()]
WITHOUT_TORCH = "sensitivity"
"""A chapter that needs no torch, but a data package and packages with compiled code."""
OTHER_PYTHON = os.environ.get("SAMPLEBOOK_OTHER_PYTHON")
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


@pytest.fixture(scope="module")
def on_another_python(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """An interpreter of another Python, and the folder of the newest packages that it finds."""
    if OTHER_PYTHON:
        return Path(OTHER_PYTHON), packages_of(Path(OTHER_PYTHON))
    python = another_python()
    if python is None:
        pytest.skip("no other Python, 3.12 or newer, on the path or of pyenv")
    return python, newest(tmp_path_factory.mktemp("newest") / "environment", python)


@pytest.fixture(scope="module")
def repository(wheel: Path) -> str:
    """A git repository with what the wheel was built from, as pip reads it."""
    folder = wheel.parent
    author = ("-c", "user.name=nobody", "-c", "user.email=nobody@example.org")
    for command in (("init", "--quiet"), ("add", *SOURCES, *FOLDERS)):
        run("git", *command, folder=folder)
    run("git", *author, "commit", "--quiet", "-m", "A state", folder=folder)
    return f"git+file://{folder}"


def needed_data(slug: str) -> dict[str, str]:
    """Version of each data package that a chapter's smoke profile needs."""
    file = BOOK.data_requirements_folder / f"{slug}.txt"
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    return {n: version for n, version in PINNED.findall(text) if n not in OPTIONAL}


def assert_runs_alone(slug: str, python: Path, source: str, folder: Path) -> None:
    """Open a chapter alone in an environment, and see what it installs, that it runs, and on which data.

    Parameters
    ----------
    slug : str
    python : Path
        The interpreter of an environment that has the packages of ``OWN`` and a kernel.
    source : str
        Where the first cell finds the library.
    folder : Path
        An empty one.
    """
    place = folder / "content"
    place.mkdir()
    stored = BOOK.notebook(BOOK.chapter(slug))
    shutil.copy(stored, place / stored.name)
    kernels = name_kernel(folder / "jupyter", python)
    before = json.loads(run(python, "-c", VERSIONS, folder=place))
    options = ("-p", "profile", "smoke", "-k", "python3", "--no-progress-bar")
    command = (sys.executable, "-m", "papermill", stored.name, "executed.ipynb")
    variables = bare_variables(place, kernels, source)
    run(*command, *options, folder=place, **variables)

    after = json.loads(run(python, "-c", VERSIONS, folder=place))
    assert {*OWN} <= before.keys()
    assert before.items() <= after.items()  # nothing that was there was replaced
    assert ("torch" in after) == ("torch" in before)
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
    torch = before.get("torch", "absent")
    assert f"numpy {before['numpy']}, torch {torch}" in report
    seconds = re.search(r"Installed in (\d+) s: samplebook ", report)
    assert seconds
    assert int(seconds[1]) <= LIMIT_S
    stand_ins = [text for text in texts if STAND_IN_MARK in text]
    assert all(any(name in text for name in OPTIONAL) for text in stand_ins)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("slug", SLUGS)
def test_the_chapter_runs_alone_on_the_real_data(
    older: Path, wheel: Path, tmp_path: Path, slug: str
) -> None:
    python = open_environment(tmp_path / "environment", older)
    found = json.loads(run(python, "-c", VERSIONS, folder=tmp_path))
    assert found.items() >= OLDER.items()
    assert_runs_alone(slug, python, str(wheel), tmp_path)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("slug", SLUGS if OTHER_PYTHON else [WITHOUT_TORCH])
def test_the_chapter_runs_on_another_python_from_a_git_repository(
    on_another_python: tuple[Path, Path], repository: str, tmp_path: Path, slug: str
) -> None:
    other, packages = on_another_python
    python = open_environment(tmp_path / "environment", packages, other)
    assert_runs_alone(slug, python, repository, tmp_path)
