"""``make sweep``: run chapters over seeds and a grid of parameters, and store what their claims said.

The jobs are those of :mod:`press.execution`, with two differences: cells with the tag ``not-in-sweep`` are
left out, and papermill sets the seed and the parameters. A run is kept with its claims, its key and its
parameters as ``_build/sweeps/<part>/<slug>/<digest>``. It is fresh as long as the chapter's key is, so a
sweep goes on where an earlier one was stopped. At the end the runs of each chapter are stored as
``results/sweeps/<slug>.parquet``.
"""

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from nbformat import NotebookNode

from press.book import Book, Chapter
from press.claims_ledger import (
    Record,
    check_positions,
    claim_problems,
    claims_of,
    records_in,
)
from press.errors import PressError
from press.execution import (
    TEMPORARY,
    Failure,
    Job,
    cell_seconds,
    execute,
    remove_folders,
    stale_reasons,
)
from press.keys import KEY_FILE, Key, digest
from press.notebooks import read_notebook
from press.printing import sole_press
from press.sweeps.grid import (
    SEED,
    Parameters,
    chapters_from,
    grid_from,
    points_of_chapters,
    seeds_from,
    sweep_defaults,
)
from press.sweeps.results import (
    Row,
    Sweep,
    code_key,
    read_sweep,
    sweep_file,
    sweep_key,
    swept_notebook,
    write_sweep,
)

RUN_FILE = "run.json"
DIGITS = 16
"""Length of the digest that names a run's folder."""


@dataclass(frozen=True)
class SweepJob(Job):
    """One run of a chapter with a seed, and with parameters that differ from the chapter's own."""

    seed: int
    changed: Parameters = field(default_factory=dict)

    @property
    def name(self) -> str:
        pairs = {SEED: self.seed, **self.changed}.items()
        words = ", ".join(f"{name} = {value}" for name, value in pairs)
        return f"{self.chapter.name} with {words}"

    @property
    def exclusive(self) -> bool:
        """Never: no sweep measures time."""
        return False

    @property
    def files(self) -> tuple[str, ...]:
        return ("claims.jsonl", RUN_FILE, KEY_FILE)

    @property
    def figures(self) -> str:
        """The backend that draws nothing into the notebook."""
        return "agg"

    @property
    def parameters(self) -> Parameters:
        return {SEED: self.seed, **sweep_defaults(self.notebook), **self.changed}

    def executed_part(self, notebook: NotebookNode) -> NotebookNode:
        """The cells that a sweep runs."""
        return swept_notebook(notebook)

    def key_now(self, book: Book) -> Key:
        return sweep_key(book, self.chapter)

    def store(self, book: Book) -> Path:
        return book.swept

    def result(self, book: Book) -> Path:
        about = json.dumps(self.parameters, sort_keys=True)
        folder = digest(about.encode())[:DIGITS]
        return book.swept / self.chapter.part / self.chapter.slug / folder

    def complete(self, book: Book, folder: Path) -> None:
        """Check the run's records, and write its seed, parameters and seconds in place of its notebook.

        Raises
        ------
        PressError
            If a claim was not checked once, or is unknown.
        """
        swept = self.executed_part(self.notebook)
        claims = [
            claim
            for claim in claims_of(book, self.chapter)
            if check_positions(swept, claim)
        ]
        problems = claim_problems(claims, records_in(folder), self.notebook)
        if problems:
            raise PressError("\n".join(problems))
        executed = folder / "notebook.ipynb"
        seconds = read_notebook(executed).metadata["papermill"]["duration"]
        executed.unlink()
        about = {
            SEED: self.seed,
            "parameters": self.changed,
            "seconds": round(seconds, 3),
        }
        (folder / RUN_FILE).write_text(json.dumps(about), encoding="utf-8")


def jobs_of(
    book: Book, chapter: Chapter, points: list[Parameters], seeds: list[int]
) -> list[SweepJob]:
    """The runs of one chapter, seed by seed."""
    notebook = read_notebook(book.notebook(chapter))
    key = code_key(book, chapter, notebook)
    seconds = cell_seconds(book, chapter, swept_notebook(notebook))
    return [
        SweepJob(chapter, notebook, key, seconds, seed, changed)
        for seed in seeds
        for changed in points
    ]


def stored_sweep(book: Book, chapter: Chapter) -> Sweep | None:
    """What is stored of a chapter's sweeps, or none.

    Raises
    ------
    PressError
        If the file is damaged.
    """
    file = sweep_file(book, chapter)
    return read_sweep(file) if file.is_file() else None


def identity(job: SweepJob) -> tuple[int, str]:
    """Seed and parameters of a job, as rows have them."""
    return job.seed, json.dumps(job.changed, sort_keys=True)


def row_of(job: SweepJob, record: Record, seconds: float) -> Row:
    seed, parameters = identity(job)
    lower, upper = record["interval"] or (None, None)
    return Row(
        claim=record["id"],
        seed=seed,
        parameters=parameters,
        verdict=record["verdict"],
        value=record["value"],
        lower=lower,
        upper=upper,
        stand_in=record.get("stand_in"),
        seconds=seconds,
    )


def rows_of(book: Book, job: SweepJob) -> Iterator[Row]:
    """The rows of a finished run; a claim that no laptop can decide has none."""
    folder = job.result(book)
    about = json.loads((folder / RUN_FILE).read_text(encoding="utf-8"))
    claims = claims_of(book, job.chapter)
    for record in records_in(folder):
        if claims[record["id"]].scale != "beyond":
            yield row_of(job, record, about["seconds"])


def versions_of(book: Book, jobs: Iterable[SweepJob]) -> dict[str, str]:
    """Versions of Python and of the numerical packages that the runs' records name."""
    found: dict[str, str] = {}
    for job in jobs:
        for record in records_in(job.result(book)):
            found |= record["versions"]
    return found


def merged(book: Book, jobs: list[SweepJob], stored: Sweep | None) -> Sweep:
    """The finished runs among these jobs of one chapter, and the stored runs that were not asked for."""
    finished = [job for job in jobs if not stale_reasons(book, job)]
    asked = set(map(identity, jobs))
    kept = list(stored.rows) if stored else []
    kept = [row for row in kept if (row.seed, row.parameters) not in asked]
    rows = [row for job in finished for row in rows_of(book, job)]
    return Sweep(
        slug=jobs[0].chapter.slug,
        key=jobs[0].key,
        versions=(stored.versions if stored else {}) | versions_of(book, finished),
        rows=(*kept, *rows),
        defaults=sweep_defaults(jobs[0].notebook),
        earlier=stored.earlier if stored and kept else [],
        confirmed_by=stored.confirmed_by if stored and kept else [],
    )


def verdict_line(claim: str, rows: list[Row]) -> str | None:
    """On which seeds a claim fails, if on any."""
    failing = [
        row.seed for row in rows if row.claim == claim and row.verdict == "fails"
    ]
    count = sum(row.claim == claim for row in rows)
    if not failing:
        return None
    seeds = ", ".join(map(str, sorted(set(failing))))
    return f"  {claim} fails in {len(failing)} of {count} runs (seed {seeds})"


def say_stored(book: Book, chapter: Chapter, sweep: Sweep) -> None:
    runs = {(row.seed, row.parameters) for row in sweep.rows}
    claims = sorted({row.claim for row in sweep.rows})
    file = book.shown(sweep_file(book, chapter))
    print(f"{chapter.name}: {len(runs)} runs of {len(claims)} claims in {file}.")
    for claim in claims:
        line = verdict_line(claim, list(sweep.rows))
        if line:
            print(line)


def store(
    book: Book, chapter: Chapter, jobs: list[SweepJob], stored: Sweep | None
) -> None:
    """Write a chapter's finished runs to its file, and say on which seeds a claim fails."""
    if stored and stored.key["digest"] != jobs[0].key["digest"]:
        print(f"{chapter.name}: the stored runs are of another state, and are dropped.")
        stored = None
    sweep = merged(book, jobs, stored)
    if not sweep.rows:
        print(f"{chapter.name}: no run was finished, nothing is stored.")
        return
    write_sweep(sweep_file(book, chapter), sweep)
    say_stored(book, chapter, sweep)


def report_failed_runs(failures: list[Failure]) -> None:
    """Raise one error that describes all runs without a result.

    Raises
    ------
    PressError
        If there is any.
    """
    if not failures:
        return
    texts = [f"{failure.name}: {failure.text}" for failure in failures]
    names = "\n".join(f"  {failure.name}" for failure in failures)
    raise PressError(
        "\n\n".join(texts)
        + f"\n\nRuns without a result, which count for no claim: {len(failures)}\n{names}"
    )


def remove_leftover_runs(book: Book) -> None:
    """Remove what a killed sweep left behind."""
    book.swept.mkdir(parents=True, exist_ok=True)
    remove_folders(book.swept.glob(f"{TEMPORARY}*"))


def run_all(book: Book, jobs: list[SweepJob], dask: str) -> list[Failure]:
    """Do the jobs here, or on the cluster whose scheduler has the address ``dask``."""
    if not dask:
        return execute(book, jobs, "run")
    from press.sweeps.on_dask import execute_on_dask  # slow: distributed

    return execute_on_dask(book, jobs, dask)


def sweep(
    book: Book, seeds: str, chapters: str = "", grid: str = "", dask: str = ""
) -> None:
    """Run chapters with many seeds and parameters, and store what their claims said.

    Parameters
    ----------
    book : Book
    seeds, chapters, grid : str
        As :mod:`press.sweeps.grid` reads them.
    dask : str
        Address of a Dask scheduler, ``tcp://host:port`` (see :mod:`press.sweeps.on_dask`); none runs here.

    Raises
    ------
    PressError
        If a text cannot be read, a stored file is damaged, a run fails (the others are finished and stored
        first), or another sweep is at work.
    """
    start = time.monotonic()
    numbers, chosen = seeds_from(seeds), chapters_from(book, chapters)
    points = points_of_chapters(book, chosen, grid_from(grid))
    stored = {chapter: stored_sweep(book, chapter) for chapter in chosen}
    with sole_press(book, "sweep"):
        remove_leftover_runs(book)
        jobs = {each: jobs_of(book, each, points[each], numbers) for each in chosen}
        asked = [job for some in jobs.values() for job in some]
        waiting = [job for job in asked if stale_reasons(book, job)]
        fresh = len(asked) - len(waiting)
        print(f"Runs: {len(waiting)} to do, {fresh} already fresh.", flush=True)
        failures = run_all(book, waiting, dask)
        for chapter in chosen:
            store(book, chapter, jobs[chapter], stored[chapter])
    print(f"Time: {time.monotonic() - start:.0f} s.")
    report_failed_runs(failures)
