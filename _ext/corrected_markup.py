"""Sphinx extension: correct what the theme and the builders write, for readers who listen, tab or wait.

Each correction is one replacement in the finished pages. One that finds nothing on any page fails the build:
a new version of the theme has changed the place, and the correction is to be looked at again.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError


@dataclass(frozen=True)
class Correction:
    """A replacement in the HTML of all pages, and why it is made."""

    reason: str
    pattern: str
    replacement: str


CORRECTIONS = (
    Correction(
        "the icons are in the theme's fonts too, at a tenth of this script's weight",
        r'<script defer src="[^"]*/fontawesome\.js[^"]*"></script>',
        "",
    ),
    Correction(
        "only the search page, which lies at the root, searches; its index grows",
        r'<script src="\.\./[^"]*(searchtools|language_data|searchindex)\.js"></script>',
        "",
    ),
    Correction(
        "light or dark is settled before the page is drawn, not after",
        r'dataset\.theme = localStorage\.getItem\("theme"\) \|\| "auto";',
        'dataset.theme = document.documentElement.dataset.mode !== "auto"'
        " ? document.documentElement.dataset.mode"
        ' : matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";',
    ),
    Correction(
        "scripts wait until the page is read, except the one that inline scripts use",
        r'<script (?!defer)([^>]*)src="(?![^"]*documentation_options)',
        r'<script defer \1src="',
    ),
    Correction(
        "a label that differs from the visible words hides these words from a listener",
        r'<summary aria-label="Toggle hidden content">',
        "<summary>",
    ),
    Correction(
        "the same for the search field's button",
        r'(<button class="btn search-button-field[^>]*) aria-label="Search"',
        r"\1",
    ),
    Correction(
        "the side bar is a landmark, so that its logo lies in one",
        r'<div id="pst-primary-sidebar"',
        '<div id="pst-primary-sidebar" role="navigation" aria-label="Book"',
    ),
    Correction(
        "the role of a bibliography's entry is deprecated; its list holds list items",
        r'role="doc-biblioentry"',
        'role="listitem"',
    ),
    Correction(
        "with both sizes as attributes a picture's room is kept before it has come",
        r'<img ([^>]*)style="width: (\d+)px; height: (\d+)px;"',
        r'<img loading="lazy" \1width="\2" height="\3"',
    ),
)


def built_pages(folder: Path) -> list[Path]:
    """All pages of a built site; the theme's own templates lie among the static files."""
    return [
        page
        for page in sorted(folder.rglob("*.html"))
        if "_static" not in page.relative_to(folder).parts
    ]


def correct_pages(pages: list[Path], corrections: tuple[Correction, ...]) -> None:
    """Make all corrections in the files of all pages.

    Raises
    ------
    ExtensionError
        If a correction finds nothing to correct.
    """
    found = dict.fromkeys(corrections, 0)
    for page in pages:
        text = page.read_text(encoding="utf-8")
        for correction in corrections:
            text, count = re.subn(correction.pattern, correction.replacement, text)
            found[correction] += count
        page.write_text(text, encoding="utf-8")
    for correction, count in found.items():
        if count == 0:
            raise ExtensionError(
                f"no page has {correction.pattern!r} ({correction.reason}): "
                f"look at this correction in {Path(__file__).name} again"
            )


def correct_site(app: Sphinx, exception: Exception | None) -> None:
    """Correct the pages of a build that went well."""
    if exception is None and app.builder.format == "html":
        correct_pages(built_pages(Path(app.outdir)), CORRECTIONS)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("build-finished", correct_site)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
