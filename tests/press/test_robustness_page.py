"""The page of robustness: each claim's share of seeds and spread, the misses first, and what was not run."""

import re
from collections.abc import Sequence
from statistics import median

import pytest
from bs4 import BeautifulSoup, Tag
from miniature_book import copy_of, run_press
from pytest import approx
from stored_sweeps import on_stand_in, rows, store_sweep

from press.book import Book
from press.claims_ledger import gather_claims
from press.notebooks import read_notebook, write_notebook
from press.robustness import Runs, all_runs, chapter_runs
from press.robustness_page import seed_words, summary
from press.strip_plot import AXIS, LEFT, RIGHT, TOP, strip_plot
from press.sweeps.results import NOT_SWEPT, Row
from press.website import site_key, stage
from samplebook.claims import Claim

SPREAD = [2.0 + 0.01 * seed for seed in range(19)] + [7.5]
BEYOND = """\
- id: first-c2
  kind: paper
  statement: It is fast.
  figure: null
  place: Table 2
  source: ours
  rule: None.
  false_alarm: 0
  scale: beyond
  scale_reason: It needs a large machine.
"""


def claim(finding: str | None = None, false_alarm: float = 1e-4) -> Claim:
    return Claim(
        id="first-c1",
        kind="paper",
        statement="It is right.",
        figure=None,
        place="Table 2",
        source="ours",
        rule="The rule.",
        false_alarm=false_alarm,
        scale="laptop",
        finding=finding,
    )


def runs(
    values: Sequence[float | None],
    failing: Sequence[int] = (),
    finding: str | None = None,
) -> Runs:
    return Runs(claim(finding), tuple(rows("first-c1", values, failing=failing)))


def test_the_interval_of_a_full_share_is_the_known_one() -> None:
    """With all of n seeds the Clopper-Pearson interval begins where n successes have probability 0.025."""
    ones = [1.0] * 20
    assert runs(ones).share == "20/20"
    assert runs(ones).share_interval() == approx((0.025 ** (1 / 20), 1))
    assert runs(ones, range(20)).share == "0/20"
    assert runs(ones, range(20)).share_interval() == approx((0, 1 - 0.025 ** (1 / 20)))


def test_the_interval_of_half_a_share_is_the_published_one() -> None:
    """5 of 10: Clopper and Pearson's table gives 0.187 to 0.813."""
    half = runs([1.0] * 10, range(5))
    assert half.share_interval() == approx((0.1871, 0.8129), abs=1e-4)


def test_undecided_seeds_do_not_count_as_holding() -> None:
    decided = rows("first-c1", [1.0] * 4)
    one = Runs(claim(), (*decided[:3], on_stand_in(decided[3])))
    assert one.share == "3/4"
    assert one.is_decided
    assert one.against == ()
    assert not Runs(claim(), tuple(map(on_stand_in, decided))).is_decided


def test_the_worst_seed_fails_if_any_does() -> None:
    values = [5.0, 1.0, 1.1, 1.2, -8.0, 1.3]
    none_fails = runs(values).worst()
    assert none_fails is not None
    assert none_fails.seed == 4
    two_fail = runs(values, [0, 2]).worst()
    assert two_fail is not None
    assert two_fail.seed == 0


def test_the_worst_seed_of_a_finding_is_one_that_holds() -> None:
    finding = runs([1.0, 1.1, 9.0, 1.2], [0, 2, 3], finding="An error.").worst()
    assert finding is not None
    assert finding.seed == 1


def test_equal_values_have_no_worst_seed_unless_one_fails() -> None:
    assert runs([1.0] * 3).worst() is None
    failing = runs([1.0] * 3, [2]).worst()
    assert failing is not None
    assert failing.seed == 2


@pytest.mark.parametrize("misses", [1, 2])
def test_a_miss_of_a_true_claim_is_as_improbable_as_its_rule_says(misses: int) -> None:
    chance = runs([1.0] * 20, range(misses)).chance_of_misses()
    none = (1 - 1e-4) ** 20
    one = 20 * 1e-4 * (1 - 1e-4) ** 19
    assert chance == approx(1 - none if misses == 1 else 1 - none - one, rel=1e-6)


@pytest.mark.parametrize(
    ("seeds", "words"),
    [
        ([7], "7"),
        ([4, 3], "3, 4"),
        (range(20), "0 to 19"),
        ([0, 1, 2, 9, 11, 12], "0 to 2, 9, 11, 12"),
    ],
)
def test_seeds_in_words(seeds: Sequence[int], words: str) -> None:
    assert seed_words(seeds) == words


def plot(listed: Sequence[Row], stored: float | None) -> Tag:
    svg = BeautifulSoup(
        strip_plot(listed, stored, "Words & <signs>."), "html.parser"
    ).svg
    assert svg is not None
    return svg


def places(svg: Tag, verdict: str) -> list[tuple[float, float]]:
    """Where the signs of a verdict are drawn."""
    path = svg.select_one(f"path.{verdict}")
    found = re.findall(r"M([\d.]+) ([\d.]+)", str(path["d"])) if path else []
    return [(float(x), float(y)) for x, y in found]


def test_each_seed_has_a_sign_at_its_value() -> None:
    svg = plot(rows("first-c1", [0.0, 10.0, 5.0, 5.0], failing=[1, 3]), 20.0)
    middle, quarter = (LEFT + RIGHT) / 2, (3 * LEFT + RIGHT) / 4
    assert [x for x, _ in places(svg, "holds")] == approx([LEFT, quarter], abs=0.1)
    assert [x for x, _ in places(svg, "fails")] == approx([middle, quarter], abs=0.1)
    assert places(svg, "stored")[0][0] == approx(RIGHT, abs=0.1)
    assert [text.get_text() for text in svg.select("text")] == ["0", "20"]


def test_equal_values_do_not_hide_each_other() -> None:
    svg = plot(rows("first-c1", [3.0] * 20), 3.0)
    heights = [y for _, y in places(svg, "holds")]
    assert len(set(heights)) == 20
    assert heights == sorted(heights)
    assert min(heights) >= TOP
    assert max(heights) < AXIS
    assert [text.get_text() for text in svg.select("text")] == ["3"]


def test_a_plot_has_the_colour_of_the_text_and_words() -> None:
    listed = rows("first-c1", [1.0, 2.0, 3.0], failing=[1])
    svg = plot([*listed[:2], on_stand_in(listed[2])], None)
    paints = {
        str(element[name])
        for element in svg.find_all(True)
        for name in ("fill", "stroke")
        if element.has_attr(name)
    }
    assert paints == {"currentColor", "none"}
    assert svg["aria-label"] == "Words & <signs>."
    assert svg["role"] == "img"
    shapes = {str(path["d"]).partition("M")[2] for path in svg.select("path[class]")}
    assert len({re.sub(r"^[\d. ]+", "", shape) for shape in shapes}) == 3


def test_misses_come_first_and_only_surprises_are_misses(miniature: Book) -> None:
    file = miniature.claims_folder / "second.yml"
    file.write_text(file.read_text() + "  finding: The table adds one twice.\n")
    file = miniature.claims_folder / "third.yml"
    file.write_text(file.read_text() + "  finding: The table adds one twice.\n")
    other = rows("first-c1", SPREAD, failing=[3], parameters='{"n": 8}')
    store_sweep(miniature, "first", [*rows("first-c1", SPREAD), *other])
    store_sweep(miniature, "second", rows("second-c1", SPREAD, failing=range(20)))
    store_sweep(miniature, "third", rows("third-c1", SPREAD, failing=range(2, 20)))
    text, _, table = summary(miniature, all_runs(miniature)).partition("| Chapter")
    surprising, at_other_size = re.findall(r"^- .*", text, flags=re.MULTILINE)
    assert "third-c1" in surprising
    assert "is a finding, but holds on seeds 0, 1 (2/20)" in surprising
    assert "first-c1" in at_other_size
    assert "with `n=8` fails on seed 3; it holds on 19/20. Its rule is exact" in (
        at_other_size
    )
    counts = [line.split(" | ")[1:] for line in table.splitlines()[2:]]
    assert [" ".join(line).strip(" |") for line in counts] == [
        "20 1 1 0 0 0",
        "20 1 0 1 0 0",
        "20 1 0 0 1 0",
    ]


def test_claims_without_runs_have_a_reason(miniature: Book) -> None:
    file = miniature.claims_folder / "first.yml"
    file.write_text(file.read_text() + BEYOND)
    path = miniature.notebook(miniature.chapter("second"))
    notebook = read_notebook(path)
    notebook.cells[-1].metadata["tags"] = [NOT_SWEPT]
    write_notebook(notebook, path)
    store_sweep(miniature, "third", [on_stand_in(*rows("third-c1", [1.0]))])
    for slug, name, reason in [
        ("first", "first-c1", "no stored run has checked it"),
        ("first", "first-c2", "beyond this scale. It needs a large machine."),
        ("second", "second-c1", "is left out of sweeps"),
        ("third", "third-c1", "on a stand-in only: random numbers"),
    ]:
        one = chapter_runs(miniature, miniature.chapter(slug))
        assert name not in one.measured
        assert reason in one.reason_without_runs(one.claims[name])


@pytest.fixture(scope="module")
def swept(printed: Book, tmp_path_factory: pytest.TempPathFactory) -> Book:
    """A built book: a miss and other sizes, an old sweep of a claim that is gone, and no sweep."""
    book = copy_of(printed, tmp_path_factory.mktemp("swept") / "book")
    sizes = [
        row
        for size in (16, 8)
        for row in rows("first-c1", [1.0, 3.0, 2.0], parameters=f'{{"n": {size}}}')
    ]
    store_sweep(book, "first", [*rows("first-c1", SPREAD, failing=[19]), *sizes])
    old = [*rows("second-c1", [4.0] * 3), *rows("second-c9", [1.0])]
    store_sweep(book, "second", old, changed="notebook")
    result = run_press(book, "book")
    assert result.returncode == 0, result.stderr
    assert "0 executed" in result.stdout
    return book


def page(book: Book, name: str = "robustness") -> BeautifulSoup:
    html = (book.html / "book" / f"{name}.html").read_text(encoding="utf-8")
    return BeautifulSoup(html, "html.parser")


def section(book: Book, slug: str) -> Tag:
    found = page(book).select_one(f"article section#{slug}")
    assert found is not None
    return found


def words(row: Tag) -> dict[str, str]:
    """A row's texts by column."""
    return {
        str(cell["class"][0]): " ".join(cell.get_text(" ", strip=True).split())
        for cell in row.select("th, td")
    }


def test_a_row_has_share_interval_spread_and_worst_seed(swept: Book) -> None:
    (row,) = section(swept, "first").select("table:not(.settings) tbody tr")
    found = words(row)
    assert found["statement"].startswith("Twice 1 is right")
    assert found["share"] == "19/20 [0.75, 1.00] fails on seed 19"
    assert found["spread"] == f"median {median(SPREAD):.4g} 2 to 7.5"
    assert found["worst"] == "seed 19: 7.5"
    (label,) = [svg["aria-label"] for svg in row.select("svg[role=img]")]
    assert label == (
        "first-c1 on 20 seeds: median 2.095 from 2 to 7.5; fails on seed 19"
    )


def test_the_chapter_says_what_was_run(swept: Book) -> None:
    text = section(swept, "first").get_text(" ", strip=True)
    assert "20 runs with the chapter’s own parameters, seeds 0 to 19" in text
    assert "about 31 seconds a run" in text
    assert "numpy 2.4.6" in text
    assert "These runs set size=6" in text
    assert "Seed 0, run again with the present one, gave equal values." in text


def test_other_parameters_have_a_table_in_order_of_size(swept: Book) -> None:
    table_rows = section(swept, "first").select("table.settings tbody tr")
    assert [words(row)["setting"] for row in table_rows] == ["n=8", "n=16"]
    assert words(table_rows[0])["share"] == "3/3 [0.29, 1.00]"
    assert words(table_rows[0])["spread"] == "median 2 1 to 3"


def test_an_old_sweep_is_shown_with_a_remark(swept: Book) -> None:
    second = section(swept, "second")
    assert words(*second.select("tbody tr"))["share"] == "3/3 [0.29, 1.00]"
    (remark,) = second.select(".warning")
    text = remark.get_text(" ", strip=True)
    assert "older than the chapter. Changed since: notebook." in text
    assert "Claims that it no longer has: second-c9." in text
    assert not section(swept, "first").select(".warning")


def test_a_chapter_without_a_sweep_says_so(swept: Book) -> None:
    text = section(swept, "third").get_text(" ", strip=True)
    assert "No sweep is stored: make sweep SEEDS=20 CHAPTERS=third" in text
    assert "third-c1 : no stored run has checked it" in text


def test_rows_lead_to_cells_and_ledger_and_the_ledger_leads_back(swept: Book) -> None:
    for slug, share in [("first", "19/20"), ("second", "3/3")]:
        row = section(swept, slug).select("tbody tr")[0]
        addresses = [str(link["href"]) for link in row.select("th a")]
        assert addresses == [
            f"../chapters/toys/{slug}.html#claim-{slug}-c1",
            f"claims.html#ledger-{slug}-c1",
        ]
        assert row.find(id=f"robust-{slug}-c1") is not None
        ledger = page(swept, "claims").select(
            f'tr[data-chapter="{slug}"] td.measured a'
        )
        assert [str(link["href"]) for link in ledger] == [
            f"robustness.html#robust-{slug}-c1"
        ]
        assert share in ledger[0].get_text()
    assert not page(swept, "claims").select('tr[data-chapter="third"] td.measured a')


def test_the_files_can_be_downloaded(swept: Book) -> None:
    links = page(swept).select("article a.download")
    offered = [swept.html / "book" / str(link["href"]) for link in links]
    assert [file.read_bytes() for file in offered] == [
        (swept.sweeps / f"{slug}.parquet").read_bytes() for slug in ("first", "second")
    ]


def test_a_book_without_sweeps_says_so(printed: Book) -> None:
    article = page(printed).find("article")
    assert article is not None
    assert "No sweep is stored yet" in article.get_text()
    assert not article.select("table")


def test_another_value_makes_the_site_stale(swept: Book) -> None:
    records = gather_claims(swept)
    stage(swept, records)
    before = site_key(swept)
    stored = (swept.sweeps / "first.parquet").read_bytes()
    values = [SPREAD[0] + 1e-9, *SPREAD[1:]]
    store_sweep(swept, "first", rows("first-c1", values, failing=[19]))
    stage(swept, records)
    after = site_key(swept)
    (swept.sweeps / "first.parquet").write_bytes(stored)
    assert after != before
