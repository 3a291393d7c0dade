"""Sphinx extension: theorems, exercises and claims get the link to themselves that headings and figures have.

The ids come from the labels in the source, never from a number, so a link stays right when numbers change.
The ids that sphinx-proof and sphinx-exercise repeat on a page lead nowhere and are dropped.
"""

from collections.abc import Iterator
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx_exercise.nodes import is_exercise_enumerable_node, is_exercise_node

REPEATED_IDS = {"proof", "proof-content", "exercise-content", "solution-content"}
CLAIM_PREFIX = "claim-"  # the press demands the label (claim-<id>)= before each check


def permalink(label: str, kind: str) -> nodes.raw:
    """The link that shows beside an element under the pointer or the keyboard's focus."""
    name = f"Link to this {kind}"
    link = f'<a class="headerlink" href="#{label}" title="{name}" aria-label="{name}">#</a>'
    return nodes.raw("", link, format="html")


def kind_of(node: nodes.Element) -> str | None:
    """What readers call a labelled element, or none where it needs no link from here."""
    if "realtype" in node:  # sphinx-proof: theorem, algorithm, ...
        return str(node["realtype"])
    if is_exercise_node(node) or is_exercise_enumerable_node(node):
        return "exercise"
    if any(label.startswith(CLAIM_PREFIX) for label in node.get("ids", [])):
        return "claim"
    return None


def labelled_elements(
    document: nodes.document,
) -> Iterator[tuple[nodes.Element, str, str]]:
    """The elements that get a link, each with its label and what it is."""
    for node in document.findall(nodes.Element):
        kind = kind_of(node)
        if kind is not None and node["ids"]:
            yield node, node["ids"][0], kind


class Permalinks(SphinxPostTransform):
    """Append a link to the title of each theorem and exercise, and to each claim's paragraph."""

    default_priority = 900
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        """Change the doctree of one page in place."""
        for node, label, kind in list(labelled_elements(self.document)):
            place = node if isinstance(node, nodes.paragraph) else node[0]
            place += permalink(label, kind)
        for node in self.document.findall(nodes.Element):
            if REPEATED_IDS.issuperset(node.get("ids", [])):
                node["ids"] = []


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_post_transform(Permalinks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
