"""Growths of cost: an algorithm of the library, its stated cost, and a case for each size that grows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.memory import peak_bytes
from harness.slopes import fitted_slope, stated_slope, verdict
from harness.timing import Call, best_seconds


@dataclass(frozen=True)
class Cost:
    """A stated cost, in words and as a function.

    Attributes
    ----------
    formula : LaTeX, with every symbol that the docstring of the function has
    shape : the same as a function, up to a factor: for an algorithm of all its sizes by name, for a case of
        what grows; None where no growth is stated, because none is known
    """

    formula: str
    shape: Callable[..., float] | None


@dataclass(frozen=True)
class Case:
    """A growth to measure, of one size of an algorithm.

    Attributes
    ----------
    slug : its name on the command line and in the record
    part : "drafts", "subsets" or "negatives"
    function : public name, such as ``samplebook.drafts.optimal_acceptance``
    work : what is done, with what grows as a symbol, and what is fixed
    variable : LaTeX symbol of what grows
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
    sizes: Sequence[int]
    time: Cost
    memory: Cost | None
    prepare: Callable[[int], Call]
    tiny: int = 16


@dataclass(frozen=True)
class Algorithm:
    """A function of the library whose cost grows in one or more sizes, each of which makes a case.

    Attributes
    ----------
    slug, part, function, time, memory : as in :class:`Case`
    work : what is done, in words; ``{k}`` stands for the size k, with its value where it is fixed
    prepare : all sizes by name to a call without arguments
    at : the sizes, by symbol, when another one grows
    grows : the five sizes of each symbol that grows
    tiny : a size for tests, by symbol; else 16
    """

    slug: str
    part: str
    function: str
    work: str
    prepare: Callable[..., Call]
    time: Cost
    memory: Cost | None
    grows: Mapping[str, Sequence[int]]
    at: Mapping[str, int] = field(default_factory=dict)
    tiny: Mapping[str, int] = field(default_factory=dict)

    def fixed(self, variable: str) -> dict[str, int]:
        """The sizes beside ``variable``."""
        return {name: size for name, size in self.at.items() if name != variable}

    def case(self, variable: str) -> Case:
        """The growth in one of its sizes."""
        fixed = self.fixed(variable)

        def along(cost: Cost | None) -> Cost | None:
            if cost is None or cost.shape is None:
                return cost
            shape = cost.shape
            return Cost(cost.formula, lambda size: shape(**fixed, **{variable: size}))

        time = along(self.time)
        assert time is not None
        values = {name: f"${name} = {in_latex(size)}$" for name, size in fixed.items()}
        return Case(
            slug=f"{self.slug}-{variable}",
            part=self.part,
            function=self.function,
            work=self.work.format(**values, **{variable: f"${variable}$"}),
            variable=variable,
            sizes=self.grows[variable],
            time=time,
            memory=along(self.memory),
            prepare=lambda size: self.prepare(**fixed, **{variable: size}),
            tiny=self.tiny.get(variable, 16),
        )

    def cases(self) -> list[Case]:
        """A case for each size that grows."""
        return [self.case(variable) for variable in self.grows]


def in_latex(number: int) -> str:
    """A number with commas that formulas print without space."""
    return f"{number:,}".replace(",", "{,}")


def doubled(first: int) -> list[int]:
    """Five sizes, each twice the one before."""
    return [first * 2**i for i in range(5)]


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
        "sizes": list(case.sizes),
        "time": growth(case.sizes, seconds, case.time),
        "memory": growth(case.sizes, [float(peak) for peak in peaks or ()], case.memory)
        if has_memory and case.memory is not None
        else None,
    }
