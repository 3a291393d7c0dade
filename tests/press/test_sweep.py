"""Sweeps: seeds, grids, what is stored, and what happens to runs that fail or are killed."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from miniature_book import (
    make_miniature_book,
    press_environment,
    run_press,
    write,
    write_sweepable_chapter,
)

from press.book import Book, Chapter
from press.errors import PressError
from press.sweeps.grid import (
    chapters_from,
    grid_from,
    points_of_chapters,
    seeds_from,
)
from press.sweeps.results import Row, read_sweep, sweep_file
from press.sweeps.run import sweep

FIRST = Chapter("toys", "first")
SECONDS_TO_START = 200.0


def sweepable_book(folder: Path, first: str = "", holds: str = "True") -> Book:
    """A miniature book of one chapter that can be swept."""
    book = make_miniature_book(folder / "book", ("first",))
    write_sweepable_chapter(book, "first", first, holds)
    return book


def rows_of(book: Book) -> tuple[Row, ...]:
    return read_sweep(sweep_file(book, FIRST)).rows


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return sweepable_book(tmp_path)


@pytest.mark.parametrize(
    ("text", "seeds"),
    [
        ("3", [0, 1, 2]),
        ("7,3", [7, 3]),
        ("100-102", [100, 101, 102]),
        ("5-5", [5]),
        (" 1, 4-5,1 ", [1, 4, 5]),
    ],
)
def test_seeds_are_a_number_of_them_or_a_list(text: str, seeds: list[int]) -> None:
    assert seeds_from(text) == seeds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "-1",
        "1.5",
        "many",
        "1,,2",
        "9-3",
        "1,x",
        "0-99999999",
        "5000000000-5000000001",
    ],
)
def test_seeds_that_are_none_are_named(text: str) -> None:
    with pytest.raises(PressError, match=r"SEEDS: '.*'"):
        seeds_from(text)


def test_a_grid_is_read_as_python_literals_or_else_as_texts() -> None:
    assert grid_from("number=8,1e-3,True word=smoke,'8' ratings=100k") == {
        "number": [8, 1e-3, True],
        "word": ["smoke", "8"],
        "ratings": ["100k"],
    }
    assert grid_from("") == {}


@pytest.mark.parametrize(
    ("grid", "trouble"),
    [
        ("number", "'number' must read name=value"),
        ("2=3", "'2=3' must read name=value"),
        ("number=", "number has an empty value"),
        ("number=1,,2", "number has an empty value"),
        ("number=1 number=2", "number occurs twice"),
        ("number={1}", r"number=\{1\} is neither a number nor a text"),
        ("seed=3", "'seed=3': seeds are given by SEEDS"),
        ("size=3", "no chosen chapter has a parameter 'size'; there are number, word"),
        (
            "number=many",
            r"number=many cannot be used, .*toys/first has number = 3 \(int\)",
        ),
        ("number=1.5", "number=1.5 cannot be used"),
        ("word=1", "word=1 cannot be used"),
    ],
)
def test_a_wrong_grid_is_named(book: Book, grid: str, trouble: str) -> None:
    with pytest.raises(PressError, match=f"GRID: {trouble}"):
        sweep(book, "1", grid=grid)


def test_chapters_that_are_none_or_have_no_seed_are_named(tmp_path: Path) -> None:
    book = make_miniature_book(tmp_path / "book")
    write_sweepable_chapter(book, "first")
    with pytest.raises(PressError, match="there is no chapter 'nothing'"):
        sweep(book, "1", "first nothing")
    with pytest.raises(PressError, match="toys/second has no cell with the tag"):
        sweep(book, "1")


def test_a_grid_is_a_product_without_the_chapters_own_values(book: Book) -> None:
    chapters = chapters_from(book, "first, first")
    grid = grid_from("number=3,4 word=two,one,two")
    assert points_of_chapters(book, chapters, grid) == {
        FIRST: [{"word": "two"}, {}, {"number": 4, "word": "two"}, {"number": 4}]
    }


def test_a_chapter_names_what_its_sweeps_set(book: Book) -> None:
    path = book.notebook(FIRST)
    notebook = json.loads(path.read_text(encoding="utf-8"))
    notebook["metadata"]["samplebook"]["sweep"] = {"number": 7}
    write(path, json.dumps(notebook))
    assert points_of_chapters(book, [FIRST], grid_from("number=3,7")) == {
        FIRST: [{"number": 3}, {}]
    }
    sweep(book, "1")
    assert [(row.parameters, row.value) for row in rows_of(book)] == [("{}", 14.0)]
    assert read_sweep(sweep_file(book, FIRST)).defaults == {"number": 7}

    notebook["metadata"]["samplebook"]["sweep"] = {"size": 7}
    write(path, json.dumps(notebook))
    with pytest.raises(PressError, match="samplebook.sweep, name 'size'"):
        sweep(book, "1")


def test_each_run_is_stored_once_and_runs_once(tmp_path: Path) -> None:
    book = sweepable_book(tmp_path, holds="seed != 1")
    result = run_press(book, "sweep", "2", "--grid", "number=3,5")
    assert result.returncode == 0, result.stderr
    assert "Runs: 4 to do, 0 already fresh." in result.stdout
    assert "first-c1 fails in 2 of 4 runs (seed 1)" in result.stdout
    assert "Executing 4 runs" in result.stderr and "left" in result.stderr
    found = [
        (row.parameters, row.seed, row.verdict, row.value) for row in rows_of(book)
    ]
    assert found == [
        ('{"number": 5}', 0, "holds", 10.0),
        ('{"number": 5}', 1, "fails", 11.0),
        ("{}", 0, "holds", 6.0),
        ("{}", 1, "fails", 7.0),
    ]

    before = sweep_file(book, FIRST).read_bytes()
    again = run_press(book, "sweep", "2", "--grid", "number=3,5")
    assert "Runs: 0 to do, 4 already fresh." in again.stdout
    assert sweep_file(book, FIRST).read_bytes() == before

    more = run_press(book, "sweep", "1-2")
    assert "Runs: 1 to do, 1 already fresh." in more.stdout
    assert [row.seed for row in rows_of(book)] == [0, 1, 0, 1, 2]


def test_a_run_that_fails_or_loses_its_kernel_counts_for_no_claim(
    tmp_path: Path,
) -> None:
    deaths = "import os\nif seed == 1:\n    1 / 0\nif seed == 2:\n    os._exit(9)"
    book = sweepable_book(tmp_path, first=deaths)
    result = run_press(book, "sweep", "4")
    assert result.returncode == 1
    assert [row.seed for row in rows_of(book)] == [0, 3]
    assert "toys/first with seed = 1: cell 3 of the notebook failed" in result.stderr
    assert "ZeroDivisionError: division by zero" in result.stderr
    assert "toys/first with seed = 2: the chapter's process ended" in result.stderr
    assert "Runs without a result, which count for no claim: 2" in result.stderr
    assert list(book.swept.glob(".tmp-*")) == []


def test_a_chapter_that_changes_while_it_runs_gives_no_result(tmp_path: Path) -> None:
    module = "../../lib/samplebook/toys/first_toy.py"
    book = sweepable_book(tmp_path, first=f"open({module!r}, 'a').write('X = 1\\n')")
    reason = r"changed while it ran \(modules: samplebook.toys.first_toy\)"
    with pytest.raises(PressError, match=reason):
        sweep(book, "1")
    assert not sweep_file(book, FIRST).exists()


def test_runs_of_another_state_are_dropped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    book = sweepable_book(tmp_path)
    sweep(book, "0-1")
    write_sweepable_chapter(book, "first", holds="seed < 5")
    sweep(book, "5-5")
    assert (
        "the stored runs are of another state, and are dropped"
        in capsys.readouterr().out
    )
    assert [(row.seed, row.verdict) for row in rows_of(book)] == [(5, "fails")]


@pytest.mark.parametrize("content", [b"", b"PAR1 no more", b"some text\n"])
def test_a_damaged_file_stops_the_sweep_before_any_run(
    book: Book, content: bytes
) -> None:
    file = sweep_file(book, FIRST)
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    with pytest.raises(PressError, match="first.parquet does not hold the results"):
        sweep(book, "1")
    assert file.read_bytes() == content
    assert not book.swept.exists()


def test_a_killed_sweep_goes_on_where_it_was(tmp_path: Path) -> None:
    book = sweepable_book(tmp_path, first="import time\ntime.sleep(1)")
    command = [sys.executable, "-m", "press", "--root", str(book.root), "sweep", "4"]
    with subprocess.Popen(
        command,
        env=press_environment(book),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        deadline = time.monotonic() + SECONDS_TO_START
        while not list(book.swept.glob("*/*/*/run.json")):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
    finished = len(list(book.swept.glob("*/*/*/run.json")))
    assert not sweep_file(book, FIRST).exists()

    result = run_press(book, "sweep", "4")
    assert result.returncode == 0, result.stderr
    assert f"Runs: {4 - finished} to do, {finished} already fresh." in result.stdout
    assert [(row.seed, row.value) for row in rows_of(book)] == [
        (seed, 6.0 + seed) for seed in range(4)
    ]
    assert [path.name for path in book.swept.iterdir()] == ["toys"]
