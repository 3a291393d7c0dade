"""``make grade`` goes on where it stopped, marks anew what changed, and says what it could not mark."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from classroom_answers import (
    BookWithOutputsElsewhere,
    answered,
    hand_in,
    need_containment,
    real_assignment,
    real_book_with_gradebook,
    right_but_for,
)

from press.book import Book
from press.classroom.containment import Limits
from press.classroom.grading import (
    Grader,
    code_digest,
    grade,
    read_overlay,
    require_right_overlay,
)
from press.classroom.submissions import Submission
from press.errors import PressError

CET = real_assignment("cet")
TESTS = Path(__file__).parent
SECONDS_TO_DIE = 15.0
GRADE = (
    "from pathlib import Path; from classroom_answers import real_book; "
    "from press.classroom.grading import grade; "
    "grade(real_book(Path({outputs!r})), Path({submissions!r}))"
)


@pytest.fixture
def book(tmp_path: Path) -> BookWithOutputsElsewhere:
    return real_book_with_gradebook(tmp_path / "outputs")


@pytest.fixture
def submissions(tmp_path: Path) -> Path:
    folder = tmp_path / "submitted"
    folder.mkdir()
    return folder


def hand_in_text(folder: Path, student: str, text: str = "{}") -> Path:
    """A submission that is marked in a second: it is no notebook."""
    path = folder / student / "cet" / "cet.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return path


def grader_of(book: Book, overlay: dict[str, str] | None = None) -> Grader:
    return Grader(book, Limits(), {"cet": overlay or {}}, [book.root], "code")


@pytest.fixture
def marked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the students whose submissions are marked, in this test, not taken from an earlier run."""
    names: list[str] = []
    run = Grader.run

    def noted(grader: Grader, submission: Submission) -> dict[str, object]:
        names.append(submission.student)
        return run(grader, submission)

    monkeypatch.setattr(Grader, "run", noted)
    return names


def processes_on(folder: Path) -> Iterator[psutil.Process]:
    """Processes that mark submissions of a folder."""
    for process in psutil.process_iter():
        try:
            if any(str(folder) in word for word in process.cmdline()):
                yield process
        except psutil.Error:
            continue


def test_a_killed_run_leaves_no_process_and_goes_on_where_it_stopped(
    book: BookWithOutputsElsewhere,
    submissions: Path,
    marked: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    need_containment()
    students = [f"student {number}" for number in range(2 * (os.cpu_count() or 1) + 2)]
    for student in students:
        hand_in_text(submissions, student)
    command = GRADE.format(outputs=str(book.outputs), submissions=str(submissions))
    paths = os.pathsep.join([str(book.library), str(TESTS)])
    results = book.classroom / "results" / "cet"
    with subprocess.Popen(
        [sys.executable, "-c", command],
        env=os.environ | {"PYTHONPATH": paths},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        while not list(results.glob("*.json")):
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    end = time.monotonic() + SECONDS_TO_DIE
    while list(processes_on(submissions)):
        assert time.monotonic() < end
        time.sleep(0.05)
    there = {path.stem for path in results.glob("*.json")}
    assert there < set(students)
    assert not (book.classroom / "marks").exists()

    grades = grade(book, submissions)

    assert sorted(marked) == sorted(set(students) - there)
    assert sorted(one.submission.student for one in grades) == sorted(students)
    assert "Grading 100%" in capsys.readouterr().err


def test_only_what_changed_is_marked_anew(
    book: BookWithOutputsElsewhere, submissions: Path, marked: list[str]
) -> None:
    need_containment()
    hand_in_text(submissions, "ada")
    path = hand_in_text(submissions, "ben")
    grade(book, submissions)
    assert sorted(marked) == ["ada", "ben"]
    grade(book, submissions)
    assert len(marked) == 2
    path.write_text("[]")
    grade(book, submissions)
    assert marked[2:] == ["ben"]


def test_the_key_of_a_result_has_all_that_decides_the_mark(tmp_path: Path) -> None:
    source = tmp_path / "assignments" / "cet" / "cet.ipynb"
    source.parent.mkdir(parents=True)
    source.write_text("{}")
    answer = tmp_path / "cet.ipynb"
    answer.write_text("{}")
    book = Book(tmp_path)
    submission = Submission("ada", "cet", answer)

    def key(overlay: dict[str, str] | None = None) -> str:
        return grader_of(book, overlay).key(submission)

    keys = [key(), key({"a-test": "pass"})]
    source.write_text("[]")
    keys.append(key())
    answer.write_text("[]")
    keys.append(key())
    limits = Grader(book, Limits(seconds=1), {"cet": {}}, [], "code")
    code = Grader(book, Limits(), {"cet": {}}, [], "other code")
    keys += [limits.key(submission), code.key(submission)]
    assert len(set(keys)) == len(keys)
    assert keys[3] == key()


@pytest.mark.parametrize("name", ["core.py", "data/weights.npz"])
def test_a_change_in_the_library_makes_results_stale(tmp_path: Path, name: str) -> None:
    book = Book(tmp_path)
    path = book.library / "samplebook" / name
    path.parent.mkdir(parents=True)
    path.write_text("1")
    before = code_digest(book)
    cache = path.parent / "__pycache__" / "core.pyc"
    cache.parent.mkdir()
    cache.write_text("1")
    assert code_digest(book) == before
    path.write_text("2")
    assert code_digest(book) != before


@pytest.mark.parametrize("share", [0, 0.5, 0.99])
def test_a_half_written_result_never_counts(tmp_path: Path, share: float) -> None:
    book = Book(tmp_path)
    answer = tmp_path / "cet.ipynb"
    answer.write_text("{}")
    submission, grader = Submission("ada", "cet", answer), grader_of(book)
    path = grader.result_path(submission)
    path.parent.mkdir(parents=True)
    result = {"key": grader.key(submission), "outcomes": [], "notes": []}
    text = json.dumps(result)
    path.write_text(text)
    assert grader.kept(submission) == result
    path.write_text(text[: int(share * len(text))])
    assert grader.kept(submission) is None
    path.write_text("[]")
    assert grader.kept(submission) is None


def test_a_submission_that_cannot_be_marked_is_reported_and_tried_again(
    book: BookWithOutputsElsewhere,
    submissions: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    need_containment()
    path = hand_in_text(submissions, "ada")
    graded = grade(book, submissions)
    page = book.classroom / "feedback" / "ada" / "cet" / "cet.html"
    assert page.is_file()
    assert f"0 points: {path} (the file is not a notebook)" in capsys.readouterr().out

    assignment = graded[0].assignment
    blank = hand_in(submissions, "ben", "cet", answered(assignment, {}))
    too_little = replace(grader_of(book), limits=Limits(memory=1 << 20))
    failed = too_little.grade(Submission("ben", "cet", blank), assignment)
    assert "PressError: a setup cell raised ImportError" in failed.problem
    assert too_little.kept(failed.submission) is None


def test_a_failed_marking_leaves_no_points_and_no_page(
    book: BookWithOutputsElsewhere,
    submissions: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    need_containment()
    path = hand_in_text(submissions, "ada")
    page = book.classroom / "feedback" / "ada" / "cet" / "cet.html"
    grade(book, submissions)
    path.write_text("[]")
    monkeypatch.setattr(Grader, "marking_problem", lambda *_: "marking took too long")
    [failed] = grade(book, submissions)
    assert failed.problem == "marking took too long"
    assert not page.exists()
    said = capsys.readouterr().out
    assert f"To be graded by hand: {path} (marking took too long)" in said
    assert "Graded 0 submissions" in said
    assert rows(book)["ada"]["points"] == ""


def rows(book: Book) -> dict[str, dict[str, str]]:
    """Our own table of marks, by student."""
    path = book.classroom / "marks" / "marks.csv"
    with path.open(newline="", encoding="utf-8") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


def test_students_of_any_name_get_their_marks_and_pages(
    book: BookWithOutputsElsewhere, submissions: Path
) -> None:
    need_containment()
    names = [
        'Zoë "O\'Neil"',
        "\N{GRINNING FACE}",
        "=1+1",
        "marks",
        "-rf",
        "$HOME; #&",
        os.fsdecode(b"ben\xff"),
        "x" * 255,
    ]
    for name in names:
        hand_in_text(submissions, name)
    grades = grade(book, submissions)
    assert len(grades) == len(names)
    for one in grades:
        folder = book.classroom / "feedback" / one.submission.unique_name
        assert (folder / "cet" / "cet.html").is_file()
    by_student = rows(book)
    assert len(by_student) == len(names)
    assert by_student["'=1+1"]["notes"] == "the file is not a notebook"
    assert by_student["ben\ufffd"]["points"] == "0"


def test_no_submission_is_run_where_it_cannot_be_contained(
    book: BookWithOutputsElsewhere,
    submissions: Path,
    marked: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hand_in_text(submissions, "ada")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(PressError, match="could not be contained: bubblewrap is not"):
        grade(book, submissions)
    assert marked == []
    assert not (book.classroom / "marks").exists()


def test_folders_without_submissions_are_refused_with_the_reason(
    book: BookWithOutputsElsewhere, submissions: Path
) -> None:
    with pytest.raises(PressError, match="there is no folder"):
        grade(book, submissions / "missing")
    with pytest.raises(PressError, match="holds no answer"):
        grade(book, submissions)
    (submissions / "week 1.zip").write_text("")
    with pytest.raises(PressError, match="week 1.zip: it is an archive"):
        grade(book, submissions)
    hand_in_text(book.classroom / "submitted", "ada")
    for folder in (book.classroom, book.outputs):
        with pytest.raises(PressError, match="holds marks and solutions too"):
            grade(book, folder)


HIDDEN = next(test.name for test in CET.tests if not test.is_visible)
VISIBLE = next(test.name for test in CET.tests if test.is_visible)


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("cet/no-such-test.py", "pass", f"names no cell .*{HIDDEN}"),
        (f"unknown/{HIDDEN}.py", "pass", "names no cell .*spectr"),
        (f"cet/{VISIBLE}.py", "pass", "names no cell"),
        (f"cet/{HIDDEN}.py", "assert 1 =", "is not Python"),
        (f"cet/{HIDDEN}.py", f"'{'x' * 100_000}'", "longer than"),
        (f"cet/{HIDDEN}.txt", "pass", "holds no ASSIGNMENT/TEST.py"),
        (f"cet/.checkpoints/{HIDDEN}.py", "pass", "holds no ASSIGNMENT/TEST.py"),
    ],
)
def test_an_overlay_that_cannot_be_used_is_refused(
    tmp_path: Path, name: str, text: str, reason: str
) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assignments = [CET, real_assignment("spectr")]
    with pytest.raises(PressError, match=f"OVERLAY: .*{reason}"):
        read_overlay(tmp_path, assignments)
    with pytest.raises(PressError, match="OVERLAY: there is no folder"):
        read_overlay(tmp_path / "missing", assignments)


def test_an_overlay_that_fails_the_solution_is_refused(
    book: BookWithOutputsElsewhere,
) -> None:
    need_containment()
    grader = grader_of(book, {HIDDEN: "assert False"})
    with pytest.raises(PressError, match=f"own solution to cet does not pass {HIDDEN}"):
        require_right_overlay(grader, [CET])


def test_an_overlay_adds_to_the_hidden_tests(
    book: BookWithOutputsElsewhere, submissions: Path, tmp_path: Path
) -> None:
    need_containment()
    wrong_for_77 = (
        f"{CET.solutions['bayes_weights']}\n"
        "right = bayes_weights\n"
        "def bayes_weights(relevance, selection):\n"
        "    first, second = right(relevance, selection)\n"
        "    return (first, second * (len(first) != 77))\n"
    )
    cells = {"bayes_weights": wrong_for_77}
    hand_in(submissions, "ada", "cet", right_but_for(CET, cells))
    overlay = tmp_path / "overlay"
    (overlay / "cet").mkdir(parents=True)
    (overlay / "cet" / "bayes_weights-inputs.py").write_text(
        "got = bayes_weights(np.zeros(77), np.zeros(77))\n"
        "check_close(got[1], np.ones(77), 'its second part')\n"
    )
    [without] = grade(book, submissions)
    assert without.points == 100
    [with_overlay] = grade(book, submissions, overlay)
    lost = [name for name, passed in with_overlay.passed.items() if not passed]
    assert lost == ["bayes_weights-inputs"]
