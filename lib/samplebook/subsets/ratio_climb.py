"""Climbs from many starts to large and small ratios ||SAx||_p^p / ||Ax||_p^p: lower bounds of the distortion.

With weights |q_i x|^(p - 2) both powers are quadratic forms at x, x^T N x and x^T D x. Where the ratio is
stationary, N x = rho D x. So the eigenvector of the largest, or smallest, eigenvalue of N against D says
where to go; how far is found by trying. For p = 2 the first step ends at the optimum.
"""

import numpy as np
from numpy.typing import NDArray

from samplebook.subsets.norm_ratios import (
    BLOCK_ENTRIES,
    direction_ratios,
    outer_products,
    relative_powers,
    unit_rows,
    weighted_grams,
)

CANDIDATES = 500
"""Directions of each kind among which the starts of the climbs are chosen."""
MOST_STEPS = 40
"""Most steps of a climb."""
STEP_LENGTHS = (1.0, 0.5, 0.2, 0.05, 0.01)
"""Shares of the way to the eigenvector that a step tries."""
SMALLEST_RISE = 1e-6
"""Relative rise of the ratio below which a climb ends."""
SMALLEST_WEIGHT_BASE = 1e-5
"""Floor of |q_i x| beside the largest one, in the weights."""
SMALLEST_WEIGHT = 1e-10
"""Floor of the weights for p > 2, beside the largest one: keeps D invertible."""


def candidate_directions(
    Q: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Directions (R, r) that rows point in, that r - 1 random rows are orthogonal to, and random ones."""
    Q = Q[Q.any(axis=1)]
    num_rows, rank = Q.shape
    rows = unit_rows(Q[rng.permutation(num_rows)[:CANDIDATES]])
    faces = Q[rng.integers(num_rows, size=(CANDIDATES, rank))]
    faces[:, -1] = 0
    orthogonal = np.linalg.svd(faces)[2][:, -1]
    return np.concatenate(
        [rows, orthogonal, unit_rows(rng.standard_normal((CANDIDATES, rank)))]
    )


def climbed_distortions(
    Q: NDArray[np.float64],
    multipliers: NDArray[np.float64],
    p: float,
    rng: np.random.Generator,
    starts: int,
) -> NDArray[np.float64]:
    """Largest |rho - 1| (k,) that climbs reach, for multipliers (k, n) of the rows of a basis Q (n, r)."""
    num_samples, rank = len(multipliers), Q.shape[1]
    products = outer_products(Q)
    candidates = candidate_directions(Q, rng)
    ratios = direction_ratios(Q, candidates, multipliers, p)
    _, eigenvectors = np.linalg.eigh(weighted_grams(multipliers ** (2 / p), products))
    values = abs(ratios - 1).max(axis=1)
    starts = min(starts, len(candidates))
    for sign, eigenvector in ((1, -1), (-1, 0)):
        best = np.argpartition(-sign * ratios, starts - 1, axis=1)[:, :starts]
        x = np.concatenate(
            [candidates[best], eigenvectors[:, None, :, eigenvector]], axis=1
        )
        reached = climb(
            Q,
            products,
            multipliers.repeat(x.shape[1], axis=0),
            x.reshape(-1, rank),
            p,
            sign,
        )
        distances = abs(reached - 1).reshape(num_samples, -1).max(axis=1)
        values = np.maximum(values, distances)
    return values


def climb(
    Q: NDArray[np.float64],
    products: NDArray[np.float64],
    multipliers: NDArray[np.float64],
    directions: NDArray[np.float64],
    p: float,
    sign: int,
) -> NDArray[np.float64]:
    """Ratios (m,) reached from directions (m, r), upwards for ``sign`` 1 and downwards for -1.

    Every start has its own multipliers (m, n); they are worked on in blocks.
    """
    size = max(1, BLOCK_ENTRIES // (len(Q) * len(STEP_LENGTHS)))
    return np.concatenate(
        [
            climb_block(
                Q,
                products,
                multipliers[start : start + size],
                directions[start : start + size],
                p,
                sign,
            )
            for start in range(0, len(directions), size)
        ]
    )


def climb_block(
    Q: NDArray[np.float64],
    products: NDArray[np.float64],
    multipliers: NDArray[np.float64],
    directions: NDArray[np.float64],
    p: float,
    sign: int,
) -> NDArray[np.float64]:
    """:func:`climb` for one block of starts."""
    x = directions.copy()
    ratios = ratios_of(x[:, None] @ Q.T, multipliers, p)[:, 0]
    active = np.arange(len(x))
    lengths = np.array(STEP_LENGTHS)[:, None]
    for _ in range(MOST_STEPS):
        here, c = x[active], multipliers[active]
        there = eigen_directions(Q, products, c, here, p, sign)
        tried = here[:, None] + lengths * (there - here)[:, None]
        tried_ratios = ratios_of(tried @ Q.T, c, p)
        best = (sign * tried_ratios).argmax(axis=1)
        numbers = np.arange(len(active))
        found = tried_ratios[numbers, best]
        rises = sign * (found - ratios[active]) > SMALLEST_RISE * (1 + ratios[active])
        active = active[rises]
        x[active] = unit_rows(tried[numbers, best][rises])
        ratios[active] = found[rises]
        if not active.size:
            break
    return ratios


def ratios_of(
    fits: NDArray[np.float64], multipliers: NDArray[np.float64], p: float
) -> NDArray[np.float64]:
    """rho, shape (m, s), of s vectors Qx for each of m samples: fits (m, s, n), multipliers (m, n)."""
    terms = relative_powers(fits, p)
    return np.einsum("msn,mn->ms", terms, multipliers) / terms.sum(axis=2)


def eigen_directions(
    Q: NDArray[np.float64],
    products: NDArray[np.float64],
    multipliers: NDArray[np.float64],
    x: NDArray[np.float64],
    p: float,
    sign: int,
) -> NDArray[np.float64]:
    """Eigenvectors (m, r) of N against D at x (m, r), for the largest eigenvalue (``sign`` 1) or smallest.

    They are scaled to the D-norm of x, and point to its side.
    """
    sizes = abs(x @ Q.T)
    sizes = np.maximum(sizes / sizes.max(axis=1, keepdims=True), SMALLEST_WEIGHT_BASE)
    weights = np.maximum(sizes ** (p - 2), SMALLEST_WEIGHT)
    N = weighted_grams(weights * multipliers, products)
    D = weighted_grams(weights, products)
    inverse_root = np.linalg.inv(np.linalg.cholesky(D))
    transposed = inverse_root.swapaxes(1, 2)
    _, vectors = np.linalg.eigh(inverse_root @ N @ transposed)
    found = (transposed @ vectors[:, :, -1 if sign > 0 else 0, None])[:, :, 0]
    images = np.einsum("mij,mj->mi", D, x)
    lengths = np.sqrt(np.einsum("mi,mi->m", x, images))
    sides = np.copysign(lengths, np.einsum("mi,mi->m", found, images))
    return found * sides[:, None]
