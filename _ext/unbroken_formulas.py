"""Sphinx extension: a line never breaks between a formula and the punctuation after it.

A browser may break a line on either side of a formula that MathJax has drawn, which leaves full stops alone
at the start of a line. The formula and the marks that follow it get a common element that does not break.
"""

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

PUNCTUATION = re.compile(r"[.,;:!?)\]”’]+")
CLASS_NAME = "unbroken"  # book.css says what it does


class UnbrokenFormulas(SphinxPostTransform):
    """Put each inline formula and the punctuation right after it into one inline node."""

    default_priority = 900

    def run(self, **kwargs: Any) -> None:
        """Change the doctree of one page in place."""
        for formula in list(self.document.findall(nodes.math)):
            parent = formula.parent
            position = parent.index(formula)
            text = parent[position + 1] if position + 1 < len(parent) else None
            marks = (
                PUNCTUATION.match(text.astext())
                if isinstance(text, nodes.Text)
                else None
            )
            if marks is not None:
                together = nodes.inline(
                    "", "", formula, nodes.Text(marks[0]), classes=[CLASS_NAME]
                )
                parent[position] = together
                parent[position + 1] = nodes.Text(text.astext()[marks.end() :])


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_post_transform(UnbrokenFormulas)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
