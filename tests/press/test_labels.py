"""The press names each theorem, exercise and figure without a label."""

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from press.book import Book, Chapter
from press.errors import PressError
from press.labels import check_labels, label_problems
from press.notebooks import read_notebook, write_notebook

THEOREM = "````{prf:theorem} A name\n:class: tall\n:label: thm-name\n\nWords.\n````"
NESTED = "::::{admonition} Practice\n\n:::{exercise}\n:label: ex-a\n\nDo.\n:::\n::::"
PROOF = "```{prf:proof}\nWords.\n```\n\n```{solution} ex-a\nDone.\n```"


def figure(**options: str) -> dict[str, object]:
    return {"mystnb": {"figure": {"caption": "Words.", **options}}}


@pytest.mark.parametrize("source", [THEOREM, NESTED, PROOF, "See {prf:ref}`thm-name`."])
def test_labelled_directives_pass(source: str) -> None:
    assert label_problems(new_notebook(cells=[new_markdown_cell(source)])) == []


@pytest.mark.parametrize(
    ("source", "name"),
    [
        (THEOREM.replace(":label: thm-name\n", ""), "prf:theorem"),
        (THEOREM.replace(":label: thm-name", ":label:"), "prf:theorem"),
        (NESTED.replace(":label: ex-a\n", ""), "exercise"),
        ("```{exercise-start}\n```", "exercise-start"),
        ("```{figure} a.png\n:alt: A\n\nSee :label: thm\n```", "figure"),
    ],
)
def test_directive_without_a_label(source: str, name: str) -> None:
    cells = [new_markdown_cell("Words."), new_markdown_cell(source)]
    problem = f"cell 2 has a {{{name}}} without a label"
    assert label_problems(new_notebook(cells=cells)) == [problem]


def test_figures_made_by_code() -> None:
    cells = [
        new_code_cell("draw()", metadata=figure(name="fig-a")),
        new_code_cell("draw()", metadata=figure()),
        new_code_cell("calculate()"),
    ]
    problem = "cell 2 has a {figure} without a label"
    assert label_problems(new_notebook(cells=cells)) == [problem]


def test_error_names_the_chapter(miniature: Book) -> None:
    check_labels(miniature)
    path = miniature.notebook(Chapter("toys", "second"))
    notebook = read_notebook(path)
    notebook.cells[0].source += "\n\n```{exercise}\nTry.\n```"
    write_notebook(notebook, path)
    with pytest.raises(PressError, match=r"toys/second: cell 1 has a \{exercise\}"):
        check_labels(miniature)
