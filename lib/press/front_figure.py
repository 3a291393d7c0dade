"""The living figure of the start page: the HTML output of one code cell of one chapter."""

from nbformat import NotebookNode

from press.book import Book
from press.errors import PressError
from press.notebooks import code_cells, read_notebook, tags

FRONT_PAGE_TAG = "front-page"
NO_FIGURE = "No chapter offers a figure for this page yet.\n"


def front_page_cells(book: Book) -> list[tuple[str, NotebookNode]]:
    """Executed cells with the tag ``front-page``, each with its chapter's name."""
    return [
        (chapter.name, cell)
        for chapter in book.chapters()
        for cell in code_cells(read_notebook(book.result(chapter) / "notebook.ipynb"))
        if FRONT_PAGE_TAG in tags(cell)
    ]


def html_output(cell: NotebookNode) -> str | None:
    """The first HTML that a cell displayed, or none."""
    found = (output.get("data", {}).get("text/html") for output in cell.outputs)
    return next((html for html in found if html), None)


def front_figure(book: Book) -> str:
    """The figure as MyST Markdown; a sentence, as long as no chapter offers one.

    Raises
    ------
    PressError
        If more than one cell has the tag, or the cell's output has no HTML.
    """
    cells = front_page_cells(book)
    if not cells:
        return NO_FIGURE
    if len(cells) > 1:
        names = ", ".join(name for name, _ in cells)
        raise PressError(
            f"the start page has room for one figure, but {len(cells)} cells have the tag "
            f"{FRONT_PAGE_TAG}: {names}"
        )
    ((name, cell),) = cells
    html = html_output(cell)
    if html is None:
        raise PressError(
            f"{name}: the cell with the tag {FRONT_PAGE_TAG} displays no HTML; "
            "let it end in display.slider(...)"
        )
    return f"```{{raw}} html\n{html}\n```\n"
