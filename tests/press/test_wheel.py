"""The wheel in a bare environment: a reader who has only the notebook and ``pip install samplebook``."""

import sys
import zipfile
from pathlib import Path

from built_wheel import run
from miniature_book import REPOSITORY

from press.book import Book
from press.environment import Environment

BOOK = Book(REPOSITORY)


def test_the_wheel_carries_what_chapters_read(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert not any(name.startswith(("press", "tests", "assignments")) for name in names)
    package = REPOSITORY / "lib" / "samplebook"
    files = [
        package / "slider.html",
        *package.glob("claims/*.yml"),
        *package.glob("data/measured/*.json"),
        *package.glob("data/weights/*"),
        *package.glob("data/requirements/*"),
        *package.glob("experiments/recorded/*/*.json"),
    ]
    assert files
    assert {str(file.relative_to(package.parent)) for file in files} <= names


def test_importing_needs_and_loads_little(wheel: Path, tmp_path: Path) -> None:
    environment = Environment(tmp_path)
    run(sys.executable, "-m", "venv", environment.folder, folder=tmp_path)
    options = ("--quiet", "--constraint", BOOK.root / "requirements.lock")
    pip = (environment.python, "-m", "pip", "install", *options)
    run(*pip, "--no-deps", wheel, "PyYAML", folder=tmp_path)
    program = (
        "import sys, samplebook; print(samplebook.__file__);"
        "print([name for name in ('numpy', 'torch', 'cvxpy', 'press') if name in sys.modules])"
    )
    place, heavy = run(environment.python, "-c", program, folder=tmp_path).splitlines()
    assert Path(place).is_relative_to(environment.folder)
    assert heavy == "[]"
