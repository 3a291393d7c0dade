"""Whatever carries a label in a notebook has it as its id on the page, once, and a link to itself."""

import re
from collections import Counter

import nbformat
import pytest
from playwright.sync_api import BrowserContext, Locator
from site_pages import HTML, ROOT, chapters_of_the_toc, pages_of_the_toc, parsed

LABELS = {
    "directive": re.compile(
        r"^(?:`{3,}|:{3,})\{(?:prf:\w+|exercise(?:-start)?|figure)\}.*\n(?::.*\n)*?:(?:label|name): *(\S+)",
        re.MULTILINE,
    ),
    "claim": re.compile(r"^\((claim-[\w-]+)\)=$", re.MULTILINE),
    "equation": re.compile(r"^\$\$ \(([\w-]+)\)", re.MULTILINE),
}


def labels_in_source(name: str) -> dict[str, list[str]]:
    """The ids that a chapter's page should have, by kind, from its notebook."""
    notebook = nbformat.read(ROOT / f"{name}.ipynb", as_version=4)
    text = "\n".join(
        cell.source for cell in notebook.cells if cell.cell_type == "markdown"
    )
    found = {kind: pattern.findall(text) for kind, pattern in LABELS.items()}
    figures = [cell.metadata.get("mystnb", {}).get("figure") for cell in notebook.cells]
    return {
        "directive": found["directive"],
        "claim": found["claim"],
        "equation": [f"equation-{label}" for label in found["equation"]],
        "figure": [figure["name"] for figure in figures if figure],
    }


@pytest.mark.parametrize("name", chapters_of_the_toc())
@pytest.mark.usefixtures("html")
def test_each_label_is_an_id_with_a_link_to_it(name: str) -> None:
    labels = labels_in_source(name)
    assert all(labels.values()), labels
    page = parsed(HTML / f"{name}.html")
    for label in [label for kind in labels.values() for label in kind]:
        (element,) = page.find_all(id=label)
        (link,) = element.select(f'a.headerlink[href="#{label}"]')
        assert str(link["title"]).startswith("Link to this ")


@pytest.mark.parametrize("name", chapters_of_the_toc())
@pytest.mark.usefixtures("html")
def test_nothing_to_link_to_is_without_a_label(name: str) -> None:
    labels = {label for kind in labels_in_source(name).values() for label in kind}
    page = parsed(HTML / f"{name}.html")
    # A bare proof is no place of its own: it belongs to the theorem before it.
    places = (
        ".proof:not([class='proof admonition']), .exercise, article figure, .math[id]"
    )
    elements = page.select(places)
    ids = [str(element["id"]) for element in elements if element.name != "section"]
    assert ids
    assert set(ids) <= labels


@pytest.mark.parametrize("name", pages_of_the_toc())
@pytest.mark.usefixtures("html")
def test_ids_are_unique(name: str) -> None:
    page = parsed(HTML / f"{name}.html")
    counts = Counter(str(element["id"]) for element in page.select("[id]"))
    assert [label for label, count in counts.items() if count > 1] == []


def shows(link: Locator) -> bool:
    """Whether a link to itself can be seen."""
    style = link.evaluate(
        "link => [getComputedStyle(link).visibility, getComputedStyle(link).opacity]"
    )
    return style == ["visible", "1"]


@pytest.mark.parametrize(
    "place",
    ["h2", "figure", ".math[id]", ".proof > p", ".exercise > p", "[id^=claim-]"],
)
def test_link_shows_under_the_pointer_and_the_focus(
    desktop: BrowserContext, site: str, place: str
) -> None:
    page = desktop.new_page()
    page.goto(f"{site}/{chapters_of_the_toc()[0]}.html")
    page.locator("mjx-container").first.wait_for()  # no formula moves the page any more
    element = page.locator(f"article {place}").first
    link = element.locator("a.headerlink")
    assert not shows(link)
    element.hover()
    assert shows(link)
    page.mouse.move(0, 0)
    assert not shows(link)
    link.evaluate("link => link.focus({focusVisible: true})")
    assert shows(link)
    page.close()
