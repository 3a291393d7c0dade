"""Marking one submission: files that are no notebooks, cells that fail, messages, time, and the overlay."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from classroom_answers import REPOSITORY, answered, hand_in, real_assignment
from nbformat import NotebookNode

from press.classroom import containment, marking
from press.classroom.assignments import HIDDEN_REGION, Assignment
from press.classroom.containment import Limits
from press.classroom.marking import Marked, mark
from press.errors import PressError

LIMITS = Limits(seconds_per_call=2, seconds=20)
SETUP = "import numpy as np"
contained = pytest.mark.usefixtures("containment")


def cell_named(name: str, source: str, **grading: Any) -> NotebookNode:
    metadata = {"nbgrader": {"grade_id": name, "locked": True, **grading}}
    return nbformat.v4.new_code_cell(source, metadata=metadata)


def small_assignment(visible: str, hidden: str = "", setup: str = SETUP) -> Assignment:
    """One task, the function ``answer``, with a visible and a hidden test cell."""
    heading = nbformat.v4.new_markdown_cell("## Task 1 (100 points): answer")
    stub = "def answer(*arguments):\n    raise NotImplementedError"
    hidden = f"# Hidden checks: more.\n{HIDDEN_REGION}\n{hidden}"
    cells = [
        cell_named("setup", setup),
        heading,
        cell_named("answer", stub, solution=True, locked=False),
        cell_named("answer-visible", visible, grade=True, points=50),
        cell_named("answer-more", hidden, grade=True, points=50),
    ]
    return Assignment("small", nbformat.v4.new_notebook(cells=cells))


def notebook_file(folder: Path, cells: Iterable[str]) -> Path:
    path = folder / "small.ipynb"
    code = [{"cell_type": "code", "metadata": {}, "source": cell} for cell in cells]
    path.write_text(json.dumps({"cells": code}), encoding="utf-8")
    return path


def passed(marked: Marked) -> dict[str, bool]:
    return {outcome.test: outcome.passed for outcome in marked.outcomes}


def messages(marked: Marked) -> dict[str, str]:
    return {outcome.test: outcome.message for outcome in marked.outcomes}


NOTHING_PASSED = {"answer-visible": False, "answer-more": False}
ALL_PASSED = {"answer-visible": True, "answer-more": True}
ASKS_ONCE = small_assignment("assert answer() == 1", "assert answer() == 1")
ANSWER = "def answer(*arguments): return 1"


def notebook_text(**changes: Any) -> bytes:
    """Text of a notebook whose only cell, a code cell, is changed."""
    cell = {"cell_type": "code", "metadata": {}, "source": ANSWER} | changes
    kept = {key: value for key, value in cell.items() if value is not ...}
    return json.dumps({"cells": [kept], "metadata": {}, "nbformat": 4}).encode()


@pytest.mark.parametrize(
    "content",
    {
        "empty": b"",
        "no JSON": b"print('hello')",
        "a list": b"[]",
        "an older format": b'{"nbformat": 3, "worksheets": [{"cells": []}]}',
        "a number for cells": b'{"cells": 5}',
        "texts for cells": b'{"cells": ["code"]}',
        "a cell without source": notebook_text(source=...),
        "a number for source": notebook_text(source=5),
        "numbers for lines": notebook_text(source=[1, 2]),
        "deeply nested": b'{"cells":' + b"[" * 1_000_000,
        "deeply nested mappings": b'{"cells":' * 1_000_000,
        "a number of a million digits": b'{"cells": ' + b"9" * 1_000_000 + b"}",
        "Latin-1": notebook_text(source="§").replace(b"\\u00a7", b"\xa7"),
        "UTF-16": notebook_text().decode().encode("utf-16"),
        "binary": bytes(range(256)) * 100,
    }.items(),
    ids=lambda content: content[0],
)
def test_a_file_that_is_no_notebook_scores_nothing_and_says_so(
    content: tuple[str, bytes], tmp_path: Path
) -> None:
    path = tmp_path / "small.ipynb"
    path.write_bytes(content[1])
    marked = mark(ASKS_ONCE, path, LIMITS)
    assert passed(marked) == NOTHING_PASSED
    assert marked.notes == ["the file is not a notebook"]


def link_to_passwords(path: Path) -> None:
    path.symlink_to("/etc/passwd")


def huge_file(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(marking.LARGEST_NOTEBOOK + 1)


def nothing_at_all(path: Path) -> None:
    """Write nothing."""


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (Path.mkdir, "this is no file"),
        (os.mkfifo, "this is no file"),
        (link_to_passwords, "the file cannot be read: Too many levels"),
        (huge_file, "the file is larger than 20 MB"),
        (nothing_at_all, "the file cannot be read: No such file"),
    ],
)
def test_what_is_no_ordinary_file_scores_nothing_at_once(
    make: Callable[[Path], object], reason: str, tmp_path: Path
) -> None:
    make(tmp_path / "small.ipynb")
    marked = mark(ASKS_ONCE, tmp_path / "small.ipynb", LIMITS)
    assert passed(marked) == NOTHING_PASSED
    assert marked.notes[0].startswith(reason)


@contained
@pytest.mark.parametrize(
    ("cell", "note"),
    [
        ("x = '\0'", "raised SyntaxError: source code string cannot contain null"),
        ("x = '\ud800'", "raised UnicodeEncodeError"),
        ("1\n" * 1_000_000, "took too long and was left out"),
        ("x" * 10_000_000, "is too long and was left out"),
        ("(" * 5_000, "raised SyntaxError"),
        ("%time\n" * 20_000, "took too long and was left out"),
        ("%matplotlib inline\n!ls\nanswer?", ""),
        ("def f(:", "raised SyntaxError"),
    ],
    ids=["NUL", "surrogate", "lines", "size", "nested", "magics", "IPython", "syntax"],
)
def test_a_strange_cell_costs_nothing_elsewhere(
    cell: str, note: str, tmp_path: Path
) -> None:
    path = notebook_file(tmp_path, [cell, ANSWER])
    marked = mark(ASKS_ONCE, path, LIMITS)
    assert passed(marked) == ALL_PASSED
    assert note in "\n".join(marked.notes)
    assert bool(marked.notes) is bool(note)


@contained
def test_metadata_that_are_no_mapping_and_a_byte_order_mark_do_no_harm(
    tmp_path: Path,
) -> None:
    for metadata in ([], 5, {"nbgrader": []}, {"nbgrader": {"grade_id": {}}}):
        path = tmp_path / "small.ipynb"
        path.write_bytes(b"\xef\xbb\xbf" + notebook_text(metadata=metadata))
        assert passed(mark(ASKS_ONCE, path, LIMITS)) == ALL_PASSED


@contained
@pytest.mark.parametrize("kind", ["StopIteration", "StopAsyncIteration", "SystemExit"])
def test_no_exception_ends_the_loop_of_a_test(kind: str, tmp_path: Path) -> None:
    assignment = small_assignment(
        "for result in map(answer, [1, 2]):\n    assert result == 1",
        "assert sum(map(answer, [1, 2])) == 2 or True",
    )
    path = notebook_file(tmp_path, [f"def answer(*_): raise {kind}"])
    marked = mark(assignment, path, LIMITS)
    assert passed(marked) == NOTHING_PASSED
    assert messages(marked)["answer-visible"].startswith(f"answer raised {kind}")


@contained
def test_a_message_and_a_note_are_short_and_can_be_written(tmp_path: Path) -> None:
    text = "'\\ud800\\0\\x1b[31m' + 'x' * 10**6"
    path = notebook_file(
        tmp_path, [f"def answer(*_): raise KeyError({text})", f"raise OSError({text})"]
    )
    marked = mark(ASKS_ONCE, path, LIMITS)
    for message in (messages(marked)["answer-visible"], *marked.notes):
        assert "xxx" in message
        assert len(message) <= marking.LONGEST_MESSAGE
        assert not set("\0\x1b") & set(message)
        message.encode()
    assert len(marked.notes) == 1


@contained
def test_notes_are_few_however_many_cells_fail(tmp_path: Path) -> None:
    path = notebook_file(tmp_path, ["1 / 0"] * 500 + [ANSWER])
    marked = mark(ASKS_ONCE, path, LIMITS)
    assert passed(marked) == ALL_PASSED
    assert len(marked.notes) == marking.MOST_NOTES


@contained
def test_restarts_count_towards_the_time_of_a_submission(tmp_path: Path) -> None:
    path = notebook_file(tmp_path, ["import os; os._exit(0)"] * 10_000)
    begin = time.monotonic()
    marked = mark(ASKS_ONCE, path, Limits(seconds_per_call=1, seconds=3))
    assert time.monotonic() - begin < 20
    assert messages(marked)["answer-visible"] == "answer took too long"


@contained
def test_a_call_that_ended_python_leaves_the_next_one_undisturbed(
    tmp_path: Path,
) -> None:
    assignment = small_assignment("assert answer(0) == 1", "assert answer(1) == 1")
    path = notebook_file(
        tmp_path, ["import os\ndef answer(x): return 1 if x else os._exit(0)"]
    )
    marked = mark(assignment, path, LIMITS)
    assert passed(marked) == {"answer-visible": False, "answer-more": True}
    assert messages(marked)["answer-visible"] == "answer ended Python"


@contained
@pytest.mark.parametrize("setup", ["1 / 0", "import os; os._exit(1)"])
def test_no_submission_is_blamed_for_a_setup_that_fails(
    setup: str, tmp_path: Path
) -> None:
    assignment = small_assignment("assert answer() == 1", setup=setup)
    answers = marking.Answers(assignment.setup, [ANSWER], LIMITS)
    with pytest.raises(PressError, match=r"setup cell raised|did not start"):
        marking.failure("answer()", {"answer": lambda: answers.call("answer")})
    answers.close()


@contained
def test_a_process_that_does_not_start_is_no_lost_test(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(containment, "START", "raise OSError('full') # {} {} {} {}")
    with pytest.raises(PressError, match="did not start: OSError: full"):
        mark(ASKS_ONCE, notebook_file(tmp_path, [ANSWER]), LIMITS)


OVERLAY = "assert answer(7) == 7, 'the private input 7'"


@contained
def test_an_overlay_takes_points_away_and_tells_the_student_nothing(
    tmp_path: Path,
) -> None:
    path = notebook_file(tmp_path, [ANSWER])
    for test in ("answer-visible", "answer-more"):
        marked = mark(ASKS_ONCE, path, LIMITS, overlay={test: OVERLAY})
        assert passed(marked) == ALL_PASSED | {test: False}
        assert set(messages(marked).values()) == {""}


@contained
def test_no_private_input_reaches_a_message_by_way_of_a_later_visible_test(
    tmp_path: Path,
) -> None:
    spy = "seen = []\ndef answer(*given):\n    seen.append(given)\n    return seen"
    two = small_assignment("assert answer() == 1, answer()", "assert answer(8) == 1")
    marked = mark(
        two,
        notebook_file(tmp_path, [spy]),
        LIMITS,
        overlay={"answer-visible": OVERLAY, "answer-more": OVERLAY},
    )
    assert messages(marked)["answer-visible"]
    assert not set("78") & set(messages(marked)["answer-visible"])


def marked_apart(slug: str, path: Path) -> dict[str, Any]:
    """What the marking process prints."""
    order = {
        "root": str(REPOSITORY),
        "assignment": slug,
        "submission": str(path),
        "limits": {"seconds_per_call": 5, "seconds": 60, "memory": 2 << 30},
        "hidden": [str(REPOSITORY)],
        "overlay": {},
    }
    with subprocess.Popen(
        [sys.executable, "-m", "press.classroom.mark_submission", json.dumps(order)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY / "lib")},
    ) as process:
        assert process.stdout is not None
        printed = process.stdout.read()
    assert process.returncode == 0
    return dict(json.loads(printed))


@contained
def test_large_and_strange_results_do_not_end_the_marking_process(
    tmp_path: Path,
) -> None:
    assignment = real_assignment("nbpo")
    results = {
        "draw_negatives": "np.full(7_900_000, 2**62)",
        "collapse_threshold": "10**4000",
        "conclusions_that_hold": "'\\udc80' * 1000",
    }
    cells = {name: f"def {name}(*_): return {value}" for name, value in results.items()}
    path = hand_in(tmp_path, "ada", "nbpo", answered(assignment, cells))
    outcomes = marked_apart("nbpo", path)["outcomes"]
    assert len(outcomes) == len(assignment.tests)
    assert not any(outcome["passed"] for outcome in outcomes)


def test_the_marking_process_has_a_limit_of_memory() -> None:
    greed = (
        "import mmap; from press.classroom import mark_submission; "
        "mark_submission.limit_memory(); mmap.mmap(-1, 20 << 30)"
    )
    done = subprocess.run(
        [sys.executable, "-c", greed],
        env=os.environ | {"PYTHONPATH": str(REPOSITORY / "lib")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Cannot allocate memory" in done.stderr
