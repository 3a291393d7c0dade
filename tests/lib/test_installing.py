"""Installing around what is there: versions that a session may not change, wheels that are only read."""

import subprocess
import sys
from pathlib import Path

import pytest

from samplebook import installing


def kept() -> dict[str, str]:
    """The constraints of this process, by name."""
    return dict(line.split("==") for line in installing.constraints() if "==" in line)


def test_what_is_imported_keeps_its_version() -> None:
    import yaml

    assert kept()["PyYAML"] == yaml.__version__
    assert kept()["pytest"] == pytest.__version__


def test_numpy_and_torch_keep_their_versions_also_if_not_imported() -> None:
    program = (
        "import sys; from samplebook import installing; lines = installing.constraints();"
        "print('numpy' in sys.modules or 'torch' in sys.modules, *lines)"
    )
    command = [sys.executable, "-c", program]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    imported, *lines = output.split()
    assert imported == "False"
    assert {f"{name}=={installing.version(name)}" for name in ("numpy", "torch")} <= {
        *lines
    }
    assert not any(line.startswith("cvxpy") for line in lines)


def test_an_absent_torch_is_not_brought(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = installing.installed_versions()
    del versions["torch"]
    monkeypatch.setattr(installing, "installed_versions", lambda: versions)
    monkeypatch.setattr(installing, "packages_distributions", dict)
    assert "torch<0" in installing.constraints()


@pytest.mark.parametrize("name", installing.NEVER_INSTALLED)
def test_pip_refuses_another_version(name: str) -> None:
    version = installing.version(name)
    with pytest.raises(RuntimeError, match="conflict"):
        installing.run_pip(
            [f"{name}!={version}"], "--dry-run", keep=installing.constraints()
        )


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("PyYAML>=6", True),
        ("PyYAML>=999", False),
        ("no-such-package", False),
        ("PyYAML==0.1 --hash=sha256:00", False),
    ],
)
def test_a_line_is_met_by_a_version_that_it_admits(line: str, expected: bool) -> None:
    assert installing.is_installed(line) is expected


def test_a_wheel_for_an_older_python_is_unpacked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[tuple[list[str], tuple[str, ...]]] = []
    monkeypatch.setattr(
        installing,
        "run_pip",
        lambda lines, *options: calls.append(([*lines], options)),
    )
    monkeypatch.setattr(installing, "WHEELS_TO_READ", {"old": (3, 0), "new": (9, 0)})
    installing.install_data({"old": "old==1 --hash=sha256:0", "new": "new==1"})
    (usual, read) = calls
    assert usual == (["new==1"], ("--no-deps", "--require-hashes"))
    assert read[0] == ["old==1 --hash=sha256:0"]
    assert {"--require-hashes", "--no-deps", "--target", "3.0"} <= {*read[1]}


def test_hashes_and_continued_lines_stay_together(tmp_path: Path) -> None:
    file = tmp_path / "toy.txt"
    file.write_text("# note\nsome-data==1.0 \\\n    --hash=sha256:11\nscipy>=1.15\n")
    assert installing.read_requirements(file) == {
        "some-data": "some-data==1.0 --hash=sha256:11",
        "scipy": "scipy>=1.15",
    }
