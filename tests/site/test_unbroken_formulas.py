"""The extension that keeps a formula and its punctuation on one line changes no text."""

import importlib.util
from types import ModuleType

import pytest
from docutils import nodes
from docutils.utils import new_document
from site_pages import ROOT


@pytest.fixture(scope="module")
def extension() -> ModuleType:
    """The module ``_ext/unbroken_formulas.py``."""
    spec = importlib.util.spec_from_file_location(
        "unbroken_formulas", ROOT / "_ext" / "unbroken_formulas.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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
