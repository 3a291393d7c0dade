"""requirements-peers.lock pins all that benchmarks/peers runs on, in versions that the library takes."""

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LINES = [
    line
    for line in (ROOT / "requirements-peers.lock").read_text("utf-8").splitlines()
    if not line.startswith("#")
]


def test_every_version_is_exact() -> None:
    assert LINES
    for line in LINES:
        assert re.fullmatch(r"[\w.-]+==[\w.]+", line), line


def test_library_takes_these_versions() -> None:
    locked = dict(line.split("==") for line in LINES)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for requirement in map(Requirement, project["dependencies"]):
        version = locked.get(canonicalize_name(requirement.name))
        if requirement.name in ("numpy", "scipy"):
            assert version is not None
        assert version is None or requirement.specifier.contains(version)


def test_imported_peers_are_locked() -> None:
    """Every benchmark there imports a locked package besides NumPy."""
    known = {canonicalize_name(line.split("==")[0]) for line in LINES}
    for file in (ROOT / "benchmarks" / "peers").glob("*.py"):
        imported = re.findall(
            r"(?m)^(?:from|import) ([a-z_]+)", file.read_text("utf-8")
        )
        assert known & {canonicalize_name(name) for name in imported} - {"numpy"}, file
