"""What the record of the NBPO experiment says of differences between methods, of collapse, and of claims."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samplebook.experiments.intervals import with_student_interval
from samplebook.experiments.nbpo_sizes import (
    BPO,
    BPR,
    CONSTANT,
    CUTOFF,
    FIXED,
    HALF,
    NBPO,
    ORIGINAL,
    STRUCTURED,
    UNKNOWN,
)
from samplebook.experiments.nbpo_training import Row
from samplebook.experiments.nbpo_worlds import World

COMPARED = (f"ndcg@{CUTOFF}", f"f1@{CUTOFF}", "auc", f"liked_ndcg@{CUTOFF}")
"""Metrics that methods are compared by, as far as a world has them."""
COLLAPSED = 0.01
"""A gamma with less standard deviation than this over all pairs is counted as collapsed."""
WANTED: dict[str, dict[str, Any]] = {
    NBPO: {"method": "nbpo", "fixed_flip": None},
    FIXED: {"method": "nbpo", "fixed_flip": HALF},
    BPO: {"method": "bpo"},
    BPR: {"method": "bpr"},
    ORIGINAL: {"method": "nbpo_original"},
}
"""How each family's rows are known."""
POPULARITY = "popularity"


def best_validated(rows: list[Row], world: str, family: str) -> Row | None:
    """The family's row in a world with the best mean in validation."""
    if family == POPULARITY:
        wanted = {"world": world, "method": POPULARITY}
        return next((one for one in rows if wanted.items() <= one.row.items()), None)
    wanted = {"world": world, **WANTED[family]}
    return max(
        (one for one in rows if wanted.items() <= one.row.items()),
        key=lambda one: one.row["validation"]["mean"],
        default=None,
    )


def gains(
    rows: list[Row], world: str, other: str, metric: str
) -> NDArray[np.float64] | None:
    """NBPO's metric minus another family's (S,), in pairs of the same seed; none where one lacks it."""
    pair = [best_validated(rows, world, family) for family in (NBPO, other)]
    values = [None if one is None else one.of_seeds.get(metric) for one in pair]
    if values[0] is None or values[1] is None:
        return None
    return values[0] - values[1]


def differences(rows: list[Row], worlds: list[str]) -> list[dict[str, Any]]:
    """NBPO minus each other family, each with the settings that validate best."""
    table = []
    for world in worlds:
        for other in (POPULARITY, BPR, BPO, FIXED, ORIGINAL):
            for metric in COMPARED:
                gain = gains(rows, world, other, metric)
                if gain is not None:
                    table.append(
                        {
                            "world": world,
                            "over": other,
                            "metric": metric,
                            **with_student_interval(gain, 5),
                        }
                    )
    return table


def collapses(rows: list[Row]) -> list[dict[str, Any]]:
    """For each training of NBPO whether gamma collapsed, and whether the threshold says so."""
    table = []
    for one in rows:
        if WANTED[NBPO].items() <= one.row.items():
            gamma, penalty = one.row["gamma"], one.row["flip_regularisation"]
            table.append(
                {
                    "world": one.row["world"],
                    "flip_regularisation": penalty,
                    "learning_rate": one.row["learning_rate"],
                    "regularisation": one.row["regularisation"],
                    "threshold": gamma["threshold"]["mean"],
                    "sd": gamma["sd"]["mean"],
                    "predicted": penalty > gamma["threshold"]["mean"],
                    "collapsed": gamma["sd"]["mean"] < COLLAPSED,
                }
            )
    return table


@dataclass(frozen=True)
class Claim:
    """A statement about NBPO's gain over a family: it exceeds ``goal`` or, if ``within``, is nearer 0.

    Attributes
    ----------
    source : str
        ``"paper"``: its abstract. ``"small world"``: what a world of 200 users and 300 items showed.
    flips : tuple of str
        The worlds it is about, by their ``World.flips``.
    over, metric : str
    goal : float
    within : bool
    """

    source: str
    flips: tuple[str, ...]
    over: str
    metric: str
    goal: float
    within: bool = False

    def is_met(self, interval: list[float] | None) -> bool | None:
        """True or false if all of the interval says so, otherwise none."""
        if interval is None:
            return None
        low, high = interval
        if self.within:
            holds, fails = (
                -self.goal < low and high < self.goal,
                self.goal < low or high < -self.goal,
            )
        else:
            holds, fails = low > self.goal, high < self.goal
        return holds if holds or fails else None


ANY = (STRUCTURED, CONSTANT, UNKNOWN)
CLAIMS = (
    Claim("paper", ANY, BPO, f"ndcg@{CUTOFF}", 0.0),
    Claim("paper", ANY, BPR, f"ndcg@{CUTOFF}", 0.0),
    Claim("small world", (STRUCTURED,), BPO, "auc", 0.02),
    Claim("small world", (STRUCTURED,), FIXED, "auc", 0.01),
    Claim("small world", (CONSTANT,), FIXED, "auc", 0.02, within=True),
)


def verdicts(rows: list[Row], worlds: list[World]) -> list[dict[str, Any]]:
    """The claims beside what was measured."""
    table = []
    for claim in CLAIMS:
        for world in worlds:
            gain = gains(rows, world.name, claim.over, claim.metric)
            if world.flips in claim.flips and gain is not None:
                found = with_student_interval(gain, 5)
                table.append(
                    {
                        "source": claim.source,
                        "world": world.name,
                        "over": claim.over,
                        "metric": claim.metric,
                        "goal": claim.goal,
                        "within": claim.within,
                        "measured": found["mean"],
                        "interval": found["interval"],
                        "met": claim.is_met(found["interval"]),
                    }
                )
    return table
