"""Display: the source shown is the source that runs, the palette is legible, sliders are whole and light."""

import base64
import inspect
import itertools

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

from samplebook import display


def one_line(x):
    """Double a number."""
    return 2 * x


def many_lines(x):
    """Double a number.

    Parameters
    ----------
    x : float
    """
    return 2 * x  # twice


class Shown:
    """A class.

    With more words.
    """

    size = 3


def test_source_is_the_functions_own():
    shown = repr(display.source(one_line))
    assert shown == f"# {__name__}\n{inspect.getsource(one_line).rstrip()}"


def test_only_the_docstring_is_shortened():
    shown = display.source(many_lines).code
    assert shown.splitlines() == [
        f"# {__name__}",
        "def many_lines(x):",
        '    """Double a number."""',
        "    return 2 * x  # twice",
    ]
    assert "Parameters" in display.source(many_lines, docstring=True).code


def test_classes_are_shown_too():
    assert "With more words" not in display.source(Shown).code
    assert "size = 3" in display.source(Shown).code


def test_nested_functions_are_shown_without_their_indent():
    def inner(x):
        return x

    assert display.source(inner).code.endswith("def inner(x):\n    return x")


def test_markdown_is_a_fenced_block():
    shown = display.source(one_line)
    assert shown._repr_markdown_() == f"```python\n{shown.code}\n```"


@pytest.mark.parametrize("thing", [len, 3])
def test_what_has_no_source_is_refused(thing):
    with pytest.raises(ValueError, match="function"):
        display.source(thing)


def relative_luminance(colour: str) -> float:
    """Relative luminance of an sRGB colour by the WCAG formula."""
    channels = np.array(mpl.colors.to_rgb(colour))
    linear = np.where(
        channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4
    )
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_every_colour_stands_out_from_the_white_ground():
    for colour in display.PALETTE.values():
        assert 1.05 / (relative_luminance(colour) + 0.05) > 2


def test_no_two_colours_are_close():
    for first, second in itertools.combinations(display.PALETTE.values(), 2):
        distance = np.linalg.norm(
            np.subtract(mpl.colors.to_rgb(first), mpl.colors.to_rgb(second))
        )
        assert distance > 0.25


def test_the_style_cycles_colour_marker_and_line_together():
    display.use_style()
    cycle = list(mpl.rcParams["axes.prop_cycle"])
    assert len(cycle) == len(display.PALETTE)
    assert len({style["marker"] for style in cycle}) == len(cycle)


def bars(count: int = 8, *, wide: float = 3) -> dict[str, plt.Figure]:
    """Figures of one growing bar, for the values 1, 2, ..."""
    frames = {}
    for value in range(1, count + 1):
        figure, axes = plt.subplots(figsize=(wide, 2))
        axes.bar(["height"], [value])
        frames[str(value)] = figure
    return frames


@pytest.fixture(autouse=True)
def _no_figure_stays_open():
    yield
    plt.close("all")


def pictures(slider) -> list[str]:
    """The SVG source of each picture."""
    head = "data:image/svg+xml;base64,"
    assert all(frame.picture.startswith(head) for frame in slider.frames)
    return [
        base64.b64decode(frame.picture.removeprefix(head)).decode()
        for frame in slider.frames
    ]


def test_a_slider_closes_its_figures_and_says_what_it_is():
    figures = bars()
    shown = display.slider(figures, "height", alt="A bar of height {}.")
    assert plt.get_fignums() == []
    assert repr(shown) == "slider over height: 1, 2, ... (8 pictures)"
    assert [frame.value for frame in shown.frames] == list(figures)


def test_a_slider_is_the_same_in_each_run():
    first, second = (
        display.slider(bars(), "height", alt="Height {}.")._repr_html_()
        for _ in range(2)
    )
    assert first == second


def test_a_slider_keeps_text_as_text_without_date_and_version():
    for picture in pictures(display.slider(bars(), "height", alt="Height {}.")):
        assert ">height</text>" in picture
        assert "'DejaVu Sans', sans-serif" in picture
        assert "metadata" not in picture


def test_a_slider_starts_where_it_is_told_to():
    html = display.slider(
        bars(), "height", alt=lambda value: f"{value} < 9", start="3"
    )._repr_html_()
    assert 'alt="3 &lt; 9"' in html
    assert "<p>height: 3</p>" in html


def test_a_slider_needs_eight_frames():
    with pytest.raises(ValueError, match=r"frames: .* at least 8 pictures, not 7"):
        display.slider(bars(7), "height", alt="Height {}.")


def test_a_slider_has_a_text_for_each_picture():
    with pytest.raises(ValueError, match="alt"):
        display.slider(bars(), "height", alt="Some bar.")


def test_a_slider_cannot_start_elsewhere():
    with pytest.raises(ValueError, match="start: '9'"):
        display.slider(bars(), "height", alt="Height {}.", start="9")


def test_a_slider_has_pictures_of_one_size():
    with pytest.raises(ValueError, match="frames: the pictures differ in size"):
        display.slider(
            bars(8) | {"9": plt.figure(figsize=(4, 2))}, "height", alt="Height {}."
        )


def test_a_slider_is_light_enough_for_a_page():
    frames = bars()
    frames["8"].axes[0].scatter(*np.random.default_rng(0).random((2, 20_000)))
    with pytest.raises(ValueError, match=r"frames: .* MB.*rasterized"):
        display.slider(frames, "height", alt="Height {}.")


def test_a_bar_in_a_table_is_no_column() -> None:
    shown = display.table({"f": ["|x|"], "mean": [1.5]}, digits=1)
    assert shown._repr_markdown_().splitlines()[-1] == r"| \|x\| | 1.5 |"
