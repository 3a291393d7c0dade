"""The wheel, built from a copy of the repository's sources."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from miniature_book import REPOSITORY

SOURCES = ("pyproject.toml", "README.md", "LICENSE", "LICENSE-text")
FOLDERS = ("lib", "assignments")
"""Of these, the wheel takes the library alone."""


def run(*command: str | Path, folder: Path, **variables: str) -> str:
    """Run a command outside the repository's library, and return what it printed."""
    environment = {
        name: value for name, value in os.environ.items() if name != "PYTHONPATH"
    } | variables
    result = subprocess.run(
        list(map(str, command)),
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    return result.stdout


def build_wheel(folder: Path) -> Path:
    """Copy the sources into a folder, and build the wheel there."""
    folder.mkdir(exist_ok=True)
    for name in SOURCES:
        shutil.copy(REPOSITORY / name, folder / name)
    for name in FOLDERS:
        without_caches = shutil.ignore_patterns("__pycache__")
        shutil.copytree(REPOSITORY / name, folder / name, ignore=without_caches)
    options = ("--no-deps", "--no-build-isolation")
    run(sys.executable, "-m", "pip", "wheel", *options, ".", folder=folder)
    return next(folder.glob("samplebook-*.whl"))
