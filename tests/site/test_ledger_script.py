"""The ledger in the browser: sort, search, filter, keyboard, state in the address, no script."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect
from site_pages import PATIENCE

expect.set_options(timeout=PATIENCE)


@pytest.fixture
def open_ledger(desktop: BrowserContext, site: str) -> Iterator[object]:
    """Opens the ledger with a query, and closes it after the test."""
    page = desktop.new_page()

    def open_with(query: str = "") -> Page:
        page.goto(f"{site}/book/claims.html{query}")
        expect(page.locator("form.ledger-filter")).to_be_visible()
        return page

    yield open_with
    page.close()


def shown_rows(page: Page) -> Locator:
    return page.locator("table.ledger tbody tr:not([hidden])")


def shown_claims(page: Page) -> list[str]:
    return shown_rows(page).locator("th.claim").all_inner_texts()


def heading(page: Page, name: str) -> Locator:
    return page.locator(f"table.ledger th[data-column={name}]")


def number(claim: str) -> int:
    """10 for ``spectr-c10``."""
    return int(re.findall(r"\d+$", claim)[0])


def test_claims_sort_by_their_numbers_both_ways(open_ledger) -> None:
    page = open_ledger()
    heading(page, "claim").get_by_role("button").click()
    expect(heading(page, "claim")).to_have_attribute("aria-sort", "ascending")
    up = shown_claims(page)
    slugs = [claim.rpartition("-")[0] for claim in up]
    assert slugs == sorted(slugs)
    assert up == sorted(up, key=lambda claim: (claim.rpartition("-")[0], number(claim)))
    heading(page, "claim").get_by_role("button").click()
    expect(heading(page, "claim")).to_have_attribute("aria-sort", "descending")
    assert shown_claims(page) == up[::-1]


def test_verdicts_sort_with_failures_first_and_ties_in_order(open_ledger) -> None:
    page = open_ledger()
    before = shown_claims(page)
    verdict = {
        row.locator("th.claim").inner_text(): row.get_attribute("data-verdict")
        for row in shown_rows(page).all()
    }
    heading(page, "verdict").get_by_role("button").click()
    order = ["fails", "holds", "not-at-this-scale"]
    assert shown_claims(page) == sorted(
        before, key=lambda claim: order.index(verdict[claim])
    )
    heading(page, "verdict").get_by_role("button").click()
    assert shown_claims(page) == sorted(
        before, key=lambda claim: -order.index(verdict[claim])
    )


def test_measured_values_sort_as_numbers(open_ledger) -> None:
    page = open_ledger("?sort=measured")
    values = [
        float(value)
        for cell in shown_rows(page).locator("td.measured").all()
        if (value := cell.get_attribute("data-sort"))
    ]
    assert len(values) > 1
    assert values == sorted(values)


def test_search_reads_all_text_and_counts(open_ledger) -> None:
    page = open_ledger()
    total = shown_rows(page).count()
    page.get_by_label("Search claims").fill("Azuma BOUND")
    expect(shown_rows(page)).to_have_count(1)
    assert shown_claims(page) == ["spectr-c9"]
    expect(page.locator("form.ledger-filter [role=status]")).to_have_text(
        f"1 of {total} claims"
    )
    page.get_by_label("Search claims").fill("no such words anywhere")
    expect(page.locator("form.ledger-filter [role=status]")).to_have_text(
        f"0 of {total} claims: no claim matches"
    )
    page.get_by_role("button", name="Show all").click()
    expect(shown_rows(page)).to_have_count(total)
    assert "?" not in page.url


def test_filters_narrow_and_the_address_keeps_them(open_ledger) -> None:
    page = open_ledger()
    page.get_by_label("Verdict").select_option("not-at-this-scale")
    page.get_by_label("Kind").select_option("paper")
    heading(page, "claim").get_by_role("button").click()
    heading(page, "claim").get_by_role("button").click()
    for row in shown_rows(page).all():
        assert row.get_attribute("data-verdict") == "not-at-this-scale"
        assert row.get_attribute("data-kind") == "paper"
    shown = shown_claims(page)
    assert len(shown) > 1
    query = page.url.partition("?")[2]
    again = open_ledger(f"?{query}")
    assert shown_claims(again) == shown
    expect(again.get_by_label("Verdict")).to_have_value("not-at-this-scale")
    expect(heading(again, "claim")).to_have_attribute("aria-sort", "descending")


def test_an_unknown_choice_in_the_address_is_all(open_ledger) -> None:
    page = open_ledger("?verdict=splendid&sort=nothing")
    expect(page.get_by_label("Verdict")).to_have_value("")
    assert shown_rows(page).count() == page.locator("table.ledger tbody tr").count()


def test_everything_works_by_keyboard(open_ledger) -> None:
    page = open_ledger()
    page.get_by_label("Search claims").focus()
    page.keyboard.type("decodes")
    page.keyboard.press("Enter")
    assert len(shown_claims(page)) > 1
    for label in ("Verdict", "Kind", "Chapter"):
        page.keyboard.press("Tab")
        expect(page.get_by_label(label)).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Show all")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(heading(page, "claim").get_by_role("button")).to_be_focused()
    page.keyboard.press("Enter")
    expect(heading(page, "claim")).to_have_attribute("aria-sort", "ascending")
    page.keyboard.press("Space")
    expect(heading(page, "claim")).to_have_attribute("aria-sort", "descending")
    expect(heading(page, "claim").get_by_role("button")).to_be_focused()
    rule = shown_rows(page).first.locator("summary")
    rule.focus()
    page.keyboard.press("Enter")
    expect(shown_rows(page).first.locator("span.rule")).to_be_visible()


def test_without_a_script_the_table_is_complete(browser: Browser, site: str) -> None:
    context = browser.new_context(
        viewport={"width": 1280, "height": 900}, java_script_enabled=False
    )
    page = context.new_page()
    page.goto(f"{site}/book/claims.html")
    assert page.locator("form.ledger-filter").is_hidden()
    rows = page.locator("table.ledger tbody tr")
    assert rows.count() > 0
    assert all(row.is_visible() for row in rows.all())
    assert page.locator("table.ledger button").count() == 0
    context.close()


@pytest.mark.parametrize("width", [320, 360, 768, 1000, 1100])
def test_no_width_needs_sideways_scrolling(
    browser: Browser, site: str, width: int
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800})
    page = context.new_page()
    page.goto(f"{site}/book/claims.html", wait_until="networkidle")
    for summary in page.locator("table.ledger summary").all():
        summary.click()
    article = page.locator("article.bd-article")
    table = page.locator("table.ledger")
    assert table.evaluate("table => table.scrollWidth") <= article.evaluate(
        "article => article.clientWidth"
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    labels = table.locator("tbody tr >> nth=0").locator("th, td")
    shown = labels.first.evaluate("cell => getComputedStyle(cell, '::before').content")
    assert (shown == '"Chapter"') == (width < 1100)
    context.close()


def test_the_script_is_on_this_page_alone(desktop: BrowserContext, site: str) -> None:
    page = desktop.new_page()
    for name, times in (("book/claims", 1), ("book/map", 0)):
        page.goto(f"{site}/{name}.html")
        assert page.locator("script[src*='ledger.js']").count() == times
    page.close()
