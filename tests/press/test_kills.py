"""Real kills: ``kill -9`` at random moments of ``make book`` on a miniature book, one in each part of it."""

import random
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from miniature_book import (
    make_miniature_book,
    press_environment,
    run_press,
    write,
    write_chapter,
)

from press.book import Book, Chapter
from press.claims_ledger import records_of
from press.execution import make_job, stale_reasons
from press.notebooks import read_notebook

SLUGS = ("first", "second")
KILLS_WHILE_EXECUTING = 8
KILLS_WHILE_BUILDING = 2
CHANCE_OF_A_CHANGE = 0.3
SECONDS_TO_DIE = 15.0


def start_press(book: Book) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "press", "--root", str(book.root), "book"]
    return subprocess.Popen(
        command,
        env=press_environment(book),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def fresh_chapters(book: Book) -> set[str]:
    """Slugs of the chapters whose results count as fresh."""
    return {
        chapter.slug
        for chapter in book.chapters()
        if not stale_reasons(book, make_job(book, chapter))
    }


def assert_results_are_of(book: Book, slug: str, number: int) -> None:
    """A result that counts as fresh must be complete and of the notebook as it is now."""
    chapter = Chapter("toys", slug)
    executed = read_notebook(book.result(chapter) / "notebook.ipynb")
    texts = [
        output.get("text", "")
        for cell in executed.cells
        for output in cell.get("outputs", [])
    ]
    assert f"twice {number} is {2 * number}\n" in texts
    assert [record["value"] for record in records_of(book, chapter)] == [2 * number]


def processes_of(book: Book) -> list[psutil.Process]:
    """Processes that work for this book: workers and kernels carry its path in their environment."""
    found = []
    for process in psutil.process_iter():
        try:
            if str(book.root) in process.environ().get("SAMPLEBOOK_CLAIMS", ""):
                found.append(process)
        except psutil.Error:
            continue
    return found


def seconds_of_a_whole_run(book: Book) -> tuple[float, float]:
    """Seconds until the claims are gathered, and until the end, of a run from nothing."""
    start = time.monotonic()
    process = start_press(book)
    while not book.gathered_claims.exists() and process.poll() is None:
        time.sleep(0.02)
    gathered = time.monotonic() - start
    assert process.wait() == 0
    return gathered, time.monotonic() - start


def kill_press(book: Book, moment: float) -> None:
    """Start the press and kill it so many seconds later."""
    process = start_press(book)
    time.sleep(moment)
    process.kill()
    process.wait()


def moments(begin: float, end: float, count: int, chance: random.Random) -> list[float]:
    """One random moment in each of so many equal parts of a time, in random order."""
    width = (end - begin) / count
    found = [begin + width * (part + chance.random()) for part in range(count)]
    chance.shuffle(found)
    return found


def assert_no_process_is_left(book: Book) -> None:
    deadline = time.monotonic() + SECONDS_TO_DIE
    while processes_of(book) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert processes_of(book) == []


@pytest.mark.timeout(900)
def test_kills_lose_at_most_the_chapters_in_flight(tmp_path: Path) -> None:
    book = make_miniature_book(tmp_path / "book", SLUGS, seconds=0.3)
    gathered, whole = seconds_of_a_whole_run(book)
    chance = random.Random(20)
    numbers = dict(zip(SLUGS, (1, 2), strict=True))

    for moment in moments(0.2 * gathered, gathered, KILLS_WHILE_EXECUTING, chance):
        before = fresh_chapters(book)
        if before == set(SLUGS) or chance.random() < CHANCE_OF_A_CHANGE:
            slug = chance.choice(SLUGS)
            numbers[slug] += 10
            write_chapter(book, slug, numbers[slug], seconds=0.3)
            before -= {slug}
        kill_press(book, moment)
        after = fresh_chapters(book)
        assert before <= after
        for slug in after:
            assert_results_are_of(book, slug, numbers[slug])
    assert_no_process_is_left(book)

    assert run_press(book, "book").returncode == 0
    building = 0.4 * gathered, whole - 0.5 * gathered
    for edition, moment in enumerate(moments(*building, KILLS_WHILE_BUILDING, chance)):
        write(book.root / "book" / "intro.md", f"# Miniature\n\nEdition {edition}.\n")
        kill_press(book, moment)
        assert fresh_chapters(book) == set(SLUGS)

    result = run_press(book, "book")
    assert result.returncode == 0, result.stderr
    assert [path.name for path in book.executed.iterdir()] == ["toys"]
    assert list(book.build.glob(".tmp-*")) == []
    assert f"Edition {edition}." in (book.html / "book" / "intro.html").read_text(
        encoding="utf-8"
    )
    for slug in SLUGS:
        assert_results_are_of(book, slug, numbers[slug])
        page = (book.html / "chapters" / "toys" / f"{slug}.html").read_text(
            encoding="utf-8"
        )
        assert f"twice {numbers[slug]} is {2 * numbers[slug]}" in page
