"""The comparison of an execution with the stored notebook."""

import pytest
from miniature_book import REPOSITORY
from nbformat.v4 import new_code_cell, new_notebook, new_output

from press.book import Book, Chapter
from press.compare import (
    LARGEST_EXCLUDED_SHARE,
    claim_problem,
    excluded_share,
    output_problem,
    same_text,
    sanitisers,
)
from press.notebooks import read_notebook

REAL_BOOK = Book(REPOSITORY)


@pytest.mark.parametrize(
    ("stored", "fresh", "same"),
    [
        ("alpha = 0.123", "alpha = 0.124", True),
        ("alpha = 0.123", "alpha = 0.125", False),
        ("alpha = 0.123", "beta = 0.123", False),
        ("17 tokens", "17 tokens", True),
        ("17 tokens", "18 tokens", False),
        ("1.2e-05", "1.3e-05", True),
        ("1.2e-05", "1.5e-05", False),
        ("9.9", "10.0", True),
        ("  9.9 x", " 10.0 x", True),
        ("-0.00", "0.00", True),
        ("v1.2 and x3", "v1.3 and x3", False),
        ("[0.1, 0.2]", "[0.1, 0.2, 0.3]", False),
    ],
)
def test_numbers_agree_to_the_last_printed_digit(
    stored: str, fresh: str, same: bool
) -> None:
    assert same_text(stored, fresh) is same


def ran(*outputs: object) -> object:
    return new_code_cell("f()", execution_count=1, outputs=list(outputs))


def test_outputs_are_compared_as_nbval_does() -> None:
    split = ran(
        new_output("stream", name="stdout", text="a\n"),
        new_output("stream", name="stdout", text="b\n"),
    )
    joined = ran(new_output("stream", name="stdout", text="a\nb\n"))
    assert output_problem(split, joined, []) is None
    changed = ran(new_output("stream", name="stdout", text="a\nc\n"))
    problem = output_problem(joined, changed, [])
    assert problem is not None
    assert "differs in stdout" in problem
    assert "-b\n+c" in problem
    missing = output_problem(joined, ran(), [])
    assert missing is not None
    assert "now has []" in missing


def test_pictures_are_not_compared_but_their_place_is() -> None:
    first, second = (
        ran(
            new_output(
                "display_data",
                {"image/png": picture, "text/plain": f"<Figure size {size}>"},
            )
        )
        for picture, size in (
            ("AAAA", "640x480 with 1 Axes"),
            ("BBBB", "641x480 with 2 Axes"),
        )
    )
    assert output_problem(first, second, sanitisers(REAL_BOOK)) is None


def test_a_cell_that_was_not_run_is_reported() -> None:
    assert "not run" in str(output_problem(new_code_cell("f()"), ran(), []))


def record(**changes: object) -> dict:
    return {
        "id": "x-c1",
        "verdict": "holds",
        "value": 0.5,
        "interval": [0.4, 0.6],
    } | changes


@pytest.mark.parametrize(
    ("stored", "fresh", "same"),
    [
        (record(), record(value=0.59), True),
        (record(), record(value=0.65), False),
        (record(), record(verdict="fails"), False),
        (record(interval=None), record(value=0.5001), True),
        (record(interval=None), record(value=0.52), False),
        (record(interval=None, value=1e-16), record(value=7e-16), True),
        (record(value=None), record(value=None), True),
        (record(value=None), record(), False),
        (None, record(), False),
    ],
)
def test_claims_agree_within_the_stored_interval(
    stored: dict | None, fresh: dict, same: bool
) -> None:
    assert (claim_problem(stored, fresh) is None) is same


def test_the_share_of_excluded_cells() -> None:
    cells = [
        new_code_cell(source) for source in ("x", "# NBVAL_IGNORE_OUTPUT\nx", "x", "x")
    ]
    cells[2].metadata["tags"] = ["nbval-skip"]
    assert excluded_share(new_notebook(cells=cells)) == 0.5


@pytest.mark.parametrize(
    "chapter", REAL_BOOK.chapters(), ids=lambda chapter: chapter.slug
)
def test_few_cells_of_the_book_are_excluded(chapter: Chapter) -> None:
    notebook = read_notebook(REAL_BOOK.notebook(chapter))
    assert excluded_share(notebook) <= LARGEST_EXCLUDED_SHARE
