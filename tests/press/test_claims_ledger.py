"""Claims, checks and labels must fit together."""

import json
from pathlib import Path

import pytest
from miniature_book import chapter_notebook, copy_of, write

from press.book import Book, Chapter
from press.claims_ledger import claim_problems, gather_claims
from press.errors import PressError

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


def test_records_are_json_lines(printed: Book) -> None:
    lines = (
        (printed.result(FIRST) / "claims.jsonl")
        .read_text(encoding="utf-8")
        .splitlines()
    )
    assert [json.loads(line)["id"] for line in lines] == ["first-c1"]
