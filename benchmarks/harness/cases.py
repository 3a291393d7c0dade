"""One growth of cost: a function of the library, what grows, the stated cost, and how to prepare the work."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from harness.memory import peak_bytes
from harness.slopes import fitted_slope, stated_slope, verdict
from harness.timing import Call, best_seconds


@dataclass(frozen=True)
class Cost:
    """A stated cost, in words and as a function of what grows.

    Attributes
    ----------
    formula : LaTeX, with every symbol that the docstring of the function has
    shape : the same as a function of what grows alone, up to a factor; None where no growth is stated,
        because none is known
    """

    formula: str
    shape: Callable[[float], float] | None


@dataclass(frozen=True)
class Case:
    """A growth to measure.

    Attributes
    ----------
    slug : its name on the command line and in the record
    part : "drafts", "subsets" or "negatives"
    function : public name, such as ``samplebook.drafts.optimal_acceptance``
    work : what is fixed
    variable : LaTeX symbol of what grows
    meaning : what the symbol counts
    sizes : five, rising; large enough that the stated term rules
    time, memory : the stated costs; no memory is measured where its Cost is None
    prepare : a size to a call without arguments; what it does is not measured
    tiny : a size for tests
    """

    slug: str
    part: str
    function: str
    work: str
    variable: str
    meaning: str
    sizes: Sequence[int]
    time: Cost
    memory: Cost | None
    prepare: Callable[[int], Call]
    tiny: int = 16


def seconds_of(case: Case) -> list[float]:
    """Processor time of the call at each size."""
    return [best_seconds(case.prepare(size)) for size in case.sizes]


def bytes_of(case: Case) -> list[int]:
    """Peak memory of the call at each size above its input, after a small call; see :mod:`harness.memory`."""
    case.prepare(case.tiny)()
    return [peak_bytes(case.prepare(size)) for size in case.sizes]


def growth(sizes: Sequence[int], costs: Sequence[float], cost: Cost) -> dict[str, Any]:
    """Costs, fitted slope and verdict, as a record holds them.

    ``stated`` and ``verdict`` are None where no growth is stated.
    """
    slope = fitted_slope(sizes, costs)
    stated = None if cost.shape is None else stated_slope(sizes, cost.shape)
    return {
        "formula": cost.formula,
        "costs": list(costs),
        "slope": slope.value,
        "interval": [slope.lower, slope.upper],
        "stated": stated,
        "verdict": None if stated is None else verdict(slope, stated),
    }


def entry(
    case: Case, seconds: Sequence[float], peaks: Sequence[int] | None
) -> dict[str, Any]:
    """What the record says of a case."""
    has_memory = case.memory is not None and peaks is not None and min(peaks) > 0
    return {
        "slug": case.slug,
        "part": case.part,
        "function": case.function,
        "work": case.work,
        "variable": case.variable,
        "meaning": case.meaning,
        "sizes": list(case.sizes),
        "time": growth(case.sizes, seconds, case.time),
        "memory": growth(case.sizes, [float(peak) for peak in peaks or ()], case.memory)
        if has_memory and case.memory is not None
        else None,
    }
