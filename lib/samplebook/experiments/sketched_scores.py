"""Leverage scores of a tall matrix by a sketch and a projection, with a proven factor.

A count sketch S adds up the rows with random signs in m random buckets; R is the triangle of a QR
factorisation of SA. With probability 1 - delta all ||a_i R^(-1)||^2 lie between tau_i / (1 + eps) and tau_i /
(1 - eps): see ``samplebook.subsets.sketched_leverage_scores``. A Gaussian matrix Gamma (d, g) then replaces d
numbers a row by g: ||a_i R^(-1) Gamma||^2 / g is ||a_i R^(-1)||^2 times a chi-square variable over its g
degrees of freedom. Its quantiles at delta / (2 n) hold for all n rows at once with probability 1 - delta.
"""

import torch
from torch import Tensor

from samplebook.experiments.blocked_scores import squared_norms
from samplebook.experiments.tall_matrix import in_blocks
from samplebook.subsets.leverage import sketch_size


def count_sketch(rows: Tensor, size: int, block: int, rng: torch.Generator) -> Tensor:
    """The sums (size, d), float64, of the rows (n, d), with random signs, over ``size`` random buckets."""
    device = rows.device
    sketch = torch.zeros(size, rows.shape[1], dtype=torch.float64, device=device)
    for _, part in in_blocks(rows, block):
        signs = 2.0 * torch.randint(2, (len(part), 1), generator=rng, device=device) - 1
        buckets = torch.randint(size, (len(part),), generator=rng, device=device)
        sketch.index_add_(0, buckets, part * signs)
    return sketch


def sketched_whitening(
    rows: Tensor, block: int, rng: torch.Generator, *, distortion: float, failure: float
) -> Tensor:
    """R^(-1) (d, d), upper triangular, of a sketch with distortion eps and failure probability delta."""
    size = sketch_size(rows.shape[1], distortion, failure)
    triangle = torch.linalg.qr(count_sketch(rows, size, block, rng), mode="r").R
    identity = torch.eye(len(triangle), dtype=triangle.dtype, device=triangle.device)
    return torch.linalg.solve_triangular(triangle, identity, upper=True)


def projected_norms(
    rows: Tensor, change: Tensor, projections: int, block: int, rng: torch.Generator
) -> Tensor:
    """||a_i C Gamma||^2 / g (n,) for a Gaussian matrix Gamma (d, g), with expectation ||a_i C||^2."""
    gaussian = torch.randn(
        change.shape[1],
        projections,
        generator=rng,
        device=change.device,
        dtype=torch.float64,
    )
    return squared_norms(rows, change @ gaussian / projections**0.5, block)


def sketch_factors(distortion: float) -> tuple[float, float]:
    """Smallest and largest ratio of a sketched to an exact score, all rows at once."""
    return 1 / (1 + distortion), 1 / (1 - distortion)


def projection_factors(
    projections: int, num_rows: int, failure: float
) -> tuple[float, float]:
    """Smallest and largest ratio of projected to whole squared norms, all n rows at once."""
    from scipy.stats import chi2

    tail = failure / (2 * num_rows)
    law = chi2(projections)
    return float(law.ppf(tail) / projections), float(law.isf(tail) / projections)
