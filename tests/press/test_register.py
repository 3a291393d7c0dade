"""The register: its papers, its parts and the chapters must fit together."""

import pytest
import yaml
from miniature_book import PAPER, REPOSITORY, write

from press.book import Book
from press.errors import PressError
from press.register import papers, parts


def test_the_captions_are_the_questions_of_the_parts() -> None:
    book = Book(REPOSITORY)
    toc = yaml.safe_load((book.root / "_toc.yml").read_text(encoding="utf-8"))
    captions = {
        file["file"].split("/")[1]: part["caption"]
        for part in toc["parts"]
        for file in part["chapters"]
        if file["file"].startswith("chapters/")
    }
    questions = {name: part.question for name, part in parts(book).items()}
    assert captions
    assert list(captions.items()) == [
        (name, question) for name, question in questions.items() if name in captions
    ]


def test_the_register_has_sixty_papers_six_of_them_in_depth() -> None:
    listed = papers(Book(REPOSITORY)).values()
    assert len(listed) == 60
    assert sum(paper.named for paper in listed) == 6


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (("first", "toys"), "the paper first occurs 2 times"),
        (("new", "nowhere"), "the paper new is of the part 'nowhere'"),
    ],
)
def test_what_cannot_be_right(
    miniature: Book, entry: tuple[str, str], message: str
) -> None:
    slug, part = entry
    file = miniature.root / "book" / "papers.yml"
    more = PAPER.format(slug=slug, part=part, named="false")
    write(file, file.read_text(encoding="utf-8") + more)
    with pytest.raises(PressError, match=message):
        papers(miniature)


def test_a_chapter_without_a_paper_is_named(miniature: Book) -> None:
    write(
        miniature.root / "book" / "papers.yml",
        PAPER.format(slug="first", part="toys", named="true"),
    )
    with pytest.raises(PressError, match="the chapter toys/second has no paper"):
        papers(miniature)


def test_a_missing_field_is_an_error(miniature: Book) -> None:
    write(miniature.root / "book" / "papers.yml", "- {slug: first}\n")
    with pytest.raises(PressError, match=r"book/papers.yml must be .* slug, short"):
        papers(miniature)
