"""Tables of marks: numbers worked out by hand, columns that Canvas and Moodle import, no formulas."""

import csv
from pathlib import Path

import pytest
from classroom_answers import made_grade, real_assignment

from press.classroom.grades import Grade
from press.classroom.marks import (
    Table,
    canvas_table,
    harmless,
    marks_table,
    moodle_tables,
    write_table,
)

SPECTR, CET = real_assignment("spectr"), real_assignment("cet")
FIRST = SPECTR.tasks[0]
ALL = [test.name for test in SPECTR.tests]


@pytest.fixture
def grades() -> list[Grade]:
    lost = [test.name for test in FIRST.tests]
    return [
        made_grade(SPECTR, "ada"),
        made_grade(CET, "ada"),
        made_grade(SPECTR, "ben", lost),
        made_grade(SPECTR, "cleo", ALL, problem="marking took too long"),
        made_grade(SPECTR, "smithdan", ALL, system="canvas", number="77"),
        made_grade(SPECTR, "Eve Li", lost, system="moodle", number="5"),
    ]


def rows(table: Table) -> dict[str, dict[str, str]]:
    """A table's rows by student, each by column; the last one where a student has several."""
    header, *body = table
    name = "Full name" if "Full name" in header else header[0]
    by_column = [dict(zip(header, row, strict=True)) for row in body]
    return {row[name]: row for row in by_column}


def test_points_in_our_own_table(grades: list[Grade]) -> None:
    by_student = rows(marks_table(grades))
    rest = str(100 - FIRST.points)
    assert by_student["ben"]["points"] == by_student["Eve Li"]["points"] == rest
    assert by_student["ben"]["task 1"] == "0"
    assert by_student["ben"]["task 2"] == str(SPECTR.tasks[1].points)
    assert by_student["smithdan"]["points"] == "0"
    assert by_student["smithdan"]["number"] == "77"


def test_what_could_not_be_marked_has_no_points_in_any_table(
    grades: list[Grade],
) -> None:
    own = rows(marks_table(grades))["cleo"]
    assert own["problem"] == "marking took too long"
    assert own["points"] == own["task 1"] == ""
    assert rows(canvas_table(grades))["cleo"]["spectr"] == ""
    moodle = rows(moodle_tables(grades)["spectr"])["cleo"]
    assert moodle["Grade"] == moodle["Feedback comments"] == ""


def test_columns_that_canvas_imports(grades: list[Grade]) -> None:
    table = canvas_table(grades)
    known = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
    assert table[0] == [*known, "cet", "spectr"]
    by_student = rows(table)
    possible = by_student["    Points Possible"]
    assert (possible["cet"], possible["spectr"]) == ("100", "100")
    ada, dan = by_student["ada"], by_student["smithdan"]
    assert (ada["ID"], ada["SIS Login ID"]) == ("", "ada")
    assert (ada["cet"], ada["spectr"]) == ("100", "100")
    assert (dan["ID"], dan["SIS Login ID"]) == ("77", "")
    assert (dan["cet"], dan["spectr"]) == ("", "0")


def test_columns_that_moodle_imports(grades: list[Grade]) -> None:
    tables = moodle_tables(grades)
    assert tables.keys() == {"spectr", "cet"}
    # Moodle refuses a worksheet without these three.
    needed = {"Identifier", "Grade", "Last modified (grade)"}
    assert needed <= set(tables["spectr"][0])
    eve = rows(tables["spectr"])["Eve Li"]
    assert eve["Identifier"] == "Participant 5"
    assert eve["Grade"] == str(100 - FIRST.points)
    assert eve["Maximum Grade"] == "100"
    assert eve["Feedback comments"].startswith(f"task 1: 0 of {FIRST.points}; task 2: ")


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "\r=1", "\uff1d1"]
)
def test_no_spreadsheet_takes_a_name_for_a_formula(text: str) -> None:
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize("text", ["ada", "100", "", "-", "    Points Possible"])
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert harmless(text) == text


def test_any_text_comes_back_from_a_file(tmp_path: Path) -> None:
    row = ['Zoë "O\'Neil"', "two\nlines", "a,b;c", "\N{GRINNING FACE}", "\ud800"]
    write_table(tmp_path / "table.csv", [row])
    with (tmp_path / "table.csv").open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [[*row[:-1], "?"]]
