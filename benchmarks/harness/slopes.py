"""The exponent with which a cost grows: a straight line through logarithms, with an interval."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

CONFIDENCE = 0.95
TOLERANCE = 0.15
"""An interval that comes within this distance of the stated exponent agrees with it."""
WIDEST = 0.4
"""Half-width of the interval above which nothing is said."""
AGREES, SLOWER, FASTER, UNDECIDED = "agrees", "slower", "faster", "undecided"


@dataclass(frozen=True)
class Slope:
    """Exponent of a power law with its Student interval."""

    value: float
    lower: float
    upper: float


def fitted_slope(sizes: Sequence[float], costs: Sequence[float]) -> Slope:
    """Least squares of log cost on log size, with a 95 % Student interval of the slope.

    Parameters
    ----------
    sizes, costs : sequences of n >= 3 positive numbers

    Raises
    ------
    ValueError
        If the lengths differ, there are fewer than three sizes or equal ones, or a number is not positive.
    """
    from scipy.stats import linregress, t

    if len(sizes) != len(costs):
        raise ValueError(f"costs: {len(costs)} entries, but sizes has {len(sizes)}")
    if len(set(sizes)) < max(3, len(sizes)):
        raise ValueError(f"sizes: need three or more, all different, got {sizes}")
    for name, numbers in (("sizes", sizes), ("costs", costs)):
        if not all(0 < number < np.inf for number in numbers):
            raise ValueError(f"{name}: must be positive and finite, got {numbers}")
    line = linregress(np.log(sizes), np.log(costs))
    reach = t.ppf((1 + CONFIDENCE) / 2, len(sizes) - 2) * line.stderr
    return Slope(
        float(line.slope), float(line.slope - reach), float(line.slope + reach)
    )


def stated_slope(sizes: Sequence[float], cost: Callable[[float], float]) -> float:
    """The slope that a stated cost has over these sizes: V log V is a little steeper than V."""
    return fitted_slope(sizes, [cost(size) for size in sizes]).value


def verdict(slope: Slope, stated: float, tolerance: float = TOLERANCE) -> str:
    """How a measured slope compares with the stated one.

    ``"agrees"`` if the stated one lies in the interval, widened by the tolerance to both sides; else
    ``"slower"`` or ``"faster"``, as the cost grows; ``"undecided"`` if the interval is too wide to say.
    """
    if slope.upper - slope.lower > 2 * WIDEST:
        return UNDECIDED
    if slope.upper + tolerance < stated:
        return SLOWER
    return FASTER if slope.lower - tolerance > stated else AGREES
