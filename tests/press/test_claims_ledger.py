"""Claims, checks and labels must fit together; the ledger prints them in words."""

import json
from pathlib import Path

import pytest
from miniature_book import chapter_notebook, copy_of, write

from press.book import Book, Chapter
from press.claims_ledger import claim_problems, gather_claims, ledger_row
from press.errors import PressError
from samplebook.claims import Claim

FIRST = Chapter("toys", "first")
RECORD = {"id": "first-c1", "verdict": "holds", "value": 2.0, "interval": None}


def test_a_claim_checked_once_with_its_label_is_in_order() -> None:
    assert claim_problems(["first-c1"], [RECORD], chapter_notebook("first", 1, 0)) == []


def test_each_mismatch_is_named() -> None:
    notebook = chapter_notebook("first", 1, 0)
    assert "first-c1 was checked never" in claim_problems(["first-c1"], [], notebook)[0]
    assert (
        "first-c1 was checked 2 times"
        in claim_problems(["first-c1"], [RECORD, RECORD], notebook)[0]
    )
    assert (
        "not in the chapter's claims file" in claim_problems([], [RECORD], notebook)[0]
    )


def test_a_label_must_stand_before_the_check() -> None:
    notebook = chapter_notebook("first", 1, 0)
    notebook.cells.append(notebook.cells.pop(4))
    assert (
        "no Markdown cell before the check"
        in claim_problems(["first-c1"], [RECORD], notebook)[0]
    )
    notebook.cells.pop(4)
    assert (
        "no cell calls check('first-c1'"
        in claim_problems(["first-c1"], [RECORD], notebook)[0]
    )


def test_gathering_fails_where_a_label_or_a_claims_file_is_missing(
    printed: Book, tmp_path: Path
) -> None:
    book = copy_of(printed, tmp_path / "book")
    path = book.notebook(FIRST)
    write(
        path,
        path.read_text(encoding="utf-8").replace("(claim-first-c1)=", "(claim-first)="),
    )
    before = book.gathered_claims.read_bytes()
    with pytest.raises(
        PressError,
        match=r"toys/first: no Markdown cell .* has the line \(claim-first-c1\)=",
    ):
        gather_claims(book)
    assert book.gathered_claims.read_bytes() == before
    book.claims_file(FIRST).unlink()
    with pytest.raises(
        PressError, match="claims file lib/samplebook/claims/first.yml is missing"
    ):
        gather_claims(book)


def claim(source: str, figure: str | None) -> Claim:
    return Claim(
        "x-c1",
        "paper",
        "It is | fast.",
        figure,
        "Table 2",
        source,
        "The rule.",
        1e-6,
        "laptop",
    )


def test_only_what_was_read_is_shown_as_the_papers() -> None:
    record = RECORD | {"id": "x-c1", "interval": [1.23456, 2.5]}
    assert "2.13x; Table 2\n" in ledger_row(claim("read", "2.13x"), record)
    assert "4.0; Table 2 (from a secondary source)" in ledger_row(
        claim("secondary", "4.0"), record
    )
    row = ledger_row(claim("ours", None), record)
    assert "2 [1.235, 2.5]" in row
    assert "false alarm 1e-06" in row
    assert "{ref}`x-c1 <claim-x-c1>`" in row


def test_records_are_json_lines(printed: Book) -> None:
    lines = (
        (printed.result(FIRST) / "claims.jsonl")
        .read_text(encoding="utf-8")
        .splitlines()
    )
    assert [json.loads(line)["id"] for line in lines] == ["first-c1"]
