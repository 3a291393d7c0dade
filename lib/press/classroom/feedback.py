"""What a student learns of a graded submission: points, what the visible checks found, no hidden test."""

from html import escape

from press.classroom.assignments import POINTS_OF_AN_ASSIGNMENT, Task, TestCell
from press.classroom.grades import Grade
from press.classroom.pages import page, table

PASSED = '<span class="passed">passed</span>'
FAILED = '<span class="failed">not passed</span>'
UNMARKED = (
    "This submission could not be marked by itself. Your teacher will look at it."
)
"""What a student reads when marking failed: the reason may hold a part of a hidden test."""


def test_row(grade: Grade, test: TestCell) -> list[str]:
    """One line of feedback; of a hidden test it says what was looked at, and whether it passed."""
    passed = grade.passed[test.name]
    message = grade.messages.get(test.name, "")
    found = f"<pre>{escape(message)}</pre>" if test.is_visible and message else ""
    verdict = PASSED if passed else FAILED
    topic = test.topic[0].upper() + test.topic[1:]
    points = f"{test.points if passed else 0} of {test.points}"
    return [f"{escape(topic)}: {verdict}{found}", points]


def task_section(grade: Grade, task: Task) -> str:
    heading = f"Task {task.number}: {task.plain_title}"
    points = f"{grade.points_in(task)} of {task.points}"
    rows = [test_row(grade, test) for test in task.tests]
    return f"<h2>{escape(heading)}</h2>\n" + table(
        ["What was checked", f"{points} points"], rows, {1}
    )


def feedback_page(grade: Grade) -> str:
    """One student's page for one assignment."""
    notes = [UNMARKED] if grade.problem else grade.notes
    parts = [
        f"<p>{escape(grade.submission.student)}: <strong>{grade.points} of "
        f"{POINTS_OF_AN_ASSIGNMENT} points</strong></p>"
    ]
    if notes:
        items = "".join(f"<li>{escape(note)}</li>" for note in notes)
        parts.append(f"<h2>Your notebook</h2>\n<ul>{items}</ul>")
    parts += [task_section(grade, task) for task in grade.assignment.tasks]
    return page(f"Assignment: {grade.assignment.title}", "\n".join(parts))
