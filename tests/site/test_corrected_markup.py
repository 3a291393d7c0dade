"""The extension that corrects the theme's markup notices when there is nothing left to correct."""

from pathlib import Path
from types import ModuleType

import pytest
from site_pages import load_extension
from sphinx.errors import ExtensionError


@pytest.fixture(scope="module")
def extension() -> ModuleType:
    """The module ``_ext/corrected_markup.py``."""
    return load_extension("corrected_markup")


def test_all_scripts_wait_but_the_one_that_others_use(
    extension: ModuleType, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    page.write_text(
        '<script src="documentation_options.js?v=1"></script>'
        '<script src="a.js"></script><script defer="defer" src="b.js"></script>'
    )
    waiting = [rule for rule in extension.CORRECTIONS if "wait" in rule.reason]
    extension.correct_pages([page], tuple(waiting))
    assert page.read_text() == (
        '<script src="documentation_options.js?v=1"></script>'
        '<script defer src="a.js"></script><script defer="defer" src="b.js"></script>'
    )


def test_a_correction_without_effect_is_an_error(
    extension: ModuleType, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    page.write_text("<p>A page of another theme.</p>")
    rule = extension.Correction("for a reason", "<header>", "")
    with pytest.raises(ExtensionError, match="for a reason"):
        extension.correct_pages([page], (rule,))


def test_only_the_search_page_loads_the_search(
    extension: ModuleType, html: Path
) -> None:
    pages = [
        str(page.relative_to(html))
        for page in extension.built_pages(html)
        if "searchindex.js" in page.read_text(encoding="utf-8")
    ]
    assert "search.html" in pages
    assert not [page for page in pages if "/" in page]
