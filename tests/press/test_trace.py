"""A number's way back: page, cell, parameters, versions, commit, and the commands that run it again."""

import json
import subprocess
from pathlib import Path

import nbformat
import pytest
from miniature_book import copy_of, run_press, write

from press.book import Book, Chapter
from press.errors import PressError
from press.notebooks import read_notebook
from press.trace import parameters, trace

FIRST = Chapter("toys", "first")


def git(book: Book, *arguments: str) -> str:
    """Run git with a name of its own, whatever the machine's settings."""
    who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    command = ["git", "-C", str(book.root), *who, *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    return result.stdout.strip()


@pytest.fixture
def book(printed: Book, tmp_path: Path) -> Book:
    """An executed miniature book with stored claims and a lock, not yet under git."""
    book = copy_of(printed, tmp_path / "book")
    write(book.stored_claims, book.gathered_claims.read_text(encoding="utf-8"))
    write(book.root / "requirements.lock", "numpy==2.0.1\nother==1\n")
    return book


def row(text: str, name: str) -> str:
    """What a trace says under a name."""
    lines = [line for line in text.splitlines() if line.startswith(f"{name} ")]
    assert len(lines) == 1
    return lines[0].removeprefix(name).strip()


def test_page_cell_value_and_versions(book: Book) -> None:
    text = trace(book, "first-c1")
    address = "https://someone.github.io/miniature/chapters/toys/first.html"
    assert row(text, "page") == f"{address}#claim-first-c1"
    assert row(text, "cell") == "cell 6 of chapters/toys/first.ipynb, In [not run]"
    assert "first-c1" in read_notebook(book.notebook(FIRST)).cells[5].source
    assert row(text, "stored") == "2.0, interval [0.0, 1000.0], holds"
    assert row(text, "versions") == "numpy 2.0.1 (all: requirements.lock)"
    assert row(text, "here") == "2.0, interval [0.0, 1000.0], holds"
    assert "python 3." in text


def test_the_parameters_are_those_of_the_tagged_cell() -> None:
    source = 'profile = "laptop"  # or "smoke"\n\nseed = 3'
    tagged = nbformat.v4.new_code_cell(source, metadata={"tags": ["parameters"]})
    other = nbformat.v4.new_code_cell("seed = 4")
    notebook = nbformat.v4.new_notebook(cells=[other, tagged])
    assert parameters(notebook) == 'profile = "laptop"; seed = 3'
    assert parameters(nbformat.v4.new_notebook(cells=[other])) == "none"


def test_the_seed_is_the_stored_one(book: Book) -> None:
    content = json.loads(book.stored_claims.read_text(encoding="utf-8"))
    content["records"]["first-c1"] |= {"seed": 17, "profile": "laptop"}
    write(book.stored_claims, json.dumps(content))
    assert row(trace(book, "first-c1"), "run with") == "seed 17, profile laptop"


def test_the_commit_is_the_last_that_changed_notebook_or_claims(book: Book) -> None:
    git(book, "init", "--quiet")
    assert row(trace(book, "first-c1"), "commit").startswith("none yet")
    git(book, "add", "requirements.lock", "results", "chapters")
    git(book, "commit", "--quiet", "--message", "Stored")
    stored = git(book, "rev-parse", "HEAD")
    write(book.root / "requirements.lock", "numpy==3.0\n")
    git(book, "commit", "--all", "--quiet", "--message", "Another lock")
    text = trace(book, "first-c1")
    assert row(text, "commit").startswith(stored)
    assert "numpy 2.0.1" in row(text, "versions")
    assert "has changes" not in text

    write(book.stored_claims, book.stored_claims.read_text(encoding="utf-8") + "\n")
    assert "results/claims.json has changes since then" in trace(book, "first-c1")


def test_the_printed_worktree_command_checks_the_number_out(book: Book) -> None:
    git(book, "init", "--quiet")
    git(book, "add", "results", "chapters")
    git(book, "commit", "--quiet", "--message", "Stored")
    lines = trace(book, "first-c1").splitlines()
    worktree, rerun = (line.split() for line in lines[-2:])
    git(book, *worktree[1:])
    assert rerun[0] == "make"
    assert rerun[-2:] == ["refresh", "CHAPTER=first"]
    there = Book((book.root / rerun[2]).resolve())
    assert there.stored_claims.read_bytes() == book.stored_claims.read_bytes()


def test_without_git_the_rest_is_said(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    text = trace(book, "first-c1")
    assert row(text, "commit") == "unknown: no git, or no git repository"
    assert "git worktree" not in text


def test_an_unknown_claim_or_chapter_names_those_there_are(book: Book) -> None:
    with pytest.raises(PressError, match="claims of toys/first are: first-c1"):
        trace(book, "first-c2")
    with pytest.raises(PressError, match="the chapters are: first, second, third"):
        trace(book, "fisrt-c1")


def test_a_chapter_that_was_not_run_or_stored_says_so(miniature: Book) -> None:
    result = run_press(miniature, "trace", "second-c1")
    assert result.returncode == 0, result.stderr
    assert row(result.stdout, "here") == "not run"
    assert row(result.stdout, "stored") == "not stored yet"
