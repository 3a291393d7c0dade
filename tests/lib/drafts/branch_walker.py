"""The exact law of what a program emits, by walking every branch of its random numbers.

The program draws only by ``rng.random()``. It is run with numbers replayed from a list. Where it asks for
one more, the walker finds the points of [0, 1) at which its behaviour changes, by bisection, and follows
each piece. What a program does must change monotonically with each number (accept or reject, or an inverse
distribution function), up to the grid of points that is tried first.

A longer program is walked in two steps: first the functions that it draws by, for the arguments that occur,
then the program, in which each of their results is one choice.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator
from functools import cache
from itertools import chain, repeat
from random import Random
from typing import Any

import numpy as np

BELOW_ONE = 1 - 2.0**-53
GRID = [i / 4 for i in range(4)] + [BELOW_ONE]


class OutOfNumbersError(Exception):
    """The program asked for more numbers than the list holds."""


class Replay:
    """A generator of uniform numbers that replays given ones and counts them."""

    def __init__(self, numbers):
        self.numbers = iter(numbers)
        self.used = 0

    def random(self) -> float:
        try:
            number = next(self.numbers)
        except StopIteration:
            raise OutOfNumbersError from None
        self.used += 1
        return number


Program = Callable[[Replay], Hashable]


def behaviour(program: Program, numbers: list[float], probes: int) -> tuple[str, Any]:
    """What the program does after these numbers: its result, or what would follow in a few probes."""
    try:
        return "done", program(Replay(numbers))
    except OutOfNumbersError:
        return "more", tuple(
            continuation(program, numbers, seed) for seed in range(probes)
        )


def continuation(
    program: Program, numbers: list[float], seed: int
) -> tuple[Hashable, int]:
    """Result, and count of numbers used, if arbitrary fixed numbers follow the given ones."""
    source = Random(seed)
    replay = Replay(chain(numbers, (source.random() for _ in repeat(None))))
    return program(replay), replay.used


def pieces(
    program: Program, numbers: list[float], probes: int
) -> Iterator[tuple[float, float]]:
    """Intervals of the next number on which the behaviour is the same, each as (representative, length)."""

    def at(number: float) -> tuple[str, Any]:
        return behaviour(program, [*numbers, number], probes)

    def changes(
        low: float, low_does: Any, high: float, high_does: Any
    ) -> Iterator[tuple[float, Any]]:
        if low_does == high_does:
            return
        middle = (low + high) / 2
        if high - low < 2.0**-45:
            yield middle, high_does
            return
        middle_does = at(middle)
        yield from changes(low, low_does, middle, middle_does)
        yield from changes(middle, middle_does, high, high_does)

    does = [at(number) for number in GRID]
    starts = [0.0]
    for i in range(len(GRID) - 1):
        starts += [
            place for place, _ in changes(GRID[i], does[i], GRID[i + 1], does[i + 1])
        ]
    for start, end in zip(starts, [*starts[1:], 1.0], strict=True):
        yield (start + end) / 2, end - start


def exact_law(program: Program, *, probes: int = 0) -> dict[Hashable, float]:
    """Probability of each result of ``program(rng)``.

    Where the program's state after a number depends on more than whether it stops (a decoder's drafts), give
    enough ``probes`` to tell its states apart by what would follow.
    """
    law: dict[Hashable, float] = defaultdict(float)
    pending: list[tuple[list[float], float]] = [([], 1.0)]
    while pending:
        numbers, mass = pending.pop()
        kind, result = behaviour(program, numbers, probes)
        if kind == "done":
            law[result] += mass
        else:
            pending += [
                ([*numbers, number], mass * length)
                for number, length in pieces(program, numbers, probes)
            ]
    return dict(law)


class NeedsChoiceError(Exception):
    """The program asked for one more choice than the list holds: from the law that comes with it."""


class Choices:
    """Stands for a generator of random numbers: replays choices, each an entry of a known law."""

    def __init__(self, choices: tuple[Hashable, ...]):
        self.choices = iter(choices)

    def random(self) -> float:
        raise AssertionError("a number was drawn outside of the walked functions")

    def choose(self, law: dict[Hashable, float]) -> Hashable:
        try:
            return next(self.choices)
        except StopIteration:
            raise NeedsChoiceError(law) from None


@cache
def walked(function: Callable[..., Any], *, probes: int = 0) -> Callable[..., Any]:
    """``function(*arguments, rng)`` for :class:`Choices`: its result is one choice, of its exact law.

    Arguments are arrays and numbers, results an int or an array of them. Laws are found once.
    """
    known: dict[Hashable, dict[Hashable, float]] = {}

    def chooses(*arguments: Any) -> Any:
        *given, choices = arguments
        key = tuple(np.asarray(value).tobytes() for value in given)
        if key not in known:
            known[key] = exact_law(
                lambda rng: hashable(function(*given, rng)), probes=probes
            )
        result = choices.choose(known[key])
        return np.array(result) if isinstance(result, tuple) else result

    return chooses


def hashable(result: Any) -> Hashable:
    """An array as a tuple of ints; a number as an int."""
    return tuple(result.tolist()) if np.ndim(result) else int(result)


def exact_law_by_choices(
    program: Callable[[Choices], Hashable],
) -> dict[Hashable, float]:
    """Probability of each result of a program that draws by :func:`walked` functions only."""
    law: dict[Hashable, float] = defaultdict(float)
    pending: list[tuple[tuple[Hashable, ...], float]] = [((), 1.0)]
    while pending:
        choices, mass = pending.pop()
        try:
            law[program(Choices(choices))] += mass
        except NeedsChoiceError as error:
            pending += [
                ((*choices, choice), mass * probability)
                for choice, probability in error.args[0].items()
            ]
    return dict(law)
