"""Branch and bound for the distortion: certified to 1e-5, for any p >= 1, at ranks 2 and 3.

Let N(x) = ||SAx||_p and D(x) = ||Ax||_p, so rho = (N / D)^p. On the cone of directions x = sum_k t_k x_k,
t >= 0, with edges x_1 .. x_r and a direction m inside,

    N(x) <= sum_k t_k N(x_k)                since N is a norm,
    D(x) >= sum_k t_k grad D(m) x_k         since D is a norm: D(x) >= grad D(m) x,

so (N / D)^p <= max_k (N(x_k) / grad D(m) x_k)^p there, if the denominators are positive; with the roles
exchanged, (N / D)^p >= min_k (grad N(m) x_k / D(x_k))^p. Where both norms are smooth, these bounds are off by
the square of the cone's width. They apply as well to the parts of N^p - D^p = P^p - M^p,

    P(x)^p = sum_i (c_i - 1)_+ |a_i x|^p,    M(x)^p = sum_i (1 - c_i)_+ |a_i x|^p,

which is better where the rows that matter have c_i = 1, so that rho is almost 1 everywhere. The search drops
cones that cannot raise the largest |rho - 1| seen, and halves the others.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samplebook.subsets.norm_ratios import BLOCK_ENTRIES, absolute_powers, unit_rows

TOLERANCE = 1e-5
"""The search stops at this distance between value and bound, relative to 1 + the value."""
MOST_CONES = 1_000_000
"""Most cones that are open at a time in one batch of samples."""
BATCH = 32
"""Samples searched for together."""


@dataclass
class Cones:
    """Open cones of directions, each for one sample.

    Attributes
    ----------
    owner : int array, shape (m,)
        The number of the sample.
    edges : array, shape (m, r, r)
        x_1 .. x_r, of length 1.
    sums : array, shape (m, r, 4)
        D^p, N^p, P^p and M^p at each edge.
    """

    owner: NDArray[np.int64]
    edges: NDArray[np.float64]
    sums: NDArray[np.float64]

    def take(self, rows: NDArray[np.generic]) -> "Cones":
        """The cones with these numbers, or this truth value."""
        return Cones(self.owner[rows], self.edges[rows], self.sums[rows])


class ConeSearch:
    """Branch and bound over cones for samples of one orthonormal matrix.

    Parameters
    ----------
    Q : array of shape (n, r), r >= 2
    multipliers : array of shape (k, n)
    p : float
    """

    def __init__(
        self, Q: NDArray[np.float64], multipliers: NDArray[np.float64], p: float
    ):
        self.Q, self.multipliers, self.p = Q, multipliers, p
        self.values = np.zeros(len(multipliers))

    def distortions(self) -> NDArray[np.float64]:
        """Largest |rho - 1| that was seen for each sample, shape (k,): too small by at most the tolerance."""
        cones = self.orthants()
        while cones.owner.size:
            if cones.owner.size > MOST_CONES:
                raise RuntimeError(
                    "branch and bound has too many cones open, so the distortion cannot be certified: "
                    "distortion_lower_bound gives a lower bound"
                )
            bounds = self.examine(cones)
            seen = self.values[cones.owner]
            cones = self.halved(cones.take(bounds > seen + TOLERANCE * (1 + seen)))
        return self.values

    def sums(
        self, terms: NDArray[np.float64], owner: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Sums of terms (m, n) over the rows, weighted by 1, c, (c - 1)_+ and (1 - c)_+: shape (m, 4)."""
        multipliers = self.multipliers[owner]
        whole = terms.sum(axis=1)
        sampled = np.einsum("mn,mn->m", terms, multipliers)
        added = np.einsum("mn,mn->m", terms, np.maximum(multipliers - 1, 0))
        removed = np.einsum("mn,mn->m", terms, np.maximum(1 - multipliers, 0))
        return np.stack([whole, sampled, added, removed], axis=1)

    def orthants(self) -> Cones:
        """For each sample the orthants, half of them as rho(-x) = rho(x), with the unit vectors as edges."""
        rank, count = self.Q.shape[1], len(self.multipliers)
        signs = 1.0 - 2 * (np.arange(2 ** (rank - 1))[:, None] >> np.arange(rank) & 1)
        edges = np.tile(signs[:, :, None] * np.eye(rank), (count, 1, 1))
        owner = np.arange(count).repeat(len(signs))
        return Cones(owner, edges, self.sums_at(edges, owner))

    def sums_at(
        self, directions: NDArray[np.float64], owner: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """The sums (m, s, 4) in s directions (m, s, r) for each cone."""
        sums = [
            self.sums(absolute_powers(x @ self.Q.T, self.p), owner)
            for x in directions.swapaxes(0, 1)
        ]
        return np.stack(sums, axis=1)

    def examine(self, cones: Cones) -> NDArray[np.float64]:
        """Bounds (m,) of |rho - 1| on each cone; raises ``values`` to what edges and middles attain."""
        bounds = np.empty(cones.owner.size)
        size = max(1, BLOCK_ENTRIES // len(self.Q))
        for start in range(0, bounds.size, size):
            part = slice(start, start + size)
            bounds[part] = self.examine_block(cones.take(np.arange(bounds.size)[part]))
        return bounds

    def examine_block(self, cones: Cones) -> NDArray[np.float64]:
        """:meth:`examine` for cones whose arrays (m, n) fit in memory."""
        fit = unit_rows(cones.edges.sum(axis=1)) @ self.Q.T
        slopes = absolute_powers(fit, self.p - 1)
        sums = self.sums(slopes * abs(fit), cones.owner)
        attained = np.column_stack([self.ratios(cones.sums), self.ratios(sums)])
        np.maximum.at(self.values, cones.owner, abs(attained - 1).max(axis=1))
        tangents = self.tangents(cones, np.copysign(slopes, fit), sums)
        below = np.broadcast_to(tangents[:, :, :1], cones.sums.shape)
        unbounded = np.full_like(cones.sums, np.inf)
        high = np.divide(cones.sums, below, out=unbounded, where=below > 0).max(axis=1)
        low = (tangents / cones.sums[:, :, :1]).min(axis=1)
        of_whole = np.maximum(high[:, 1] - 1, 1 - low[:, 1])
        of_parts = np.maximum(high[:, 2] - low[:, 3], high[:, 3] - low[:, 2])
        return np.minimum(of_whole, of_parts)

    @staticmethod
    def ratios(sums: NDArray[np.float64]) -> NDArray[np.float64]:
        """rho = N^p / D^p."""
        return sums[..., 1] / sums[..., 0]

    def tangents(
        self,
        cones: Cones,
        slopes: NDArray[np.float64],
        sums: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """(grad F(m) x_k)^p for F = D, N, P, M and each edge, shape (m, r, 4): 0 if negative.

        ``sums`` (m, 4) are the F(m)^p, whose gradients are p times the sums of ``slopes`` (m, n) times Q.
        """
        tiny = np.finfo(float).tiny
        multipliers = self.multipliers[cones.owner]
        whole, sampled = slopes @ self.Q, (slopes * multipliers) @ self.Q
        added = (slopes * np.maximum(multipliers - 1, 0)) @ self.Q
        removed = (slopes * np.maximum(1 - multipliers, 0)) @ self.Q
        gradients = np.stack([whole, sampled, added, removed], axis=2)
        gradients /= np.maximum(sums, tiny)[:, None] ** (1 - 1 / self.p)
        return absolute_powers(np.maximum(cones.edges @ gradients, 0), self.p)

    def halved(self, cones: Cones) -> Cones:
        """Each cone cut in two, through the middle of its widest pair of edges."""
        first, second = np.triu_indices(cones.edges.shape[1], k=1)
        widths = np.linalg.norm(cones.edges[:, first] - cones.edges[:, second], axis=2)
        widest = widths.argmax(axis=1)
        first, second = first[widest], second[widest]
        count = cones.owner.size
        numbers = np.arange(count)
        middle = unit_rows(cones.edges[numbers, first] + cones.edges[numbers, second])
        sums = self.sums_at(middle[:, None], cones.owner)[:, 0]
        both = cones.take(np.tile(numbers, 2))
        for rows, replaced in ((numbers, first), (numbers + count, second)):
            both.edges[rows, replaced] = middle
            both.sums[rows, replaced] = sums
        return both


def cone_distortions(
    Q: NDArray[np.float64], multipliers: NDArray[np.float64], p: float
) -> NDArray[np.float64]:
    """Distortions (k,) of samples with multipliers c (k, n) of the rows of an orthonormal Q (n, r), r >= 2.

    Raises
    ------
    RuntimeError
        If the bounds do not close with the cones allowed.
    """
    return np.concatenate(
        [
            ConeSearch(Q, multipliers[start : start + BATCH], p).distortions()
            for start in range(0, len(multipliers), BATCH)
        ]
    )
