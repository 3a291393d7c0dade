"""Solutions score 100, blank releases 0, and each known wrong answer loses just the test cells that it names.

Wrong answers to different tasks share one submission: it must lose what they lose together. So the tests also
see that no task's mark depends on the answer to another.
"""

from functools import cache
from itertools import chain
from pathlib import Path

import pytest
from classroom_answers import (
    REPOSITORY,
    SLUGS,
    WrongAnswer,
    hand_in,
    real_assignment,
    right_but_for,
    wrong_answers,
)
from nbformat import NotebookNode

from press.classroom.assignments import Assignment
from press.classroom.containment import Limits
from press.classroom.grades import Grade
from press.classroom.marking import mark
from press.classroom.releases import release_notebook
from press.classroom.submissions import Submission

FEWEST_WRONG_ANSWERS = 5


@cache
def groups(slug: str) -> tuple[tuple[WrongAnswer, ...], ...]:
    """The wrong answers to an assignment, in as few groups without a common cell as a greedy choice finds."""
    found: list[list[WrongAnswer]] = []
    for answer in sorted(wrong_answers(slug), key=lambda one: -len(one.cells)):
        for group in found:
            if not answer.cells.keys() & set(chain(*(one.cells for one in group))):
                group.append(answer)
                break
        else:
            found.append([answer])
    return tuple(map(tuple, found))


def graded(assignment: Assignment, notebook: NotebookNode, folder: Path) -> Grade:
    """The grade of a submission, marked in this process.

    A process of its own for each, as graders start them, would import the same packages again and again.
    """
    path = hand_in(folder, "someone", assignment.slug, notebook)
    marked = mark(assignment, path, Limits(), hidden=[REPOSITORY, folder])
    return Grade(
        Submission("someone", assignment.slug, path),
        assignment,
        {outcome.test: outcome.passed for outcome in marked.outcomes},
        {outcome.test: outcome.message for outcome in marked.outcomes},
        marked.notes,
    )


def lost(grade: Grade) -> set[str]:
    return {name for name, passed in grade.passed.items() if not passed}


@pytest.mark.parametrize("slug", SLUGS)
def test_there_are_known_wrong_answers_and_each_costs_points(slug: str) -> None:
    points = {test.name: test.points for test in real_assignment(slug).tests}
    answers = wrong_answers(slug)
    assert len(answers) >= FEWEST_WRONG_ANSWERS
    assert not [one.name for one in answers if not sum(map(points.get, one.loses))]


@pytest.mark.usefixtures("containment")
@pytest.mark.parametrize("slug", SLUGS)
def test_the_solution_scores_100(tmp_path: Path, slug: str) -> None:
    assignment = real_assignment(slug)
    solution = graded(assignment, right_but_for(assignment, {}), tmp_path)
    assert not lost(solution), solution.messages
    assert solution.points == 100
    assert solution.notes == []


@pytest.mark.usefixtures("containment")
@pytest.mark.parametrize("slug", SLUGS)
def test_the_blank_release_scores_0(tmp_path: Path, slug: str) -> None:
    assignment = real_assignment(slug)
    blank = graded(assignment, release_notebook(assignment), tmp_path)
    assert lost(blank) == blank.passed.keys()
    assert blank.points == 0


@pytest.mark.usefixtures("containment")
@pytest.mark.parametrize(
    ("slug", "number"),
    [(slug, number) for slug in SLUGS for number in range(len(groups(slug)))],
)
def test_wrong_answers_lose_what_they_should_and_nothing_else(
    tmp_path: Path, slug: str, number: int
) -> None:
    assignment, group = real_assignment(slug), groups(slug)[number]
    cells = {name: text for one in group for name, text in one.cells.items()}
    wrong = graded(assignment, right_but_for(assignment, cells), tmp_path)
    expected = frozenset[str]().union(*(one.loses for one in group))
    assert lost(wrong) == expected, [one.name for one in group]
    points = {test.name: test.points for test in assignment.tests}
    assert wrong.points == 100 - sum(points[name] for name in expected)
