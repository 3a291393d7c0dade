"""A sweep on a real Dask cluster: a scheduler and two workers on loopback, one of which is killed."""

import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from miniature_book import (
    make_miniature_book,
    press_environment,
    write_sweepable_chapter,
)

from press.book import Book, Chapter
from press.errors import PressError
from press.sweeps.results import Row, read_sweep, sweep_file
from press.sweeps.run import sweep

SEEDS = 3
FAILING = 1
FIRST = Chapter("toys", "first")
SECONDS_TO_WAIT = 200.0
SAY_THAT_IT_RUNS = (
    "open('../../begun.txt', 'a').write(f'{seed}\\n')\nimport time\ntime.sleep(1)"
)


def wait_until(happened: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS_TO_WAIT
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def dask_process(book: Book, *arguments: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A process of Dask's command line, which ends with the test."""
    with subprocess.Popen(
        [sys.executable, "-m", "dask", *arguments],
        env=press_environment(book),
        cwd=book.root,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def cluster(
    book: Book, workers: int
) -> Iterator[tuple[str, list["subprocess.Popen[bytes]"]]]:
    """A scheduler's address and its workers, each of one thread."""
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    here = ("--host", "127.0.0.1", "--no-dashboard")
    with ExitStack() as stack:
        scheduler = dask_process(book, "scheduler", *here, "--port", str(port))
        stack.enter_context(scheduler)
        work = ("worker", address, *here, "--nthreads", "1", "--no-nanny")
        yield (
            address,
            [stack.enter_context(dask_process(book, *work)) for _ in range(workers)],
        )


def runs_in_flight(book: Book) -> int:
    """Runs whose first cell has begun and which are not finished."""
    begun = book.root / "begun.txt"
    count = len(begun.read_text().splitlines()) if begun.is_file() else 0
    return count - len(list(book.swept.glob("*/*/*/run.json")))


def stored_rows(book: Book) -> list[Row]:
    """The stored rows without the time that the runs took."""
    rows = read_sweep(sweep_file(book, FIRST)).rows
    return [replace(row, seconds=0.0) for row in rows]


def row_of(seed: int) -> Row:
    """What a run of the chapter stores."""
    verdict = "fails" if seed == FAILING else "holds"
    own = {"claim": "first-c1", "seed": seed, "parameters": "{}", "verdict": verdict}
    measured = {"value": 6.0 + seed, "lower": 0.0, "upper": 1000.0}
    return Row(**own, **measured, stand_in=None, seconds=0.0)


@pytest.fixture
def book(tmp_path: Path) -> Book:
    book = make_miniature_book(tmp_path / "book", ("first",))
    write_sweepable_chapter(book, "first", SAY_THAT_IT_RUNS, holds=f"seed != {FAILING}")
    return book


def test_a_killed_worker_loses_no_run_and_doubles_none(book: Book) -> None:
    with cluster(book, workers=2) as (address, workers):
        command = [sys.executable, "-m", "press", "--root", str(book.root)]
        with subprocess.Popen(
            [*command, "sweep", str(SEEDS), "--dask", address],
            env=press_environment(book),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            wait_until(lambda: runs_in_flight(book) == 2)
            workers[0].send_signal(signal.SIGKILL)
            output, errors = process.communicate(timeout=SECONDS_TO_WAIT)
    assert process.returncode == 0, errors
    assert f"Runs: {SEEDS} to do, 0 already fresh." in output
    begun = (book.root / "begun.txt").read_text().split()
    assert len(begun) == SEEDS + 1, "the run that the dead worker began is done again"
    assert stored_rows(book) == [row_of(seed) for seed in range(SEEDS)]

    # a sweep without a cluster finds nothing to do, and gives the worst of these seeds the same row
    file = sweep_file(book, FIRST)
    before = file.read_bytes()
    sweep(book, str(SEEDS))
    assert file.read_bytes() == before
    shutil.rmtree(book.swept)
    sweep(book, f"{FAILING}-{FAILING}")
    assert row_of(FAILING) in stored_rows(book)


@pytest.mark.parametrize(
    "address", ["127.0.0.1:8786", "tcp://somewhere", "http://127.0.0.1:1", "dask"]
)
def test_a_wrong_address_is_named(book: Book, address: str) -> None:
    with pytest.raises(PressError, match=rf"DASK: '{address}' must read tcp://"):
        sweep(book, "1", dask=address)


def test_a_missing_scheduler_is_named(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("press.sweeps.on_dask.SECONDS_TO_CONNECT", 1)
    address = f"tcp://127.0.0.1:{free_port()}"
    with pytest.raises(PressError, match=f"DASK: no scheduler answers at {address}"):
        sweep(book, "1", dask=address)
