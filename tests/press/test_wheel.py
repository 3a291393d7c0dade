"""The wheel in a bare environment: a reader who has only the notebook and ``pip install samplebook``."""

import json
import os
import shutil
import sys
import zipfile
from pathlib import Path

import pytest
from built_wheel import run
from miniature_book import REPOSITORY

from press.book import Book
from press.environment import PINNED, Environment, pip_options
from press.notebooks import code_cells, read_notebook
from samplebook.claims import load
from samplebook.session import OPTIONAL

BOOK = Book(REPOSITORY)


def test_the_wheel_carries_what_chapters_read(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert not any(name.startswith(("press", "tests", "assignments")) for name in names)
    package = REPOSITORY / "lib" / "samplebook"
    files = [
        package / "slider.html",
        *package.glob("claims/*.yml"),
        *package.glob("data/weights/*"),
        *package.glob("data/requirements/*"),
        *package.glob("experiments/recorded/*/*.json"),
    ]
    assert files
    assert {str(file.relative_to(package.parent)) for file in files} <= names


@pytest.fixture(scope="module")
def bare_environment(
    wheel: Path, tmp_path_factory: pytest.TempPathFactory
) -> Environment:
    """A new environment with the wheel, what its chapters need, and papermill: nothing else."""
    environment = Environment(tmp_path_factory.mktemp("bare"))
    run(sys.executable, "-m", "venv", environment.folder, folder=environment.root)
    lock = BOOK.root / "requirements.lock"
    options = [
        *pip_options(os.environ.get("TORCH_INDEX", "")),
        "--quiet",
        "--constraint",
        lock,
    ]
    packages = [f"samplebook[chapters] @ {wheel.as_uri()}", "papermill"]
    run(
        environment.python,
        "-m",
        "pip",
        "install",
        *options,
        *packages,
        folder=environment.root,
    )
    return environment


@pytest.mark.timeout(600)
def test_importing_needs_and_loads_little(bare_environment: Environment) -> None:
    program = (
        "import sys, samplebook, samplebook.claims; print(samplebook.__file__);"
        "print([name for name in ('torch', 'cvxpy', 'pandas', 'press') if name in sys.modules])"
    )
    place, heavy = run(
        bare_environment.python, "-c", program, folder=bare_environment.root
    ).splitlines()
    assert Path(place).is_relative_to(bare_environment.folder)
    assert heavy == "[]"


@pytest.mark.timeout(600)
@pytest.mark.parametrize("slug", [chapter.slug for chapter in BOOK.chapters()])
def test_the_chapter_runs_alone_on_the_real_data(
    bare_environment: Environment, tmp_path: Path, slug: str
) -> None:
    stored = BOOK.notebook(BOOK.chapter(slug))
    shutil.copy(stored, tmp_path / stored.name)
    parameters = ["-p", "profile", "smoke", "-k", "python3"]
    claims = tmp_path / "claims.jsonl"
    run(
        *(bare_environment.python, "-m", "papermill", stored.name, "executed.ipynb"),
        *parameters,
        folder=tmp_path,
        SAMPLEBOOK_CLAIMS=str(claims),
        SAMPLEBOOK_SOURCE="nothing may be installed from here",
        JUPYTER_PATH=str(bare_environment.folder / "share" / "jupyter"),
        IPYTHONDIR=str(tmp_path / "ipython"),
    )
    records = [
        json.loads(line) for line in claims.read_text(encoding="utf-8").splitlines()
    ]
    assert sorted(record["id"] for record in records) == sorted(load(slug))
    assert {record["profile"] for record in records} == {"smoke"}

    file = BOOK.data_requirements_folder / f"{slug}.txt"  # none: no data needed
    requirements = file.read_text(encoding="utf-8") if file.is_file() else ""
    needed = {
        name: version
        for name, version in PINNED.findall(requirements)
        if name not in OPTIONAL  # the smoke profile does without
    }
    installed = json.loads(
        run(
            bare_environment.python,
            "-m",
            "pip",
            "list",
            "--format",
            "json",
            folder=tmp_path,
        )
    )
    versions = {entry["name"]: entry["version"] for entry in installed}
    assert needed.items() <= versions.items()

    executed = read_notebook(tmp_path / "executed.ipynb")
    texts = [
        output.get("text", "")
        for cell in code_cells(executed)
        for output in cell.outputs
    ]
    assert f"Data: {', '.join(needed) or 'none needed'}." in "".join(texts)
