"""The extension that keeps a formula and its punctuation on one line changes no text."""

from types import ModuleType

import pytest
from docutils import nodes
from docutils.utils import new_document
from site_pages import load_extension


@pytest.fixture(scope="module")
def extension() -> ModuleType:
    """The module ``_ext/unbroken_formulas.py``."""
    return load_extension("unbroken_formulas")


def paragraph(*pieces: str) -> nodes.paragraph:
    """A paragraph of text; pieces in dollar signs become formulas."""
    children = [
        nodes.math("", piece.strip("$")) if piece.startswith("$") else nodes.Text(piece)
        for piece in pieces
    ]
    return nodes.paragraph("", "", *children)


@pytest.mark.parametrize(
    ("pieces", "unbroken"),
    [
        (["a ", "$x$", ". Then ", "$y$", ". Then ", "$z$"], ["x.", "y."]),
        (["(see ", "$x$", "), and ", "$y$", " too"], ["x),"]),
        (["$x$", "$y$"], []),
        (["$x$", "."], ["x."]),
    ],
)
def test_text_stays_and_marks_join_formulas(
    extension: ModuleType, pieces: list[str], unbroken: list[str]
) -> None:
    document = new_document("page")
    document += paragraph(*pieces)
    before = document.astext()
    extension.UnbrokenFormulas(document).run()
    assert document.astext() == before
    assert [node.astext() for node in document.findall(nodes.inline)] == unbroken
