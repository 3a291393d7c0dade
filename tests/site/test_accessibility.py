"""axe-core finds nothing on any page: light and dark, desktop and phone, folded and unfolded."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page
from site_pages import all_pages, open_page, unfold

SETTLING = 1000  # milliseconds: after a change of width the theme looks anew which parts scroll

# Half of a chapter's elements are glyphs, a third are words of code: axe-core would take minutes for them.
# A formula's glyphs have no text and are hidden from screen readers: a box of their size takes their place;
# the MathML that is read stays. A block of code loses its marked words if words of all these kinds stand, in
# such a place, in a visible block before it.
LEAVE_OUT_REPETITIONS = """() => {
    const boxes = [];
    for (const glyphs of document.querySelectorAll(
            "mjx-container:not([width]) > mjx-math[aria-hidden=true]:not([data-boxed])")) {
        const {width, height} = glyphs.getBoundingClientRect();
        const is_picture = !glyphs.textContent && !glyphs.querySelector("[tabindex], [href]");
        if (width > 0 && is_picture) boxes.push([glyphs, width, height]);
    }
    for (const [glyphs, width, height] of boxes) {
        Object.assign(glyphs.style, {display: "inline-block", width: `${width}px`, height: `${height}px`});
        glyphs.dataset.boxed = "";
        glyphs.replaceChildren();
    }
    const look = part => part.tagName === "ARTICLE" ? "" : `${look(part.parentElement)} ${part.className}`;
    const seen = new Set();
    const repeated = [];
    for (const block of document.querySelectorAll("article div.highlight > pre")) {
        const is_plain = !block.querySelector(":not(span), [style], [id], [tabindex], [role]");
        if (!is_plain || !block.checkVisibility()) continue;
        const place = look(block);
        const kinds = [...block.querySelectorAll("span")].map(word => `${place} ${word.className}`);
        if (kinds.every(kind => seen.has(kind))) repeated.push(block);
        kinds.forEach(kind => seen.add(kind));
    }
    repeated.forEach(block => block.textContent = block.textContent);
}"""
SHOWN = """() => [...document.querySelectorAll("*")].map(
    element => Number(element.checkVisibility({visibilityProperty: true}))).join("")"""
RULES_OF_COLOURS = ["color-contrast", "link-in-text-block"]
WIDTHS = (1280, 360)

SCHEMES = ("light", "dark")

# Colours are judged unfolded, and folded in the folds alone. Beside them each look, an element's with those
# of the elements around it, is there unfolded as well. Where one is not, all is folded again and judged.
MARK_FOLDS = """() => document.querySelectorAll("details:not([open]), .toggle-hidden").forEach(
    part => part.dataset.fold = "")"""
FOLD_AGAIN = """() => document.querySelectorAll(
    "details[data-fold][open] > summary, [data-fold] > .admonition-title button:not(.toggle-button-hidden)"
).forEach(part => part.click())"""
LOOKS = """() => {
    const names = ["color", "backgroundColor", "backgroundImage", "opacity", "fontSize", "fontWeight",
                   "textDecorationLine"];
    const known = new Map([[document.documentElement, []]]);
    const look = part => {
        if (!known.has(part)) {
            const style = getComputedStyle(part), around = look(part.parentElement);
            const own = names.map(name => style[name]).join();
            known.set(part, around.at(-1) === own ? around : [...around, own]);
        }
        return known.get(part);
    };
    const shown = [...document.querySelectorAll("body, body *")].filter(
        part => !part.closest("[data-fold]") && part.checkVisibility({visibilityProperty: true}));
    return [...new Set(shown.map(part => look(part).join(" | ")))];
}"""


@pytest.fixture(scope="session")
def axe(node_modules: Path) -> str:
    """The script of axe-core."""
    script = node_modules / "axe-core" / "axe.min.js"
    return script.read_text(encoding="utf-8")


def violations(
    page: Page,
    rules: list[str] | None = None,
    *,
    left_out: list[str] | None = None,
    within: str | None = None,
) -> list[str]:
    """What axe-core finds: one line an element.

    Parameters
    ----------
    page : Page
    rules : list of str, optional
        By default axe-core's own choice.
    left_out : list of str, optional
        Rules that are left out of that choice.
    within : str, optional
        A selector; by default the whole page is looked at.
    """
    if within and not page.locator(within).count():
        return []
    found: list[dict[str, Any]] = page.evaluate(
        """async ([rules, leftOut, within]) => (await axe.run(
            within ? {include: [[within]]} : document,
            {
                resultTypes: ["violations"],
                ...(rules ? {runOnly: rules} : {}),
                rules: Object.fromEntries(leftOut.map(rule => [rule, {enabled: false}])),
            })).violations""",
        [rules, left_out or [], within],
    )
    return [
        f"{rule['id']}: {element['html'][:150]} {element['failureSummary']}"
        for rule in found
        for element in rule["nodes"]
    ]


def turn(page: Page, scheme: str) -> None:
    """Show a page in light or dark."""
    page.emulate_media(color_scheme=scheme)
    page.wait_for_selector(f"html[data-theme={scheme}]")


def violations_in_light_and_dark(page: Page) -> list[str]:
    """All rules in light; in dark those of colours alone, if it shows the same elements."""
    turn(page, "light")
    shown = page.evaluate(SHOWN)
    in_light = violations(page)
    turn(page, "dark")
    same = page.evaluate(SHOWN) == shown
    in_dark = violations(page, RULES_OF_COLOURS if same else None)
    return [
        *(f"light, {one}" for one in in_light),
        *(f"dark, {one}" for one in in_dark),
    ]


def violations_when_folded(page: Page) -> list[str]:
    """All rules, those of colours only for what can be unfolded."""
    problems, shown = [], ""
    for scheme in SCHEMES:
        turn(page, scheme)
        found = violations(page, RULES_OF_COLOURS, within="[data-fold]")
        if page.evaluate(SHOWN) != shown:
            found += violations(page, left_out=RULES_OF_COLOURS)
            shown = page.evaluate(SHOWN)
        problems += [f"{scheme}, {one}" for one in found]
    return problems


def violations_of_colours(page: Page) -> list[str]:
    problems = []
    for scheme in SCHEMES:
        turn(page, scheme)
        problems += [f"{scheme}, {one}" for one in violations(page, RULES_OF_COLOURS)]
    return problems


def looks(page: Page) -> set[str]:
    """How the elements beside the folds look, in light and dark."""
    found = set()
    for scheme in SCHEMES:
        turn(page, scheme)
        found |= {f"{scheme}: {look}" for look in page.evaluate(LOOKS)}
    return found


def problems_of(page: Page, axe: str, settling: int = SETTLING) -> list[str]:
    """What is wrong with a page, by the width of the window."""

    def resize(width: int) -> None:
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_timeout(settling)
        page.evaluate(LEAVE_OUT_REPETITIONS)

    page.evaluate(axe)
    page.evaluate(MARK_FOLDS)
    found: dict[int, list[str]] = {}
    looks_of: dict[int, set[str]] = {}
    for width in WIDTHS:
        resize(width)
        looks_of[width] = looks(page)
        found[width] = violations_when_folded(page)
    unfold(page)
    judged_again = []
    for width in WIDTHS:
        resize(width)
        judged_again += [] if looks_of[width] <= looks(page) else [width]
        found[width] += violations_in_light_and_dark(page)
    if judged_again:
        page.evaluate(FOLD_AGAIN)
    for width in judged_again:
        resize(width)
        found[width] += violations_of_colours(page)
    return [f"{width} px, {one}" for width in WIDTHS for one in found[width]]


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", all_pages())
def test_axe_finds_nothing(
    desktop: BrowserContext, site: str, axe: str, name: str
) -> None:
    page = open_page(desktop, f"{site}/{name}.html")
    problems = problems_of(page, axe)
    page.close()
    assert problems == []


CODE = '<div class="highlight"><pre tabindex="0">{}</pre></div>'
FORMULA = (
    '<mjx-container tabindex="0"><mjx-math aria-hidden="true">{}</mjx-math>'
    "<mjx-assistive-mml><math><mi>x</mi></math></mjx-assistive-mml></mjx-container>"
)


def small_page(*parts: str) -> str:
    """A page that turns dark as the theme does; ``pale`` is hard to read in light, ``dim`` in dark."""
    return f"""<!doctype html><html lang="en" data-theme="light"><head><title>Small</title><style>
        html {{background: white; color: black}} html[data-theme=dark] {{background: black; color: white}}
        .pale, details:not([open]) .pale-if-folded, body:not(:has([open])) .pale-beside-folds {{color: #ccc}}
        [data-theme=dark] :is(.dim, details:not([open]) .dim-if-folded) {{color: #333}}
        [data-theme=light] .in-dark {{display: none}}
        mjx-assistive-mml {{position: absolute; clip: rect(1px, 1px, 1px, 1px)}}
        </style><script>
        const dark = matchMedia("(prefers-color-scheme: dark)");
        const follow = () => document.documentElement.dataset.theme = dark.matches ? "dark" : "light";
        dark.addEventListener("change", follow); follow();
        </script></head><body><main><h1>Small</h1><article>{"".join(parts)}</article></main></body></html>"""


@pytest.mark.parametrize(
    ("parts", "found"),
    [
        ([CODE.format('<span class="k">if</span>')] * 2, []),
        (
            [CODE.format(f'<span class="{kind}">if</span>') for kind in ("k", "pale")],
            ["light, color-contrast"],
        ),
        (
            [CODE.format(f'<span class="{kind}">if</span>') for kind in ("k", "dim")],
            ["dark, color-contrast"],
        ),
        (
            [CODE.format('<span class="k">if</span>'), "<img src='x.png'>"],
            ["light, image-alt"],
        ),
        (["<p class='in-dark'><img src='x.png'></p>"], ["dark, image-alt"]),
        ([FORMULA.format("<mjx-c></mjx-c>wide")], []),
        (
            [FORMULA.format('<mjx-c tabindex="0">x</mjx-c>')],
            ["light, aria-hidden-focus"],
        ),
    ],
)
def test_what_is_left_out_hides_no_problem(
    desktop: BrowserContext, axe: str, parts: list[str], found: list[str]
) -> None:
    page = desktop.new_page()
    page.set_content(small_page(*parts))
    page.evaluate(axe)
    page.evaluate(LEAVE_OUT_REPETITIONS)
    problems = violations_in_light_and_dark(page)
    repetitions = page.locator("pre:not(:has(span))").count()
    page.close()
    assert [one.partition(":")[0] for one in problems] == found
    assert repetitions == (parts[0] == parts[-1] and len(parts) > 1)


FOLD = "<details><summary>{}</summary>{}</details>"


@pytest.mark.parametrize(
    ("parts", "found"),
    [
        ([FOLD.format("More", "<p>Words.</p>"), "<p>Others.</p>"], set()),
        (["<p class='pale'>Words.</p>"], {"light, color-contrast"}),
        (
            [FOLD.format("More", "<p class='pale'>Words.</p>")],
            {"light, color-contrast"},
        ),
        (
            [FOLD.format("<b class='pale-if-folded'>More</b>", "")],
            {"light, color-contrast"},
        ),
        (
            [FOLD.format("<b class='dim-if-folded'>More</b>", "")],
            {"dark, color-contrast"},
        ),
        (
            [FOLD.format("More", ""), "<p class='pale-beside-folds'>Words.</p>"],
            {"light, color-contrast"},
        ),
        ([FOLD.format("<img src='x.png'>More", "")], {"light, image-alt"}),
    ],
)
def test_a_problem_is_found_folded_or_unfolded(
    desktop: BrowserContext, axe: str, parts: list[str], found: set[str]
) -> None:
    page = desktop.new_page()
    page.set_content(small_page(*parts))
    problems = problems_of(page, axe, settling=0)
    page.close()
    ends = [one.partition(" px, ")[2].partition(":")[0] for one in problems]
    assert {*ends} == found
    assert len(ends) % len(WIDTHS) == 0
