"""Tables of claims: HTML tags, which carry what scripts and narrow screens need, around Markdown.

The style is ``static/ledger.css``: a table on wide screens, one card a row on narrow ones.
"""

from collections.abc import Iterable
from html import escape


def cell(
    columns: dict[str, str], column: str, content: str, sort_by: object = None
) -> str:
    """One cell: Markdown between HTML tags, with the value to sort by where it is not the text itself.

    Parameters
    ----------
    columns : dict
        The headings by column; the column ``claim`` names the row.
    """
    tag, role = ("th", "rowheader") if column == "claim" else ("td", "cell")
    scope = ' scope="row"' if tag == "th" else ""
    key = "" if sort_by is None else f' data-sort="{escape(str(sort_by))}"'
    start = f'<{tag}{scope} role="{role}" class="{column}" data-label="{columns[column]}"{key}>'
    return f"{start}\n\n{content}\n\n</{tag}>\n"


def table(columns: dict[str, str], rows: Iterable[str], name: str, label: str) -> str:
    """The rows under their headings; ``name`` is for styles, ``label`` for readers who listen."""
    headings = "".join(
        f'<th role="columnheader" scope="col" data-column="{column}">{words}</th>'
        for column, words in columns.items()
    )
    start = (
        f'<table class="{name}" role="table" aria-label="{escape(label)}">\n'
        f'<thead role="rowgroup"><tr role="row">{headings}</tr></thead>\n'
        '<tbody role="rowgroup">'
    )
    return "\n".join([start, *rows, "</tbody>", "</table>"])
