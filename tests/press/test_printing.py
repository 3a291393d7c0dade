"""``make book`` on a miniature book: what it makes, what it repeats, what it refuses."""

import json
import re
import shutil
from pathlib import Path

import nbformat
import pytest
from filelock import FileLock
from miniature_book import SLUGS, copy_of, run_press, write, write_chapter

from press.book import Book, Chapter
from press.claims_ledger import records_of
from press.errors import PressError
from press.notebooks import read_notebook
from press.printing import stale_jobs
from press.website import check_pages

FIRST = Chapter("toys", "first")


def test_second_run_repeats_nothing(printed: Book) -> None:
    site = printed.html / "index.html"
    before = site.stat().st_mtime_ns
    result = run_press(printed, "book")
    assert result.returncode == 0, result.stderr
    assert "0 executed, 3 already fresh" in result.stdout
    assert "already up to date" in result.stdout
    assert "3 hold, 0 fail, 0 are beyond this scale" in result.stdout
    assert str(site) in result.stdout
    assert site.stat().st_mtime_ns == before


def test_site_shows_the_execution_and_offers_the_stored_notebook(printed: Book) -> None:
    page = (printed.html / "chapters" / "toys" / "first.html").read_text(
        encoding="utf-8"
    )
    assert "twice 1 is 2" in page
    offered = printed.html / "_sources" / "chapters" / "toys" / "first.ipynb"
    assert offered.read_bytes() == printed.notebook(FIRST).read_bytes()


def test_ledger_links_each_claim_to_its_cell(printed: Book) -> None:
    ledger = (printed.html / "book" / "claims.html").read_text(encoding="utf-8")
    for slug in SLUGS:
        assert re.search(
            rf'href="\.\./chapters/toys/{slug}\.html#claim-{slug}-c1"', ledger
        )
        page = (printed.html / "chapters" / "toys" / f"{slug}.html").read_text(
            encoding="utf-8"
        )
        assert f'id="claim-{slug}-c1"' in page


def test_mathematics_needs_no_other_host(printed: Book) -> None:
    static = printed.html / "_static" / "mathjax"
    assert (static / "startup.js").is_file()
    assert list(static.glob("output/chtml/fonts/woff-v2/*.woff"))


def test_gathered_claims(printed: Book) -> None:
    gathered = json.loads(printed.gathered_claims.read_text(encoding="utf-8"))
    assert list(gathered["records"]) == [f"{slug}-c1" for slug in SLUGS]
    assert gathered["records"]["second-c1"]["value"] == 4
    assert gathered["chapters"]["first"] == {"part": "toys", "claims": ["first-c1"]}


def test_results_leave_nothing_behind(printed: Book) -> None:
    assert sorted(path.name for path in printed.executed.iterdir()) == ["toys"]
    names = sorted(path.name for path in printed.result(FIRST).iterdir())
    assert names == ["claims.jsonl", "key.json", "notebook.ipynb"]


def test_a_broken_cell_names_itself_and_the_others_finish(
    printed: Book, tmp_path: Path
) -> None:
    book = copy_of(printed, tmp_path / "book")
    notebook = read_notebook(book.notebook(FIRST))
    notebook.cells[3].source = "print('before')\n1 / 0"
    write(book.notebook(FIRST), nbformat.writes(notebook))
    write_chapter(book, "second", 21)
    site = (book.html / "index.html").stat().st_mtime_ns
    result = run_press(book, "book")
    assert result.returncode == 1
    assert "Chapter toys/first: cell 4 of the notebook failed" in result.stderr
    assert "ZeroDivisionError" in result.stderr
    assert "Open" not in result.stdout
    assert (book.html / "index.html").stat().st_mtime_ns == site
    assert [job.chapter.slug for job in stale_jobs(book)[0]] == ["first"]
    assert records_of(book, Chapter("toys", "second"))[0]["value"] == 42


def test_a_cell_that_is_not_python_fails_where_it_runs(
    printed: Book, tmp_path: Path
) -> None:
    book = copy_of(printed, tmp_path / "book")
    notebook = read_notebook(book.notebook(FIRST))
    notebook.cells[3].source = "1 +"
    write(book.notebook(FIRST), nbformat.writes(notebook))
    unclear = read_notebook(book.notebook(Chapter("toys", "second")))
    unclear.cells[3].source += "\nstored_file(name)"
    write(book.notebook(Chapter("toys", "second")), nbformat.writes(unclear))
    result = run_press(book, "book")
    assert result.returncode == 1
    assert "Chapter toys/first: cell 4 of the notebook failed" in result.stderr
    assert "SyntaxError" in result.stderr
    assert (
        "Chapter toys/second: toys/second, code cell 3, line 2: stored_file(...) needs"
        in result.stderr
    )


def test_an_empty_page_fails_the_build_and_the_old_site_stays(
    printed: Book, tmp_path: Path
) -> None:
    book = copy_of(printed, tmp_path / "book")
    old = (book.html / "book" / "intro.html").read_bytes()
    write(book.root / "book" / "intro.md", "# Only a heading\n")
    result = run_press(book, "book")
    assert result.returncode == 1
    assert "the page book/intro is empty" in result.stderr
    assert (book.html / "book" / "intro.html").read_bytes() == old


def test_a_missing_page_is_named(printed: Book, tmp_path: Path) -> None:
    html = Path(shutil.copytree(printed.html, tmp_path / "html"))
    check_pages(printed, html)
    (html / "book" / "claims.html").unlink()
    with pytest.raises(PressError, match="the page book/claims is missing"):
        check_pages(printed, html)


def test_one_press_at_a_time(miniature: Book) -> None:
    miniature.build.mkdir()
    with FileLock(miniature.build / "press.lock"):
        result = run_press(miniature, "book")
    assert result.returncode == 1
    assert "another press is at work" in result.stderr


def test_serve_without_a_site(miniature: Book) -> None:
    result = run_press(miniature, "serve")
    assert result.returncode == 1
    assert "run `make book` first" in result.stderr
