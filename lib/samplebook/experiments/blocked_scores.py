"""Leverage scores and Lewis weights of a tall matrix on any device, by passes over its blocks of rows.

One pass forms the d x d Gram matrix, a second one the row norms of A C, where C makes the columns
orthonormal. Formulas and proofs are those of ``samplebook.subsets``, which the tests compare with.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from samplebook.experiments.tall_matrix import in_blocks
from samplebook.subsets.lewis import lewis_step
from samplebook.subsets.sensitivities import bound_factors


def gram(
    rows: Tensor, change: Tensor, block: int, weights: Tensor | None = None
) -> Tensor:
    """(A C)^T W A C (d, d) in float64, for rows A (n, d), C (d, d) and weights (n,), by default 1."""
    total = torch.zeros_like(change)
    for place, part in in_blocks(rows, block):
        changed = part @ change
        weighted = changed if weights is None else changed * weights[place, None]
        total += changed.T @ weighted
    return total


def whitening(gram_matrix: Tensor) -> Tensor:
    """C (d, d) with C^T G C = I for a positive definite G, upper triangular."""
    factor = torch.linalg.cholesky(gram_matrix)
    identity = torch.eye(len(factor), dtype=factor.dtype, device=factor.device)
    return torch.linalg.solve_triangular(factor, identity, upper=False).T


def squared_norms(rows: Tensor, change: Tensor, block: int) -> Tensor:
    """||a_i C||^2 (n,) in float64 for each row of A (n, d) and a matrix C (d, j)."""
    norms = torch.empty(len(rows), dtype=torch.float64, device=rows.device)
    for place, part in in_blocks(rows, block):
        norms[place] = (part @ change).square().sum(1)
    return norms


def orthonormalised(
    rows: Tensor, change: Tensor, block: int, weights: Tensor | None = None
) -> Tensor:
    """C' (d, d) that makes the columns of W^(1/2) A C' orthonormal, found from C.

    The nearer C comes to that itself, the smaller is the rounding error.
    """
    return change @ whitening(gram(rows, change, block, weights))


def orthonormal_basis(rows: Tensor, block: int) -> Tensor:
    """C (d, d) with A C orthonormal, by two Cholesky factorisations, the second to refine the first."""
    identity = torch.eye(rows.shape[1], dtype=torch.float64, device=rows.device)
    return orthonormalised(rows, orthonormalised(rows, identity, block), block)


def exact_leverage_scores(rows: Tensor, block: int) -> Tensor:
    """tau_i = a_i (A^T A)^(-1) a_i^T (n,), for a matrix of full column rank."""
    return squared_norms(rows, orthonormal_basis(rows, block), block)


class NotConvergedError(RuntimeError):
    """An iteration stopped before it reached its tolerance."""


@dataclass(frozen=True)
class LewisWeights:
    """Lewis weights (n,), C (d, d) that makes W^(1/2 - 1/p) A C orthonormal, and the iterations it took."""

    weights: Tensor
    basis: Tensor
    iterations: int


def lewis_weights(
    rows: Tensor, p: float, block: int, *, tolerance: float, max_iterations: int = 200
) -> LewisWeights:
    """Lewis weights of the rows of A (n, d), by the library's iteration from w = d / n.

    It ends when no weight changes by more than the share ``tolerance`` of itself.

    Raises
    ------
    NotConvergedError
        If that takes more than ``max_iterations``.
    """
    n, d = rows.shape
    weights: Any = torch.full((n,), d / n, dtype=torch.float64, device=rows.device)
    basis = orthonormal_basis(rows, block)
    for iteration in range(1, max_iterations + 1):
        basis = orthonormalised(rows, basis, block, weights ** (1 - 2 / p))
        forms: Any = squared_norms(rows, basis, block)
        new = lewis_step(weights, forms, p)
        largest = float(abs(new / weights - 1).max())
        weights = new
        if largest <= tolerance:
            basis = orthonormalised(rows, basis, block, weights ** (1 - 2 / p))
            return LewisWeights(weights, basis, iteration)
    raise NotConvergedError(
        f"Lewis weights, p = {p:g}: a weight still changes by {largest:.1g}"
    )


def sensitivity_bounds(
    weights: Tensor, forms: Tensor, p: float
) -> tuple[Tensor, Tensor]:
    """Lower and upper bounds (n,) on l_p sensitivities, proven by ``samplebook.subsets.sensitivity_bounds``.

    Parameters
    ----------
    weights : float64 Tensor, shape (n,)
        Any w > 0; the bounds are the closer, the closer these are to the Lewis weights.
    forms : float64 Tensor, shape (n,)
        h_i = ||a_i C||^2 for the C that makes W^(1/2 - 1/p) A C orthonormal.
    """
    low, high = bound_factors(weights, forms, p)
    v = forms ** (p / 2)
    return low * v, (high * v).clamp_max(1.0)
