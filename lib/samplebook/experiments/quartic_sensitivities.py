"""l_4 sensitivities of many rows by Newton steps that never touch the tall matrix.

For p = 4 the power of the norm is a quadratic form of squares. Let h(x) hold the products x_a x_b, a <= b,
those with a < b times sqrt(2), so that (z x)^2 = h(z) h(x). With rows z_i of A C and M = sum_i h(z_i)
h(z_i)^T,

    ||A C x||_4^4 = h(x)^T M h(x).

One pass over A forms M, of order d (d + 1) / 2. After it, a Newton step for a row costs as much for 10^7 rows
of A as for 100. C is the Lewis basis: there d^(-1) ||x||^4 <= ||A C x||_4^4 <= ||x||^4.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from samplebook.experiments.tall_matrix import in_blocks

LONGEST = 4.0
"""The longest multiple of a Newton step that is tried; far from the optimum three steps are right."""
HALVINGS = 40
"""Bisections of a step's length."""
DAMPING = 1e-12
"""Multiple of the mean eigenvalue that is added to a Hessian: some are singular."""


def pairs(size: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """The indices a <= b of h, and its factors 1 and sqrt(2)."""
    first, second = torch.triu_indices(size, size, device=device)
    factors = torch.where(first == second, 1.0, 2.0).double().sqrt()
    return first, second, factors


def products(vectors: Tensor) -> Tensor:
    """h (.., d (d + 1) / 2) of vectors (.., d)."""
    first, second, factors = pairs(vectors.shape[-1], vectors.device)
    return vectors[..., first] * vectors[..., second] * factors


def as_matrices(values: Tensor, size: int) -> Tensor:
    """The symmetric matrices S (.., d, d) with x^T S x = v h(x), for vectors v (.., d (d + 1) / 2)."""
    first, second, factors = pairs(size, values.device)
    matrices = values.new_zeros(*values.shape[:-1], size, size)
    matrices[..., first, second] = values / factors
    matrices[..., second, first] = values / factors
    return matrices


def fourth_moments(rows: Tensor, change: Tensor, block: int) -> Tensor:
    """M of the module's docstring, float64, for rows A (n, d) and C (d, d)."""
    size = change.shape[1] * (change.shape[1] + 1) // 2
    moments = torch.zeros(size, size, dtype=torch.float64, device=rows.device)
    for _, part in in_blocks(rows, block):
        h = products(part @ change)
        moments += h.T @ h
    return moments


@dataclass(frozen=True)
class CertifiedSensitivities:
    """Lower and upper bounds (R,) on sensitivities, both proven for the x that was reached, and the steps."""

    lower: Tensor
    upper: Tensor
    steps: int


def bounds_at(
    moments: Tensor, z: Tensor, x: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Proven bounds on the sensitivities of rows z (R, d) at x (R, d) with z x = 1, gradients and Hessians.

    f(x) = ||A C x||_4^4 gives s >= 1 / f. By duality s^(1/4) is the least ||y||_(4/3) with (A C)^T y = z.
    Take y = (A C x)^3 / f, of norm f^(-1/4), plus a correction of what is missing, r = z - grad f / (4 f).
    Its norm is at most the largest r x' with ||A C x'||_4 <= 1, hence at most ||r|| d^(1/4).
    """
    h = products(x)
    images = h @ moments
    value = (h * images).sum(1)
    hessian = 12 * as_matrices(images, x.shape[1])
    gradient = torch.einsum("rij,rj->ri", hessian, x) / 3
    missing = (z - gradient / (4 * value[:, None])).norm(dim=1)
    root = value**-0.25 + x.shape[1] ** 0.25 * missing
    return 1 / value, root**4, gradient, hessian


def newton_step(hessian: Tensor, gradient: Tensor, z: Tensor) -> Tensor:
    """The step (R, d) to the minimum of the quadratic model under z x = const."""
    size = z.shape[1]
    mean = hessian.diagonal(dim1=1, dim2=2).mean(1)
    identity = torch.eye(size, dtype=z.dtype, device=z.device)
    damped = hessian + DAMPING * mean[:, None, None] * identity
    right = torch.stack([gradient, z], dim=2)
    free, normal = torch.linalg.solve(damped, right).unbind(2)
    multiplier = (z * free).sum(1) / (z * normal).sum(1)
    return multiplier[:, None] * normal - free


def best_length(moments: Tensor, x: Tensor, step: Tensor) -> Tensor:
    """The t (R,) in [0, 4] that makes f(x + t step) smallest, by bisection of its increasing derivative.

    h(x + t s) = h(x) + t c + t^2 h(s) with c = h(x + s) - h(x) - h(s), so f is a polynomial of degree 4 in t.
    """
    terms = torch.stack([products(x), products(x + step), products(step)])
    terms[1] -= terms[0] + terms[2]
    forms = torch.einsum("krc,lrc->klr", terms @ moments, terms)
    slopes = [
        2 * forms[0, 1],
        2 * (forms[1, 1] + 2 * forms[0, 2]),
        6 * forms[1, 2],
        4 * forms[2, 2],
    ]
    low = torch.zeros_like(slopes[0])
    width = LONGEST
    for _ in range(HALVINGS):
        width /= 2
        t = low + width
        slope = slopes[0] + t * (slopes[1] + t * (slopes[2] + t * slopes[3]))
        low = torch.where(slope < 0, t, low)
    return low


def quartic_sensitivities(
    moments: Tensor, z: Tensor, *, tolerance: float, max_steps: int = 100
) -> CertifiedSensitivities:
    """l_4 sensitivities of rows z (R, d) of A C, by damped Newton on 1 / s = min ||A C x||_4^4 with z x = 1.

    Stops when every upper bound is at most 1 + ``tolerance`` times the lower one, or after ``max_steps``.

    Parameters
    ----------
    moments : float64 Tensor, shape (d (d + 1) / 2, d (d + 1) / 2)
        M, in the Lewis basis.
    z : float64 Tensor, shape (R, d)
        Rows of A C, none of them 0.
    """
    x = z / z.square().sum(1, keepdim=True)
    lower, upper, gradient, hessian = bounds_at(moments, z, x)
    steps = 0
    while steps < max_steps and bool((upper > (1 + tolerance) * lower).any()):
        step = newton_step(hessian, gradient, z)
        x = x + best_length(moments, x, step)[:, None] * step
        lower, upper, gradient, hessian = bounds_at(moments, z, x)
        steps += 1
    return CertifiedSensitivities(lower, upper, steps)
