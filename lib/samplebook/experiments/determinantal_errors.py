"""How far weighted least squares is from the best approximation, over many samples of points.

The function is f(x) = 1 / (1 + 5 ||x||^2 / d) on [-1, 1]^d; for d = 1 that is 1 / (1 + 5 x^2). With its
projection Pf, g = f - Pf and the fit f', the relative error is ||f - f'||^2 / ||g||^2 = 1 + ||f' - Pf||^2 /
||g||^2; 1 is perfect. Coefficients of f' - Pf are those of a fit to g, whose values are small.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor

from samplebook.experiments.clock import timed
from samplebook.experiments.determinantal_batches import (
    LegendreProducts,
    determinantal_draws,
)
from samplebook.experiments.intervals import (
    quantile_with_interval,
    share_with_interval,
    significant,
    with_interval,
)
from samplebook.subsets import LegendreSpace, TensorSpace

NODES = 24
"""Nodes of the quadrature in each variable; 4 times as many in one."""
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
STABLE = 0.5
"""A sample is stable if the smallest eigenvalue of its Gram matrix is at least this."""


def function(points: Tensor) -> Tensor:
    """f (..,) at points (.., d)."""
    return 1 / (1 + 5 * points.square().mean(-1))


@dataclass(frozen=True)
class BestApproximation:
    """Coefficients (m,) of Pf, and ||g||^2."""

    coefficients: Tensor
    squared_error: float


def best_approximation(space: LegendreProducts) -> BestApproximation:
    """Pf and ||g||^2 by Gauss quadrature."""
    device = space.indices.device
    nodes, weights = TensorSpace(LegendreSpace, space.indices.cpu().numpy()).quadrature(
        NODES if space.num_variables > 1 else 4 * NODES
    )
    points = torch.from_numpy(nodes).to(device)
    mass = torch.from_numpy(weights).to(device)
    phi, values = space.basis(points), function(points)
    coefficients = phi.T @ (mass * values)
    left = values - phi @ coefficients
    return BestApproximation(coefficients, float((mass * left.square()).sum()))


def sample_figures(
    space: LegendreProducts, best: BestApproximation, points: Tensor
) -> tuple[Tensor, Tensor]:
    """Relative errors and whether samples are stable, both (R,), for points (R, n, d), n >= m.

    With weights w = m / |phi|^2 the Gram matrix is G = sum w phi phi^T / n. Where n = m the fit interpolates,
    so the square system is solved itself. Beyond, G is well enough conditioned for the normal equations.
    """
    phi = space.basis(points)
    g = function(points) - phi @ best.coefficients
    weights = space.dimension / phi.square().sum(2)
    count = points.shape[1]
    weighted = phi * (weights / count)[..., None]
    gram = weighted.transpose(1, 2) @ phi
    if count == space.dimension:
        extra = torch.linalg.solve(phi, g)
    else:
        right = (g[:, None] @ weighted)[:, 0]
        extra = torch.linalg.solve(gram, right)
    identity = torch.eye(space.dimension, dtype=gram.dtype, device=gram.device)
    failed = torch.linalg.cholesky_ex(gram - STABLE * identity).info
    return 1 + extra.square().sum(1) / best.squared_error, failed == 0


def samples(
    independent: Tensor, determinantal: Tensor, copies: int
) -> Iterator[tuple[str, Tensor]]:
    """Strategies' samples (R, n, d) of n = copies m points.

    Parameters
    ----------
    independent : Tensor, shape (R, c, m, d)
        Independent Christoffel points.
    determinantal : Tensor, shape (R, c, m, d)
        c independent DPPs.
    copies : int
        At most c.
    """
    yield "i.i.d.", independent[:, :copies].flatten(1, 2)
    if copies == 1:
        yield "DPP", determinantal[:, 0]
        return
    mixed = torch.cat([determinantal[:, :1], independent[:, : copies - 1]], dim=1)
    yield "volume", mixed.flatten(1, 2)
    yield "repeated DPP", determinantal[:, :copies].flatten(1, 2)


@dataclass
class Tally:
    """Relative errors and stability of one strategy's samples, batch by batch."""

    points: int
    errors: list[Tensor] = field(default_factory=list)
    stable: list[Tensor] = field(default_factory=list)

    def add(self, errors: Tensor, stable: Tensor) -> None:
        """Note a batch."""
        self.errors.append(errors.cpu())
        self.stable.append(stable.cpu())

    def figures(self) -> dict[str, Any]:
        """What the record says of them."""
        errors = torch.cat(self.errors).numpy()
        return {
            "points": self.points,
            "repetitions": len(errors),
            "quantiles": {
                str(level): quantile_with_interval(errors, level) for level in QUANTILES
            },
            "mean": with_interval(errors),
            "stable": share_with_interval(torch.cat(self.stable).numpy()),
        }


def determinantal_rows(
    space: LegendreProducts,
    *,
    copies: tuple[int, ...],
    repetitions: int,
    batch: int,
    rng: torch.Generator,
) -> list[dict[str, Any]]:
    """The record's rows for a space: one for each strategy and number of points.

    All strategies of a repetition share their DPPs and their independent points.
    """
    device, m = space.indices.device, space.dimension
    best = best_approximation(space)
    tallies: dict[tuple[str, int], Tally] = {}
    seconds = {"dpp": 0.0, "independent": 0.0}
    most = max(copies)
    for first in range(0, repetitions, batch):
        count = min(batch, repetitions - first)
        chains = count * most
        dpps, spent = timed(partial(determinantal_draws, space, chains, rng), device)
        seconds["dpp"] += spent
        points, spent = timed(partial(space.christoffel_draws, chains * m, rng), device)
        seconds["independent"] += spent
        determinantal = dpps.view(count, most, m, -1)
        independent = points.view(count, most, m, -1)
        for number in copies:
            for strategy, sample in samples(independent, determinantal, number):
                tally = tallies.setdefault((strategy, number), Tally(number * m))
                tally.add(*sample_figures(space, best, sample))
    draws = {
        name: significant(spent / (repetitions * most), 3)
        for name, spent in seconds.items()
    }
    return [
        {
            "num_variables": space.num_variables,
            "dimension": m,
            "strategy": strategy,
            "copies": number,
            **tally.figures(),
            "seconds_a_dpp": draws["dpp"],
            "seconds_m_independent": draws["independent"],
        }
        for (strategy, number), tally in tallies.items()
    ]
