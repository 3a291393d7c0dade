"""The table of contents, ``_toc.yml``: all pages and chapters, in the order in which they are read."""

from sphinx_external_toc.parsing import parse_toc_yaml

from press.book import Book, Chapter


def pages(book: Book) -> list[str]:
    """Names of all pages, such as ``book/intro``."""
    names = [str(name) for name in parse_toc_yaml(book.root / "_toc.yml")]
    return [name.removesuffix(".md").removesuffix(".ipynb") for name in names]


def chapters_in_reading_order(book: Book) -> list[Chapter]:
    """All chapters; those that the table of contents lacks come last."""
    order = pages(book)

    def place(chapter: Chapter) -> int:
        name = f"chapters/{chapter.name}"
        return order.index(name) if name in order else len(order)

    return sorted(book.chapters(), key=place)
