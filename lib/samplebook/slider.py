"""A figure that the reader can move: one picture for each value, under a native range input.

The pictures lie inside the HTML, each in an ``<img>`` of its own: identifiers of two pictures cannot collide,
and where scripts are blocked, as in a notebook that is not trusted yet, the picture of the start still shows.
``slider.html`` holds the page's side.
"""

import base64
import html
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from string import Template
from typing import TYPE_CHECKING

from samplebook.data.packages import stored_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FEWEST_FRAMES = 8
MOST_BYTES = 1_500_000
CSS_PIXELS_PER_INCH = 96
SVG_STYLE = {
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "samplebook",  # the same identifiers in each run
    "font.sans-serif": ["DejaVu Sans"],  # what Matplotlib measures with; else any sans
}
NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))


@dataclass(frozen=True)
class Frame:
    """One position of a slider.

    Attributes
    ----------
    value : str
        The value's text.
    alt : str
        The picture's text alternative.
    picture : str
        The picture as a data URI.
    """

    value: str
    alt: str
    picture: str


@dataclass(frozen=True)
class Slider:
    """Pictures under a range input, shown as self-contained HTML.

    Attributes
    ----------
    label : str
        What the slider turns.
    frames : tuple of Frame
        In the slider's order.
    start : int
        Position of the frame that is shown first, printed, and shown where scripts are blocked.
    size : tuple of int
        Width and height of a picture in CSS pixels.
    """

    label: str
    frames: tuple[Frame, ...]
    start: int
    size: tuple[int, int]

    def __repr__(self) -> str:
        first, second = (frame.value for frame in self.frames[:2])
        count = len(self.frames)
        return f"slider over {self.label}: {first}, {second}, ... ({count} pictures)"

    def _repr_html_(self) -> str:
        still = self.frames[self.start]
        width, height = self.size
        holes = {
            "label": self.label,
            "start": self.start,
            "frames": json.dumps([asdict(frame) for frame in self.frames]),
            **asdict(still),
            "width": width,
            "height": height,
        }
        page = Template(stored_file("slider.html").read_text(encoding="utf-8"))
        return page.substitute(
            {name: html.escape(str(text)) for name, text in holes.items()}
        )


def slider(
    frames: "Mapping[str, Figure]",
    label: str,
    *,
    alt: str | Callable[[str], str],
    start: str | None = None,
) -> Slider:
    """A figure that the reader can move, for display in a notebook.

    It needs no kernel and no other host. On paper, and where scripts are blocked, the start frame stands
    alone. The figures are closed, so that the notebook does not show them again.

    Parameters
    ----------
    frames : mapping of str to matplotlib Figure
        For each value's text the figure to show, at least 8, all of one size. Text in them should be plain:
        it is set in the reader's own font.
    label : str
        What the slider turns, such as ``"temperature"``.
    alt : str or callable
        Each picture's text alternative: a format string such as ``"The law at temperature {}."``, or a
        function of the value's text.
    start : str, optional
        Value shown first; the first frame's by default.

    Raises
    ------
    ValueError
        If there are too few frames, their sizes differ, or they take more than 1.5 MB; if two text
        alternatives are equal; if ``start`` is not among the frames.
    """
    import matplotlib.pyplot as plt

    if len(frames) < FEWEST_FRAMES:
        raise ValueError(
            f"frames: a slider needs at least {FEWEST_FRAMES} pictures, not {len(frames)}"
        )
    values, figures = list(frames), list(frames.values())
    if start is not None and start not in values:
        raise ValueError(f"start: {start!r} is not one of {values}")
    pictures = tuple(
        Frame(value, text, svg_uri(figure))
        for value, text, figure in zip(
            values, text_alternatives(alt, values), figures, strict=True
        )
    )
    check_weight(pictures)
    size = common_size(figures)
    for figure in figures:
        plt.close(figure)
    return Slider(label, pictures, 0 if start is None else values.index(start), size)


def text_alternatives(alt: str | Callable[[str], str], values: list[str]) -> list[str]:
    """What each picture shows, in words.

    Raises
    ------
    ValueError
        If the words are the same for two pictures.
    """
    describe = alt.format if isinstance(alt, str) else alt
    texts = [describe(value) for value in values]
    if len(set(texts)) < len(texts):
        raise ValueError("alt: two pictures have the same text alternative")
    return texts


def svg_uri(figure: "Figure") -> str:
    """A figure as an SVG picture in a data URI, the same bytes in each run."""
    import matplotlib as mpl

    file = io.BytesIO()
    with mpl.rc_context(SVG_STYLE):  # type: ignore[arg-type]
        figure.savefig(file, format="svg", metadata=NO_METADATA)
    return f"data:image/svg+xml;base64,{base64.b64encode(file.getvalue()).decode()}"


def check_weight(frames: tuple[Frame, ...]) -> None:
    """See that the pictures together are light enough for a page.

    Raises
    ------
    ValueError
        If they are not.
    """
    weight = sum(len(frame.picture) for frame in frames)
    if weight > MOST_BYTES:
        raise ValueError(
            f"frames: the pictures take {weight / 1e6:.1f} MB, and a slider may take {MOST_BYTES / 1e6} MB; "
            "draw fewer points, or pass rasterized=True where many are drawn"
        )


def common_size(figures: "list[Figure]") -> tuple[int, int]:
    """Width and height of all figures in CSS pixels.

    Raises
    ------
    ValueError
        If they differ.
    """
    sizes = {tuple(figure.get_size_inches()) for figure in figures}
    if len(sizes) > 1:
        raise ValueError(
            f"frames: the pictures differ in size (inches): {sorted(sizes)}"
        )
    ((width, height),) = sizes
    return round(width * CSS_PIXELS_PER_INCH), round(height * CSS_PIXELS_PER_INCH)
