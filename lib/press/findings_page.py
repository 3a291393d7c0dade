"""Print the findings: the claims that fail in this execution, with the reasons that are known."""

from press.book import Book
from press.claims_ledger import Record, claims_of, unfounded_findings
from press.ledger_page import figure_words, inline, measured_words, place_words
from press.register import papers
from samplebook.claims import Claim

NOTHING_FAILS = "In this run no claim fails, so there is no finding."


def failing_claims(book: Book, records: dict[str, Record]) -> list[tuple[str, Claim]]:
    """The claims that fail, each with its chapter's slug, in the ledger's order."""
    return [
        (chapter.slug, claim)
        for chapter in book.chapters()
        for claim in claims_of(book, chapter).values()
        if records[claim.id]["verdict"] == "fails"
    ]


def finding(name: str, claim: Claim, record: Record) -> str:
    """One claim that fails; the label ``finding-<id>`` leads to it."""
    rows = {
        "Claim": claim.statement,
        "Source": f"{figure_words(claim)}; {place_words(claim)}",
        "Measured here": measured_words(record),
        "Rule": claim.rule,
        "Why it fails": claim.finding or "Not yet explained.",
        "Evidence": f"{{ref}}`the cell that checks it <claim-{claim.id}>`, "
        f"{{ref}}`its row in the ledger <ledger-{claim.id}>`",
    }
    lines = [f"- **{row}**: {inline(text, 'words')}" for row, text in rows.items()]
    return "\n".join([f"(finding-{claim.id})=\n### {name}: {claim.id}\n", *lines])


def section(title: str, entries: list[str]) -> list[str]:
    """A heading with its entries, or nothing where there is no entry."""
    return [f"## {title}", *entries] if entries else []


def findings_page(book: Book, records: dict[str, Record]) -> str:
    """The findings as MyST Markdown: explained, not yet explained, and not confirmed by this run."""
    names = {slug: paper.short for slug, paper in papers(book).items()}
    failing = failing_claims(book, records)
    explained, unexplained = (
        [
            finding(names[slug], claim, records[claim.id])
            for slug, claim in failing
            if (claim.finding is not None) == has_reason
        ]
        for has_reason in (True, False)
    )
    unconfirmed = [
        f"- {{ref}}`{claim.id} <ledger-{claim.id}>`: {inline(claim.statement, 'words')}"
        for claim in unfounded_findings(book, records)
    ]
    return "\n\n".join(
        [
            *([] if failing else [NOTHING_FAILS]),
            *section("Fails, and why", explained),
            *section("Fails, not yet explained", unexplained),
            *section("Said to fail, but did not in this run", unconfirmed),
        ]
    )
