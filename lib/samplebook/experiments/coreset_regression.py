"""Least-p-norm regression on sampled rows: what a sample's solution costs on all rows.

All rows are [F, b] in float64, the features F whitened, the target b last, every column of mean square 1. The
cost is ||b - F x||_p^p.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from samplebook.experiments.blocked_scores import orthonormal_basis
from samplebook.experiments.clock import timed
from samplebook.experiments.intervals import (
    quantile_with_interval,
    share_with_interval,
    significant,
)
from samplebook.experiments.least_p_norm import Fit, least_p_norm
from samplebook.subsets import keep_probabilities

FULL_TOLERANCE = 1e-6
"""Gap of the optimum over all rows."""
SAMPLE_TOLERANCE = 1e-4
"""Gap of the optimum over a sample."""
RANK_TOLERANCE = 1e-10
"""Ratio of the smallest to the largest eigenvalue below which a sample's features have lost rank."""
RIDGE = 1e-9
"""Ridge of such a sample's problem: it picks one of its many solutions."""


def whitened_problem(rows: Tensor, block: int) -> Tensor:
    """The rows [F, b] (n, d) as above, of a matrix (n, d) whose last column is the target."""
    whole = rows.double()
    features = whole[:, :-1] @ orthonormal_basis(rows[:, :-1], block)
    columns = torch.cat([features, whole[:, -1:]], dim=1)
    return columns * (len(rows) ** 0.5 / columns.norm(dim=0))


def in_row_blocks(problem: Tensor, block: int) -> list[Tensor]:
    """The rows (n, d) as one problem in blocks (1, block, d)."""
    return list(problem[None].split(block, dim=1))


def optimum(problem: Tensor, p: float, block: int) -> Fit:
    """The solution over all rows."""
    blocks = in_row_blocks(problem, block)
    return least_p_norm(blocks, p, tolerance=FULL_TOLERANCE)


def costs(problem: Tensor, solutions: Tensor, p: float, block: int) -> Tensor:
    """||b - F x||_p^p (R,) over all rows, for solutions x (R, d - 1)."""
    total = solutions.new_zeros(len(solutions))
    for part in problem.split(block):
        left = part[:, -1:] - part[:, :-1] @ solutions.T
        total += left.abs().pow(p).sum(0)
    return total


def kept_rows(
    problem: Tensor, keep: Tensor, p: float, repetitions: int, rng: torch.Generator
) -> Tensor:
    """Samples (R, m, d): every row is kept independently and scaled by q^(-1/p); rows of zeros fill them up.

    Parameters
    ----------
    problem : float64 Tensor, shape (n, d)
    keep : float64 Tensor, shape (n,)
        q, the probabilities.
    """
    kept = []
    for _ in range(repetitions):
        level = torch.rand(
            keep.shape, generator=rng, device=keep.device, dtype=keep.dtype
        )
        rows = (level < keep).nonzero()[:, 0]
        kept.append(problem[rows] * keep[rows, None] ** (-1 / p))
    return pad_sequence(kept, batch_first=True)


def lost_rank(samples: Tensor) -> Tensor:
    """Which samples (R, m, d) of rows [F, b] leave some direction of the features unseen, bool (R,)."""
    features = samples[..., :-1]
    values = torch.linalg.eigvalsh(features.transpose(1, 2) @ features)
    return values[:, 0] <= RANK_TOLERANCE * values[:, -1]


@dataclass(frozen=True)
class Scheme:
    """A way of sampling for one p, and its scores (n,)."""

    p: float
    name: str
    scores: Tensor


def regression_row(
    problem: Tensor,
    scheme: Scheme,
    budget: int,
    optimal_cost: float,
    *,
    repetitions: int,
    block: int,
    rng: torch.Generator,
) -> dict[str, Any]:
    """The record's row for a scheme and an expected number of kept rows."""
    q = keep_probabilities(scheme.scores.cpu().numpy(), budget)
    keep = torch.from_numpy(q).to(problem.device)
    samples = kept_rows(problem, keep, scheme.p, repetitions, rng)
    lost = lost_rank(samples)
    fit, seconds = timed(
        partial(
            least_p_norm,
            [samples],
            scheme.p,
            tolerance=SAMPLE_TOLERANCE,
            ridge=RIDGE * lost,
        ),
        problem.device,
    )
    ratios = costs(problem, fit.solution, scheme.p, block) / optimal_cost
    whole = ratios.cpu().numpy()
    gaps = fit.gap[~lost].cpu().numpy()
    return {
        "p": scheme.p,
        "scheme": scheme.name,
        "budget": budget,
        "repetitions": repetitions,
        "always_kept": int((q == 1).sum()),
        "cost_ratio": quantile_with_interval(whole, 0.5),
        "cost_ratio_95": quantile_with_interval(whole, 0.95),
        "lost_rank": share_with_interval(lost.cpu().numpy()),
        "largest_gap": significant(float(gaps.max(initial=-np.inf)), 2),
        "seconds_a_fit": significant(seconds / repetitions, 3),
    }
