"""What a student reads of a graded submission: no part of a hidden test, and nothing that a browser runs."""

from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from classroom_answers import answered, hand_in, need_containment
from small_assignment import (
    DOUBLE_HIDDEN,
    HIDDEN_INPUT,
    HIDDEN_MESSAGE,
    LARGER_HIDDEN,
    SLUG,
    small_assignment,
)

from press.classroom.assignments import outside_regions
from press.classroom.containment import Limits
from press.classroom.feedback import UNMARKED, feedback_page
from press.classroom.grades import Grade
from press.classroom.marking import Marked, Outcome, mark
from press.classroom.submissions import Submission

LIMITS = Limits(seconds_per_call=3, seconds=30)
ASSIGNMENT = small_assignment()


def hidden_words() -> list[str]:
    """What no student may read: the lines of hidden tests, their inputs, results and messages."""
    lines = [
        line.strip()
        for source in (DOUBLE_HIDDEN, LARGER_HIDDEN)
        for line in source.splitlines()
        if line not in outside_regions(source)
    ]
    return [*lines, HIDDEN_INPUT, "9422.125", HIDDEN_MESSAGE, "two is more than one"]


def grade_of(marked: Marked, student: str = "ada", problem: str = "") -> Grade:
    return Grade(
        Submission(student, SLUG, Path(f"{SLUG}.ipynb")),
        ASSIGNMENT,
        {test.name: False for test in ASSIGNMENT.tests}
        | {outcome.test: outcome.passed for outcome in marked.outcomes},
        {outcome.test: outcome.message for outcome in marked.outcomes},
        marked.notes,
        problem,
    )


def marked_with(
    folder: Path, cells: dict[str, str], overlay: dict[str, str] | None = None
) -> Marked:
    """The marks of a submission whose solution cells are these."""
    need_containment()
    path = hand_in(folder, "ada", SLUG, answered(ASSIGNMENT, cells))
    return mark(ASSIGNMENT, path, LIMITS, overlay=overlay)


def text_of(page: str) -> str:
    """What a reader sees of a page."""
    return BeautifulSoup(page, "html.parser").get_text(" ", strip=True)


REMEMBER = """\
import builtins, os, pathlib, sys

seen = []


def remember(x):
    seen.append(str(x))
    builtins.seen = os.environ["seen"] = sys.seen = str(seen)
    for folder in ("/tmp", "/dev/shm", "/var/tmp", "."):
        try:
            (pathlib.Path(folder) / "seen").write_text(str(seen))
        except OSError:
            pass


def recall():
    text = f"recalled {seen} {getattr(builtins, 'seen', '')} {os.environ.get('seen', '')}"
    for folder in ("/tmp", "/dev/shm", "/var/tmp", "."):
        try:
            text += (pathlib.Path(folder) / "seen").read_text()
        except OSError:
            pass
    return text

"""

SMUGGLERS = {
    "in a returned text": """\
def double(x):
    remember(x)
    return recall()
""",
    "in an exception": """\
def double(x):
    remember(x)
    raise ValueError(recall())
""",
    "in an exception of its own type": """\
class Seen(Exception):
    pass


def double(x):
    remember(x)
    raise Seen(recall())
""",
    "in the text of a stub": """\
def double(x):
    remember(x)
    raise NotImplementedError(recall())
""",
    "in the name of a function": """\
def double(x):
    remember(x)
    double.__name__ = double.__qualname__ = recall()
    raise TypeError(double.__name__)
""",
    "by ending Python": """\
def double(x):
    remember(x)
    os._exit(int(x) % 100)
""",
    "by ending Python in a hidden test alone": """\
raise ValueError(recall())


def double(x):
    remember(x)
    if x > 3:
        os._exit(1)
    return 6
""",
    "in the note of a cell that runs again": """\
def double(x):
    remember(x)
    if x > 3:
        sys.exit(recall())
    return 7


raise ValueError(recall())
""",
    "by waiting until time is up": """\
def double(x):
    remember(x)
    while x > 3:
        pass
    return 7
""",
}
LARGER = """\
def larger():
    return recall()
"""


@pytest.mark.parametrize("way", SMUGGLERS)
def test_no_hidden_input_is_smuggled_out(tmp_path: Path, way: str) -> None:
    marked = marked_with(
        tmp_path, {"double": REMEMBER + SMUGGLERS[way], "larger": LARGER}
    )
    page = feedback_page(grade_of(marked))
    assert "recalled" in page or "ended Python" in page  # a message gets through
    assert [word for word in hidden_words() if word in page] == []
    assert HIDDEN_INPUT[:4] not in text_of(page)
    assert {one.test: one.message for one in marked.outcomes if one.message}.keys() <= {
        test.name for test in ASSIGNMENT.tests if test.is_visible
    }


@pytest.mark.parametrize("wrong", ["x + 1", "None", "2 * x + (x > 3)", "x.missing"])
def test_feedback_on_a_wrong_answer_shows_no_hidden_test(
    tmp_path: Path, wrong: str
) -> None:
    cells = {"double": f"def double(x):\n    return {wrong}\n", "larger": LARGER}
    page = feedback_page(grade_of(marked_with(tmp_path, cells)))
    assert [word for word in hidden_words() if word in page] == []
    assert "A large number: not passed" in text_of(page)


def test_an_overlay_on_a_visible_cell_takes_points_and_says_nothing(
    tmp_path: Path,
) -> None:
    overlay = {
        "double-visible": f'assert double({HIDDEN_INPUT}) == 0, "{HIDDEN_MESSAGE}"'
    }
    cells = {
        "double": REMEMBER + "def double(x):\n    remember(x)\n    return 2 * x\n",
        "larger": LARGER,
    }
    marked = marked_with(tmp_path, cells, overlay)
    page = feedback_page(grade_of(marked))
    passed = {one.test: one.passed for one in marked.outcomes}
    assert not passed["double-visible"]
    assert passed["double-inputs"]
    assert [word for word in hidden_words() if word in page] == []


def test_feedback_names_points_checks_messages_and_notes() -> None:
    marked = Marked(
        [
            Outcome("double-visible", False, "double(3) is 7; it should be 6"),
            Outcome("double-inputs", True),
            Outcome("larger-visible", True),
            Outcome("larger-answer", False),
        ],
        ["code cell 5 raised NameError: name 'y' is not defined"],
    )
    text = text_of(feedback_page(grade_of(marked)))
    for words in (
        "Assignment: doubling ada: 40 of 100 points",
        "code cell 5 raised NameError: name 'y' is not defined",
        "Task 1: double a number What was checked 40 of 60 points",
        "The checks in the notebook: not passed double(3) is 7; it should be 6 0 of 20",
        "A large number: passed 40 of 40",
        "Task 2: judge What was checked 0 of 40 points",
        "The answer: not passed 0 of 40",
    ):
        assert words in text


def test_a_message_of_a_hidden_test_is_never_shown() -> None:
    """Even if marking handed one on."""
    marked = Marked([Outcome("double-inputs", False, HIDDEN_MESSAGE)])
    assert HIDDEN_MESSAGE not in feedback_page(grade_of(marked))


def test_a_failure_of_the_marking_itself_is_not_explained_to_students() -> None:
    problem = f"marking failed: AssertionError: {HIDDEN_MESSAGE}"
    page = feedback_page(grade_of(Marked(notes=["a note"]), problem=problem))
    assert UNMARKED in page
    assert HIDDEN_MESSAGE not in page
    assert "a note" not in page


INJECTION = (
    "</pre></title><script>alert(1)</script><img src=x onerror=alert(1)>&amp;'\""
)


def test_no_text_of_a_student_becomes_markup() -> None:
    marked = Marked([Outcome("double-visible", False, INJECTION)], [INJECTION])
    page = feedback_page(grade_of(marked, student=INJECTION))
    tree = BeautifulSoup(page, "html.parser")
    assert tree.find_all(["script", "img", "a", "link", "iframe"]) == []
    assert text_of(page).count(INJECTION) == 3


def test_a_page_needs_no_other_file_and_may_load_none() -> None:
    page = feedback_page(grade_of(Marked()))
    tree = BeautifulSoup(page, "html.parser")
    policy = tree.find("meta", {"http-equiv": "Content-Security-Policy"})
    assert policy is not None
    assert policy["content"] == "default-src 'none'; style-src 'unsafe-inline'"
    assert tree.find_all(src=True) + tree.find_all(href=True) == []
    assert "url(" not in page
    assert "@import" not in page


def test_a_text_that_is_no_unicode_can_be_written() -> None:
    marked = Marked([Outcome("double-visible", False, "half \ud800 a pair")])
    page = feedback_page(grade_of(marked, student="b\udce9n"))
    assert "half ? a pair" in page.encode("utf-8").decode("utf-8")
    assert "b?n" in page


@pytest.mark.parametrize("slug_of_cell", ["double", "larger"])
def test_a_blank_answer_is_told_that_it_is_not_written_yet(
    tmp_path: Path, slug_of_cell: str
) -> None:
    right = {"double": "def double(x):\n    return 2 * x\n"}
    right["larger"] = 'def larger():\n    return "a"\n'
    del right[slug_of_cell]
    text = text_of(feedback_page(grade_of(marked_with(tmp_path, right))))
    assert "not written yet: the function raises NotImplementedError" in text
