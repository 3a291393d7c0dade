"""``make stamp``: every copy of something equals its source."""

import re

import nbformat
import pytest
from miniature_book import REPOSITORY, write
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from press.book import Book, Chapter
from press.errors import PressError
from press.notebooks import read_notebook
from press.stamp import check_stamps, stamp, with_new_address

FIRST = Chapter("toys", "first")
OLD, NEW = "https://github.com/someone/miniature", "https://github.com/other/large-book"
READS_PACKAGE = 'from samplebook.data.packages import installed_folder\nFACTOR = installed_folder("{}")\n'


def test_the_index_links_the_chapters_in_reading_order(miniature: Book) -> None:
    toc = miniature.root / "_toc.yml"
    lines = toc.read_text(encoding="utf-8").splitlines()
    chapters = [line for line in lines if "chapters/toys" in line]
    rest = [line for line in lines if line not in chapters]
    write(toc, "\n".join([*rest, *reversed(chapters)]) + "\n")
    stamp(miniature)
    text = read_notebook(miniature.root / "index.ipynb").cells[0].source
    linked = re.findall(r"\]\(chapters/toys/(\w+)\.ipynb\)", text)
    assert linked == ["third", "second", "first"]
    title = read_notebook(miniature.notebook(FIRST)).cells[0].source.splitlines()[0]
    assert f"[{title.removeprefix('# ')}](chapters/toys/first.ipynb)" in text


def test_a_chapter_without_a_title_is_named(miniature: Book) -> None:
    file = miniature.notebook(FIRST)
    notebook = read_notebook(file)
    notebook.cells[0].source = "No heading."
    nbformat.write(notebook, file)
    with pytest.raises(PressError, match="toys/first: .* title"):
        stamp(miniature)


def test_all_copies_in_the_book_are_equal() -> None:
    check_stamps(Book(REPOSITORY))


def test_stamping_writes_bootstrap_cells_and_data_locks(miniature: Book) -> None:
    toy = miniature.library / "samplebook" / "toys" / "doubling.py"
    write(toy, READS_PACKAGE.format("some_data"))
    with pytest.raises(PressError, match=r"run `make stamp`: .*first.ipynb"):
        check_stamps(miniature)
    stamp(miniature)
    check_stamps(miniature)
    source = read_notebook(miniature.notebook(FIRST)).cells[1].source
    assert f'git+{OLD}"' in source
    requirements = miniature.data_requirements_folder / "first.txt"
    assert "some-data==1.0 \\\n    --hash=sha256:00\n" in requirements.read_text(
        encoding="utf-8"
    )
    assert not (miniature.data_requirements_folder / "third.txt").exists()
    write(toy, "FACTOR = 2\n")
    stamp(miniature)
    assert not requirements.exists()


def test_records_of_experiments_are_copied_into_the_library(miniature: Book) -> None:
    record = miniature.root / "results" / "experiments" / "first" / "gpu.json"
    copy = miniature.experiment_records_folder / "first" / "gpu.json"
    text = '{"provenance": {"device": "a GPU"}}\n'
    write(record, text)
    with pytest.raises(PressError, match=r"run `make stamp`: .*first/gpu.json"):
        check_stamps(miniature)
    stamp(miniature)
    assert copy.read_text(encoding="utf-8") == text
    write(record, text[:-5])
    with pytest.raises(PressError, match=r"experiments/first/gpu.json is no record"):
        stamp(miniature)
    record.unlink()
    stamp(miniature)
    assert not copy.exists()


def test_assignments_get_the_cells_that_all_share(miniature: Book) -> None:
    path = miniature.assignments / "first" / "first.ipynb"
    cells = [
        new_code_cell("old checks", metadata={"tags": ["checks"]}),
        new_markdown_cell("old words", metadata={"tags": ["how-to"]}),
        new_code_cell("the author's own"),
    ]
    write(path, nbformat.writes(new_notebook(cells=cells)) + "\n")
    with pytest.raises(PressError, match=r"run `make stamp`: .*first.ipynb"):
        check_stamps(miniature)
    stamp(miniature)
    checks, how_to, own = read_notebook(path).cells
    assert "def check_close(" in checks.source
    assert how_to.source.startswith("**How to work.**")
    assert own.source == "the author's own"


def test_a_new_address_reaches_every_copy(miniature: Book) -> None:
    write(
        miniature.root / "README.md",
        f"[book]({OLD}/actions) https://github.com/someone/miniature-golf\n",
    )
    config = miniature.root / "_config.yml"
    write(config, config.read_text(encoding="utf-8").replace(OLD, NEW))
    stamp(miniature)
    readme = (miniature.root / "README.md").read_text(encoding="utf-8")
    assert (
        readme == f"[book]({NEW}/actions) https://github.com/someone/miniature-golf\n"
    )
    assert NEW in (miniature.root / "pyproject.toml").read_text(encoding="utf-8")
    assert f"git+{NEW}" in read_notebook(miniature.notebook(FIRST)).cells[1].source


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"git+{OLD}.", f"git+{NEW}."),
        ("https://someone.github.io/miniature/", "https://other.github.io/large-book/"),
        (
            "https://mybinder.org/v2/gh/x/y/main?urlpath=lab",
            "https://mybinder.org/v2/gh/other/large-book/main?urlpath=lab",
        ),
        (
            "https://colab.research.google.com/github/x/y/blob/main/a.ipynb",
            "https://colab.research.google.com/github/other/large-book/blob/main/a.ipynb",
        ),
        ('repository-code: "wrong"', f'repository-code: "{NEW}"'),
        (
            "https://github.com/executablebooks/jupyter-book",
            "https://github.com/executablebooks/jupyter-book",
        ),
    ],
)
def test_forms_of_the_address(before: str, after: str) -> None:
    assert with_new_address(before, OLD, NEW) == after


def test_a_package_that_the_lock_lacks(miniature: Book) -> None:
    toy = miniature.library / "samplebook" / "toys" / "doubling.py"
    write(toy, READS_PACKAGE.format("nowhere"))
    with pytest.raises(
        PressError, match="requirements-data.lock has no package with 'nowhere'"
    ):
        check_stamps(miniature)
