"""A strip plot as inline SVG: one sign a seed, in the colour of the text around it.

Shapes tell the verdicts apart, not colours: a dot holds, a cross fails, a ring decides nothing.
"""

from collections.abc import Sequence
from html import escape

from press.sweeps.results import UNDECIDED, Row

WIDTH, HEIGHT = 240, 66
LEFT, RIGHT = 8.0, 232.0
TOP, AXIS = 8.0, 51.0
LABEL_HEIGHT = 63.0
REACH = 3.0
"""Half of a cross's or ring's width."""

SHAPES = {
    "holds": "M{x:.1f} {y:.1f}h0",
    "fails": f"M{{x:.1f}} {{y:.1f}}m-{REACH} -{REACH}l6 6m0-6l-6 6",
    UNDECIDED: f"M{{x:.1f}} {{y:.1f}}m-{REACH} 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0",
}
STROKES = {
    "holds": 'stroke-width="5" stroke-linecap="round"',
    "fails": 'stroke-width="2"',
    UNDECIDED: 'stroke-width="1"',
}


def position(value: float, smallest: float, largest: float) -> float:
    """Where a value lies on the axis; the middle, where all are equal."""
    if smallest == largest:
        return (LEFT + RIGHT) / 2
    return LEFT + (RIGHT - LEFT) * (value - smallest) / (largest - smallest)


def signs(rows: Sequence[Row], smallest: float, largest: float) -> list[str]:
    """One path a verdict: the seeds from the first at the top to the last at the bottom."""
    step = (AXIS - TOP) / len(rows)
    drawn: dict[str, str] = {}
    for number, row in enumerate(rows):
        if row.value is not None:
            x = position(row.value, smallest, largest)
            sign = SHAPES[row.verdict].format(x=x, y=TOP + step * number)
            drawn[row.verdict] = drawn.get(row.verdict, "") + sign
    return [
        f'<path class="{verdict}" {STROKES[verdict]} d="{path}"/>'
        for verdict, path in drawn.items()
    ]


def stored_mark(x: float) -> str:
    """A dashed line under a triangle."""
    return (
        f'<path class="stored" stroke-dasharray="3 2" d="M{x:.1f} 6V{AXIS}"/>'
        f'<path class="stored" fill="currentColor" d="M{x:.1f} 6l-4-5h8z"/>'
    )


def end_labels(smallest: float, largest: float) -> list[str]:
    """The axis's ends in numbers, or one number where they are equal."""
    places = [(LEFT, "start", smallest), (RIGHT, "end", largest)]
    if smallest == largest:
        places = [((LEFT + RIGHT) / 2, "middle", smallest)]
    return [
        f'<text x="{x:g}" y="{LABEL_HEIGHT:g}" text-anchor="{anchor}">{value:.4g}</text>'
        for x, anchor, value in places
    ]


def strip_plot(rows: Sequence[Row], stored: float | None, words: str) -> str:
    """One sign a seed, over an axis from the smallest to the largest value.

    Parameters
    ----------
    rows : sequence of Row
        One claim's runs by seed; at least one has a value.
    stored : float or None
        The value to mark; the axis reaches it.
    words : str
        What a reader is told who does not see the plot.
    """
    values = [row.value for row in rows if row.value is not None]
    values += [] if stored is None else [stored]
    smallest, largest = min(values), max(values)
    lines = [
        f'<svg class="strip-plot" role="img" aria-label="{escape(words)}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">',
        '<g fill="none" stroke="currentColor">',
        f'<path d="M{LEFT} {AXIS}H{RIGHT}M{LEFT} {AXIS - 2}v4M{RIGHT} {AXIS - 2}v4"/>',
        *([] if stored is None else [stored_mark(position(stored, smallest, largest))]),
        *signs(rows, smallest, largest),
        "</g>",
        '<g fill="currentColor" font-size="11">',
        *end_labels(smallest, largest),
        "</g>",
        "</svg>",
    ]
    return "\n".join(lines)
