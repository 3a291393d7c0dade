"""What a notebook shows: the library's own source, tables, figures of one style, and sliders."""

import ast
import inspect
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from samplebook.slider import slider as slider

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PALETTE = {
    "blue": "#0072B2",
    "vermilion": "#D55E00",
    "green": "#009E73",
    "purple": "#AA4499",
    "orange": "#E69F00",
    "sky": "#56B4E9",
    "grey": "#666666",
}
"""Colours that colour-blind readers can tell apart (Okabe and Ito, with a darker purple and a grey)."""

_CYCLE = {
    "color": list(PALETTE.values()),
    "marker": ["o", "s", "^", "D", "v", "P", "X"],
    "linestyle": ["-", "--", "-.", ":", "-", "--", "-."],
}

STYLE = {
    "figure.figsize": (7.0, 3.8),
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "figure.constrained_layout.use": True,
    "font.size": 11,
    "axes.titlesize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.7,
    "lines.linewidth": 1.8,
    "lines.markersize": 5.5,
    "legend.frameon": False,
}
"""Matplotlib settings of every figure. The ground is white, so that figures stay legible on dark pages."""


def use_style(*, crisp: bool = True) -> None:
    """Set the style of all later figures; crisp ones have twice the pixels in a notebook, and take longer."""
    import matplotlib.pyplot as plt
    from cycler import cycler

    plt.style.use({**STYLE, "axes.prop_cycle": cycler(**_CYCLE)})
    if crisp and "inline" in plt.get_backend():
        from matplotlib_inline.backend_inline import set_matplotlib_formats

        set_matplotlib_formats("retina")  # type: ignore[no-untyped-call]


class Source:
    """Source code of a function, shown as highlighted Markdown or as plain text."""

    def __init__(self, code: str):
        self.code = code

    def __repr__(self) -> str:
        return self.code

    def _repr_markdown_(self) -> str:
        return f"```python\n{self.code}\n```"


def source(function: Callable[..., Any], *, docstring: bool = False) -> Source:
    """The library's own source of a function, for display in a notebook.

    The first line names the module. The code below it is what runs, so the page cannot drift from it.

    Parameters
    ----------
    function : callable
        A function or class written in Python.
    docstring : bool
        Whether to show the whole docstring. By default only its first line is kept, since ``help(function)``
        shows the rest.

    Raises
    ------
    ValueError
        If there is no Python source for ``function``.
    """
    try:
        code = textwrap.dedent(inspect.getsource(function)).rstrip()
    except (OSError, TypeError) as error:
        raise ValueError(f"function: {function!r} has no Python source") from error
    if not docstring:
        code = shorten_docstring(code)
    return Source(f"# {function.__module__}\n{code}")


def shorten_docstring(code: str) -> str:
    """Source of one function or class with its docstring cut to the first line; all else is untouched."""
    definition = ast.parse(code).body[0]
    if not isinstance(
        definition, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    ):
        return code
    text = ast.get_docstring(definition)
    if text is None or "\n" not in text:
        return code
    node = definition.body[0]
    lines = code.splitlines()
    indent = " " * node.col_offset
    short = [f'{indent}"""{text.splitlines()[0]}"""']
    return "\n".join(lines[: node.lineno - 1] + short + lines[node.end_lineno :])


class Table:
    """Columns of equal length, shown as a Markdown table or as aligned text."""

    def __init__(self, columns: Mapping[str, Sequence[Any]], digits: int):
        self.header = [str(name) for name in columns]
        self.rows = [
            [format_entry(entry, digits) for entry in row]
            for row in zip(*columns.values(), strict=True)
        ]

    def __repr__(self) -> str:
        lines = [self.header, *self.rows]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        padded = [
            [entry.rjust(width) for entry, width in zip(line, widths, strict=True)]
            for line in lines
        ]
        return "\n".join("  ".join(line) for line in padded)

    def _repr_markdown_(self) -> str:
        rule = ["---:"] * len(self.header)
        lines = [
            [entry.replace("|", r"\|") for entry in line]
            for line in [self.header, rule, *self.rows]
        ]
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def format_entry(entry: Any, digits: int) -> str:
    """Text of a table's entry: floats with ``digits`` decimals, everything else as it is."""
    return f"{entry:.{digits}f}" if isinstance(entry, float) else str(entry)


def table(columns: Mapping[str, Sequence[Any]], *, digits: int = 3) -> Table:
    """A table for display in a notebook.

    Parameters
    ----------
    columns : mapping of str to sequence
        Each column's name and entries.
    digits : int
        Decimals of floats: print no more than is the same on every machine.

    Raises
    ------
    ValueError
        If the columns differ in length.
    """
    return Table(columns, digits)


def draw_transport(
    axes: "Axes",
    plan: NDArray[np.float64],
    source_labels: Sequence[str],
    sink_labels: Sequence[str],
    accepted: NDArray[np.bool_],
    *,
    gap: float = 0.04,
) -> None:
    """Draw a coupling as ribbons between two columns of bars; a ribbon's width is its mass.

    Parameters
    ----------
    axes : matplotlib Axes
    plan : float64 array, shape (m, n)
        Mass that goes from each source (left) to each sink (right); sum 1.
    source_labels, sink_labels : sequences of str, lengths m and n
    accepted : bool array, shape (m, n)
        Which pairs count as accepted: their ribbons are blue, the others are grey and hatched.
    gap : float
        White space between two bars of a column.
    """
    starts = [_stack(plan.sum(axis=1 - side), gap) for side in (0, 1)]
    for side, labels in enumerate((source_labels, sink_labels)):
        place, align = (-0.02, "right") if side == 0 else (1.02, "left")
        masses = plan.sum(axis=1 - side)
        for label, mass, start in zip(labels, masses, starts[side], strict=True):
            axes.vlines(side, start - mass, start, color="black", linewidth=5)
            axes.text(
                place, start - mass / 2, f"{label}  {mass:.2f}", ha=align, va="center"
            )
    used = [start.copy() for start in starts]
    x = np.linspace(0, 1, 50)
    smooth = x**2 * (3 - 2 * x)
    for source, sink in zip(*np.nonzero(plan > 1e-9), strict=True):
        top = used[0][source] + (used[1][sink] - used[0][source]) * smooth
        mass = plan[source, sink]
        look: dict[str, Any] = {"facecolor": "#DDDDDD", "hatch": "////"}
        if accepted[source, sink]:
            look = {"facecolor": PALETTE["sky"]}
        axes.fill_between(
            x, top, top - mass, alpha=0.8, edgecolor="white", linewidth=0.5, **look
        )
        used[0][source] -= mass
        used[1][sink] -= mass
    axes.set_axis_off()
    axes.set_xlim(-0.3, 1.3)


def _stack(masses: NDArray[np.float64], gap: float) -> NDArray[np.float64]:
    """Upper ends of bars stacked downwards from 1 with gaps, the column centred on 1/2."""
    before = np.concatenate([[0.0], np.cumsum(masses + gap)[:-1]])
    return 1.0 + gap * (len(masses) - 1) / 2 - before
