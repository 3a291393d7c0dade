"""The environment step: it does nothing when nothing changed, and says clearly what stands in its way."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from miniature_book import REPOSITORY, write

from press.environment import (
    GIGABYTE,
    Environment,
    check_disk,
    check_locks,
    check_modules,
    check_python,
    failure_words,
    forget_half_installed,
    is_complete,
    lock_arguments,
    locks_digest,
    prepare,
)
from press.errors import PressError


@pytest.fixture
def complete(tmp_path: Path) -> Environment:
    """A stand-in for an environment that was installed completely."""
    environment = Environment(tmp_path)
    write(environment.lock, "tqdm==1.0\n")
    write(environment.data_lock, "some-data==1.0 --hash=sha256:00\n")
    write(environment.python, "")
    write(environment.folder / "pyvenv.cfg", "version = 3.11.7\n")
    write(environment.stamp, locks_digest(environment))
    return environment


def test_an_old_python_is_named() -> None:
    with pytest.raises(
        PressError, match=r"Python 3\.11 or newer is needed, but .* is Python 3\.9\.2"
    ):
        check_python((3, 9, 2))
    check_python((3, 14, 0))


def test_a_missing_venv_module_names_the_package() -> None:
    with pytest.raises(PressError, match="python3-venv"):
        check_modules(("json", "no_such_module"))


def test_a_small_disk_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        PressError,
        match=rf"GB of free disk are needed in {tmp_path}, but only .* GB are free",
    ):
        check_disk(tmp_path, 0, 10**6 * GIGABYTE)
    check_disk(tmp_path, 10**6 * GIGABYTE, 10**6 * GIGABYTE)


def test_missing_locks_are_named(tmp_path: Path) -> None:
    with pytest.raises(PressError, match=r"requirements\.lock is missing"):
        check_locks(Environment(tmp_path))


def test_no_network_says_what_was_reached() -> None:
    lines = [
        "WARNING: Retrying after connection broken by 'NewConnectionError(...)'",
        "ERROR: Could not find a version that satisfies the requirement torch==2.13.0",
        "ERROR: No matching distribution found for torch==2.13.0",
    ]
    words = failure_words(["numpy", "scipy", "torch"], lines)
    assert "The package index could not be reached. Obtained 2: numpy, scipy." in words
    assert "Not obtained: torch." in words
    assert "pip says: ERROR: No matching distribution found for torch==2.13.0" in words
    assert "The disk is full" in failure_words(
        ["numpy"], ["ERROR: [Errno 28] No space left on device"]
    )
    assert "Nothing was obtained" in failure_words([], ["error: something"])


def test_a_complete_environment_is_left_alone_at_once(complete: Environment) -> None:
    assert is_complete(complete)
    prepare(complete.root, "")
    write(complete.data_lock, "some-data==1.1 --hash=sha256:00\n")
    assert not is_complete(complete)


def test_the_newest_versions_are_within_limits_and_data_as_locked(
    complete: Environment,
) -> None:
    write(complete.lock, "# words\njupyter-book==1.0.4.post1\nnumpy==2.4.6\n")
    newest = Environment(complete.root, newest=True)
    packages, data = lock_arguments(newest, "")
    assert packages[-3:] == ["--upgrade", "jupyter-book<2", "numpy"]
    assert str(complete.lock) not in packages
    locked_packages, locked_data = lock_arguments(complete, "")
    assert locked_packages[-2:] == ["-r", str(complete.lock)]
    assert data == locked_data


def test_an_environment_of_the_newest_is_not_one_of_the_locks(
    complete: Environment,
) -> None:
    newest = Environment(complete.root, newest=True)
    assert not is_complete(newest)
    write(newest.stamp, locks_digest(newest))
    assert is_complete(newest)
    assert not is_complete(complete)


def test_half_installed_packages_are_forgotten(complete: Environment) -> None:
    packages = complete.folder / "lib" / "python3.11" / "site-packages"
    write(packages / "whole-1.0.dist-info" / "RECORD", "")
    write(packages / "half-1.0.dist-info" / "METADATA", "")
    forget_half_installed(complete)
    assert sorted(path.name for path in packages.iterdir()) == ["whole-1.0.dist-info"]


def test_the_step_needs_the_standard_library_alone(complete: Environment) -> None:
    program = "import sys; import press.environment; print('tqdm' in sys.modules)"
    command = [sys.executable, "-S", "-c", program]
    start = time.monotonic()
    result = subprocess.run(
        command,
        env={"PYTHONPATH": str(REPOSITORY / "lib")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.strip() == "False"
    assert time.monotonic() - start < 5
