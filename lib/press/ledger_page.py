"""Print the ledger: one table of all claims, and the form that filters it.

The page is MyST Markdown. The table's tags are HTML, so that each row and cell can carry what
``static/ledger.js`` sorts and filters by; what stands in the cells is Markdown, with its links and formulas.
"""

from collections.abc import Mapping
from html import escape
from types import MappingProxyType

from press.book import Book
from press.claims_ledger import Record, claims_of, counts_sentence
from press.claims_table import cell, table
from press.register import Paper, papers
from samplebook.claims import KINDS, VERDICT_WORDS, Claim

SOURCE_WORDS = {
    "read": "",
    "secondary": " (from a secondary source)",
    "memory": " (from memory)",
    "ours": " (this book's own)",
}
VERDICT_CLASSES = {
    "fails": "fails",
    "holds": "holds",
    "not-at-this-scale": "beyond",
}
VERDICT_ORDER = list(VERDICT_CLASSES)
COLUMNS = {
    "chapter": "Chapter",
    "claim": "Claim",
    "kind": "Kind",
    "statement": "Statement",
    "source": "Source",
    "measured": "Measured here",
    "verdict": "Verdict",
}


def one_line(text: str) -> str:
    return " ".join(text.split())


def inline(text: str, name: str) -> str:
    """Markdown of one line, in a span: one that begins with ``>`` or ``1.`` is no quotation or list."""
    return f'<span class="{name}">{one_line(text)}</span>'


def rounded(number: float) -> str:
    return f"{number:.4g}"


def measured_words(record: Record) -> str:
    """The measured value and its interval, rounded."""
    if record["value"] is None:
        return "not measured"
    words = rounded(record["value"])
    if record["interval"] is not None:
        lower, upper = map(rounded, record["interval"])
        words += f" [{lower}, {upper}]"
    if "stand_in" in record:
        words += f" (on a stand-in: {record['stand_in']})"
    return words


def figure_words(claim: Claim) -> str:
    return claim.figure or "no figure"


def place_words(claim: Claim) -> str:
    """The place in the source, marked when this book has not read the source itself."""
    return f"{claim.place}{SOURCE_WORDS[claim.source]}"


def alarm_words(claim: Claim) -> str:
    """How often the rule would reject a true claim, or why there is nothing to decide."""
    if claim.scale_reason is not None:
        return f"Why not here: {claim.scale_reason}"
    if claim.false_alarm == 0:
        return "False alarms: none, the rule is exact."
    return f"False alarms: at most {claim.false_alarm:g} of all runs."


def verdict_words(claim: Claim, record: Record) -> str:
    """The verdict in a badge; that of a claim that fails leads to the page of findings."""
    verdict = record["verdict"]
    words = VERDICT_WORDS[verdict]
    if verdict == "fails":
        words = f"{{ref}}`{words} <finding-{claim.id}>`"
    return inline(words, f"badge-{VERDICT_CLASSES[verdict]}")


def rule_details(claim: Claim) -> str:
    """The rule that decides, folded away."""
    return "\n\n".join(
        [
            "<details><summary>Rule</summary>",
            inline(claim.rule, "rule"),
            inline(alarm_words(claim), "alarm"),
            "</details>",
        ]
    )


def ledger_row(paper: Paper, claim: Claim, record: Record, seeds: str = "") -> str:
    """One claim as a row; the label ``ledger-<id>`` leads to it."""
    link = f"(ledger-{claim.id})=\n{{ref}}`{claim.id} <claim-{claim.id}>`"
    source = inline(figure_words(claim), "figure-words") + "\n"
    order = {
        "claim": claim.id,
        "measured": record["value"],
        "verdict": VERDICT_ORDER.index(record["verdict"]),
    }
    cells = {
        "chapter": f"{{doc}}`{paper.short} </chapters/{paper.part}/{paper.slug}>`",
        "claim": link,
        "kind": claim.kind,
        "statement": f"{inline(claim.statement, 'words')}\n\n{rule_details(claim)}",
        "source": source + inline(place_words(claim), "place"),
        "measured": f"{measured_words(record)}\n\n{seeds}".strip(),
        "verdict": verdict_words(claim, record),
    }
    content = "".join(
        cell(COLUMNS, name, text, order.get(name)) for name, text in cells.items()
    )
    start = (
        f'<tr role="row" data-chapter="{paper.slug}" data-kind="{claim.kind}" '
        f'data-verdict="{record["verdict"]}">\n'
    )
    return f"{start}{content}</tr>"


def choice(name: str, words: dict[str, str]) -> str:
    """A labelled list of the values that a row may have."""
    options = "".join(
        f'<option value="{value}">{escape(text)}</option>'
        for value, text in {"": "all", **words}.items()
    )
    return (
        f'<label>{name.capitalize()} <select name="{name}">{options}</select></label>'
    )


def filter_form(chapters: dict[str, str]) -> str:
    """The form above the table, hidden until the script that it needs has run.

    Parameters
    ----------
    chapters : dict
        The chapters' names on the page, by slug.
    """
    verdicts = {verdict: VERDICT_WORDS[verdict] for verdict in VERDICT_ORDER}
    return "\n".join(
        [
            '<form class="ledger-filter" role="search" aria-label="Claims" hidden>',
            '<label>Search claims <input type="search" name="q" autocomplete="off"></label>',
            choice("verdict", verdicts),
            choice("kind", {kind: kind for kind in KINDS}),
            choice("chapter", chapters),
            '<button type="reset">Show all</button>',
            '<p role="status"></p>',
            "</form>",
        ]
    )


def ledger_page(
    book: Book,
    records: dict[str, Record],
    seeds: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """The ledger as MyST Markdown: the counts, the form, the table.

    Parameters
    ----------
    seeds : mapping
        By claim, on how many seeds of a sweep it holds, in Markdown.
    """
    registered = papers(book)
    chapters = {chapter.slug: registered[chapter.slug] for chapter in book.chapters()}
    rows = [
        ledger_row(
            chapters[chapter.slug], claim, records[claim.id], seeds.get(claim.id, "")
        )
        for chapter in book.chapters()
        for claim in claims_of(book, chapter).values()
    ]
    return "\n\n".join(
        [
            counts_sentence(records.values()),
            filter_form({slug: paper.short for slug, paper in chapters.items()}),
            table(COLUMNS, rows, "ledger", "All claims"),
        ]
    )
