"""The large experiments: what is run, within what time, what is kept, and what is out of date."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from miniature_book import REAL_LIBRARY, REPOSITORY, press_environment, write

from press import experiments
from press.book import Book
from press.dependencies import dependencies
from press.errors import PressError
from press.experiment_records import outdated_records, reasons_to_run
from press.experiments import (
    NO_DEVICE,
    Limit,
    Place,
    device_slug,
    make_experiments,
    run_experiments,
    share_of_time,
)
from press.stamp import stamp
from samplebook.experiments import EXPERIMENTS, Experiment
from samplebook.experiments.measured_code import measured_modules

TOY = Experiment("toy", reads_data=True, shortest_session=15.0)
SHARED_MODULES = ("clock", "command_line", "kept_parts", "provenance")
NUMBERS = list(range(6))
QUICK = """\
import json, sys
from pathlib import Path
from samplebook.experiments.measured_code import measured_modules
out = Path(sys.argv[sys.argv.index("--out") + 1])
out.parent.mkdir(parents=True)
provenance = {"device": "a GPU", "modules": measured_modules("quick")}
out.write_text(json.dumps({"complete": True, "provenance": provenance}))
"""
PRESS_ON_THE_TOY = """\
import sys
from pathlib import Path
from press.book import Book
from press.experiments import Limit, run_experiments
from samplebook.experiments import Experiment
toy = Experiment("toy", reads_data=True, shortest_session=1.0)
run_experiments(Book(Path(sys.argv[1])), [toy], "gpu", Limit(None))
"""


@pytest.fixture
def laboratory(miniature: Book) -> Book:
    """A miniature book with the toy experiment."""
    folder = miniature.library / "samplebook" / "experiments"
    for name in SHARED_MODULES:
        shutil.copy(REAL_LIBRARY / "experiments" / f"{name}.py", folder)
    toy = Path(__file__).with_name("toy_experiment.py.txt")
    shutil.copy(toy, folder / "toy.py")
    return miniature


def measured(book: Book) -> list[int]:
    """Numbers of the parts that were measured, in order."""
    file = book.library / "measured.txt"
    return [int(line) for line in file.read_text().split()] if file.is_file() else []


def run_toy(book: Book, limit: Limit | None = None) -> list[str]:
    return run_experiments(book, [TOY], "gpu", limit or Limit(None))


def record(book: Book) -> dict:
    return json.loads(Place(book, "toy", "gpu").record.read_text(encoding="utf-8"))


def test_devices_have_names_for_files() -> None:
    assert device_slug("NVIDIA H100 80GB HBM3") == "nvidia-h100-80gb-hbm3"
    assert device_slug("../Tesla_T4 (x2)") == "tesla-t4-x2"
    with pytest.raises(PressError, match="DEVICE"):
        device_slug("../..")


def test_experiments_share_what_time_is_left() -> None:
    assert share_of_time(1200, EXPERIMENTS) == 300
    long, *others = EXPERIMENTS
    assert share_of_time(600, EXPERIMENTS) == long.shortest_session > 600 / 4
    assert share_of_time(long.shortest_session - 1, EXPERIMENTS) is None
    assert share_of_time(270, others) == 90
    assert share_of_time(100, others) == 60
    assert share_of_time(float("inf"), others) == float("inf")


@pytest.mark.parametrize("minutes", [0.0, -1.0, float("nan"), float("inf")])
def test_a_limit_is_a_number_above_0(minutes: float) -> None:
    with pytest.raises(PressError, match="MINUTES"):
        Limit(minutes)


def test_without_a_cuda_device_nothing_is_written(
    miniature: Book, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(experiments, "cuda_device", lambda: None)
    before = sorted(miniature.root.rglob("*"))
    make_experiments(miniature, 10.0, "")
    assert capsys.readouterr().out == f"{NO_DEVICE}\n"
    assert sorted(miniature.root.rglob("*")) == before


def test_all_experiments_know_whether_they_read_data() -> None:
    for one in EXPERIMENTS:
        source = (REAL_LIBRARY / "experiments" / f"{one.slug}.py").read_text()
        assert ('add_parser("prepare"' in source) == one.reads_data


@pytest.mark.parametrize("slug", [one.slug for one in EXPERIMENTS])
def test_a_record_and_a_chapter_count_the_same_modules(slug: str) -> None:
    from nbformat.v4 import new_code_cell, new_notebook

    source = f"import samplebook.experiments.{slug}"
    notebook = new_notebook(cells=[new_code_cell(source)])
    library = REPOSITORY / "lib"
    assert measured_modules(slug).keys() == set(
        dependencies(notebook, library, slug).modules
    )


@pytest.mark.timeout(600)
def test_only_what_is_out_of_date_is_run_again(
    laboratory: Book, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_toy(laboratory) == []
    assert record(laboratory)["rows"] == [2 * number for number in NUMBERS]
    assert measured(laboratory) == NUMBERS
    stamp(laboratory)
    capsys.readouterr()

    write(laboratory.library / "samplebook" / "toys" / "unrelated.py", "x = 1\n")
    run_toy(laboratory)
    assert capsys.readouterr().out == "toy: complete, not run again\n"

    file = Place(laboratory, "toy", "gpu").record
    write(laboratory.library / "samplebook" / "toys" / "doubling.py", "FACTOR = 3\n")
    reason = (
        "measured with an older version of the code, "
        "changed since: samplebook.toys.doubling"
    )
    assert reasons_to_run(laboratory, file) == [reason]
    stamp(laboratory)
    assert f"results/experiments/toy/gpu.json: {reason}" in capsys.readouterr().out
    run_toy(laboratory)
    assert record(laboratory)["rows"] == [3 * number for number in NUMBERS]
    assert measured(laboratory) == 2 * NUMBERS
    assert outdated_records(laboratory) == []

    file.write_text(file.read_text(encoding="utf-8")[:-9], encoding="utf-8")
    run_toy(laboratory)
    assert "toy: its record is damaged" in capsys.readouterr().out
    assert record(laboratory)["complete"]
    assert measured(laboratory) == 2 * NUMBERS


def wait_until(condition: Callable[[], bool], seconds: float = 120.0) -> None:
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.05)


def is_alive(process: psutil.Process) -> bool:
    """Whether a process runs; a dead one that nobody has waited for does not."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.timeout(600)
def test_kill_9_loses_at_most_the_part_in_flight(laboratory: Book) -> None:
    command = [sys.executable, "-c", PRESS_ON_THE_TOY, str(laboratory.root)]
    process = subprocess.Popen(
        command,
        env=press_environment(laboratory),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_until(lambda: len(measured(laboratory)) >= 2)
    children = psutil.Process(process.pid).children(recursive=True)
    assert children
    os.kill(process.pid, 9)
    process.wait()
    wait_until(lambda: not any(map(is_alive, children)))
    before = measured(laboratory)
    assert 2 <= len(before) < len(NUMBERS)
    assert not Place(laboratory, "toy", "gpu").record.exists()

    assert run_toy(laboratory) == []
    assert record(laboratory)["rows"] == [2 * number for number in NUMBERS]
    after = measured(laboratory)[len(before) :]
    assert after in (NUMBERS[len(before) :], NUMBERS[len(before) - 1 :])


@pytest.mark.timeout(600)
def test_a_session_ends_in_its_time_and_the_next_goes_on(
    laboratory: Book,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run_toy(laboratory, Limit(TOY.shortest_session / 60 / 2)) == []
    assert "toy: not begun, it needs 15 s and" in capsys.readouterr().out
    assert measured(laboratory) == []

    with monkeypatch.context() as patched:  # 300 seconds are a session of one
        patched.setattr(experiments, "OF_SHARE", 1 / 300)
        patched.setattr(experiments, "TO_START", 0.0)
        assert run_toy(laboratory, Limit(5.0)) == []
    found, part = record(laboratory), measured(laboratory)
    assert not found["complete"]
    assert part == NUMBERS[: len(part)] and 0 < len(part) < len(NUMBERS)
    names = [entry["name"] for entry in found["not_measured"]]
    assert names == [f"part {number}" for number in NUMBERS[len(part) :]]
    assert f"still missing: {names[0]}" in capsys.readouterr().out

    assert run_toy(laboratory) == []
    assert record(laboratory)["complete"]
    assert measured(laboratory) == NUMBERS


@pytest.mark.timeout(600)
def test_what_fails_or_hangs_is_ended_and_the_others_run(
    laboratory: Book, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = laboratory.library / "samplebook" / "experiments"
    write(folder / "broken.py", "raise RuntimeError('no memory left')\n")
    write(folder / "hanging.py", "import time\ntime.sleep(1000)\n")
    write(folder / "quick.py", QUICK)
    hanging, broken, quick = (
        Experiment(slug, reads_data=False, shortest_session=0.5)
        for slug in ("hanging", "broken", "quick")
    )
    begin = time.monotonic()
    assert run_experiments(laboratory, [hanging], "gpu", Limit(1 / 60)) == ["hanging"]
    assert time.monotonic() - begin < 60
    assert "hanging: stopped after" in capsys.readouterr().out
    assert run_experiments(laboratory, [broken, quick], "gpu", Limit(None)) == [
        "broken"
    ]
    printed = capsys.readouterr().out
    assert "RuntimeError: no memory left" in printed
    assert printed.endswith("quick: complete\n")
