"""The map says what exists for each paper, seen from the files alone."""

from miniature_book import SLUGS, write

from press.book import Book
from press.map_page import map_page, plain, standings

RECORDS = {
    f"{slug}-c1": {"id": f"{slug}-c1", "verdict": verdict}
    for slug, verdict in zip(
        SLUGS, ("holds", "fails", "not-at-this-scale"), strict=True
    )
}


def test_states_come_from_files(miniature: Book) -> None:
    before = {one.paper.slug: one for one in standings(miniature, RECORDS)["toys"]}
    assert before["fourth"].state == "nothing"
    write(miniature.library / "samplebook" / "toys" / "fourth.py", "")
    (miniature.root / "assignments" / "first").mkdir(parents=True)
    write(miniature.root / "results" / "experiments" / "first" / "gpu.json", "{}")
    toys = {one.paper.slug: one for one in standings(miniature, RECORDS)["toys"]}
    assert toys["fourth"].state == "library"
    assert toys["first"].state == "chapter"
    assert (toys["first"].has_assignment, toys["first"].has_record) == (True, True)
    assert (toys["second"].has_assignment, toys["second"].has_record) == (False, False)
    assert toys["second"].verdicts.startswith("0 hold, 1 fail")


def test_the_parts_sum_up(miniature: Book) -> None:
    page = map_page(miniature, RECORDS)
    assert page.startswith(
        "5 papers: 3 with a chapter, 0 in the library only, 2 not yet."
    )
    assert "4 papers: 3 with a chapter, 0 in the library only, 1 not yet." in page
    assert "1 papers: 0 with a chapter, 0 in the library only, 1 not yet." in page
    assert page.count('<li class="paper') == 5
    assert page.count("\n- **") == 5


def test_a_checked_reference_is_cited(miniature: Book) -> None:
    write(miniature.root / "book" / "references.bib", "")
    assert "{cite:t}" not in map_page(miniature, RECORDS)
    write(miniature.root / "book" / "references.bib", "@misc{second, title = {Two}}\n")
    page = map_page(miniature, RECORDS)
    assert page.count("{cite:t}") == page.count("{cite:t}`second`") == 1
    assert page.count("Somebody, 2020.") == 4


def test_titles_are_plain_text() -> None:
    assert plain("l_p & `S^3` *of* $x$") == r"l\_p & \`S\^3\` \*of\* \$x\$"
