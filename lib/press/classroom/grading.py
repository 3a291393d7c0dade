"""Grade a folder of submissions: ``make grade SUBMISSIONS=dir``.

Each submission is marked in a process of its own, and its result is kept as soon as it is there: a run that
was broken off goes on where it stopped. A result is kept with the digest of everything that it depends on.
"""

import ast
import hashlib
import json
import os
import platform
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from joblib import Parallel, cpu_count, delayed

from press.book import Book, write_atomically
from press.classroom.assignments import Assignment, read_assignments, source_path
from press.classroom.class_summary import summary_page
from press.classroom.containment import Limits, require_containment
from press.classroom.feedback import feedback_page
from press.classroom.gradebook import record_marks
from press.classroom.grades import Grade
from press.classroom.marks import canvas_table, marks_table, moodle_tables, write_table
from press.classroom.releases import write_course, write_releases
from press.classroom.submissions import (
    Found,
    Submission,
    find_submissions,
    readable,
)
from press.errors import PressError
from press.keys import distribution_versions, file_digest
from press.terminal import progress_bar

SECONDS_BEYOND_THE_LIMIT = 180.0
LARGEST_OVERLAY = 100_000
"""Bytes for one assignment; Linux passes 128 KB in one argument of a command."""
SOLUTION = ".solution"
"""Whose result the assignment's own solution is; no student's name begins with a full stop."""


def overlay_test(path: Path, hidden_tests: dict[str, list[str]]) -> str:
    """The source of one file of an overlay.

    Raises
    ------
    PressError
        If it names no cell of hidden tests, or is not Python.
    """
    slug, name = path.parent.name, path.stem
    if name not in hidden_tests.get(slug, []):
        known = ", ".join(hidden_tests.get(slug, hidden_tests))
        raise PressError(
            f"OVERLAY: {path} names no cell of hidden tests; there are: {known}"
        )
    try:
        source = path.read_text(encoding="utf-8")
        ast.parse(source)
    except (SyntaxError, ValueError) as error:
        raise PressError(f"OVERLAY: {path} is not Python: {error}") from error
    return source


def read_overlay(
    folder: Path | None, assignments: list[Assignment]
) -> dict[str, dict[str, str]]:
    """A teacher's own hidden tests, ``ASSIGNMENT/TEST.py``, by assignment and test cell.

    Raises
    ------
    PressError
        If the folder holds none, or one that cannot be used.
    """
    overlay: dict[str, dict[str, str]] = {one.slug: {} for one in assignments}
    if folder is None:
        return overlay
    if not folder.is_dir():
        raise PressError(f"OVERLAY: there is no folder {folder}")
    hidden_tests = {
        one.slug: [test.name for test in one.tests if not test.is_visible]
        for one in assignments
    }
    for path in sorted(folder.rglob("*.py")):
        if not any(part.startswith(".") for part in path.relative_to(folder).parts):
            overlay[path.parent.name][path.stem] = overlay_test(path, hidden_tests)
    if not any(overlay.values()):
        raise PressError(f"OVERLAY: {folder} holds no ASSIGNMENT/TEST.py")
    for slug, tests in overlay.items():
        if len(json.dumps(tests)) > LARGEST_OVERLAY:
            raise PressError(
                f"OVERLAY: the tests of {slug} are longer than {LARGEST_OVERLAY} bytes"
            )
    return overlay


def code_digest(book: Book) -> str:
    """Digest of what decides a mark besides the assignment: the library, the grader, Python, its packages."""
    versions = distribution_versions({"numpy", "scipy"})
    hashed = hashlib.sha256(f"{platform.python_version()} {versions}".encode())
    for folder in (book.library / "samplebook", Path(__file__).parent):
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                line = f"{path.relative_to(folder)} {file_digest(path)}\n"
                hashed.update(line.encode())
    return hashed.hexdigest()


@dataclass(frozen=True)
class Grader:
    """How submissions are graded: with which tests, within which limits, hiding which folders."""

    book: Book
    limits: Limits
    overlay: dict[str, dict[str, str]]
    hidden: list[Path]
    code: str

    def key(self, submission: Submission) -> str:
        parts = [
            self.code,
            file_digest(submission.path),
            file_digest(source_path(self.book, submission.assignment)),
            json.dumps(self.overlay[submission.assignment], sort_keys=True),
            json.dumps(asdict(self.limits)),
        ]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def result_path(self, submission: Submission) -> Path:
        folder = self.book.classroom / "results" / submission.assignment
        return folder / f"{submission.unique_name}.json"

    def kept(self, submission: Submission) -> dict[str, Any] | None:
        """The result of an earlier run, if it still holds."""
        try:
            result = json.loads(
                self.result_path(submission).read_text(encoding="utf-8")
            )
        except (OSError, ValueError):
            return None
        holds = isinstance(result, dict) and result.get("key") == self.key(submission)
        return result if holds else None

    def run(self, submission: Submission) -> dict[str, Any]:
        """Mark a submission in a process of its own, and keep the result unless the marking itself failed."""
        key = self.key(submission)
        order = {
            "root": str(self.book.root),
            "assignment": submission.assignment,
            "submission": str(submission.path),
            "limits": asdict(self.limits),
            "hidden": list(map(str, self.hidden)),
            "overlay": self.overlay[submission.assignment],
        }
        with (
            TemporaryFile("w+", errors="replace") as output,
            TemporaryFile("w+", errors="replace") as words,
        ):
            problem = self.marking_problem(json.dumps(order), output, words)
            if problem:
                return not_marked(problem)
            output.seek(0)
            try:
                result: dict[str, Any] = {**json.load(output), "key": key}
            except (ValueError, TypeError):
                return not_marked("marking failed: it left no result")
        result["problem"] = ""
        write_atomically(self.result_path(submission), json.dumps(result, indent=1))
        return result

    def marking_problem(
        self, order: str, output: IO[str], words: IO[str]
    ) -> str | None:
        """Run the marking process; why it failed, or none."""
        with subprocess.Popen(
            [sys.executable, "-m", "press.classroom.mark_submission", order],
            stdin=subprocess.PIPE,  # held open: the process ends with this one
            stdout=output,
            stderr=words,
            env=os.environ | {"PYTHONPATH": str(self.book.library)},
        ) as process:
            try:
                process.wait(self.limits.seconds + SECONDS_BEYOND_THE_LIMIT)
            except subprocess.TimeoutExpired:
                process.kill()
                return "marking took too long"
        if process.returncode == 0:
            return None
        words.seek(0)
        last = (words.read().strip().splitlines() or ["no reason given"])[-1]
        return f"marking failed: {last}"

    def grade(self, submission: Submission, assignment: Assignment) -> Grade:
        """The grade of a submission, from an earlier run if that still holds."""
        try:
            result = self.kept(submission) or self.run(submission)
        except OSError as error:
            result = not_marked(f"marking failed: {error}")
        passed = dict.fromkeys((test.name for test in assignment.tests), False)
        outcomes = result["outcomes"]
        return Grade(
            submission,
            assignment,
            passed | {outcome["test"]: outcome["passed"] for outcome in outcomes},
            {outcome["test"]: outcome["message"] for outcome in outcomes},
            result["notes"],
            result["problem"],
        )


def not_marked(problem: str) -> dict[str, Any]:
    """The result of a submission that could not be marked."""
    return {"problem": readable(problem), "outcomes": [], "notes": []}


def require_right_overlay(grader: Grader, assignments: list[Assignment]) -> None:
    """See that the assignments' own solutions pass a teacher's tests: else these would fail everyone.

    Raises
    ------
    PressError
        If one does not.
    """
    for assignment in assignments:
        if not grader.overlay[assignment.slug]:
            continue
        path = source_path(grader.book, assignment.slug)
        solution = Submission(SOLUTION, assignment.slug, path)
        graded = grader.grade(solution, assignment)
        failed = [name for name, passed in graded.passed.items() if not passed]
        if failed:
            raise PressError(
                f"OVERLAY: the assignment's own solution to {assignment.slug} does not pass "
                f"{', '.join(failed)} {graded.problem}".rstrip()
            )


def grades_of(
    grader: Grader, submissions: list[Submission], assignments: list[Assignment]
) -> list[Grade]:
    """Grade all submissions, as many at a time as there are cores."""
    by_slug = {assignment.slug: assignment for assignment in assignments}
    tasks = (
        delayed(grader.grade)(submission, by_slug[submission.assignment])
        for submission in submissions
    )
    pool = Parallel(n_jobs=cpu_count(), prefer="threads", return_as="generator")
    grades = []
    with progress_bar(len(submissions), "Grading") as bar:
        for grade in pool(tasks):
            grades.append(grade)
            bar.update(1)
    return grades


def write_feedback(book: Book, grade: Grade) -> None:
    """Write a student's page; none where the submission could not be marked."""
    student, slug = grade.submission.unique_name, grade.assignment.slug
    path = book.classroom / "feedback" / student / slug / f"{slug}.html"
    if grade.problem:
        path.unlink(missing_ok=True)
    else:
        write_atomically(path, feedback_page(grade))


def write_results(book: Book, grades: list[Grade]) -> None:
    """Write marks, feedback pages and the summary of the class."""
    marks = book.classroom / "marks"
    write_table(marks / "marks.csv", marks_table(grades))
    write_table(marks / "canvas.csv", canvas_table(grades))
    for slug, table in moodle_tables(grades).items():
        write_table(marks / f"moodle-{slug}.csv", table)
    write_atomically(marks / "summary.html", summary_page(grades))
    for grade in grades:
        write_feedback(book, grade)


def report(book: Book, found: Found, grades: list[Grade]) -> None:
    """Say what was graded, what was not and why, and where the results are."""
    for path, reason in found.left_out:
        print(f"Not graded, since {reason}: {readable(str(path))}")
    for path, doubt in found.doubts:
        print(f"Please look: {readable(str(path))} is {doubt}")
    by_hand = [grade for grade in grades if grade.problem]
    for grade in grades:
        name = readable(str(grade.submission.path))
        if grade.problem:
            print(f"To be graded by hand: {name} ({grade.problem})")
        elif grade.was_not_run:
            print(f"0 points: {name} ({'; '.join(grade.notes)})")
    print(
        f"Graded {len(grades) - len(by_hand)} submissions: {book.shown(book.classroom)}/marks"
    )


def find_all(book: Book, folder: Path, assignments: list[Assignment]) -> Found:
    """The submissions in a folder.

    Raises
    ------
    PressError
        If there is none, or the folder holds the marks themselves.
    """
    if not folder.is_dir():
        raise PressError(f"SUBMISSIONS: there is no folder {folder}")
    if book.classroom.resolve().is_relative_to(folder.resolve()):
        raise PressError(
            f"SUBMISSIONS: {folder} holds marks and solutions too; name a folder of submissions alone"
        )
    found = find_submissions(folder, [one.slug for one in assignments])
    if not found.submissions:
        reasons = "".join(
            f"\n{readable(str(path))}: {reason}" for path, reason in found.left_out
        )
        raise PressError(
            f"SUBMISSIONS: {folder} holds no answer to an assignment{reasons}"
        )
    return found


def grade(
    book: Book,
    submissions: Path,
    overlay: Path | None = None,
    limits: Limits | None = None,
) -> list[Grade]:
    """Grade every submission in a folder.

    Raises
    ------
    PressError
        If there is no submission, or submissions cannot be contained on this machine.
    """
    assignments = read_assignments(book)
    found = find_all(book, submissions, assignments)
    hidden = [book.root, submissions, *([overlay] if overlay else [])]
    grader = Grader(
        book,
        limits or Limits(),
        read_overlay(overlay, assignments),
        hidden,
        code_digest(book),
    )
    require_containment(hidden)
    write_course(book, write_releases(book))
    require_right_overlay(grader, assignments)
    grades = grades_of(grader, found.submissions, assignments)
    write_results(book, grades)
    report(book, found, grades)
    record_marks(book, grades)
    return grades
