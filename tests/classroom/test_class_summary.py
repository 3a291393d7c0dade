"""The summary of a small class, worked out by hand."""

import re

import pytest
from bs4 import BeautifulSoup, Tag
from classroom_answers import made_grade, real_assignment

from press.classroom.class_summary import summary_page

CET = real_assignment("cet")
HARD = [test for test in CET.tests if test.is_visible and test.points][-1]
EVERY_TEST = [test.name for test in CET.tests]


@pytest.fixture(scope="module")
def page() -> str:
    """Four students: one right, two who fail a late test, one who fails all; a fifth was not marked."""
    told = {HARD.name: "<b>is 3</b>; it should be 4"}
    grades = [
        made_grade(CET, "ada"),
        made_grade(CET, "ben", [HARD.name], messages=told),
        made_grade(CET, "cleo", [HARD.name], messages=told),
        made_grade(CET, "dan", EVERY_TEST, messages={HARD.name: "not written yet"}),
        made_grade(CET, "eve", EVERY_TEST, problem="marking took too long"),
    ]
    return summary_page(grades)


def cells(page: str) -> list[list[Tag]]:
    soup = BeautifulSoup(page, "html.parser")
    return [row.find_all("td") for row in soup.select("tbody tr")]


def test_marks_in_short_count_only_what_was_marked(page: str) -> None:
    rest = 100 - HARD.points
    mean, median = (100 + 2 * rest + 0) / 4, rest
    assert (
        f"4 submissions; mean {mean:.1f}, median {median:g}, lowest 0, highest 100 points"
        in page
    )
    assert "1 of 5 submissions could not be marked" in page


def test_what_most_got_wrong_stands_first(page: str) -> None:
    rows = cells(page)
    assert len(rows) == len(CET.tests)
    [task] = [task for task in CET.tasks if HARD in task.tests]
    assert task.number > 1
    assert rows[0][0].text == f"{task.number}. {task.title}"
    assert rows[0][2].text == str(HARD.points)
    assert rows[0][3].text.endswith("25%")
    assert rows[0][4].text == "3 of 4"
    assert {row[4].text for row in rows[1:]} == {"1 of 4"}


def test_the_messages_that_most_students_read_are_shown(page: str) -> None:
    [first, *others] = cells(page)
    messages = [one.text for one in first[1].find_all("pre")]
    assert messages == ["2 × <b>is 3</b>; it should be 4", "1 × not written yet"]
    assert not any(row[1].find("pre") for row in others)


def test_a_class_without_one_marked_submission_has_a_page() -> None:
    page = summary_page([made_grade(CET, "ada", EVERY_TEST, problem="no result")])
    assert "1 of 1 submissions could not be marked" in page
    assert cells(page) == []


def test_the_page_needs_no_other_file_and_names_no_student(page: str) -> None:
    soup = BeautifulSoup(page, "html.parser")
    assert not soup.find_all(["script", "link", "img", "iframe"])
    assert not re.search(r"https?://|url\(|@import", page)
    assert not re.search(r"\b(ada|ben|cleo|dan|eve)\b", page)
