"""Row scores of the tall matrix: how long each takes, and how far it is from what is known of it."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from samplebook.core.statistics import mean_interval
from samplebook.experiments.blocked_scores import (
    LewisWeights,
    exact_leverage_scores,
    gram,
    lewis_weights,
    sensitivity_bounds,
    squared_norms,
)
from samplebook.experiments.clock import timed
from samplebook.experiments.intervals import significant
from samplebook.experiments.quartic_sensitivities import (
    CertifiedSensitivities,
    fourth_moments,
    quartic_sensitivities,
)
from samplebook.experiments.sensitivity_sizes import Scale
from samplebook.experiments.sketched_scores import (
    projected_norms,
    projection_factors,
    sketch_factors,
    sketched_whitening,
)
from samplebook.experiments.tall_matrix import is_rare

TOLERANCE = 1e-6
"""Relative, of Lewis weights and of l_4 sensitivities."""
TOGETHER = 1 << 14
"""Rows whose sensitivities are computed side by side."""
MOMENTS_SHARE = 16
"""By how much blocks are smaller where a row becomes d (d + 1) / 2 products."""


def total_and_interval(ratios: Tensor, total: float) -> dict[str, Any]:
    """Total sensitivity S = sum w * mean(s / w), with interval, from rows drawn by their weights w."""
    ends = mean_interval(ratios.cpu().numpy())
    return {
        "sum": significant(total * float(ratios.mean())),
        "sum_interval": [significant(total * end) for end in ends],
    }


def ratio_figures(scores: Tensor, exact: Tensor) -> dict[str, Any]:
    """How approximate scores (n,) compare with exact ones."""
    ratio = scores / exact
    return {
        "smallest_ratio": significant(float(ratio.min())),
        "largest_ratio": significant(float(ratio.max())),
        "median_error": significant(float((ratio - 1).abs().median()), 3),
    }


@dataclass(frozen=True)
class Units:
    """Seconds of one pass over the matrix (a Gram matrix, float64) and of one QR factorisation (float32)."""

    one_pass: float
    one_qr: float

    def row(
        self, score: str, method: str, seconds: float, **figures: Any
    ) -> dict[str, Any]:
        """A row of the record, with the seconds also in these units."""
        return {
            "score": score,
            "method": method,
            **figures,
            "seconds": significant(seconds, 3),
            "in_passes": significant(seconds / self.one_pass, 3),
            "in_qrs": significant(seconds / self.one_qr, 3),
        }


def measured_units(rows: Tensor, block: int) -> Units:
    """Time both, each after a first time that is not counted; NaN where one is not possible."""
    identity = torch.eye(rows.shape[1], dtype=torch.float64, device=rows.device)
    seconds = []
    for action in (
        partial(gram, rows, identity, block),
        partial(torch.linalg.qr, rows),
    ):
        try:
            seconds.append([timed(action, rows.device)[1] for _ in range(2)][1])
        except RuntimeError:
            seconds.append(float("nan"))
    return Units(*seconds)


def sums(scores: Tensor, scale: Scale) -> dict[str, Any]:
    """The sums of scores (n,) over all rows and over the rare ones."""
    rare = is_rare(0, len(scores), scale.rare_stride, scores.device)
    return {
        "sum": significant(float(scores.sum()), 9),
        "rare_sum": significant(float(scores[rare].sum()), 9),
    }


def leverage_rows(
    rows: Tensor, scale: Scale, units: Units, rng: torch.Generator
) -> list[dict[str, Any]]:
    """Leverage scores: exact, by the sketch, and by the sketch and a projection."""
    block, failure = scale.block, scale.failure
    exact, seconds = timed(partial(exact_leverage_scores, rows, block), rows.device)
    table = [units.row("leverage", "exact", seconds, **sums(exact, scale))]
    change, sketching = timed(
        partial(
            sketched_whitening,
            rows,
            block,
            rng,
            distortion=scale.distortion,
            failure=failure,
        ),
        rows.device,
    )
    low, high = sketch_factors(scale.distortion)
    least, most = projection_factors(scale.projections, len(rows), failure)
    ways = {
        "sketch": (partial(squared_norms, rows, change, block), (low, high)),
        "sketch and projection": (
            partial(projected_norms, rows, change, scale.projections, block, rng),
            (low * least, high * most),
        ),
    }
    for method, (action, factors) in ways.items():
        scores, seconds = timed(action, rows.device)
        table.append(
            units.row(
                "leverage",
                method,
                sketching + seconds,
                **sums(scores, scale),
                **ratio_figures(scores, exact),
                proven_ratios=[significant(factor) for factor in factors],
            )
        )
    return table


def lewis_rows(
    rows: Tensor, scale: Scale, units: Units, p: float
) -> tuple[list[dict[str, Any]], LewisWeights]:
    """Lewis weights, and the bounds on sensitivities that come with them."""
    lewis, seconds = timed(
        partial(lewis_weights, rows, p, scale.block, tolerance=TOLERANCE), rows.device
    )
    forms = squared_norms(rows, lewis.basis, scale.block)
    lower, upper = sensitivity_bounds(lewis.weights, forms, p)
    fixed_point = lewis.weights ** (2 / p) / forms
    table = [
        units.row(
            "lewis",
            "iteration",
            seconds,
            p=p,
            iterations=lewis.iterations,
            **sums(lewis.weights, scale),
            **ratio_figures(fixed_point, torch.ones_like(forms)),
        ),
        *(
            units.row("sensitivity", method, seconds, p=p, **sums(bound, scale))
            for method, bound in (("lower bound", lower), ("upper bound", upper))
        ),
    ]
    return table, lewis


def rows_drawn(weights: Tensor, count: int, rng: torch.Generator) -> Tensor:
    """Row numbers (count,), each with probability in proportion to its weight (n,)."""
    cumulated = weights.cumsum(0)
    levels = torch.rand(
        count, generator=rng, device=weights.device, dtype=weights.dtype
    )
    found = torch.searchsorted(cumulated, levels * cumulated[-1], right=True)
    return found.clamp_max(len(weights) - 1)


def sensitivities_of(
    moments: Tensor, z: Tensor, tolerance: float
) -> CertifiedSensitivities:
    """l_4 sensitivities of rows z (R, d) in the Lewis basis, some thousands at a time."""
    parts = [
        quartic_sensitivities(moments, part, tolerance=tolerance)
        for part in z.split(TOGETHER)
    ]
    return CertifiedSensitivities(
        torch.cat([part.lower for part in parts]),
        torch.cat([part.upper for part in parts]),
        max(part.steps for part in parts),
    )


def quartic_row(
    rows: Tensor,
    scale: Scale,
    units: Units,
    lewis: LewisWeights,
    rng: torch.Generator,
) -> dict[str, Any]:
    """l_4 sensitivities of rows drawn by their Lewis weights, and the total sensitivity."""
    moments, forming = timed(
        partial(fourth_moments, rows, lewis.basis, scale.block // MOMENTS_SHARE),
        rows.device,
    )
    drawn = rows_drawn(lewis.weights, scale.sampled_rows, rng)
    z = rows[drawn].double() @ lewis.basis
    found, solving = timed(
        partial(sensitivities_of, moments, z, TOLERANCE), rows.device
    )
    weights = lewis.weights[drawn]
    ratios = found.lower / weights
    forms = squared_norms(rows, lewis.basis, scale.block)
    lower, upper = sensitivity_bounds(lewis.weights, forms, 4.0)
    inside = (found.upper >= lower[drawn]) & (found.lower <= upper[drawn])
    return units.row(
        "sensitivity",
        "Newton on fourth moments",
        forming + solving,
        p=4.0,
        sampled_rows=len(drawn),
        steps=found.steps,
        seconds_a_row=significant(solving / len(drawn), 3),
        largest_gap=significant(float((found.upper / found.lower - 1).max()), 2),
        inside_bounds=bool(inside.all()),
        smallest_ratio=significant(float(ratios.min())),
        largest_ratio=significant(float(ratios.max())),
        proven_ratios=[1.0, float(rows.shape[1])],
        **total_and_interval(ratios, float(lewis.weights.sum())),
    )
