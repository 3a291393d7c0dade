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


@pytest.fixture(scope="session")
def axe(node_modules: Path) -> str:
    """The script of axe-core."""
    script = node_modules / "axe-core" / "axe.min.js"
    return script.read_text(encoding="utf-8")


def violations(page: Page, rules: list[str] | None = None) -> list[str]:
    """What axe-core finds with its default rules, or with some: one line an element."""
    found: list[dict[str, Any]] = page.evaluate(
        """async rules => (await axe.run(
            {resultTypes: ["violations"], ...(rules ? {runOnly: rules} : {})})).violations""",
        rules,
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


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", all_pages())
def test_axe_finds_nothing(
    desktop: BrowserContext, site: str, axe: str, name: str
) -> None:
    page = open_page(desktop, f"{site}/{name}.html")
    page.evaluate(axe)
    problems = []
    for folded in (True, False):
        if not folded:
            unfold(page)
        for width in (1280, 360):
            page.set_viewport_size({"width": width, "height": 800})
            page.wait_for_timeout(SETTLING)
            page.evaluate(LEAVE_OUT_REPETITIONS)
            found = violations_in_light_and_dark(page)
            problems += [f"{width} px, {problem}" for problem in found]
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
        .pale {{color: #ccc}} [data-theme=dark] .dim {{color: #333}}
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
