"""Least-p-norm regression for many problems at once, or for one in blocks, with a proven gap.

    minimise ||b - F x||_p,  p >= 1.

Newton's method on sum_i phi(r_i), phi(r) = (r^2 + e^2)^(p/2) / p, with residuals r = b - F x. The smoothing e
falls after every good step. With y = phi'(r), D = diag(phi''(r)) and the step
delta = (F^T D F)^(-1) F^T y, the vector y' = y - D F delta has F^T y' = 0. By duality no x has a norm below
b y' / ||y'||_q, where 1/p + 1/q = 1. That bound meets the norm at the optimum.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

SHARES = (1.0, 0.5, 0.2, 0.05, 0.01, 0.0)
"""Shares of Newton's step that are tried."""
FALL = 0.5
"""Factor by which the smoothing e falls after a step of a good share."""
GOOD_SHARE = 0.5
"""The least good share: a smaller one says that the last fall of e was too fast."""
SMALLEST_SMOOTHING = 0.3
"""The last e, in units of the tolerance and of the residuals' mean size."""
TINY = 1e-300
"""Least square of a residual or of e, so that 0 / 0 does not occur."""


@dataclass(frozen=True)
class Fit:
    """Solutions of B problems.

    Attributes
    ----------
    solution : float64 Tensor, shape (B, c)
    norm : float64 Tensor, shape (B,)
        ||b - F x||_p.
    gap : float64 Tensor, shape (B,)
        By what share the norm exceeds a proven lower bound of the least one, at most.
    """

    solution: Tensor
    norm: Tensor
    gap: Tensor


def residuals(block: Tensor, x: Tensor) -> Tensor:
    """b - F x, shape (S, B, m), for blocks [F, b] (B, m, c + 1) and x (S, B, c)."""
    images = block[..., :-1] @ x.permute(1, 2, 0)
    return block[..., -1] - images.permute(2, 0, 1)


def powers(blocks: Sequence[Tensor], x: Tensor, p: float, smoothing: Tensor) -> Tensor:
    """sum_i (r_i^2 + e^2)^(p/2), shape (S, B), for S candidates x (S, B, c) and e (B,)."""
    total = x.new_zeros(x.shape[:2])
    for block in blocks:
        squares = residuals(block, x).square() + smoothing[:, None].square()
        total += squares.pow(p / 2).sum(-1)
    return total


def derivatives(r: Tensor, p: float, smoothing: Tensor) -> tuple[Tensor, Tensor]:
    """phi'(r) and phi''(r), both (B, m), for residuals r (B, m) and e (B,)."""
    squares = (r.square() + smoothing[:, None].square()).clamp_min(TINY)
    weights = squares.pow(p / 2 - 1)
    return weights * r, weights * (1 + (p - 2) * r.square() / squares)


def newton_step(
    blocks: Sequence[Tensor], x: Tensor, p: float, smoothing: Tensor, ridge: Tensor
) -> Tensor:
    """delta (B, c) at x (B, c)."""
    size = x.shape[1]
    hessian, slope = x.new_zeros(len(x), size, size), torch.zeros_like(x)
    for block in blocks:
        y, curvature = derivatives(residuals(block, x[None])[0], p, smoothing)
        F = block[..., :-1]
        hessian += F.transpose(1, 2) @ (F * curvature[..., None])
        slope += (y[:, None] @ F)[:, 0]
    mean = hessian.diagonal(dim1=1, dim2=2).mean(1)
    identity = torch.eye(size, dtype=x.dtype, device=x.device)
    damped = hessian + (ridge * mean)[:, None, None] * identity
    return torch.linalg.solve(damped, slope)


def lower_bounds(
    blocks: Sequence[Tensor], x: Tensor, step: Tensor, p: float, smoothing: Tensor
) -> Tensor:
    """The bound b y' / ||y'||_q (B,) on the least norm, from x (B, c) and Newton's step there."""
    products, size = x.new_zeros(len(x)), x.new_zeros(len(x))
    for block in blocks:
        r = residuals(block, x[None])[0]
        y, curvature = derivatives(r, p, smoothing)
        y = y - curvature * (block[..., :-1] @ step[..., None])[..., 0]
        products += (y * r).sum(1)
        if p == 1:
            size = torch.maximum(size, y.abs().amax(1))
        else:
            size += y.abs().pow(p / (p - 1)).sum(1)
    return products / (size if p == 1 else size ** (1 - 1 / p))


def best_move(
    blocks: Sequence[Tensor], x: Tensor, step: Tensor, p: float, smoothing: Tensor
) -> tuple[Tensor, Tensor]:
    """x (B, c) plus the share of the step that makes the smoothed sum smallest, and that share (B,)."""
    shares = x.new_tensor(SHARES)
    trials = x + shares[:, None, None] * step
    which = powers(blocks, trials, p, smoothing).argmin(0)
    return trials[which, torch.arange(len(x), device=x.device)], shares[which]


def least_p_norm(
    blocks: Sequence[Tensor],
    p: float,
    *,
    tolerance: float,
    ridge: Tensor | None = None,
    max_iterations: int = 100,
) -> Fit:
    """Solve B problems side by side until every gap is at most ``tolerance``, or for ``max_iterations``.

    Parameters
    ----------
    blocks : sequence of float64 Tensors, shape (B, m, c + 1)
        Blocks of the rows [F, b]; rows of zeros do no harm. Its columns should be of like size.
    p : float
        At least 1.
    ridge : float64 Tensor, shape (B,), optional
        For problems without full rank: a multiple of the mean eigenvalue that is added to the Hessian.
        The gap of such a problem is not proven.
    """
    batch, _, width = blocks[0].shape
    none = blocks[0].new_zeros(batch)
    ridge = none if ridge is None else ridge
    rows = sum((block != 0).any(2).sum(1) for block in blocks)
    best = x = newton_step(blocks, none.new_zeros(batch, width - 1), 2, none, ridge)
    power, bound = powers(blocks, x[None], p, none)[0], none
    relative = torch.full_like(none, FALL)
    for _ in range(max_iterations):
        smoothing = relative * (power / rows) ** (1 / p)
        step = newton_step(blocks, x, p, smoothing, ridge)
        bound = bound.maximum(lower_bounds(blocks, x, step, p, smoothing))
        x, share = best_move(blocks, x, step, p, smoothing)
        smaller = (FALL * relative).clamp_min(SMALLEST_SMOOTHING * tolerance)
        relative = torch.where(share >= GOOD_SHARE, smaller, relative)
        found = powers(blocks, x[None], p, none)[0]
        best = torch.where((found < power)[:, None], x, best)
        power = power.minimum(found)
        if bool((power <= ((1 + tolerance) * bound) ** p).all()):
            break
    norm = power ** (1 / p)
    return Fit(best, norm, norm / bound - 1)
