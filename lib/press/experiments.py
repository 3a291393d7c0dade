"""``make experiments``: run the large experiments one after the other, where there is a CUDA device.

An experiment with a complete record of the code as it is, is not run again. What the others measure is kept
part by part in ``_build/experiments/<slug>/<device>``: the next call goes on from there, however this one
ends. Each experiment writes ``results/experiments/<slug>/<device>.json``.
"""

import hashlib
import json
import math
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from press.book import Book
from press.errors import PressError
from press.experiment_records import reasons_to_run
from press.printing import sole_press
from press.stamp import stamp
from press.terminal import progress_bar
from samplebook.experiments import EXPERIMENTS, Experiment
from samplebook.experiments.measured_code import measured_modules

NO_DEVICE = "No CUDA device here: no experiment is run, the records stay as they are."
OF_SHARE, TO_START = 0.85, 10.0
"""The share of its time in which an experiment begins new parts, less the seconds that its start takes."""
PATIENCE = 1.5
"""An experiment that does not end within this multiple of its share is stopped."""
USUAL_SECONDS = 600.0
"""What the progress bar expects of an experiment without a time limit."""
LOG_LINES = 5


def cuda_device() -> str | None:
    """Name of the CUDA device, or none."""
    import torch  # slow

    return torch.cuda.get_device_name() if torch.cuda.is_available() else None


def device_slug(name: str) -> str:
    """A device's name as a file name: ``NVIDIA H100 80GB HBM3`` is ``nvidia-h100-80gb-hbm3``.

    Raises
    ------
    PressError
        If no letter or digit is left.
    """
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if not slug:
        raise PressError(f"DEVICE: {name!r} has no letter and no digit, give a name")
    return slug


@dataclass(frozen=True)
class Limit:
    """When the whole call has to end."""

    minutes: float | None
    begin: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        if self.minutes is not None and not 0 < self.minutes < math.inf:
            raise PressError(f"MINUTES: give a number above 0, not {self.minutes:g}")

    @property
    def left(self) -> float:
        """Seconds, infinitely many without a limit."""
        if self.minutes is None:
            return math.inf
        return max(0.0, self.begin + 60 * self.minutes - time.monotonic())


def share_of_time(left: float, waiting: Sequence[Experiment]) -> float | None:
    """Seconds for the first of the experiments that wait, or none if they do not suffice for it.

    It gets as much as each of the others, and more if it could get nothing done in that.
    """
    share = max(left / len(waiting), waiting[0].shortest_session)
    return share if share <= left else None


class ExperimentError(Exception):
    """An experiment without a result, and why."""


@dataclass(frozen=True)
class Place:
    """Where the files of an experiment on a device lie."""

    book: Book
    slug: str
    device: str

    @property
    def record(self) -> Path:
        return self.book.experiments / self.slug / f"{self.device}.json"

    @property
    def folder(self) -> Path:
        return self.book.build / "experiments" / self.slug

    @property
    def parts(self) -> Path:
        return self.folder / self.device

    @property
    def data(self) -> Path:
        """What ``prepare`` writes with the code as it is."""
        modules = measured_modules(self.slug, self.book.library)
        key = hashlib.sha256(json.dumps(modules, sort_keys=True).encode()).hexdigest()
        return self.folder / f"data-{key[:12]}.npz"


def call(place: Place, arguments: list[str], seconds: float, expected: float) -> None:
    """Run an experiment's command with a progress bar.

    Raises
    ------
    ExperimentError
        If it fails, or is stopped after ``seconds``.
    """
    log = place.folder / f"{place.device}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "press.run_experiment", place.slug, *arguments]
    begin = time.monotonic()
    with (
        open(log, "w", encoding="utf-8") as output,
        progress_bar(round(expected), f"{place.slug}: {arguments[0]}") as bar,
        subprocess.Popen(
            command,
            env=os.environ | {"PYTHONPATH": str(place.book.library)},
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        while process.poll() is None:
            spent = time.monotonic() - begin
            if spent > seconds:
                process.kill()
                raise ExperimentError(
                    f"stopped after {spent:.0f} s; what it had measured is kept"
                )
            bar.update(min(round(spent), bar.total) - bar.n)
            time.sleep(0.2)
        bar.update(bar.total - bar.n)
    if process.returncode:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        raise ExperimentError("\n".join(["failed", *lines[-LOG_LINES:]]))


def prepare_data(place: Place, limit: Limit) -> None:
    """Write the file that the experiment reads, unless it is there."""
    data = place.data
    if data.is_file():
        return
    temporary = data.with_name(f".tmp-{data.name}")
    expected = min(limit.left, USUAL_SECONDS)
    call(place, ["prepare", "--data", str(temporary)], limit.left, expected)
    for older in place.folder.glob("data-*.npz"):
        older.unlink()
    temporary.replace(data)


def run_session(
    place: Place, experiment: Experiment, share: float, limit: Limit
) -> None:
    """Run the experiment for its share of the time; it writes its record."""
    arguments = ["run", "--out", str(place.record), "--parts", str(place.parts)]
    if experiment.reads_data:
        arguments += ["--data", str(place.data)]
    if share < math.inf:
        arguments += ["--session-seconds", f"{OF_SHARE * share - TO_START:.0f}"]
    seconds = min(PATIENCE * share, limit.left)
    call(place, arguments, seconds, min(share, USUAL_SECONDS))


def attempt(place: Place, waiting: Sequence[Experiment], limit: Limit) -> str:
    """Run the first of the waiting experiments if there is time; gives what is said of it.

    Raises
    ------
    ExperimentError
        As :func:`call`.
    """
    experiment = waiting[0]
    share = share_of_time(limit.left, waiting)
    if share is not None and experiment.reads_data:
        prepare_data(place, limit)
        share = share_of_time(limit.left, waiting)
    if share is None:
        return (
            f"not begun, it needs {experiment.shortest_session:.0f} s "
            f"and {limit.left:.0f} s are left"
        )
    run_session(place, experiment, share, limit)
    reasons = reasons_to_run(place.book, place.record)
    return f"{reasons[0]}; run again to go on" if reasons else "complete"


def run_experiments(
    book: Book, experiments: Sequence[Experiment], device: str, limit: Limit
) -> list[str]:
    """Run what has no complete record of this code; gives the experiments that failed.

    The caller holds the book's lock.
    """
    places = {one.slug: Place(book, one.slug, device) for one in experiments}
    waiting, failed = [], []
    for one in experiments:
        reasons = reasons_to_run(book, places[one.slug].record)
        print(f"{one.slug}: {reasons[0] if reasons else 'complete, not run again'}")
        waiting += [one] if reasons else []
    while waiting:
        slug = waiting[0].slug
        try:
            words = attempt(places[slug], waiting, limit)
        except ExperimentError as error:
            words = str(error)
            failed.append(slug)
        print(f"{slug}: {words}", flush=True)
        del waiting[0]
    return failed


def make_experiments(book: Book, minutes: float | None, device: str) -> None:
    """Run the experiments and copy their records into the library.

    Parameters
    ----------
    book : Book
    minutes : float, optional
        Bounds the whole call.
    device : str
        Names the records; if empty, the CUDA device's name does.

    Raises
    ------
    PressError
        If an experiment fails or does not stop in time; the others are run.
    """
    limit = Limit(minutes)
    found = cuda_device()
    if found is None:
        print(NO_DEVICE)
        return
    with sole_press(book):
        failed = run_experiments(book, EXPERIMENTS, device_slug(device or found), limit)
        stamp(book)
    if failed:
        raise PressError(f"experiments that failed: {', '.join(failed)}")
