"""How far the claims moved: values that moved are printed, verdicts that flipped are refused."""

import json
from pathlib import Path
from typing import Any

import pytest
from miniature_book import copy_of, run_press, write, write_chapter

from press.book import Book
from press.claims_ledger import stored_records
from press.drift import Drift, drift_between, problems, report
from press.errors import PressError


def record(value: Any, interval: Any = None, verdict: str = "holds") -> dict[str, Any]:
    return {"verdict": verdict, "value": value, "interval": interval}


def drift_of_one(stored: dict[str, Any], now: dict[str, Any]) -> Drift:
    return drift_between({"x-c1": stored}, {"x-c1": now})


def row(drift: Drift) -> list[str]:
    """The cells of the one row of a report in Markdown."""
    lines = [line for line in report(drift, True).splitlines() if "| x-c1 |" in line]
    assert len(lines) == 1
    return [cell.strip() for cell in lines[0].strip("|").split("|")]


@pytest.mark.parametrize(
    ("stored", "now"),
    [
        (0.3, 0.1 + 0.2),
        (2, 2.0),
        (6.6e-11, 1.4e-10),
        (None, None),
        ("left", "left"),
        (True, True),
        ([], []),
        ([1.0, 2.0], [1.0, 2.0 + 1e-12]),
        (float("nan"), float("nan")),
    ],
)
def test_values_equal_to_rounding_are_only_counted(stored: Any, now: Any) -> None:
    drift = drift_of_one(record(stored), record(now))
    assert (drift.movements, drift.equal) == ([], 1)
    assert report(drift) == (
        "Claims: 0 of 1 moved since they were stored; 1 are equal to rounding."
    )


@pytest.mark.parametrize(
    ("stored", "now", "interval", "difference", "widths"),
    [
        (0.5, 0.55, [0.4, 0.6], "+0.05", "0.25"),
        (0.5, 0.45, [0.4, 0.6], "-0.05", "0.25"),
        (0.5, 0.8, [0.4, 0.6], "+0.3", "1.5 LEFT ITS INTERVAL"),
        (0.5, 0.7, [0.5, 0.5], "+0.2", "inf LEFT ITS INTERVAL"),
        (0.9, 0.8, [0.4, 0.6], "-0.1", "0.5"),
        (0.5, 0.6, None, "+0.1", "no interval"),
        (None, 0.5, None, "-", "no interval"),
        (0.5, None, [0.4, 0.6], "-", "-"),
        ([1.0, 2.0], [1.5, 1.0], None, "-1", "no interval"),
        ([1.0, 2.0], [1.0], None, "-", "no interval"),
        ([1.0], 1.0, None, "-", "no interval"),
        (True, False, None, "-", "no interval"),
        (True, 1, None, "-", "no interval"),
        ("left", "right", None, "-", "no interval"),
    ],
)
def test_a_value_that_moved_is_printed_and_no_error(
    stored: Any, now: Any, interval: Any, difference: str, widths: str
) -> None:
    drift = drift_of_one(record(stored, interval), record(now))
    assert row(drift)[3:] == [difference, widths, "holds"]
    assert problems(drift) == []
    assert ("ATTENTION" in report(drift)) is ("LEFT" in widths)


def test_a_flipped_verdict_is_a_problem_though_the_value_is_equal() -> None:
    drift = drift_of_one(record(0.5), record(0.5, verdict="fails"))
    assert row(drift)[5] == "holds -> fails FLIPPED"
    assert problems(drift) == [
        "claim x-c1: the stored verdict is holds, now it is fails"
    ]


def test_rows_come_flips_first_then_what_left_then_by_size() -> None:
    interval = [0.0, 1.0]
    stored = {f"x-c{number}": record(0.5, interval) for number in range(1, 5)}
    now = {
        "x-c1": record(0.6),
        "x-c2": record(0.8),
        "x-c3": record(1.1),
        "x-c4": record(0.51, verdict="fails"),
    }
    moved = [each.claim_id for each in drift_between(stored, now).movements]
    assert moved == ["x-c4", "x-c3", "x-c2", "x-c1"]


def test_new_and_gone_claims_are_named_with_the_command() -> None:
    drift = drift_between({"a-b-c1": record(1)}, {"a-b-c2": record(1)})
    new, gone = problems(drift)
    assert "a-b-c2 is not stored" in new
    assert "a-b-c1 is no longer checked" in gone
    assert new.endswith("`make refresh CHAPTER=a-b`")
    assert "New, not stored yet: a-b-c2." in report(drift)


def test_a_bar_in_a_value_does_not_break_the_markdown() -> None:
    text = report(drift_of_one(record("a|b"), record("c")), markdown=True)
    assert r"| x-c1 | a\|b | c |" in text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"records": {', "results/claims.json is not JSON"),
        ("[]", "results/claims.json has no records"),
        ('{"records": {"x-c1": {"value": 1}}}', "the record of x-c1 needs verdict"),
        (
            json.dumps({"records": {"x-c1": record(1, [1])}}),
            "the record of x-c1 needs verdict, value and interval",
        ),
    ],
)
def test_a_damaged_file_is_named_with_the_way_out(
    tmp_path: Path, text: str, message: str
) -> None:
    book = Book(tmp_path)
    write(book.stored_claims, text)
    with pytest.raises(PressError, match=rf"{message}.*`make refresh`"):
        stored_records(book)


@pytest.fixture
def stored(printed: Book, tmp_path: Path) -> Book:
    """An executed miniature book whose stored claims are those of this execution."""
    book = copy_of(printed, tmp_path / "book")
    write(book.stored_claims, book.gathered_claims.read_text(encoding="utf-8"))
    return book


def change_stored(book: Book, **fields: Any) -> None:
    """Change the stored record of the claim first-c1."""
    content = json.loads(book.stored_claims.read_text(encoding="utf-8"))
    content["records"]["first-c1"] |= fields
    write(book.stored_claims, json.dumps(content))


def test_equal_claims_of_a_book_are_silent(stored: Book) -> None:
    result = run_press(stored, "drift")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == (
        "Claims: 0 of 3 moved since they were stored; 3 are equal to rounding.\n"
    )


def test_a_moved_value_of_a_book_is_printed_with_its_width(stored: Book) -> None:
    change_stored(stored, value=3.0, interval=[1.0, 5.0])
    result = run_press(stored, "drift", "--markdown")
    assert result.returncode == 0, result.stderr
    assert "| first-c1 | 3 | 2 | -1 | 0.25 | holds |" in result.stdout


def test_damaged_stored_claims_of_a_book_are_an_error_in_words(stored: Book) -> None:
    write(stored.stored_claims, "{")
    result = run_press(stored, "drift")
    assert result.returncode == 1
    assert "is not JSON" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_claim_broken_on_purpose_flips_and_fails(stored: Book) -> None:
    write_chapter(stored, "first", 1, holds=False)
    stale = run_press(stored, "drift")
    assert stale.returncode == 1
    assert "toys/first has no fresh result; run `make book` first" in stale.stderr
    assert run_press(stored, "book").returncode == 0
    result = run_press(stored, "drift")
    assert result.returncode == 1
    assert "holds -> fails FLIPPED" in result.stdout
    assert (
        "claim first-c1: the stored verdict is holds, now it is fails" in result.stderr
    )
    assert "second-c1" not in result.stdout + result.stderr
