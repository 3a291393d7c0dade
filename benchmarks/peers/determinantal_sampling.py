"""How long exact draws of projection determinantal point processes take, beside DPPy's, in one process.

Run ``PYTHONPATH=lib:benchmarks .venv-peers/bin/python benchmarks/peers/determinantal_sampling.py``;
``make bench`` makes that environment. Both sides draw from the same law, in turn, on one thread. It prints
the ratios of the medians (DPPy's time over ours), and fails if one is below 10, or if the two sides' means
differ.

- 200 of 2,000 rows, from the matrix: ``sample_projection_dpp`` with its check of all columns, against a
  ``FiniteDPP`` made from the same matrix as eigenvectors, in its default mode.
- The same from objects that are made and checked before: ``sample_dpp`` of a ``FiniteSpace``, against the
  fastest mode that ``FiniteDPP`` has for eigenvectors.
- Products of Legendre polynomials in 2 and 3 variables: five calls of ``sample_dpp``, one after the other,
  against one of ``MultivariateJacobiOPE`` with the same multi-indices.
- One variable: many draws at once, by eigenvalues and by the chain rule, each against DPPy's own form of it.
"""

import harness.single_thread  # noqa: F401, I001

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from dppy.finite_dpps import FiniteDPP
from dppy.multivariate_jacobi_ope import MultivariateJacobiOPE, compute_ordering

from harness.records import Ratio, write_record
from samplebook.subsets import (
    FiniteSpace,
    LegendreSpace,
    TensorSpace,
    sample_dpp,
    sample_orthogonal_polynomial_ensemble,
    sample_projection_dpp,
)

ROWS, RANK = 2_000, 200
SMALLEST_RATIO = 10.0
SIGMAS = 4.9  # of a normal variable: false alarm 1e-6
Draws = Callable[[], Any]


@dataclass(frozen=True)
class Duel:
    """Two samplers of one law.

    Attributes
    ----------
    ours, peer : a call that gives draws (points, ...) or (R, points, ...)
    statistic : of the points of each draw; its sum over a draw is compared
    ours_at_once : how many draws one call of ``ours`` gives; one of ``peer`` gives one
    rounds : how often both are called
    function : the library's, in ``samplebook.subsets``
    """

    ours: Draws
    peer: Draws
    statistic: Callable[[Any], Any]
    ours_at_once: int = 1
    rounds: int = 15
    function: str = "sample_dpp"


def timed(call: Draws) -> tuple[float, Any]:
    """Processor time of one call, and its result."""
    start = time.process_time()
    result = call()
    return time.process_time() - start, result


def standardised_difference(first: Any, second: Any) -> float:
    """Difference of two means over its standard error."""
    variance = np.var(first, ddof=1) / len(first) + np.var(second, ddof=1) / len(second)
    return abs(np.mean(first) - np.mean(second)) / np.sqrt(variance)


def hold(name: str, duel: Duel, kept: list[Ratio]) -> bool:
    """Hold one duel, print and keep it, and say whether it is won and the laws agree."""
    duel.ours(), duel.peer()
    rounds = [(timed(duel.ours), timed(duel.peer)) for _ in range(duel.rounds)]
    ours = statistics.median(time for (time, _), _ in rounds) / duel.ours_at_once
    peer = statistics.median(time for _, (time, _) in rounds)
    sums = [
        duel.statistic(np.asarray(draw)).reshape(duel.ours_at_once, -1).sum(axis=1)
        for (_, draw), _ in rounds
    ]
    peer_sums = [duel.statistic(np.asarray(draw)).sum() for _, (_, draw) in rounds]
    difference = standardised_difference(np.concatenate(sums), peer_sums)
    print(
        f"{name:44} {1e3 * ours:9.3f} {1e3 * peer:9.3f} {peer / ours:6.1f} {difference:6.1f}"
    )
    kept.append(
        Ratio(
            part="subsets",
            function=f"samplebook.subsets.{duel.function}",
            work=name,
            other="DPPy",
            kind="peer",
            unit="s",
            ours=ours,
            theirs=peer,
        )
    )
    return peer / ours >= SMALLEST_RATIO and difference < SIGMAS


def finite_duels(rng: np.random.Generator) -> dict[str, Duel]:
    """Rows of an orthonormal matrix; the statistic is a fixed function of the row number."""
    Q = np.linalg.qr(rng.standard_normal((ROWS, RANK)))[0]
    space = FiniteSpace(Q)
    values = rng.standard_normal(ROWS)

    def made() -> Any:
        return FiniteDPP("correlation", projection=True, K_eig_dec=(np.ones(RANK), Q))

    dpp = made()
    return {
        f"{RANK} of {ROWS:,} rows, from the matrix": Duel(
            lambda: sample_projection_dpp(Q, rng=rng),
            lambda: made().sample_exact(),
            lambda rows: values[rows],
            function="sample_projection_dpp",
        ),
        f"{RANK} of {ROWS:,} rows, DPPy's GS_bis": Duel(
            lambda: sample_dpp(space, rng=rng),
            lambda: dpp.sample_exact(mode="GS_bis"),
            lambda rows: values[rows],
        ),
    }


def product_duels(rng: np.random.Generator) -> dict[str, Duel]:
    """Products of Legendre polynomials; DPPy orders the multi-indices by their largest degree."""
    duels = {}
    for dimension, num_variables in ((64, 2), (100, 2), (125, 3)):
        indices = compute_ordering(dimension, num_variables)
        space = TensorSpace(LegendreSpace, indices)
        peer = MultivariateJacobiOPE(dimension, np.zeros((num_variables, 2)))
        duels[f"{dimension} points in {num_variables} variables"] = Duel(
            lambda space=space: [sample_dpp(space, rng=rng) for _ in range(5)],
            lambda peer=peer: peer.sample(),
            lambda points: points[..., 0] ** 2,
            ours_at_once=5,
        )
    return duels


def line_duels(rng: np.random.Generator) -> dict[str, Duel]:
    """Legendre polynomials in one variable, 1,000 of our draws at a time."""
    space, peer = LegendreSpace(11), MultivariateJacobiOPE(11, np.zeros((1, 2)))
    return {
        "11 points on the line, eigenvalues": Duel(
            lambda: sample_orthogonal_polynomial_ensemble(
                space, rng=rng, repetitions=1_000
            ),
            lambda: peer.sample(),
            lambda points: points**2,
            ours_at_once=1_000,
            function="sample_orthogonal_polynomial_ensemble",
        ),
        "11 points on the line, chain rule": Duel(
            lambda: sample_dpp(space, rng=rng, repetitions=1_000),
            lambda: peer.sample(tridiag_1D=False),
            lambda points: points**2,
            ours_at_once=1_000,
        ),
    }


if __name__ == "__main__":
    generator = np.random.default_rng(0)
    duels = finite_duels(generator) | product_duels(generator) | line_duels(generator)
    print(f"{'ms a draw':44} {'ours':>9} {'DPPy':>9} {'ratio':>6} {'sigma':>6}")
    kept: list[Ratio] = []
    won = [hold(name, duel, kept) for name, duel in duels.items()]
    print(f"ratios at least {SMALLEST_RATIO}, means within {SIGMAS} standard errors")
    write_record("determinantal-sampling", ratios=kept)
    sys.exit(not all(won))
