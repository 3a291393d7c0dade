"""The whole book as one HTML document for the printer, put together from the built pages.

Numbers of chapters, theorems, equations and figures are those of the site. Each id gets the name of its page
before it, so that links between pages become links within the document.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape
from urllib.parse import unquote, urljoin, urlsplit

import yaml
from bs4 import BeautifulSoup, Tag
from sphinx_external_toc.parsing import parse_toc_yaml

from press.book import Book
from press.citation import BookCitation, names_in_words, read_citation

# Not printed: links to themselves, scripts, hidden cells, hidden inputs, and the words that unfold others.
UNPRINTED = ".headerlink, script, form, button, .tag_hide-cell, details.above-input, .cell summary"
SITE_PARTS = "link[rel=stylesheet], script[src*=mathjax]"


@dataclass(frozen=True)
class Page:
    """One page of the built site."""

    name: str
    title: str
    article: Tag


@dataclass(frozen=True)
class Entry:
    """A line of the table of contents: of a part (level 0), a page (1) or a section of a chapter (2)."""

    level: int
    title: str
    anchor: str


@dataclass(frozen=True)
class PrintEdition:
    """The document and its contents."""

    html: str
    contents: list[Entry]


def parsed_page(book: Book, name: str) -> BeautifulSoup:
    text = (book.html / f"{name}.html").read_text(encoding="utf-8")
    return BeautifulSoup(text, "html.parser")


def read_page(book: Book, name: str) -> Page:
    """A page's article, without what is of no use on paper."""
    (article,) = parsed_page(book, name).select("article")
    for element in article.select(UNPRINTED):
        element.decompose()
    for link in article.select("a.image-reference"):
        link.unwrap()
    for details in article.select("details"):
        details["open"] = ""
    for image in article.select("img[loading]"):
        del image["loading"]  # paper is not scrolled
    return Page(name, article.select("h1")[0].get_text(), article)


def read_parts(book: Book) -> dict[str, list[Page]]:
    """All pages by the caption of their part, in the order of ``_toc.yml``; the start page has none."""
    start = parse_toc_yaml(book.root / "_toc.yml").root
    parts = {"": [read_page(book, start.docname.removesuffix(".md"))]}
    for part in start.subtrees:
        names = [str(name) for name in part.items]
        parts.setdefault(part.caption or "", []).extend(
            read_page(book, name) for name in names
        )
    return parts


def anchor(page: str, fragment: str) -> str:
    """The id in the document of an element on a page, or of the page itself."""
    return f"{page}--{fragment}" if fragment else page


def new_address(href: str, page: str, printed: set[str], published: str) -> str:
    """Where a link on a page leads in the document: into it, if it prints the target, else to the web."""
    address = urlsplit(urljoin(f"{page}.html", href))
    if address.scheme:
        return href
    name = address.path.removesuffix(".html")
    if name in printed:
        return "#" + anchor(name, unquote(address.fragment))
    return f"{published}/{address.geturl()}"


def bring_into_document(
    page: Page, book: Book, printed: set[str], published: str
) -> None:
    """Change a page's ids, links and images to what they are in the document."""
    page.article["id"] = anchor(page.name, "")
    for element in page.article.select("[id]"):
        element["id"] = anchor(page.name, str(element["id"]))
    for link in page.article.select("a[href]"):
        link["href"] = new_address(str(link["href"]), page.name, printed, published)
    use_files(page.article.select("[src]"), book, page.name)


def use_files(elements: Iterable[Tag], book: Book, page: str) -> None:
    """Point images, styles and scripts of a page to the site's files on this machine."""
    for element in elements:
        name = "src" if element.has_attr("src") else "href"
        address = urljoin(f"{page}.html", str(element[name]))
        if not urlsplit(address).scheme:
            element[name] = (book.html / unquote(urlsplit(address).path)).as_uri()


def head(book: Book, start: str, title: str) -> str:
    """Styles and MathJax, as the start page loads them."""
    (site_head,) = parsed_page(book, start).select("head")
    scripts = site_head.select("script")
    settings = [script for script in scripts if "window.MathJax" in script.text]
    parts = site_head.select(SITE_PARTS)
    use_files(parts, book, start)
    lines = [
        '<meta charset="utf-8"/>',
        f"<title>{escape(title)}</title>",
        *map(str, [*settings, *parts]),
    ]
    return "\n".join(lines)


def title_page(book: Book, citation: BookCitation) -> str:
    config = yaml.safe_load((book.root / "_config.yml").read_text(encoding="utf-8"))
    licence = config.get("html", {}).get("extra_footer", "")
    return f"""
<header class="title-page">
<h1>{escape(citation.title)}</h1>
<p>{escape(names_in_words(citation))}</p>
<p>Version {citation.version}, {citation.year}</p>
<p><a href="{citation.address}">{citation.address}</a></p>
{licence}
</header>"""


def contents(parts: dict[str, list[Page]]) -> Iterator[Entry]:
    """Parts, pages and the sections of chapters, in their order."""
    for caption, pages in parts.items():
        if caption:
            yield Entry(0, caption, pages[0].name)
        for page in pages:
            yield Entry(1, page.title, page.name)
            if page.name.startswith("chapters/"):
                for section in page.article.select("section:has(> h2)"):
                    title = section.select("h2")[0].get_text()
                    yield Entry(2, title, str(section["id"]))


def contents_page(entries: Iterable[Entry]) -> str:
    """The table of contents; the printer fills in the numbers of the sheets."""
    lines = [
        f'<p class="level-{entry.level}"><a href="#{entry.anchor}">{escape(entry.title)}</a></p>'
        for entry in entries
    ]
    return "\n".join(['<nav class="book-contents"><h1>Contents</h1>', *lines, "</nav>"])


def running_heads(pages: Iterable[Page]) -> Iterator[str]:
    """Styles that put a page's title at the top of each sheet of it."""
    for number, page in enumerate(pages):
        title = page.title.replace("\\", "").replace('"', '\\"')
        yield f'@page page-{number} {{ @top-left {{ content: "{title}" }} }}'
        yield f'[id="{page.name}"] {{ page: page-{number} }}'


def print_edition(book: Book) -> PrintEdition:
    """The document: title page, table of contents, and all pages of the book."""
    citation = read_citation(book)
    parts = read_parts(book)
    pages = [page for part in parts.values() for page in part]
    printed = {page.name for page in pages}
    for page in pages:
        bring_into_document(page, book, printed, citation.address)
    entries = list(contents(parts))
    lines = [
        '<!DOCTYPE html><html lang="en" data-theme="light"><head>',
        head(book, pages[0].name, citation.title),
        "<style>",
        *running_heads(pages),
        '</style></head><body class="print-edition">',
        title_page(book, citation),
        contents_page(entries),
        *(str(page.article) for page in pages),
        "</body></html>",
    ]
    return PrintEdition("\n".join(lines), entries)
