"""The duels with other packages: equal results are demanded, and all duels have them."""

import numpy as np
import pytest

from duels import DUELS
from harness.duels import Duel, hold, largest_difference


def duel(ours: object, theirs: object, tolerance: float = 0.1) -> Duel:
    return Duel(
        part="drafts",
        function="samplebook.drafts.select_token",
        work="some work",
        other="a package",
        ours=lambda: ours,
        theirs=lambda: theirs,
        tolerance=tolerance,
        rounds=1,
    )


@pytest.mark.parametrize(
    ("ours", "theirs", "named"),
    [
        (1.0, 1.2, "0.2 from a package"),
        ([1.0, 1.0], [1.0, 0.5], "0.5 from a package"),
        ([1.0, 1.0], 1.0, "shapes"),
        (np.nan, 1.0, "nan from a package"),
    ],
)
def test_different_results_are_no_duel(
    ours: object, theirs: object, named: str
) -> None:
    with pytest.raises(ValueError, match=named):
        hold(duel(ours, theirs))


def test_a_duel_times_both_sides_in_their_places() -> None:
    def spin(count: int) -> float:
        return float(sum(range(count)) > 0)

    short, long = (lambda: spin(20_000)), (lambda: spin(100_000))
    held = hold(Duel("drafts", "f", "some work", "a package", short, long, 0.0))
    assert 2 < held.theirs / held.ours < 12
    assert held.kind == "peer"


@pytest.mark.parametrize("name", DUELS)
def test_results_are_equal(name: str) -> None:
    prepared = DUELS[name]()
    assert largest_difference(prepared) <= prepared.tolerance
