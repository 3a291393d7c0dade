"""Solutions score 100, blank releases 0, and each known wrong answer loses just the test cells that it names.

Wrong answers to different tasks share one submission: it must lose what they lose together. So the tests also
see that no task's mark depends on the answer to another.
"""

from functools import cache
from itertools import chain

import pytest
from classroom_answers import (
    SLUGS,
    WrongAnswer,
    answered,
    hand_in,
    need_containment,
    real_assignment,
    real_book,
    right_but_for,
    wrong_answers,
)

from press.classroom.grades import Grade
from press.classroom.grading import grade

Grades = dict[tuple[str, str], Grade]
FEWEST_WRONG_ANSWERS = 5

pytestmark = pytest.mark.timeout(900)  # one fixture marks all answers


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


@pytest.fixture(scope="module")
def grades(tmp_path_factory: pytest.TempPathFactory) -> Grades:
    """All answers to all assignments, graded in one run, by student and assignment."""
    need_containment()
    folder = tmp_path_factory.mktemp("submitted")
    for slug in SLUGS:
        assignment = real_assignment(slug)
        hand_in(folder, "solution", slug, right_but_for(assignment, {}))
        hand_in(folder, "blank", slug, answered(assignment, {}))
        for number, group in enumerate(groups(slug)):
            cells = {name: text for one in group for name, text in one.cells.items()}
            notebook = right_but_for(assignment, cells)
            hand_in(folder, f"wrong-{number}", slug, notebook)
    graded = grade(real_book(tmp_path_factory.mktemp("outputs")), folder)
    return {(one.submission.student, one.assignment.slug): one for one in graded}


def lost(grade: Grade) -> set[str]:
    return {name for name, passed in grade.passed.items() if not passed}


@pytest.mark.parametrize("slug", SLUGS)
def test_there_are_known_wrong_answers_and_each_costs_points(slug: str) -> None:
    points = {test.name: test.points for test in real_assignment(slug).tests}
    answers = wrong_answers(slug)
    assert len(answers) >= FEWEST_WRONG_ANSWERS
    assert not [one.name for one in answers if not sum(map(points.get, one.loses))]


@pytest.mark.parametrize("slug", SLUGS)
def test_the_solution_scores_100(grades: Grades, slug: str) -> None:
    solution = grades["solution", slug]
    assert not lost(solution), solution.messages
    assert solution.points == 100
    assert solution.notes == []


@pytest.mark.parametrize("slug", SLUGS)
def test_the_blank_release_scores_0(grades: Grades, slug: str) -> None:
    blank = grades["blank", slug]
    assert lost(blank) == blank.passed.keys()
    assert blank.points == 0


@pytest.mark.parametrize(
    ("slug", "number"),
    [(slug, number) for slug in SLUGS for number in range(len(groups(slug)))],
)
def test_wrong_answers_lose_what_they_should_and_nothing_else(
    grades: Grades, slug: str, number: int
) -> None:
    group = groups(slug)[number]
    graded = grades[f"wrong-{number}", slug]
    expected = frozenset[str]().union(*(one.loses for one in group))
    assert lost(graded) == expected, [one.name for one in group]
    points = {test.name: test.points for test in graded.assignment.tests}
    assert graded.points == 100 - sum(points[name] for name in expected)
