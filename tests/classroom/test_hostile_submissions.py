"""Hostile submissions are contained, score what is written down, and leave no process behind."""

import os
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
import pytest
import yaml
from classroom_answers import (
    REPOSITORY,
    answered,
    hand_in,
    real_assignment,
    real_book,
)
from contained_processes import contained_processes, gone
from nbformat import NotebookNode

from press.classroom.assignments import Assignment, grading
from press.classroom.containment import Limits
from press.classroom.grading import grade
from press.classroom.marking import Marked, mark
from press.errors import PressError

ASSIGNMENT = "nbpo"
HOSTILE = yaml.safe_load(
    Path(__file__).with_name("hostile_submissions.yml").read_text(encoding="utf-8")
)
LIMITS = Limits(seconds_per_call=1.5, seconds=30)

pytestmark = pytest.mark.usefixtures("containment")


@cache
def assignment() -> Assignment:
    return real_assignment(ASSIGNMENT)


def added_cell(cell: Any) -> NotebookNode:
    """A code cell from a source, or from a mapping with the source and nbgrader's metadata."""
    if isinstance(cell, str):
        return nbformat.v4.new_code_cell(cell)
    metadata = {"nbgrader": cell["nbgrader"]}
    return nbformat.v4.new_code_cell(cell["source"], metadata=metadata)


def hostile_notebook(hostile: dict[str, Any]) -> NotebookNode:
    is_blank = hostile.get("start") == "blank"
    right = {} if is_blank else assignment().solutions
    notebook = answered(assignment(), right | hostile.get("cells", {}))
    for cell in notebook.cells:
        if grading(cell):
            name = grading(cell)["grade_id"]
            cell.source = hostile.get("overwrite", {}).get(name, cell.source)
            cell.metadata["nbgrader"] |= hostile.get("metadata", {})
    first, last = (
        list(map(added_cell, hostile.get(place, []))) for place in ("first", "add")
    )
    notebook.cells = first + notebook.cells + last
    return notebook


def lost(marked: Marked) -> set[str]:
    return {outcome.test for outcome in marked.outcomes if not outcome.passed}


def cells_that_test(functions: Any) -> set[str]:
    """Names of the test cells that look at some functions, or at all."""
    return {
        test.name
        for test in assignment().tests
        if functions == "all" or test.name.partition("-")[0] in functions
    }


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda hostile: hostile["name"])
def test_a_hostile_submission_scores_what_is_written_down(
    hostile: dict[str, Any], tmp_path: Path
) -> None:
    before = contained_processes()
    path = hand_in(tmp_path, "mallory", ASSIGNMENT, hostile_notebook(hostile))
    marked = mark(assignment(), path, LIMITS, hidden=[REPOSITORY, tmp_path])
    notes = "\n".join(marked.notes)
    assert lost(marked) == cells_that_test(hostile["loses"]), notes
    assert hostile["says"] in notes if "says" in hostile else not notes
    assert gone(contained_processes() - before)


IN_A_CLASS = (
    "a fork bomb",
    "memory without end",
    "cells that kill whatever they reach",
    "exceptions that do harm",
)


def right_notebook() -> NotebookNode:
    return answered(assignment(), assignment().solutions)


def points_of(hostile: dict[str, Any]) -> int:
    lost = cells_that_test(hostile["loses"])
    return sum(test.points for test in assignment().tests if test.name not in lost)


@pytest.fixture
def hostile_class(tmp_path: Path) -> Path:
    """Hostile submissions, a right one after each, and what only looks like a submission."""
    folder = tmp_path / "submitted"
    for number, hostile in enumerate(HOSTILE):
        if hostile["name"] in IN_A_CLASS:
            notebook = hostile_notebook(hostile)
            hand_in(folder, f"{number:02}-mallory", ASSIGNMENT, notebook)
            hand_in(folder, f"{number:02}-next", ASSIGNMENT, right_notebook())
    for student, make in (
        ("fifo", os.mkfifo),
        ("folder", Path.mkdir),
        ("link", lambda path: path.symlink_to("/etc/passwd")),
        ("empty", lambda path: path.write_bytes(b"")),
        ("latin", lambda path: path.write_bytes(b'{"cells": "\xa7"}')),
        ("nested", lambda path: path.write_bytes(b'{"cells":' * 100_000)),
    ):
        (folder / student / ASSIGNMENT).mkdir(parents=True)
        make(folder / student / ASSIGNMENT / f"{ASSIGNMENT}.ipynb")
    return folder


@pytest.mark.timeout(600)  # one test grades a class
def test_hostile_submissions_leave_the_rest_of_a_class_undisturbed(
    hostile_class: Path, tmp_path: Path
) -> None:
    expected = {"empty": 0, "latin": 0, "nested": 0}
    for number, hostile in enumerate(HOSTILE):
        if hostile["name"] in IN_A_CLASS:
            expected[f"{number:02}-mallory"] = points_of(hostile)
            expected[f"{number:02}-next"] = 100
    assert len(expected) == 2 * len(IN_A_CLASS) + 3
    grades = grade(real_book(tmp_path), hostile_class, limits=LIMITS)
    assert {one.submission.student: one.points for one in grades} == expected
    assert not [one.problem for one in grades if one.problem]


def test_nothing_is_marked_where_nothing_can_be_contained(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    submissions = tmp_path / "submitted"
    hand_in(submissions, "ada", ASSIGNMENT, right_notebook())
    bubblewrap, tools = shutil.which("bwrap"), tmp_path / "tools"
    assert bubblewrap is not None
    tools.mkdir()
    (tools / "bwrap").write_text(f"#!/bin/sh\nexec {bubblewrap} --nonsense\n")
    (tools / "bwrap").chmod(0o755)
    monkeypatch.setenv("PATH", str(tools))
    with pytest.raises(PressError, match="no submission was run.*nonsense"):
        grade(real_book(tmp_path), submissions)
    assert not (tmp_path / "classroom").exists()
