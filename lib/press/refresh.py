"""Store a fresh execution of a chapter in the repository: the notebook and its claims' records."""

from press.book import Book, Chapter
from press.claims_ledger import (
    claim_problems,
    claims_of,
    records_of,
    stored_records,
    without_volatile_fields,
    write_claims,
)
from press.compare import compare_chapter
from press.errors import PressError
from press.execution import RESULT_FILES, execute_chapters, make_job
from press.keys import stored_key
from press.notebooks import (
    read_notebook,
    samplebook_metadata,
    with_outputs,
    write_notebook,
)
from press.printing import report_failures, sole_press


def chapter_key(book: Book, chapter: Chapter) -> str:
    """Digest of the key of the chapter's last result."""
    key = stored_key(book.result(chapter), RESULT_FILES)
    assert key is not None
    return str(key["digest"])


def store_notebook(book: Book, chapter: Chapter) -> None:
    """Write the outputs of the last execution, and its key, into the stored notebook."""
    executed = read_notebook(book.result(chapter) / "notebook.ipynb")
    notebook = with_outputs(read_notebook(book.notebook(chapter)), executed)
    notebook.metadata["samplebook"] = samplebook_metadata(notebook) | {
        "slug": chapter.slug,
        "key": chapter_key(book, chapter),
    }
    write_notebook(notebook, book.notebook(chapter))


def store_claims(book: Book, chapter: Chapter) -> None:
    """Replace the chapter's records in ``results/claims.json``; records of claims that are gone drop out."""
    fresh = {
        record["id"]: without_volatile_fields(record)
        for record in records_of(book, chapter)
    }
    known = stored_records(book) | fresh
    names = [name for each in book.chapters() for name in claims_of(book, each)]
    write_claims(
        book, book.stored_claims, {name: known[name] for name in names if name in known}
    )


def is_unchanged(book: Book, chapter: Chapter) -> bool:
    """Whether the stored files already say what the last execution says."""
    stored = samplebook_metadata(read_notebook(book.notebook(chapter)))
    return stored.get("key") == chapter_key(book, chapter) and not compare_chapter(
        book, chapter
    )


def refresh(book: Book, chapter: Chapter) -> bool:
    """Execute a chapter afresh and store it, unless nothing changed.

    Returns
    -------
    bool
        Whether the stored files were written.

    Raises
    ------
    PressError
        If the chapter or one of its claims fails to be checked.
    """
    with sole_press(book):
        report_failures(execute_chapters(book, [make_job(book, chapter)]))
        notebook = read_notebook(book.notebook(chapter))
        problems = claim_problems(
            claims_of(book, chapter), records_of(book, chapter), notebook
        )
        if problems:
            raise PressError(
                "\n".join(f"{chapter.name}: {problem}" for problem in problems)
            )
        if is_unchanged(book, chapter):
            print(
                f"{chapter.name}: nothing changed, the stored files are as they were."
            )
            return False
        store_notebook(book, chapter)
        store_claims(book, chapter)
    stored = (
        f"{book.shown(book.notebook(chapter))} and {book.shown(book.stored_claims)}"
    )
    print(f"{chapter.name}: stored {stored}.")
    return True
