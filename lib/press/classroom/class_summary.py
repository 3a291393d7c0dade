"""What a class got wrong, by task: one page for the teacher."""

from collections import Counter
from html import escape
from statistics import mean, median

from press.classroom.assignments import Assignment, Task, TestCell
from press.classroom.grades import Grade
from press.classroom.marks import graded_assignments
from press.classroom.pages import page, table

MESSAGES_OF_A_TEST = 3
LONGEST_MESSAGE = 300


def share_passed(grades: list[Grade], test: TestCell) -> float:
    return mean(grade.passed[test.name] for grade in grades)


def frequent_messages(grades: list[Grade], test: TestCell) -> str:
    """What students read most often when a visible test failed, as HTML; nothing for a hidden test."""
    messages = Counter(grade.messages.get(test.name, "") for grade in grades)
    del messages[""]
    return "".join(
        f"<pre>{count} × {escape(message[:LONGEST_MESSAGE])}</pre>"
        for message, count in messages.most_common(MESSAGES_OF_A_TEST)
    )


def test_row(grades: list[Grade], task: Task, test: TestCell) -> list[str]:
    share = share_passed(grades, test)
    failed = sum(not grade.passed[test.name] for grade in grades)
    meter = f'<meter min="0" max="1" value="{share:.3f}">{share:.0%}</meter>'
    return [
        f"{task.number}. {escape(task.plain_title)}",
        escape(test.topic) + frequent_messages(grades, test),
        str(test.points),
        f"{meter} {share:.0%}",
        f"{failed} of {len(grades)}",
    ]


def tests_table(assignment: Assignment, grades: list[Grade]) -> str:
    """An assignment's test cells, the most often failed first."""
    rows = [
        (share_passed(grades, test), test_row(grades, task, test))
        for task in assignment.tasks
        for test in task.tests
    ]
    rows.sort(key=lambda row: row[0])
    header = ["Task", "What was checked", "Points", "Passed", "Not passed"]
    return table(header, [row for _, row in rows], {2, 4})


def assignment_section(assignment: Assignment, grades: list[Grade]) -> str:
    """An assignment's marks in short, and its test cells; what could not be marked is only counted."""
    marked = [grade for grade in grades if not grade.problem]
    points = [grade.points for grade in marked]
    parts = [f"<h2>{escape(assignment.title)}</h2>"]
    if len(marked) < len(grades):
        parts.append(
            f"<p>{len(grades) - len(marked)} of {len(grades)} submissions could not be marked; "
            "they count nowhere below.</p>"
        )
    if marked:
        parts += [
            f"<p>{len(marked)} submissions; mean {mean(points):.1f}, median {median(points):g}, "
            f"lowest {min(points)}, highest {max(points)} points.</p>",
            tests_table(assignment, marked),
        ]
    return "\n".join(parts)


def summary_page(grades: list[Grade]) -> str:
    """The whole class, assignment by assignment."""
    sections = [
        assignment_section(
            assignment,
            [one for one in grades if one.assignment.slug == assignment.slug],
        )
        for assignment in graded_assignments(grades)
    ]
    return page("What the class got wrong", "\n".join(sections))
