"""Rankings, and what became of gamma, of models on the device that trained them."""

from typing import Any

import numpy as np
import torch
from scipy.sparse.linalg import LinearOperator, svds
from torch import Tensor

from samplebook.negatives import Ranking

ROUNDING = 1e-6
"""A gamma with less standard deviation than this is constant up to rounding."""


def rank_on_device(
    scores: Tensor, relevant: Tensor, excluded: Tensor, depth: int
) -> Ranking:
    """``negatives.rank`` for a tensor of scores without ties.

    Parameters
    ----------
    scores : float tensor (Q, N)
    relevant, excluded : bool tensors (Q, N)
        Disjoint.
    depth : int
        Places to keep. If fewer items compete, the places after them hold nothing.
    """
    scores = scores.masked_fill(excluded, -torch.inf)
    top = scores.topk(min(depth, scores.shape[1]), dim=1).indices
    gains = torch.zeros(len(scores), depth, dtype=torch.float64, device=scores.device)
    gains[:, : top.shape[1]] = relevant.gather(1, top).double()
    count = relevant.sum(1)
    best = scores.masked_fill(~relevant, -torch.inf).amax(1, keepdim=True)
    first = 1.0 + (scores > best).sum(1)
    first = first.double().masked_fill(count == 0, torch.nan)
    ideal = torch.arange(depth, device=scores.device) < count[:, None]
    return Ranking(
        gains=gains.cpu().numpy(),
        ideal_gains=ideal.double().cpu().numpy(),
        num_relevant=count.cpu().numpy(),
        first_relevant=first.cpu().numpy(),
    )


def auc(scores: Tensor, positive: Tensor) -> float:
    """Chance that a positive entry scores above another one, for scores (n,) without ties and bool (n,)."""
    order = scores.argsort()
    ranks = torch.arange(1, len(order) + 1, device=order.device, dtype=torch.float64)
    count = int(positive.sum())
    above = float(ranks[positive[order]].sum()) - count * (count + 1) / 2
    return above / (count * (len(scores) - count))


def correlation(first: Tensor, second: Tensor) -> float:
    """Pearson's correlation over all entries of tensors of one shape."""
    pair = torch.stack([first.flatten(), second.flatten()]).double()
    return float(torch.corrcoef(pair)[0, 1])


def largest_singular_value(matrix: Tensor) -> float:
    """The largest singular value of a matrix, by Lanczos iteration with products on its device."""

    def times(operator: Tensor, vector: Any) -> Any:
        on_device = torch.from_numpy(np.ascontiguousarray(vector.ravel()))
        product = operator @ on_device.to(operator.device, operator.dtype)
        return product.double().cpu().numpy()

    operator = LinearOperator(
        matrix.shape,
        matvec=lambda vector: times(matrix, vector),
        rmatvec=lambda vector: times(matrix.T, vector),
        dtype=np.float64,
    )
    start = np.random.default_rng(0).standard_normal(min(matrix.shape))
    (value,) = svds(operator, k=1, v0=start, return_singular_vectors=False, tol=1e-6)
    return float(value)


def flip_figures(gamma: Tensor, true_flip: Tensor | None) -> dict[str, float]:
    """Mean and deviation of gamma (M, N) over all pairs, and its correlation with the true one (N,)."""
    found = {"mean": float(gamma.mean()), "sd": float(gamma.std())}
    if true_flip is not None:
        varies = found["sd"] > ROUNDING and float(true_flip.std()) > ROUNDING
        found["correlation"] = (
            correlation(gamma, true_flip.expand_as(gamma)) if varies else np.nan
        )
    return found
