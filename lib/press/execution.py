"""Execute chapters, each with papermill in a process of its own, and keep complete results only.

A result is the folder ``_build/executed/<part>/<slug>`` with ``notebook.ipynb``, ``claims.jsonl`` and
``key.json``. It is made in a temporary folder and moved to its place in one step.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from joblib import Parallel, delayed
from nbformat import NotebookNode
from tqdm import tqdm

from press.book import Book, Chapter, put_in_place
from press.errors import PressError
from press.keys import Key, current_key, reasons_for_staleness, stored_key
from press.notebooks import (
    code_cells,
    read_notebook,
    samplebook_metadata,
    without_outputs,
    write_notebook,
)
from press.terminal import progress_bar, without_colours

TEMPORARY = ".tmp-"
SHORTEST_CELL = 0.01
THREAD_LIMITS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)


@dataclass(frozen=True)
class Job:
    """A chapter to execute: its notebook as it was read, and the key of the result to come.

    ``seconds`` weighs the code cells (by id) in the progress bar.
    """

    chapter: Chapter
    notebook: NotebookNode
    key: Key
    seconds: dict[str, float]

    @property
    def exclusive(self) -> bool:
        """Whether the chapter measures time, and so runs alone and with every core."""
        return bool(samplebook_metadata(self.notebook).get("exclusive"))


@dataclass(frozen=True)
class Failure:
    """A chapter without a result, and why."""

    chapter: Chapter
    text: str


def cell_seconds(
    book: Book, chapter: Chapter, notebook: NotebookNode
) -> dict[str, float]:
    """Seconds that each code cell took in the last result; 1 for a cell without one."""
    known = {}
    last = book.result(chapter) / "notebook.ipynb"
    if last.is_file():
        for cell in code_cells(read_notebook(last)):
            known[cell.id] = max(
                cell.metadata.get("papermill", {}).get("duration") or 0.0, SHORTEST_CELL
            )
    return {cell.id: known.get(cell.id, 1.0) for cell in code_cells(notebook)}


def make_job(book: Book, chapter: Chapter) -> Job:
    notebook = read_notebook(book.notebook(chapter))
    key = current_key(book, chapter, notebook)
    return Job(chapter, notebook, key, cell_seconds(book, chapter, notebook))


def stale_reasons(book: Book, job: Job) -> list[str]:
    """Why a chapter has to be executed; empty when its result is fresh."""
    return reasons_for_staleness(stored_key(book, job.chapter), job.key)


def kernel_environment(book: Book, job: Job, folder: Path) -> dict[str, str]:
    """Environment of a chapter's process: the book's library, the claims file, the threads it may use."""
    environment = dict(os.environ)
    environment["PYTHONPATH"] = str(book.library)
    environment["SAMPLEBOOK_CLAIMS"] = str(folder / "claims.jsonl")
    environment["IPYTHONDIR"] = str(folder / "ipython")
    environment["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"
    if not job.exclusive:
        environment.update(dict.fromkeys(THREAD_LIMITS, "1"))
    return environment


def run_in_folder(book: Book, job: Job, folder: Path, bar: "tqdm[None]") -> int:
    """Run the notebook into ``folder``, move the bar with each cell, and return the exit code."""
    write_notebook(without_outputs(job.notebook), folder / "input.ipynb")
    (folder / "claims.jsonl").touch()
    paths = [
        folder / "input.ipynb",
        folder / "notebook.ipynb",
        book.notebook(job.chapter).parent,
    ]
    with (
        open(folder / "log.txt", "w", encoding="utf-8") as log,
        subprocess.Popen(
            [sys.executable, "-m", "press.run_notebook", *map(str, paths)],
            env=kernel_environment(book, job, folder),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        remaining = dict(job.seconds)
        assert process.stdout is not None
        for line in process.stdout:
            bar.update(remaining.pop(line.strip(), 0.0))
        bar.update(sum(remaining.values()))
    return process.returncode


def failure_text(folder: Path, returncode: int) -> str:
    """What went wrong in a run: the cell and its traceback, or the end of the process's own words."""
    report = folder / "failure.json"
    if not report.is_file():
        log = (folder / "log.txt").read_text(encoding="utf-8", errors="replace").strip()
        return f"the chapter's process ended with exit code {returncode}\n{log[-3000:]}"
    failure = json.loads(report.read_text(encoding="utf-8"))
    traceback = (
        "\n".join(failure["traceback"])
        or "the cell raised an error without a traceback"
    )
    if not sys.stderr.isatty():
        traceback = without_colours(traceback)
    return f"cell {failure['cell'] + 1} of the notebook failed\n{traceback}"


def keep_result(book: Book, job: Job, folder: Path) -> None:
    """Turn the folder of a finished run into the chapter's result."""
    for name in ("input.ipynb", "log.txt"):
        (folder / name).unlink()
    shutil.rmtree(folder / "ipython", ignore_errors=True)
    (folder / "key.json").write_text(json.dumps(job.key, indent=1), encoding="utf-8")
    put_in_place(folder, book.result(job.chapter))


def run_job(book: Book, job: Job, bar: "tqdm[None]") -> Failure | None:
    """Execute one chapter and keep its result; otherwise say why there is none."""
    folder = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=book.executed))
    try:
        returncode = run_in_folder(book, job, folder, bar)
        if returncode:
            return Failure(job.chapter, failure_text(folder, returncode))
        now = current_key(book, job.chapter, read_notebook(book.notebook(job.chapter)))
        changed = reasons_for_staleness(job.key, now)
        if changed:
            return Failure(
                job.chapter,
                f"changed while it ran ({', '.join(changed)}); run it again",
            )
        keep_result(book, job, folder)
    except (OSError, PressError) as error:
        return Failure(job.chapter, str(error))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return None


def remove_leftovers(book: Book) -> None:
    """Remove what a killed press left behind, and the results of chapters that are gone."""
    book.executed.mkdir(parents=True, exist_ok=True)
    for folder in book.executed.glob(f"{TEMPORARY}*"):
        shutil.rmtree(folder, ignore_errors=True)
    known = {book.result(chapter) for chapter in book.chapters()}
    for folder in set(book.executed.glob("*/*")) - known:
        shutil.rmtree(folder, ignore_errors=True)


def execute(book: Book, jobs: Iterable[Job]) -> list[Failure]:
    """Execute chapters on all cores, the exclusive ones alone afterwards.

    A chapter that fails does not stop the others. The caller holds the book's lock.

    Returns
    -------
    list of Failure
        The chapters that have no result now.
    """
    remove_leftovers(book)
    jobs = list(jobs)
    if not jobs:
        return []
    together = [job for job in jobs if not job.exclusive]
    alone = [job for job in jobs if job.exclusive]
    total = sum(sum(job.seconds.values()) for job in jobs)
    count = "1 chapter" if len(jobs) == 1 else f"{len(jobs)} chapters"
    with progress_bar(total, f"Executing {count}") as bar:
        outcomes = Parallel(n_jobs=-1, backend="threading")(
            delayed(run_job)(book, job, bar) for job in together
        )
        outcomes += [run_job(book, job, bar) for job in alone]
    return [outcome for outcome in outcomes if outcome is not None]
