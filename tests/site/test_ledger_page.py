"""The ledger on the site has one row for each claim of this execution, and each row leads to its cell."""

import json

import pytest
from bs4 import Tag
from site_pages import HTML, ROOT, parsed

LEDGER = HTML / "book" / "claims.html"


@pytest.fixture(scope="module")
def rows(html: object) -> list[Tag]:
    """Body rows of the ledger's tables."""
    return parsed(LEDGER).select("table.ledger tbody tr")


@pytest.fixture(scope="module")
def records() -> dict[str, dict[str, object]]:
    """The gathered claims of this execution, by id."""
    return json.loads((ROOT / "_build" / "claims.json").read_text(encoding="utf-8"))[
        "records"
    ]


def claim_link(row: Tag) -> Tag:
    """The link in a row's first cell."""
    link = row.select_one("td a[href]")
    assert link is not None, row.get_text(" ", strip=True)
    return link


def test_one_row_for_each_claim(rows: list[Tag], records: dict[str, object]) -> None:
    assert len(rows) > 0
    assert sorted(claim_link(row).get_text(strip=True) for row in rows) == sorted(
        records
    )


def test_each_row_leads_to_its_cell(rows: list[Tag]) -> None:
    for row in rows:
        link = claim_link(row)
        page, anchor = str(link["href"]).split("#")
        assert anchor == f"claim-{link.get_text(strip=True)}"
        assert parsed((LEDGER.parent / page).resolve()).find(id=anchor) is not None, (
            link["href"]
        )


def test_each_row_states_a_verdict(
    rows: list[Tag], records: dict[str, dict[str, object]]
) -> None:
    for row in rows:
        cells = [cell.get_text(" ", strip=True) for cell in row.select("td")]
        assert all(cells), cells
        beyond = records[cells[0]]["verdict"] == "not-at-this-scale"
        assert ("at this scale" in cells[4]) == beyond


def test_start_page_repeats_the_counts(records: dict[str, object]) -> None:
    counts = f"Of {len(records)} claims"
    sentences = [
        paragraph.get_text(" ", strip=True)
        for page in (LEDGER, HTML / "book" / "intro.html")
        for paragraph in parsed(page).select("article p")
        if paragraph.get_text().startswith(counts)
    ]
    assert len(sentences) == 2
    assert sentences[0] == sentences[1]
