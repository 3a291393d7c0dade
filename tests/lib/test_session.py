"""Sessions: wrong arguments are refused, missing data packages are installed exactly as pinned."""

import subprocess

import matplotlib as mpl
import pytest

from samplebook import display, installing, session


@pytest.fixture
def requirements(tmp_path, monkeypatch):
    """An empty folder of data requirements; returns a function that writes the file of chapter ``toy``."""
    monkeypatch.setattr(session, "REQUIREMENTS", tmp_path)
    monkeypatch.setattr(session, "_current", None)

    def write(text: str, name: str = "toy.txt"):
        (tmp_path / name).write_text(text)

    return write


@pytest.fixture
def pip_calls(monkeypatch):
    """Replaces pip by a recorder of (command, content of the requirements file)."""
    calls = []

    def run(command, **options):
        with open(command[-1]) as file:
            calls.append((command, file.read()))
        return subprocess.CompletedProcess(
            command, returncode=run.returncode, stdout="", stderr="no network"
        )

    run.returncode = 0
    monkeypatch.setattr(installing.subprocess, "run", run)
    return (calls, run)


@pytest.mark.parametrize(
    ("profile", "seed", "name"),
    [
        ("desktop", 0, "profile"),
        ("laptop", -1, "seed"),
        ("laptop", 1.5, "seed"),
        ("laptop", True, "seed"),
    ],
)
def test_wrong_arguments_are_named(requirements, profile, seed, name):
    with pytest.raises(ValueError, match=name):
        session.start(profile, seed, chapter="toy")
    assert session.current() is None


def test_start_prints_one_line_and_sets_the_style(requirements, capsys):
    started = session.start("smoke", 3, chapter="toy")
    assert session.current() is started
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["Chapter toy, profile smoke, seed 3. Data: none needed."]
    assert mpl.rcParams["figure.figsize"] == list(display.STYLE["figure.figsize"])


def test_the_same_seed_gives_the_same_numbers(requirements):
    first = session.start("smoke", 3, chapter="toy").rng.random(4)
    second = session.start("smoke", 3, chapter="toy").rng.random(4)
    other = session.start("smoke", 4, chapter="toy").rng.random(4)
    assert (first == second).all()
    assert (first != other).any()


def test_torch_generators_are_seeded(requirements):
    started = session.start("smoke", 3, chapter="toy")
    assert started.torch_generator().initial_seed() == 3


def test_installed_packages_are_left_alone(requirements, pip_calls, capsys):
    numpy_version = installing.version("numpy")
    requirements(f"# data\nnumpy=={numpy_version} \\\n    --hash=sha256:00\n")
    session.start("smoke", 0, chapter="toy")
    assert pip_calls[0] == []
    assert "Data: numpy." in capsys.readouterr().out


def test_missing_packages_are_installed_with_hashes_and_without_dependencies(
    requirements, pip_calls
):
    numpy_version = installing.version("numpy")
    requirements(
        f"numpy=={numpy_version} --hash=sha256:00\n"
        "no-such-data==1.0 \\\n    --hash=sha256:11 \\\n    --hash=sha256:22\n"
    )
    session.start("smoke", 0, chapter="toy")
    ((command, content),) = pip_calls[0]
    assert "--no-deps" in command
    assert "--require-hashes" in command
    assert content == "no-such-data==1.0 --hash=sha256:11 --hash=sha256:22\n"


def test_another_version_counts_as_missing():
    assert not installing.is_installed("numpy==0.0.1 --hash=sha256:00")


def test_a_failed_installation_says_what_and_why(requirements, pip_calls):
    pip_calls[1].returncode = 1
    requirements("no-such-data==1.0 --hash=sha256:11\n")
    with pytest.raises(RuntimeError, match=r"(?s)no-such-data==1\.0.*no network"):
        session.start("smoke", 0, chapter="toy")
    assert session.current() is None


def test_an_optional_package_that_cannot_be_installed_is_named(
    requirements, pip_calls, capsys
):
    pip_calls[1].returncode = 1
    requirements(f"{session.OPTIONAL[0]}==0.0.1 --hash=sha256:11\n")
    started = session.start("laptop", 0, chapter="toy")
    assert started.data == ()
    assert f"Not installed: {session.OPTIONAL[0]}." in capsys.readouterr().out


def test_an_optional_model_counts_as_absent_without_the_packages_that_read_it(
    requirements, pip_calls, monkeypatch
):
    (model, readers) = next(iter(session.COMPANIONS.items()))
    absent = {readers[0]: "", "another": ""}
    monkeypatch.setattr(session, "missing", lambda wanted: wanted.keys() & absent)
    nothing = installing.Installation()
    names = session.install_optional(nothing, {readers[0]: readers[0]}, {model: model})
    assert names == sorted([model, readers[0]])
    assert session.install_optional(nothing, {}, {model: model}) == []


def test_missing_packages_are_installed_within_constraints(requirements, pip_calls):
    requirements("numpy>=1\nno-such-package>=2\n", "toy.packages.txt")
    session.start("smoke", 0, chapter="toy")
    ((command, content),) = pip_calls[0]
    assert "--constraint" in command
    assert "--no-deps" not in command
    assert content == "no-such-package>=2\n"


def test_the_line_says_what_was_installed_and_what_is_used(
    requirements, pip_calls, monkeypatch, capsys
):
    monkeypatch.setenv(installing.SECONDS_VARIABLE, "7.2")
    session.start("smoke", 0, chapter="toy")
    (line,) = capsys.readouterr().out.splitlines()
    assert "Installed in 7 s: " in line
    assert f"numpy {installing.version('numpy')}" in line
    assert f"torch {installing.version('torch')}" in line
    session.start("smoke", 0, chapter="toy")
    assert "Installed" not in capsys.readouterr().out


def test_the_smoke_profile_leaves_optional_packages_alone(
    requirements, pip_calls, capsys
):
    requirements(f"{session.OPTIONAL[0]}==0.0.1 --hash=sha256:11\n")
    assert session.start("smoke", 0, chapter="toy").data == ()
    assert pip_calls[0] == []
    assert "Data: none needed." in capsys.readouterr().out


def test_a_stand_in_is_announced(requirements, capsys):
    session.start("smoke", 0, chapter="toy").say_stand_in("big-data", "a small set")
    line = capsys.readouterr().out.splitlines()[-1]
    assert line.startswith(session.STAND_IN_MARK)
    assert "a small set" in line
    assert "big-data" in line
