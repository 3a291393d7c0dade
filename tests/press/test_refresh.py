"""``make refresh`` stores an execution; the second time nothing changes."""

import json

from miniature_book import run_press, write

from press.book import Book, Chapter
from press.compare import compare_chapter
from press.execution import make_job, stale_reasons
from press.notebooks import code_cells, read_notebook

FIRST = Chapter("toys", "first")


def test_refresh_twice(miniature: Book) -> None:
    first = run_press(miniature, "refresh", "first")
    assert first.returncode == 0, first.stderr
    stored = {
        path: path.read_bytes()
        for path in (miniature.notebook(FIRST), miniature.stored_claims)
    }
    notebook = read_notebook(miniature.notebook(FIRST))
    assert all(cell.execution_count for cell in code_cells(notebook))
    assert not any(
        name in cell.metadata
        for cell in notebook.cells
        for name in ("papermill", "execution")
    )
    assert [cell.id for cell in code_cells(notebook)] == [
        f"code-{number}" for number in range(4)
    ]
    assert set(json.loads(stored[miniature.stored_claims])["records"]["first-c1"]) == {
        "id",
        "verdict",
        "value",
        "interval",
        "seed",
        "profile",
    }
    assert stale_reasons(miniature, make_job(miniature, FIRST)) == []
    assert compare_chapter(miniature, FIRST) == []

    second = run_press(miniature, "refresh", "first")
    assert second.returncode == 0, second.stderr
    assert "nothing changed" in second.stdout
    assert {path: path.read_bytes() for path in stored} == stored

    write(
        miniature.notebook(FIRST),
        miniature.notebook(FIRST)
        .read_text(encoding="utf-8")
        .replace("twice 1 is 2\\n", "twice 1 is 3\\n"),
    )
    assert any(
        "cell 4: differs in stdout" in problem
        for problem in compare_chapter(miniature, FIRST)
    )


def test_an_unknown_chapter(miniature: Book) -> None:
    result = run_press(miniature, "refresh", "fisrt")
    assert result.returncode == 1
    assert "the chapters are: first, second, third" in result.stderr
