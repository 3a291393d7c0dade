"""A file of sweep results keeps every row, is the same for the same rows, and is refused when damaged."""

from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from stored_sweeps import on_stand_in, rows, store_sweep

from press.book import Book
from press.errors import PressError
from press.notebooks import read_notebook, write_notebook
from press.sweeps.results import (
    NOT_SWEPT,
    Row,
    Sweep,
    changes_since,
    read_sweep,
    sweep_file,
    swept_notebook,
    write_sweep,
)

KEY = {"digest": "0", "parts": {}}
ROWS = [
    *rows("first-c1", [0.1, 1e-300], failing=[1], parameters='{"n": 8}'),
    *rows("first-c1", [0.1, -2.5]),
    *map(on_stand_in, rows("first-c2", [None, 3.0])),
    replace(rows("first-c3", [1.0])[0], lower=0.5, upper=1.5, seed=2**40),
]


def sweep(listed: list[Row]) -> Sweep:
    return Sweep("first", KEY, {"python": "3"}, tuple(listed), {"n": 6}, ["1"], [0, 3])


def test_all_rows_come_back(tmp_path: Path) -> None:
    file = tmp_path / "sweeps" / "first.parquet"
    write_sweep(file, sweep(ROWS))
    found = read_sweep(file)
    assert set(found.rows) == set(ROWS)
    assert len(found.rows) == len(ROWS)
    assert replace(found, rows=()) == replace(sweep(ROWS), rows=())


def test_the_order_of_the_runs_leaves_no_trace(tmp_path: Path) -> None:
    one, other = tmp_path / "one.parquet", tmp_path / "other.parquet"
    write_sweep(one, sweep(ROWS))
    write_sweep(other, sweep(ROWS[::-1]))
    assert one.read_bytes() == other.read_bytes()


@pytest.mark.parametrize(
    ("listed", "reason"),
    [
        (ROWS + ROWS[:1], "twice for one seed"),
        ([replace(ROWS[0], verdict="splendid")], "unknown verdicts"),
        ([replace(ROWS[0], value=None)], "no value"),
    ],
)
def test_wrong_rows_are_refused(tmp_path: Path, listed: list[Row], reason: str) -> None:
    write_sweep(tmp_path / "first.parquet", sweep(listed))
    with pytest.raises(PressError, match=reason):
        read_sweep(tmp_path / "first.parquet")


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "first.parquet"
    write_sweep(file, sweep(ROWS))
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(PressError, match="first.parquet .*\n.*make sweep"):
        read_sweep(file)


def test_a_sweep_runs_the_code_without_the_tag(miniature: Book) -> None:
    notebook = read_notebook(miniature.notebook(miniature.chapter("first")))
    before = nbformat.writes(notebook)
    kept = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    notebook.cells[2].metadata["tags"] = [NOT_SWEPT]
    kept.remove(notebook.cells[2].source)
    swept = swept_notebook(notebook)
    assert [cell.source for cell in swept.cells] == kept
    assert swept.cells[0].metadata == {"tags": ["bootstrap", "hide-cell"]}
    notebook.cells[2].metadata.pop("tags")
    assert nbformat.writes(notebook) == before


@pytest.mark.parametrize("part", ["interpreter", "distributions"])
def test_another_machine_is_no_change_of_the_chapter(
    miniature: Book, part: str
) -> None:
    store_sweep(miniature, "first", rows("first-c1", [2.0]), changed=part)
    chapter = miniature.chapter("first")
    assert (
        changes_since(miniature, chapter, read_sweep(sweep_file(miniature, chapter)))
        == []
    )


def test_only_cells_that_were_swept_make_a_sweep_old(miniature: Book) -> None:
    chapter = miniature.chapter("first")
    notebook = read_notebook(miniature.notebook(chapter))
    text, unswept, swept = (notebook.cells[place] for place in (0, 3, 2))
    unswept.metadata["tags"] = [NOT_SWEPT]
    write_notebook(notebook, miniature.notebook(chapter))
    store_sweep(miniature, "first", rows("first-c1", [2.0]))
    stored = read_sweep(sweep_file(miniature, chapter))
    unswept.source += "\n# faster"
    text.source += " A better sentence."
    swept.metadata["mystnb"] = {"image": {"alt": "A better caption."}}
    write_notebook(notebook, miniature.notebook(chapter))
    assert changes_since(miniature, chapter, stored) == []
    swept.source += "\n# otherwise"
    write_notebook(notebook, miniature.notebook(chapter))
    assert changes_since(miniature, chapter, stored) == ["notebook"]
