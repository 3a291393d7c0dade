"""Submissions are found, and given to the right student and assignment, however a folder was filled."""

import json
import os
from pathlib import Path

import pytest

from press.classroom.submissions import (
    LONGEST_NAME,
    NO_ASSIGNMENT,
    NO_NOTEBOOK,
    PACKED,
    REPLACED,
    SAME_NAME,
    TWO_STUDENTS,
    Found,
    find_submissions,
    named_assignment,
)

ASSIGNMENTS = ["spectr", "cet", "dpp-least-squares"]
MOODLE_FOLDER = "Ada Smith_12_assignsubmission_file_"


def put(
    folder: Path, name: str, declared: str = "", *, modified: float | None = None
) -> Path:
    """Write a small notebook, with the assignment in its metadata if that is given."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    metadata = {"samplebook": {"assignment": declared}} if declared else {}
    path.write_text(json.dumps({"metadata": metadata, "cells": []}))
    if modified is not None:
        os.utime(path, (modified, modified))
    return path


def who(found: Found) -> list[tuple[str, str, str]]:
    return [(one.student, one.number, one.assignment) for one in found.submissions]


@pytest.mark.parametrize(
    ("name", "student", "number"),
    [
        ("ada/spectr/spectr.ipynb", "ada", ""),
        ("ada/spectr/drafts/spectr.ipynb", "ada", ""),
        ("ada/spectr.ipynb", "ada", ""),
        ("ada/Spectr/spectr.ipynb", "ada", ""),
        ("ada/deep/er/spectr-1.ipynb", "ada", ""),
        ("ada/spectr (2).ipynb", "ada", ""),
        ("ada/spectr_SMITH.IPYNB", "ada", ""),
        ("cet/spectr/homework.ipynb", "cet", ""),
        ("spectr/ada.ipynb", "ada", ""),
        ("spectr/ada/homework.ipynb", "ada", ""),
        ("smithada_123_456_spectr.ipynb", "smithada", "123"),
        ("smithada_LATE_123_456_spectr-2.ipynb", "smithada", "123"),
        ("o_neilada_123_456_spectr.ipynb", "o_neilada", "123"),
        ("smithada_123_456_benjones_7_8_spectr.ipynb", "smithada", "123"),
        ("cet_123_456_spectr.ipynb", "cet", "123"),
        ("spectr/smithada_123_456_Untitled.ipynb", "smithada", "123"),
        (f"{MOODLE_FOLDER}/spectr.ipynb", "Ada Smith", "12"),
        (f"{MOODLE_FOLDER.rstrip('_')}/spectr.ipynb", "Ada Smith", "12"),
        (f"{MOODLE_FOLDER}/spectr/spectr.ipynb", "Ada Smith", "12"),
        (f"week 3/{MOODLE_FOLDER}/spectr.ipynb", "Ada Smith", "12"),
        (f"spectr/{MOODLE_FOLDER}/homework.ipynb", "Ada Smith", "12"),
        (f"{MOODLE_FOLDER}/b/ben_1_2_spectr.ipynb", "Ada Smith", "12"),
        (
            f"{MOODLE_FOLDER}/Ben_5_assignsubmission_file_/spectr.ipynb",
            "Ada Smith",
            "12",
        ),
        (f"{MOODLE_FOLDER}spectr.ipynb", "Ada Smith", "12"),
    ],
)
def test_the_student_is_known_by_what_the_student_cannot_choose(
    tmp_path: Path, name: str, student: str, number: str
) -> None:
    put(tmp_path, name)
    found = find_submissions(tmp_path, ASSIGNMENTS)
    assert who(found) == [(student, number, "spectr")]
    assert found.left_out == found.doubts == []


@pytest.mark.parametrize(
    "name",
    ["week 3/smithada_123_456_spectr.ipynb", f"ada/{MOODLE_FOLDER}spectr.ipynb"],
)
def test_no_student_can_hand_in_for_another_by_the_name_of_a_file(
    tmp_path: Path, name: str
) -> None:
    path = put(tmp_path, name)
    found = find_submissions(tmp_path, ASSIGNMENTS)
    assert found.submissions == []
    assert found.left_out == [(path, TWO_STUDENTS)]


@pytest.mark.parametrize(
    ("name", "declared", "assignment", "in_doubt"),
    [
        ("ada/spectr/homework.ipynb", "", "spectr", False),
        ("ada/spectr/homework.ipynb", "cet", "spectr", True),
        ("ada/spectr/cet.ipynb", "", "spectr", True),
        ("ada/homework.ipynb", "cet", "cet", False),
        ("ada/spectr.ipynb", "cet", "cet", True),
        ("ada/spectr.ipynb", "unknown", "spectr", False),
    ],
)
def test_a_folder_decides_then_metadata_then_the_name(
    tmp_path: Path, name: str, declared: str, assignment: str, in_doubt: bool
) -> None:
    path = put(tmp_path, name, declared)
    found = find_submissions(tmp_path, ASSIGNMENTS)
    assert who(found) == [("ada", "", assignment)]
    assert [one for one, _ in found.doubts] == [path] * in_doubt


def test_of_two_assignments_in_a_name_the_longer_counts() -> None:
    slugs = ["squares", "least-squares", "dpp-least-squares"]
    assert named_assignment("dpp-least-squares", slugs) == "dpp-least-squares"
    assert named_assignment("My DPP_least squares (3)", slugs) == "dpp-least-squares"
    assert named_assignment("least-squares-squares", slugs) == "least-squares"
    assert named_assignment("leastsquares", slugs) == ""


def test_the_newest_file_of_a_student_counts(tmp_path: Path) -> None:
    old = put(tmp_path, "ada/spectr.ipynb", modified=1000)
    new = put(tmp_path, "ada/a spectr.ipynb", modified=2000)
    found = find_submissions(tmp_path, ASSIGNMENTS)
    assert [one.path for one in found.submissions] == [new]
    assert found.left_out == [(old, REPLACED)]


def test_of_files_with_one_time_the_one_that_canvas_got_last_counts(
    tmp_path: Path,
) -> None:
    put(tmp_path, "ada_7_100_spectr-1.ipynb", modified=1000)
    put(tmp_path, "ada_7_99_spectr.ipynb", modified=1000)
    [only] = find_submissions(tmp_path, ASSIGNMENTS).submissions
    assert only.path.name == "ada_7_100_spectr-1.ipynb"


def test_one_student_can_hand_in_all_assignments(tmp_path: Path) -> None:
    for slug in ASSIGNMENTS:
        put(tmp_path, f"ada/{slug}/{slug}.ipynb")
    found = find_submissions(tmp_path, ASSIGNMENTS)
    assert who(found) == [("ada", "", slug) for slug in sorted(ASSIGNMENTS)]


def test_two_students_of_one_name_stay_two(tmp_path: Path) -> None:
    put(tmp_path, "smithada_1_11_spectr.ipynb")
    put(tmp_path, "smithada_2_12_spectr.ipynb")
    put(tmp_path, "Ben Li_3_assignsubmission_file_/spectr.ipynb")
    put(tmp_path, "Ben Li_4_assignsubmission_file_/spectr.ipynb")
    found = find_submissions(tmp_path, ASSIGNMENTS)
    names = {one.unique_name for one in found.submissions}
    assert names == {"smithada-1", "smithada-2", "Ben Li-3", "Ben Li-4"}


def test_students_who_cannot_be_told_apart_are_not_mixed(tmp_path: Path) -> None:
    put(tmp_path, "smithada_1_11_spectr.ipynb", modified=1000)
    other = put(tmp_path, "smithada-1/spectr.ipynb", modified=2000)
    found = find_submissions(tmp_path, ASSIGNMENTS)
    assert who(found) == [("smithada", "1", "spectr")]
    assert found.left_out == [(other, SAME_NAME)]


def test_links_checkpoints_and_hidden_files_are_passed_over(tmp_path: Path) -> None:
    real = put(tmp_path, "ada/spectr.ipynb")
    put(tmp_path, "ada/.ipynb_checkpoints/spectr-checkpoint.ipynb")
    put(tmp_path, "__MACOSX/._spectr.ipynb")
    put(tmp_path, ".trash/spectr.ipynb")
    (tmp_path / "ben").mkdir()
    (tmp_path / "ben" / "spectr.ipynb").symlink_to(real)
    (tmp_path / "cleo").symlink_to(tmp_path / "ada")
    (tmp_path / "dan" / "spectr.ipynb").mkdir(parents=True)
    found = find_submissions(tmp_path, ASSIGNMENTS)
    assert who(found) == [("ada", "", "spectr")]
    assert found.left_out == []


def test_what_a_student_may_have_meant_as_an_answer_is_reported(tmp_path: Path) -> None:
    reasons = {
        put(tmp_path, "submissions.zip"): PACKED,
        put(tmp_path, "ada/spectr.py"): NO_NOTEBOOK,
        put(tmp_path, "ben/spectr.ipynb.txt"): NO_NOTEBOOK,
        put(tmp_path, "cleo/homework.ipynb"): NO_ASSIGNMENT,
    }
    put(tmp_path, "ada/timestamp.txt")
    put(tmp_path, "ada/README.md")
    found = find_submissions(tmp_path, ASSIGNMENTS)
    assert found.submissions == []
    assert dict(found.left_out) == reasons


@pytest.mark.parametrize(
    "text",
    [
        "no JSON",
        "[]",
        '{"metadata": []}',
        "[" * 100_000,
        '{"metadata": {"samplebook": 1}}',
    ],
)
def test_a_file_of_any_content_is_found_by_its_name(tmp_path: Path, text: str) -> None:
    put(tmp_path, "ada/spectr.ipynb").write_text(text)
    assert who(find_submissions(tmp_path, ASSIGNMENTS)) == [("ada", "", "spectr")]


def test_names_can_be_printed_and_stored(tmp_path: Path) -> None:
    raw = os.fsdecode(b"z\xff\x07")
    decomposed = "Zoe\N{COMBINING DIAERESIS}"
    for name in (raw, decomposed, '\N{GRINNING FACE} O\'Neil "=1"', "x" * 255):
        put(tmp_path, f"{name}/spectr.ipynb")
    found = find_submissions(tmp_path, ASSIGNMENTS)
    students = {one.student for one in found.submissions}
    assert students == {
        "z\ufffd\ufffd",
        "Zo\N{LATIN SMALL LETTER E WITH DIAERESIS}",
        '\N{GRINNING FACE} O\'Neil "=1"',
        "x" * 255,
    }
    for one in found.submissions:
        assert len(one.unique_name.encode()) <= LONGEST_NAME + len("-12345678")


def test_long_names_that_begin_alike_stay_two(tmp_path: Path) -> None:
    put(tmp_path, f"{'x' * 254}a/spectr.ipynb")
    put(tmp_path, f"{'x' * 254}b/spectr.ipynb")
    found = find_submissions(tmp_path, ASSIGNMENTS)
    assert len({one.unique_name for one in found.submissions}) == 2
