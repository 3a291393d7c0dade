"""How far a sample of rows is from the whole matrix: its distortion, over all directions at once.

    eps = max over x of | ||SAx||_p^p / ||Ax||_p^p - 1 |.

A sample enters as multipliers c (n,): c_i is the p-th power of row i's weight, 0 for a row not kept. So the
ratio is rho(x) = sum_i c_i |a_i x|^p / sum_i |a_i x|^p, and eps needs its largest and smallest value.

``DistortionMeter.exact`` finds both where that can be done: for p = 2 from eigenvalues, for p = 1 and rank at
most 3 from finitely many rays, for other p and rank at most 3 by branch and bound, to a certified 1e-5. At
higher rank ``DistortionMeter.lower_bound`` climbs from many starts. What it returns is attained by some
direction: the distortion is at least that, and may be more.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samplebook.core.checks import (
    as_count,
    as_exponent,
    as_finite,
    as_generator,
    as_indices,
)
from samplebook.subsets.cone_search import cone_distortions
from samplebook.subsets.leverage import RANK_TOLERANCE, orthonormal_basis
from samplebook.subsets.norm_ratios import (
    BLOCK_ENTRIES,
    direction_ratios,
    outer_products,
    unit_rows,
    weighted_grams,
)
from samplebook.subsets.ratio_climb import climbed_distortions

Sample = tuple[ArrayLike, ArrayLike]
"""Indices (k,) and weights (k,) of kept rows, as :func:`~samplebook.subsets.sample_rows` returns them."""
PARALLEL = 1e-12
"""Sine of the angle below which two rows count as parallel."""
LARGEST_EXACT_RANK = 3
"""Largest rank for which the distortion is found if p is not 2."""


def row_multipliers(
    num_rows: int, indices: ArrayLike, weights: ArrayLike, p: float
) -> NDArray[np.float64]:
    """c_i, shape (n,): sum of weight^p over the occurrences of row i among ``indices``.

    Raises
    ------
    ValueError
        If ``indices`` are no row numbers of A, of shape (k,), or ``weights`` are not k finite numbers >= 0.
        No rows at all (k = 0) are allowed.
    """
    rows = as_indices(indices, "indices", size=num_rows)
    multipliers = np.zeros(num_rows)
    if np.shape(weights) != rows.shape:
        raise ValueError(
            f"weights: must have shape {rows.shape}, as indices, got {np.shape(weights)}"
        )
    if not rows.size:
        return multipliers
    factors = as_finite(weights, "weights", ndim=1)
    if factors.min() < 0:
        raise ValueError(f"weights: has {factors.min():g}, must not be negative")
    np.add.at(multipliers, rows, factors**p)
    return multipliers


class DistortionMeter:
    """Distortions of many samples of one matrix.

    Parameters
    ----------
    A : array-like of shape (n, d)
        Any finite real matrix but 0. Zero rows play no part; the rank r replaces d.
    p : float
        Exponent of the norm, >= 1.

    Raises
    ------
    ValueError
        If A is no finite real matrix, or is zero; if p < 1.
    """

    def __init__(self, A: ArrayLike, p: float):
        self.p = as_exponent(p)
        self.basis = orthonormal_basis(A)

    def multipliers(self, samples: Sequence[Sample]) -> NDArray[np.float64]:
        """The samples' multipliers, shape (k, n)."""
        if not len(samples):
            raise ValueError("samples: empty, needs at least one sample")
        return np.stack(
            [row_multipliers(len(self.basis), *pair, self.p) for pair in samples]
        )

    def exact(self, samples: Sequence[Sample]) -> NDArray[np.float64]:
        """Distortions (k,) of k samples; see :func:`embedding_distortion`.

        Raises
        ------
        ValueError
            If neither p = 2 nor the rank is at most 3; or as :func:`row_multipliers`.
        """
        Q, p = self.basis, self.p
        rank = Q.shape[1]
        multipliers = self.multipliers(samples)
        if p == 2:
            values = eigenvalue_distortions(Q, multipliers)
        elif rank == 1:
            values = direction_distortions(Q, iter([np.ones((1, 1))]), multipliers, p)
        elif rank > LARGEST_EXACT_RANK:
            raise ValueError(
                f"p: the distortion is known exactly for p = 2, or up to rank {LARGEST_EXACT_RANK}; here p = "
                f"{p:g} and the rank is {rank}: distortion_lower_bound gives a lower bound"
            )
        elif p == 1:
            values = direction_distortions(Q, rays(Q), multipliers, 1.0)
        else:
            values = cone_distortions(Q, multipliers, p)
        return with_rank_loss(Q, multipliers, values)

    def lower_bound(
        self, samples: Sequence[Sample], *, rng: np.random.Generator, starts: int = 4
    ) -> NDArray[np.float64]:
        """Lower bounds (k,) of the distortions of k samples; see :func:`distortion_lower_bound`."""
        rng = as_generator(rng)
        starts = as_count(starts, "starts")
        multipliers = self.multipliers(samples)
        values = climbed_distortions(self.basis, multipliers, self.p, rng, starts)
        return with_rank_loss(self.basis, multipliers, values)


def with_rank_loss(
    Q: NDArray[np.float64],
    multipliers: NDArray[np.float64],
    values: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Distortions (k,), raised to 1 for samples whose rows don't span all directions: there rho is 0."""
    directions = unit_rows(Q)
    lost = [
        np.linalg.matrix_rank(directions[c > 0], rtol=RANK_TOLERANCE) < Q.shape[1]
        if np.count_nonzero(c) >= Q.shape[1]
        else True
        for c in multipliers
    ]
    return np.where(lost, np.maximum(values, 1.0), values)


def eigenvalue_distortions(
    Q: NDArray[np.float64], multipliers: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Distortions (k,) for p = 2: rho takes the values between the eigenvalues of Q^T diag(c) Q."""
    ratios = np.linalg.eigvalsh(weighted_grams(multipliers, outer_products(Q)))
    return abs(ratios - 1).max(axis=1)


def rays(Q: NDArray[np.float64]) -> Iterator[NDArray[np.float64]]:
    """All directions orthogonal to r - 1 independent rows of Q (n, r), for r = 2 or 3, in blocks (R, r).

    Between the hyperplanes q_i x = 0 both norms are linear for p = 1. So their ratio has its extremes on the
    edges of those cells, each of which lies on r - 1 independent hyperplanes. Pairs of parallel rows have no
    edge of their own; other pairs cover it.
    """
    lengths = np.linalg.norm(Q, axis=1)
    normals = Q[lengths > 0] / lengths[lengths > 0, None]
    if Q.shape[1] == 2:
        yield normals[:, ::-1] * [1, -1]
        return
    size = max(1, BLOCK_ENTRIES // len(normals) ** 2)
    for start in range(0, len(normals), size):
        first, second = np.nonzero(
            np.arange(start, min(start + size, len(normals)))[:, None]
            < np.arange(len(normals))
        )
        crossed = np.cross(normals[start + first], normals[second])
        sines = np.linalg.norm(crossed, axis=1)
        independent = sines > PARALLEL
        yield crossed[independent] / sines[independent, None]


def direction_distortions(
    Q: NDArray[np.float64],
    directions: Iterator[NDArray[np.float64]],
    multipliers: NDArray[np.float64],
    p: float,
) -> NDArray[np.float64]:
    """Largest |rho(x) - 1| over blocks of directions (R, r), for each sample's multipliers (k, n), (k,)."""
    largest = np.zeros(len(multipliers))
    for x in directions:
        if len(x):
            ratios = direction_ratios(Q, x, multipliers, p)
            largest = np.maximum(largest, abs(ratios - 1).max(axis=1))
    return largest


def embedding_distortion(
    A: ArrayLike, indices: ArrayLike, weights: ArrayLike, *, p: float
) -> float:
    """The distortion of one sample of rows, where it can be found.

    Parameters
    ----------
    A : array-like of shape (n, d)
        Any finite real matrix but 0, of rank r. Zero rows play no part.
    indices : array-like of int, shape (k,)
        The kept rows; a row that occurs twice counts twice. None at all (k = 0) is a sample too.
    weights : array-like of shape (k,)
        What multiplies them, >= 0.
    p : float
        Exponent of the norm, >= 1; it has to be 2 if r > 3.

    Returns
    -------
    float
        Not negative; at least 1 where the sample loses rank. Exact up to rounding for p = 2, for p = 1 and
        for r = 1; else too small by at most 1e-5 (1 + eps), which branch and bound certifies.

    Raises
    ------
    ValueError
        If r > 3 and p is not 2; or as :class:`DistortionMeter` and :func:`row_multipliers`.
    RuntimeError
        If branch and bound did not close in on the distortion, which happens at large p (from about 12 on).
    """
    return float(DistortionMeter(A, p).exact([(indices, weights)])[0])


def distortion_lower_bound(
    A: ArrayLike,
    indices: ArrayLike,
    weights: ArrayLike,
    *,
    p: float,
    rng: np.random.Generator,
    starts: int = 4,
) -> float:
    """A lower bound of the distortion of one sample of rows, for any p >= 1 and any rank.

    Some direction attains it, so the distortion is no less. How much more it is, nobody has shown: climbs
    can end in a local optimum.

    Parameters
    ----------
    A, indices, weights, p
        As for :func:`embedding_distortion`, at any rank r.
    rng : numpy.random.Generator
        Draws the directions among which the starts are chosen.
    starts : int
        Climbs to large ratios, and as many to small ones, besides one from an eigenvector each.

    Returns
    -------
    float
        Not negative; at least 1 where the sample loses rank.

    Raises
    ------
    ValueError
        As :class:`DistortionMeter` and :func:`row_multipliers`, or if ``starts`` < 1, or ``rng`` is none.
    """
    meter = DistortionMeter(A, p)
    return float(meter.lower_bound([(indices, weights)], rng=rng, starts=starts)[0])
