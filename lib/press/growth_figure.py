"""Draw how costs grow: time and memory against the work, on logarithmic axes, as SVG.

The ground is white, also on dark pages, and text is drawn as outlines. Colours are Okabe and Ito's, which
people who see few colours tell apart; every line has a marker of its own as well. Lines are numbered as the
rows of the table, in the legend and at their end.
"""

import io
from typing import Any

Entry = dict[str, Any]
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
MARKERS = "osD^vP*X<>"
MEBIBYTE = 2**20
COSTS = (("time", "processor time (s)", 1.0), ("memory", "peak memory (MiB)", MEBIBYTE))


def style(number: int) -> dict[str, Any]:
    """Colour, marker and stroke of line ``number``, from 1: no two of 70 are alike."""
    return {
        "color": COLOURS[(number - 1) % len(COLOURS)],
        "marker": MARKERS[(number - 1) % len(MARKERS)],
        "linestyle": "-" if number <= len(COLOURS) else "--",
        "markersize": 5,
        "linewidth": 1.3,
    }


def draw_guides(axes: Any, largest: float, lowest: float) -> None:
    """Dotted lines of slopes 1 and 2 from the lower left corner."""
    for slope in (1, 2):
        ends = [lowest, lowest * largest**slope]
        axes.plot([1, largest], ends, ":", color="#767676", linewidth=1, zorder=0)
        axes.annotate(f"slope {slope}", (largest, ends[1]), color="#595959", fontsize=8)


def draw_costs(axes: Any, entries: list[Entry], cost: str, scale: float) -> None:
    """The lines of one cost; cases without it are left out."""
    shown = [(i, e) for i, e in enumerate(entries, start=1) if e[cost] is not None]
    for number, entry in shown:
        work = [size / entry["sizes"][0] for size in entry["sizes"]]
        values = [value / scale for value in entry[cost]["costs"]]
        name = (
            f"{number}. {entry['function'].rpartition('.')[2]}, ${entry['variable']}$"
        )
        axes.plot(work, values, label=name, **style(number))
        axes.annotate(
            str(number),
            (work[-1], values[-1]),
            xytext=(5, -3),
            textcoords="offset points",
            fontsize=8,
        )
    if shown:
        largest = max(entry["sizes"][-1] / entry["sizes"][0] for _, entry in shown)
        lowest = min(min(entry[cost]["costs"]) for _, entry in shown) / scale
        draw_guides(axes, largest, lowest)


def growth_figure(entries: list[Entry]) -> str:
    """One picture of a part's cases: time on the left, memory on the right. Equal numbers give equal text."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    settings: Any = {
        "svg.hashsalt": "samplebook",
        "svg.fonttype": "path",
        "font.size": 9,
    }
    with mpl.rc_context(settings):
        figure = Figure(figsize=(8.6, 4.4), facecolor="white", layout="constrained")
        for axes, (cost, label, scale) in zip(
            figure.subplots(1, 2), COSTS, strict=True
        ):
            axes.set(xscale="log", yscale="log", ylabel=label)
            axes.set_xlabel("size of the work, relative to the smallest")
            axes.grid(color="#DDDDDD", linewidth=0.6)
            draw_costs(axes, entries, cost, scale)
        handles, labels = figure.axes[0].get_legend_handles_labels()
        figure.legend(
            handles,
            labels,
            loc="outside lower center",
            ncols=3,
            fontsize=8,
            frameon=False,
        )
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return text.getvalue()
