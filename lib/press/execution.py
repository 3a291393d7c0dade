"""Execute chapters, each with papermill in a process of its own, and keep complete results only.

A result is the folder ``_build/executed/<part>/<slug>`` with ``notebook.ipynb``, ``claims.jsonl`` and
``key.json``. It is made in a temporary folder and moved to its place in one step. Sweeps run the same
chapters with other parameters (see :mod:`press.sweeps.run`).
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joblib import Parallel, delayed
from nbformat import NotebookNode
from tqdm import tqdm

from press.book import Book, Chapter, put_in_place
from press.errors import PressError
from press.keys import (
    KEY_FILE,
    Key,
    current_key,
    reasons_for_staleness,
    stored_key,
)
from press.notebooks import (
    code_cells,
    read_notebook,
    samplebook_metadata,
    without_outputs,
    write_notebook,
)
from press.terminal import progress_bar, without_colours

TEMPORARY = ".tmp-"
RESULT_FILES = ("notebook.ipynb", "claims.jsonl", KEY_FILE)
SHORTEST_CELL = 0.01
Move = Callable[[float], object]
"""Moves the progress bar by so many seconds of work."""
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
    def name(self) -> str:
        """The job as messages name it."""
        return self.chapter.name

    @property
    def exclusive(self) -> bool:
        """Whether the chapter measures time, and so runs alone and with every core."""
        return bool(samplebook_metadata(self.notebook).get("exclusive"))

    @property
    def files(self) -> tuple[str, ...]:
        """Names of the files of which the result consists."""
        return RESULT_FILES

    @property
    def figures(self) -> str:
        """Matplotlib's backend."""
        return "module://matplotlib_inline.backend_inline"

    @property
    def parameters(self) -> dict[str, Any]:
        """What is set after the notebook's cell of parameters."""
        return {}

    def executed_part(self, notebook: NotebookNode) -> NotebookNode:
        """The part of the chapter that is executed: all of it."""
        return notebook

    def key_now(self, book: Book) -> Key:
        """The key that the job would have if it were made now."""
        notebook = read_notebook(book.notebook(self.chapter))
        return current_key(book, self.chapter, notebook)

    def store(self, book: Book) -> Path:
        """Where results of this kind lie, and are made."""
        return book.executed

    def result(self, book: Book) -> Path:
        """Where the result goes."""
        return book.result(self.chapter)

    def complete(self, book: Book, folder: Path) -> None:
        """Write what else belongs to the result into the folder of a finished run.

        Raises
        ------
        PressError
            If the run is none that can be kept.
        """


@dataclass(frozen=True)
class Failure:
    """A job without a result, by its name, and why."""

    name: str
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
    """Why a job has to be done; empty when its result is fresh."""
    return reasons_for_staleness(stored_key(job.result(book), job.files), job.key)


def kernel_environment(book: Book, job: Job, folder: Path) -> dict[str, str]:
    """Environment of a chapter's process: the book's library, the claims file, the threads it may use."""
    environment = dict(os.environ)
    environment["PYTHONPATH"] = str(book.library)
    environment["SAMPLEBOOK_CLAIMS"] = str(folder / "claims.jsonl")
    environment["IPYTHONDIR"] = str(folder / "ipython")
    environment["MPLBACKEND"] = job.figures
    if not job.exclusive:
        environment.update(dict.fromkeys(THREAD_LIMITS, "1"))
    return environment


def run_in_folder(book: Book, job: Job, folder: Path, move: Move) -> int:
    """Run the notebook into ``folder``, move the bar with each cell, and return the exit code."""
    notebook = without_outputs(job.executed_part(job.notebook))
    write_notebook(notebook, folder / "input.ipynb")
    (folder / "claims.jsonl").touch()
    paths = [
        folder / "input.ipynb",
        folder / "notebook.ipynb",
        book.notebook(job.chapter).parent,
    ]
    arguments = [*map(str, paths), json.dumps(job.parameters)]
    with (
        open(folder / "log.txt", "w", encoding="utf-8") as log,
        subprocess.Popen(
            [sys.executable, "-m", "press.run_notebook", *arguments],
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
            move(remaining.pop(line.strip(), 0.0))
        move(sum(remaining.values()))
    return process.returncode


def cell_number(notebook: NotebookNode, cell_id: str) -> int:
    """Place of a cell in a notebook, counted from 1."""
    return [cell.id for cell in notebook.cells].index(cell_id) + 1


def failure_text(job: Job, folder: Path, returncode: int) -> str:
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
    number = cell_number(job.notebook, failure["cell"])
    return f"cell {number} of the notebook failed\n{traceback}"


def keep_result(book: Book, job: Job, folder: Path) -> None:
    """Turn the folder of a finished run into the job's result."""
    job.complete(book, folder)
    for name in ("input.ipynb", "log.txt"):
        (folder / name).unlink()
    shutil.rmtree(folder / "ipython", ignore_errors=True)
    (folder / KEY_FILE).write_text(json.dumps(job.key, indent=1), encoding="utf-8")
    put_in_place(folder, job.result(book))


def changes(book: Book, job: Job) -> list[str]:
    """What changed since the job was made, in words."""
    return reasons_for_staleness(job.key, job.key_now(book))


def result_or_failure(book: Book, job: Job, folder: Path, move: Move) -> Failure | None:
    """Execute one chapter in a folder and keep its result; otherwise say why there is none."""
    before = changes(book, job)
    if before:
        return Failure(job.name, f"changed before it ran ({', '.join(before)})")
    returncode = run_in_folder(book, job, folder, move)
    if returncode:
        return Failure(job.name, failure_text(job, folder, returncode))
    changed = changes(book, job)
    if changed:
        words = f"changed while it ran ({', '.join(changed)}); run it again"
        return Failure(job.name, words)
    keep_result(book, job, folder)
    return None


def run_job(book: Book, job: Job, move: Move) -> Failure | None:
    """Do one job in a folder of its own, which nothing is left of."""
    try:
        folder = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=job.store(book)))
        try:
            return result_or_failure(book, job, folder, move)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except (OSError, PressError) as error:
        return Failure(job.name, str(error))


def remove_folders(folders: Iterable[Path]) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def remove_leftovers(book: Book) -> None:
    """Remove what a killed press left behind, and the results of chapters that are gone."""
    book.executed.mkdir(parents=True, exist_ok=True)
    remove_folders(book.executed.glob(f"{TEMPORARY}*"))
    known = {book.result(chapter) for chapter in book.chapters()}
    remove_folders(set(book.executed.glob("*/*")) - known)


def bar_of_jobs(jobs: Sequence[Job], what: str) -> "tqdm[None]":
    """A progress bar for jobs, in seconds of work."""
    total = sum(sum(job.seconds.values()) for job in jobs)
    count = f"1 {what}" if len(jobs) == 1 else f"{len(jobs)} {what}s"
    return progress_bar(total, f"Executing {count}")


def execute(book: Book, jobs: Iterable[Job], what: str = "chapter") -> list[Failure]:
    """Do jobs on all cores, the exclusive ones alone afterwards.

    A job that fails does not stop the others. The caller holds the lock of this kind of work.

    Parameters
    ----------
    book : Book
    jobs : iterable of Job
    what : str
        What the progress bar calls one of them.

    Returns
    -------
    list of Failure
        The jobs that have no result now.
    """
    jobs = list(jobs)
    if not jobs:
        return []
    together = [job for job in jobs if not job.exclusive]
    alone = [job for job in jobs if job.exclusive]
    with bar_of_jobs(jobs, what) as bar:
        outcomes = Parallel(n_jobs=-1, backend="threading")(
            delayed(run_job)(book, job, bar.update) for job in together
        )
        outcomes += [run_job(book, job, bar.update) for job in alone]
    return [outcome for outcome in outcomes if outcome is not None]


def execute_chapters(book: Book, jobs: Iterable[Job]) -> list[Failure]:
    """Execute chapters, after what a killed press left is removed. The caller holds the book's lock.

    Returns
    -------
    list of Failure
        The chapters that have no result now.
    """
    remove_leftovers(book)
    return execute(book, jobs)
