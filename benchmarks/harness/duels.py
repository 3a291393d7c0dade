"""The library beside a package that does the same work, in turn, once their results have proved equal."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.records import Ratio
from harness.timing import Call, medians_in_turn

ROUNDS = 7


@dataclass(frozen=True)
class Duel:
    """One piece of work, done by the library and by a package.

    Attributes
    ----------
    part, function, work, other : as in :class:`harness.records.Ratio`
    ours, theirs : calls without arguments
        Each returns its result as numbers, in one shape on both sides. Each call starts its draws anew.
    tolerance : float
        The largest difference that counts as equal.
    rounds : how often both are measured
    """

    part: str
    function: str
    work: str
    other: str
    ours: Call
    theirs: Call
    tolerance: float
    rounds: int = ROUNDS


Preparation = Callable[[], Duel]
"""Makes the inputs of a duel; what it does is not measured."""


def largest_difference(duel: Duel) -> float:
    """How far the two results are apart.

    Raises
    ------
    ValueError
        If their shapes differ, or the difference is above the tolerance.
    """
    ours, theirs = (
        np.asarray(call(), dtype=np.float64) for call in (duel.ours, duel.theirs)
    )
    if ours.shape != theirs.shape:
        raise ValueError(f"{duel.work}: shapes {ours.shape} and {theirs.shape}")
    difference = float(np.abs(ours - theirs).max())
    if not difference <= duel.tolerance:  # also where a result is NaN
        raise ValueError(
            f"{duel.work}: {difference:.2g} from {duel.other}, at most {duel.tolerance:g}"
        )
    return difference


def hold(duel: Duel) -> Ratio:
    """See that the results are equal, then take the median times of both, and print them."""
    difference = largest_difference(duel)
    calls: dict[str, Callable[[], Any]] = {"ours": duel.ours, "theirs": duel.theirs}
    medians = medians_in_turn(calls, duel.rounds)
    ours, theirs = medians["ours"], medians["theirs"]
    name = duel.function.rpartition(".")[2]
    print(f"{name}: {duel.work}; beside {duel.other}, results within {difference:.1g}")
    print(
        f"  {1e3 * ours:.3f} ms, {1e3 * theirs:.3f} ms: {theirs / ours:.3g}", flush=True
    )
    return Ratio(
        part=duel.part,
        function=duel.function,
        work=duel.work,
        other=duel.other,
        kind="peer",
        unit="s",
        ours=ours,
        theirs=theirs,
    )
