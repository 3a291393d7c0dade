"""The ledger on the site has one row for each claim of this execution, and each row leads to its cell."""

import json

import pytest
from bs4 import Tag
from site_pages import HTML, ROOT, parsed

LEDGER = HTML / "book" / "claims.html"


@pytest.fixture(scope="module")
def rows(html: object) -> list[Tag]:
    """Body rows of the ledger's table."""
    return parsed(LEDGER).select("table.ledger tbody tr")


@pytest.fixture(scope="module")
def records() -> dict[str, dict[str, object]]:
    """The gathered claims of this execution, by id."""
    return json.loads((ROOT / "_build" / "claims.json").read_text(encoding="utf-8"))[
        "records"
    ]


def claim_link(row: Tag) -> Tag:
    """The link from a row to the cell that checks its claim."""
    link = row.select_one("th.claim a[href]")
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
        texts = [cell.get_text(" ", strip=True) for cell in row.select("th, td")]
        assert all(texts), texts
        verdict = records[claim_link(row).get_text(strip=True)]["verdict"]
        assert row["data-verdict"] == verdict
        assert ("at this scale" in texts[-1]) == (verdict == "not-at-this-scale")


def test_each_row_has_an_address_of_its_own(rows: list[Tag]) -> None:
    for row in rows:
        claim_id = claim_link(row).get_text(strip=True)
        assert len(row.select(f"#ledger-{claim_id}")) == 1


def test_the_records_can_be_downloaded(records: dict[str, object]) -> None:
    (link,) = parsed(LEDGER).select("article a.download")
    offered = (LEDGER.parent / str(link["href"])).read_text(encoding="utf-8")
    assert json.loads(offered)["records"] == records


def test_no_claim_is_said_to_fail_that_holds() -> None:
    """A `finding` in a claims file is an error of the book where the claim does not fail."""
    article = parsed(HTML / "book" / "findings.html").find("article")
    assert article is not None
    assert "Said to fail" not in article.get_text()
