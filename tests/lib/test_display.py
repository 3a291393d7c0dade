"""Display: the source shown is the source that runs, and the palette is legible."""

import inspect
import itertools

import matplotlib as mpl
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
