"""Mark one submission: its functions run contained, the test cells run here and see only what they return."""

import builtins
import io
import json
import os
import stat
import time
import warnings
from collections.abc import Callable, Iterable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from press.classroom.assignments import Assignment, grading
from press.classroom.containment import (
    SECONDS_TO_START,
    ContainedProcess,
    EndedError,
    Limits,
    TimeUpError,
)
from press.classroom.submissions import LARGEST_NOTEBOOK, readable
from press.classroom.wire import NotTransferableError
from press.errors import PressError

LONGEST_MESSAGE = 1_000
MOST_NOTES = 20


@dataclass(frozen=True)
class Outcome:
    """What one test cell found. ``message`` is for the student; a hidden cell's is empty."""

    test: str
    passed: bool
    message: str = ""


@dataclass
class Marked:
    """A marked submission: the outcomes of all test cells, and what the student should know of the cells."""

    outcomes: list[Outcome] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class SubmissionError(Exception):
    """A submitted function gave no answer."""


def submitted_text(path: Path) -> str:
    """Text of a submitted file.

    Raises
    ------
    PressError
        If it is no ordinary file, cannot be read, or is too large.
    UnicodeDecodeError
        If it is no text.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise PressError(f"the file cannot be read: {error.strerror}") from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise PressError("this is no file")
        with open(descriptor, "rb", closefd=False) as file:
            content = file.read(LARGEST_NOTEBOOK + 1)
    finally:
        os.close(descriptor)
    if len(content) > LARGEST_NOTEBOOK:
        raise PressError(f"the file is larger than {LARGEST_NOTEBOOK // 10**6} MB")
    return content.decode("utf-8-sig")


def submitted_cells(path: Path, assignment: Assignment) -> list[str]:
    """Sources of the code cells that a student wrote: whatever is no cell of the assignment's own.

    Raises
    ------
    PressError
        If the file cannot be read, is too large, or is no notebook.
    """
    own = {
        grading(cell)["grade_id"]
        for cell in assignment.notebook.cells
        if grading(cell).get("locked")
    }
    try:
        notebook = json.loads(submitted_text(path))
        cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
        return [
            "".join(cell["source"])
            for cell in cells
            if name_of(cell.get("metadata")) not in own
        ]
    except (
        ValueError,
        LookupError,
        TypeError,
        RecursionError,
        MemoryError,
    ) as error:
        raise PressError("the file is not a notebook") from error


def name_of(metadata: Any) -> Any:
    """The nbgrader name in a cell's metadata, whatever these are."""
    grading = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    name = grading.get("grade_id") if isinstance(grading, dict) else None
    return name if isinstance(name, str) else None


class Answers:
    """The functions of one submission, in a contained process that is started anew whenever it has ended.

    Parameters
    ----------
    setup : list of str
        The assignment's own cells, run first.
    cells : list of str
        The student's cells, in IPython's syntax. A cell that fails is reported. A cell that never ends, or
        ends Python, is left out from then on.
    limits : Limits
        What the submission may use.
    hidden : iterable of pathlib.Path
        Folders that it must not see.
    """

    def __init__(
        self,
        setup: list[str],
        cells: list[str],
        limits: Limits,
        hidden: Iterable[Path] = (),
    ):
        self.setup = setup
        self.cells = dict(enumerate(cells, start=1))
        self.limits = limits
        self.hidden = list(hidden)
        self.seconds_left = limits.seconds
        self.contained: ContainedProcess | None = None
        self.has_started = False
        self.notes: dict[int, str] = {}

    def ask(self, *request: Any) -> tuple[Any, ...]:
        """Ask the contained process, within the time that is left.

        Raises
        ------
        EndedError
            If it ends, or takes too long.
        """
        if self.seconds_left <= 0:
            raise TimeUpError
        assert self.contained is not None
        seconds = min(self.limits.seconds_per_call, self.seconds_left)
        start = time.monotonic()
        try:
            return self.contained.ask(*request, seconds=seconds)
        except EndedError:
            self.close()
            raise
        finally:
            self.seconds_left -= time.monotonic() - start

    def start(self) -> None:
        """Start the process and run all cells, until one run through them all ends well.

        Raises
        ------
        TimeUpError
            If no time is left.
        """
        while self.contained is None:
            if self.seconds_left <= 0:
                raise TimeUpError
            begin = time.monotonic()
            self.contained = ContainedProcess(self.limits, self.hidden)
            self.run_setup(self.contained)
            if self.has_started:  # the first start is no fault of the submission's
                self.seconds_left -= time.monotonic() - begin
            self.has_started = True
            self.run_cells()

    def run_setup(self, contained: ContainedProcess) -> None:
        """Run the assignment's own cells, before anything of the submission.

        Raises
        ------
        PressError
            If they fail: then the machine or the assignment is at fault.
        """
        for source in self.setup:
            try:
                answer = contained.ask("run", source, seconds=SECONDS_TO_START)
            except EndedError as error:
                reason = (
                    "took too long"
                    if isinstance(error, TimeUpError)
                    else contained.last_words()
                )
                raise PressError(
                    f"a contained process did not start: {reason}"
                ) from error
            if answer[0] == "error":
                raise PressError(f"a setup cell raised {answer[1]}: {answer[2]}")

    def run_cells(self) -> None:
        """Run the student's cells up to the first that must be left out, if there is one."""
        for number, source in list(self.cells.items()):
            try:
                answer = self.ask("run", source)
            except NotTransferableError:
                self.leave_out(number, "is too long")
                continue
            except EndedError as error:
                self.leave_out(
                    number,
                    "took too long"
                    if isinstance(error, TimeUpError)
                    else "ended Python",
                )
                return
            if answer[0] == "error":
                self.note(number, f"raised {answer[1]}: {answer[2]}")

    def leave_out(self, number: int, reason: str) -> None:
        self.note(number, f"{reason} and was left out")
        del self.cells[number]

    def note(self, number: int, what: str) -> None:
        if number in self.notes or len(self.notes) < MOST_NOTES:
            self.notes[number] = for_student(f"code cell {number} {what}")

    def call(self, name: str, *arguments: Any, **named: Any) -> Any:
        """Call a submitted function; an exception of a built-in type is raised here again.

        Raises
        ------
        SubmissionError
            If there is no answer.
        """
        try:
            self.start()
            answer = self.ask("call", name, arguments, list(named.items()))
        except TimeUpError:
            raise SubmissionError(f"{name} took too long") from None
        except EndedError:
            raise SubmissionError(f"{name} ended Python") from None
        if answer[0] == "done":
            return answer[1]
        raise raised_again(answer[1], answer[2]) or SubmissionError(
            f"{name} raised {answer[1]}: {answer[2]}"
        )

    def close(self) -> None:
        if self.contained is not None:
            self.contained.__exit__(None, None, None)
            self.contained = None


def raised_again(kind: str, text: str) -> Exception | None:
    """The exception of a submitted function; none if a test must not see it.

    A test that loops over the function's results would end with ``StopIteration`` and pass.
    """
    ancestor = getattr(builtins, kind, None)
    if not (isinstance(ancestor, type) and issubclass(ancestor, Exception)):
        return None
    if issubclass(ancestor, StopIteration | StopAsyncIteration):
        return None
    try:
        return ancestor(text)
    except TypeError:  # it needs more than a text
        return None


def for_student(message: str) -> str:
    """The beginning of a message, in characters that every file and page can hold."""
    return readable(message[:LONGEST_MESSAGE], allowed="\n\t")


def trusted_names(assignment: Assignment, answers: Answers) -> dict[str, Any]:
    """What test cells see: the check functions, the setup's data, stand-ins for the submitted functions."""
    names: dict[str, Any] = {"__name__": "tests"}
    for source in assignment.setup:
        exec(compile(source, assignment.slug, "exec"), names)
    stand_ins: dict[str, Callable[..., Any]] = {
        name: partial(answers.call, name) for name in assignment.functions
    }
    return names | stand_ins


def failure(source: str, names: dict[str, Any]) -> str | None:
    """What a test cell finds wrong; none if it finds nothing.

    Raises
    ------
    PressError
        If the submission could not be run, through no fault of its own.
    """
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            exec(compile(source, "test", "exec"), dict(names))
    except PressError:
        raise
    except NotImplementedError:
        return "not written yet: the function raises NotImplementedError"
    except (AssertionError, SubmissionError) as error:
        return str(error) or "a check failed"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


def mark_tests(
    assignment: Assignment, answers: Answers, overlay: Mapping[str, str]
) -> Marked:
    """Run all test cells.

    Visible tests come first, and alone: whatever they show the student, no hidden test has been run yet.
    """
    names = trusted_names(assignment, answers)
    found: dict[str, str | None] = {}
    messages: dict[str, str] = {}
    visible = [test for test in assignment.tests if test.is_visible]
    for test in visible:
        found[test.name] = failure(test.source, names)
        messages[test.name] = for_student(found[test.name] or "")
    notes = [note for _, note in sorted(answers.notes.items())]
    for test in assignment.tests:
        if test.is_visible and (found[test.name] or test.name not in overlay):
            continue
        source = f"{test.source}\n{overlay.get(test.name, '')}"
        found[test.name] = failure(source, names)
    outcomes = [
        Outcome(test.name, found[test.name] is None, messages.get(test.name, ""))
        for test in assignment.tests
    ]
    return Marked(outcomes, notes)


def mark(
    assignment: Assignment,
    path: Path,
    limits: Limits,
    *,
    hidden: Iterable[Path] = (),
    overlay: Mapping[str, str] | None = None,
) -> Marked:
    """Mark a submission.

    Parameters
    ----------
    assignment : Assignment
        With its tests.
    path : pathlib.Path
        The submitted notebook, whatever it is.
    limits : Limits
        What it may use.
    hidden : iterable of pathlib.Path
        Folders that it must not see.
    overlay : mapping of str to str, optional
        More hidden tests: Python source by name of a test cell; the cell passes if these pass too.
    """
    try:
        cells = submitted_cells(path, assignment)
    except PressError as error:
        return Marked(
            [Outcome(test.name, False) for test in assignment.tests], [str(error)]
        )
    answers = Answers(assignment.setup, cells, limits, hidden)
    try:
        return mark_tests(assignment, answers, overlay or {})
    finally:
        answers.close()
