"""Sums over rows that sensitivities and distortions share: weighted Gram matrices, ratios of norms."""

import math

import numpy as np
from numpy.typing import NDArray

BLOCK_ENTRIES = 1_000_000
"""Entries of the arrays (directions, n) worked on at a time."""


def outer_products(Q: NDArray[np.float64]) -> NDArray[np.float64]:
    """q_i q_i^T for each row of Q (n, r), shape (n, r^2)."""
    return (Q[:, :, None] * Q[:, None, :]).reshape(len(Q), -1)


def weighted_grams(
    weights: NDArray[np.float64], products: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Q^T diag(weights) Q, shape (k, r, r), for each row of weights (k, n), from Q's ``outer_products``."""
    rank = math.isqrt(products.shape[1])
    return (weights @ products).reshape(-1, rank, rank)


def absolute_powers(values: NDArray[np.float64], p: float) -> NDArray[np.float64]:
    """|values|^p: where 2p is a small whole number by products and a root, much faster than ``**``."""
    base = abs(values)
    if (2 * p) % 1 or p > 8:
        return base**p
    powers = np.sqrt(base) if p % 1 else np.ones_like(base)
    for _ in range(int(p)):
        powers *= base
    return powers


def relative_powers(values: NDArray[np.float64], p: float) -> NDArray[np.float64]:
    """|values|^p along the last axis, relative to its largest entry, so that a large p doesn't underflow."""
    return absolute_powers(values / abs(values).max(axis=-1, keepdims=True), p)


def direction_ratios(
    Q: NDArray[np.float64],
    directions: NDArray[np.float64],
    multipliers: NDArray[np.float64],
    p: float,
) -> NDArray[np.float64]:
    """rho(x) = sum_i c_i |q_i x|^p / sum_i |q_i x|^p for every c in every direction x.

    Parameters
    ----------
    Q : array of shape (n, r)
    directions : array of shape (R, r)
    multipliers : array of shape (k, n)
    p : float

    Returns
    -------
    float64 array of shape (k, R)
    """
    ratios = np.empty((len(multipliers), len(directions)))
    size = max(1, BLOCK_ENTRIES // len(Q))
    for start in range(0, len(directions), size):
        terms = relative_powers(directions[start : start + size] @ Q.T, p)
        terms /= terms.sum(axis=1, keepdims=True)
        ratios[:, start : start + size] = multipliers @ terms.T
    return ratios


def unit_rows(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Vectors along the last axis, scaled to length 1; zero vectors stay."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1.0)
