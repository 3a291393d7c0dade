"""Environments like Colab's: what is there before a notebook is opened, and nothing else."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from built_wheel import run
from packaging.requirements import Requirement

BESIDE = ("torch", "ipykernel", "pip", "matplotlib")
"""What the shared environment lends, with all that these need."""
OWN = ("numpy", "scipy", "matplotlib")
"""What each environment has in versions of its own."""
OLDER = {"numpy": "2.0.2", "scipy": "1.15.3", "matplotlib": "3.8.4"}
PYTHONS = ("3.14", "3.13", "3.12")
"""Versions of other interpreters that are looked for, the newest first."""
PYENV = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
TRIAL = "import ctypes, ensurepip, sqlite3, ssl, sys, venv; print(*sys.version_info[:2], sep='.')"
SITE_PACKAGES = "import sysconfig; print(sysconfig.get_path('purelib'))"


def with_needs(names: tuple[str, ...]) -> set[str]:
    """Distributions of this environment, with all that they need here."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        try:
            lines = distribution(name).requires or []
        except PackageNotFoundError:
            continue  # needed on another system
        found.add(name)
        requirements = map(Requirement, lines)
        waiting += [
            r.name
            for r in requirements
            if r.marker is None or r.marker.evaluate({"extra": ""})
        ]
    return found


def lend(folder: Path) -> None:
    """Link this environment's torch, ipykernel and pip, with what they need, into a folder."""
    folder.mkdir()
    for name in with_needs(BESIDE) - {*OWN}:
        lent = distribution(name)
        tops = {file.parts[0] for file in lent.files or [] if file.parts[0] != ".."}
        for top in tops - {"__pycache__"}:
            link = folder / top
            if not link.exists():
                link.symlink_to(Path(str(lent.locate_file(top))))


def preinstall(folder: Path, versions: dict[str, str]) -> Path:
    """A folder with what is there beforehand: these versions, and what is lent."""
    lend(folder)
    lines = [f"{name}=={version}" for name, version in versions.items()]
    options = ("--quiet", "--no-deps", "--no-compile", "--target", folder)
    run(sys.executable, "-m", "pip", "install", *options, *lines, folder=folder)
    return folder


def open_environment(
    folder: Path, preinstalled: Path, python: str | Path = sys.executable
) -> Path:
    """A new environment of an interpreter, which finds what is preinstalled; its own interpreter."""
    run(python, "-m", "venv", "--without-pip", folder, folder=folder.parent)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "preinstalled.pth").write_text(f"{preinstalled}\n", encoding="utf-8")
    return folder / "bin" / "python"


def interpreters() -> Iterator[Path]:
    """Interpreters of other versions, on the path and of pyenv; some of them may not run."""
    for version in PYTHONS:
        on_path = shutil.which(f"python{version}")
        found = sorted(PYENV.glob(f"{version}.*/bin/python"), reverse=True)
        yield from [*([Path(on_path)] if on_path else []), *found]


def another_python() -> Path | None:
    """The newest interpreter of another version that can make virtual environments, or none."""
    own = ".".join(map(str, sys.version_info[:2]))
    for python in interpreters():
        command = [python, "-c", TRIAL]
        tried = subprocess.run(command, capture_output=True, text=True, check=False)
        if tried.returncode == 0 and tried.stdout.strip() not in ("", own):
            return python
    return None


def newest(folder: Path, python: Path) -> Path:
    """A folder with another Python's newest NumPy, SciPy and Matplotlib, a kernel and pip, without torch."""
    run(python, "-m", "venv", folder, folder=folder.parent)
    inside = folder / "bin" / "python"
    options = ("--quiet", "--no-compile", "--only-binary", ":all:")
    run(inside, "-m", "pip", "install", *options, *OWN, "ipykernel", folder=folder)
    return packages_of(inside)


def packages_of(python: Path) -> Path:
    """Where an environment has its packages."""
    return Path(run(python, "-c", SITE_PACKAGES, folder=python.parent).strip())


def name_kernel(folder: Path, python: Path) -> Path:
    """A folder for ``JUPYTER_PATH`` whose kernel ``python3`` is this interpreter."""
    kernel = folder / "kernels" / "python3"
    kernel.mkdir(parents=True)
    command = f'["{python}", "-m", "ipykernel_launcher", "-f", "{{connection_file}}"]'
    text = f'{{"argv": {command}, "display_name": "bare", "language": "python"}}'
    (kernel / "kernel.json").write_text(text, encoding="utf-8")
    return folder


def bare_variables(folder: Path, kernels: Path, source: str) -> dict[str, str]:
    """Environment variables with which papermill opens a chapter there."""
    return {
        "SAMPLEBOOK_CLAIMS": str(folder / "claims.jsonl"),
        "SAMPLEBOOK_SOURCE": source,
        "SAMPLEBOOK_CACHE": str(folder / "cache"),
        "JUPYTER_PATH": str(kernels),
        "IPYTHONDIR": str(folder / "ipython"),
        "PATH": os.environ["PATH"],
    }
