"""How good full rankings are: NDCG@k, precision@k, recall@k, F1@k and the reciprocal rank.

All items compete, none are sampled: metrics against sampled negatives can order two models the other way
round (Krichene and Rendle 2020). Every metric is an array with one number a user (or query), so that models
can be compared in pairs; it is NaN for a user with nothing relevant, so average with ``numpy.nanmean``.

Ties go to the smaller item number. A model that gives many items one score is therefore judged by how the
items are numbered; shuffle the numbers, or add a little noise, to take that away.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samplebook.core.arrays import to_numpy
from samplebook.core.checks import as_count, as_matrix
from samplebook.core.interactions import Interactions, check_disjoint

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
DEPTH = 100
"""How many places of each ranking are kept where nobody says otherwise."""


def top_items(scores: FloatArray, depth: int) -> IntArray:
    """The ``depth`` best items of each row of ``scores`` (Q, N), best first, (Q, depth).

    Items above the depth-th largest score are in; of those that tie with it, the first ones. Then the chosen
    ones alone are sorted.
    """
    threshold = np.partition(scores, -depth, axis=1)[:, -depth, None]
    above, tied = scores > threshold, scores == threshold
    places_left = depth - above.sum(axis=1, keepdims=True)
    chosen = above | (tied & (np.cumsum(tied, axis=1) <= places_left))
    items = np.nonzero(chosen)[1].reshape(-1, depth)
    order = np.argsort(-np.take_along_axis(scores, items, axis=1), kind="stable")
    return np.take_along_axis(items, order, axis=1)


def rank_of_first_relevant(
    scores: FloatArray, relevant: NDArray[np.bool_]
) -> FloatArray:
    """Place, from 1, of each row's best relevant item in the full ranking, (Q,); NaN where there is none."""
    among_relevant = np.where(relevant, scores, -np.inf)
    first = among_relevant.argmax(axis=1)[:, None]
    best = np.take_along_axis(scores, first, axis=1)
    before = np.arange(scores.shape[1]) < first
    rank = 1.0 + ((scores > best) | ((scores == best) & before)).sum(axis=1)
    return np.where(relevant.any(axis=1), rank, np.nan)


@dataclass(frozen=True, eq=False)
class Ranking:
    """What the metrics need to know of Q rankings.

    Attributes
    ----------
    gains : float64 array (Q, depth)
        Relevance of the item at each place, best place first: 1 or 0, or a grade >= 0; 0 where there is none.
    ideal_gains : float64 array (Q, depth)
        The same for the best possible ranking.
    num_relevant : int64 array (Q,)
        Number of items with relevance above 0.
    first_relevant : float64 array (Q,)
        Place of the best relevant item, from 1, in the full ranking; NaN where there is none.
    """

    gains: FloatArray
    ideal_gains: FloatArray
    num_relevant: IntArray
    first_relevant: FloatArray

    @property
    def depth(self) -> int:
        """The number of places that were kept."""
        return self.gains.shape[1]

    def check_cutoff(self, cutoff: int) -> int:
        """``cutoff``, or ``ValueError`` unless it is in 1..depth."""
        if as_count(cutoff, "cutoff") > self.depth:
            raise ValueError(
                f"cutoff: {cutoff} is more than the {self.depth} places that were ranked"
            )
        return cutoff

    def where_relevant(self, metric: FloatArray) -> FloatArray:
        """``metric`` (Q,), with NaN in the rows that have nothing relevant."""
        return np.where(self.num_relevant > 0, metric, np.nan)

    def hits(self, cutoff: int) -> IntArray:
        """Number of relevant items in the first k places, (Q,)."""
        return (self.gains[:, : self.check_cutoff(cutoff)] > 0).sum(axis=1)

    def ndcg(self, cutoff: int) -> FloatArray:
        """NDCG@k, (Q,), in [0, 1]: sum of gain / log2(place + 1), over that of the best ranking."""
        cutoff = self.check_cutoff(cutoff)
        discount = 1 / np.log2(np.arange(2, cutoff + 2))
        ideal = self.ideal_gains[:, :cutoff] @ discount
        dcg = self.gains[:, :cutoff] @ discount
        return self.where_relevant(dcg / np.where(ideal > 0, ideal, 1.0))

    def precision(self, cutoff: int) -> FloatArray:
        """Precision@k, (Q,): hits / k."""
        return self.where_relevant(self.hits(cutoff) / cutoff)

    def recall(self, cutoff: int) -> FloatArray:
        """Recall@k, (Q,): hits / number of relevant items."""
        return self.where_relevant(self.hits(cutoff) / np.maximum(self.num_relevant, 1))

    def f1(self, cutoff: int) -> FloatArray:
        """F1@k, (Q,): harmonic mean of precision and recall, 2 hits / (k + number of relevant items)."""
        return self.where_relevant(2 * self.hits(cutoff) / (cutoff + self.num_relevant))

    def reciprocal_rank(self, cutoff: int | None = None) -> FloatArray:
        """1 / place of the first relevant item, (Q,); 0 where that is beyond ``cutoff``, if there is one.

        Its mean is the MRR, or MRR@k. The place is known in the full ranking, so any ``cutoff`` >= 1 will do.
        """
        if cutoff is None:
            return 1 / self.first_relevant
        too_late = self.first_relevant > as_count(cutoff, "cutoff")
        return np.where(too_late, 0.0, 1 / self.first_relevant)


def as_gains(relevance: Any, shape: tuple[int, ...]) -> FloatArray:
    """Truth values or grades as float64 gains of the given shape, or ``ValueError``."""
    gains = to_numpy(relevance)
    gains = as_matrix(gains * 1.0 if gains.dtype == bool else gains, "relevance")
    if gains.shape != shape:
        raise ValueError(f"relevance: shape {gains.shape} differs from scores' {shape}")
    if gains.min() < 0:
        raise ValueError(f"relevance: has {gains.min():g}, must not be negative")
    return gains


def without_excluded(
    scores: FloatArray, gains: FloatArray, excluded: NDArray[np.bool_]
) -> FloatArray:
    """``scores`` with minus infinity at the excluded items, or ``ValueError``."""
    if excluded.dtype != bool or excluded.shape != scores.shape:
        raise ValueError(
            f"excluded: must be truth values of shape {scores.shape}, "
            f"got {excluded.dtype} of shape {excluded.shape}"
        )
    both = excluded & (gains > 0)
    if both.any():
        row, item = np.argwhere(both)[0].tolist()
        raise ValueError(f"excluded: item {item} of row {row} is relevant")
    return np.where(excluded, -np.inf, scores)


def rank(
    scores: Any, relevance: Any, *, excluded: Any = None, depth: int = DEPTH
) -> Ranking:
    """Rank all items by falling score.

    Parameters
    ----------
    scores : array-like or tensor of float, shape (Q, N)
    relevance : array-like, shape (Q, N)
        Truth values, or grades >= 0: what NDCG counts as gain. The other metrics ask whether it is above 0.
    excluded : array-like of bool, shape (Q, N), optional
        Items that do not compete, such as those that the user voted for in training.
    depth : int, >= 1
        How many places to keep. If fewer items compete, the places after them hold nothing.

    Returns
    -------
    Ranking

    Raises
    ------
    ValueError
        If a score or grade is NaN or infinite, a grade is negative, shapes differ, or an item is both
        relevant and excluded.
    """
    scores = as_matrix(scores, "scores")
    gains = as_gains(relevance, scores.shape)
    if excluded is not None:
        scores = without_excluded(scores, gains, to_numpy(excluded))
    filled = min(as_count(depth, "depth"), scores.shape[1])
    empty = ((0, 0), (0, depth - filled))
    ranked = np.take_along_axis(gains, top_items(scores, filled), axis=1)
    ideal = np.flip(np.sort(gains, axis=1)[:, -filled:], axis=1)
    relevant = gains > 0
    return Ranking(
        gains=np.pad(ranked, empty),
        ideal_gains=np.pad(ideal, empty),
        num_relevant=relevant.sum(axis=1),
        first_relevant=rank_of_first_relevant(scores, relevant),
    )


def rank_held_out(
    scores_of: Callable[[IntArray], Any],
    held_out: Interactions,
    *,
    excluded: Sequence[Interactions] = (),
    depth: int = DEPTH,
    block: int = 1024,
) -> Ranking:
    """Rank all items for all users, a block of users at a time.

    Parameters
    ----------
    scores_of : callable
        Given the numbers of B users, their scores (B, N); such as ``MatrixFactorization.scores``.
    held_out : Interactions
        The relevant items: votes kept from training. Users without one get NaN in every metric.
    excluded : sequence of Interactions
        Votes that do not compete: the training votes, and in a test the validation votes as well.
    depth, block : int, >= 1
        Places to keep, as in :func:`rank`; users ranked at once.

    Raises
    ------
    ValueError
        As :func:`rank`; if ``excluded`` are votes of other numbers of users or items, or one of them is also
        held out.
    """
    for votes in excluded:
        check_disjoint(held_out, votes, ("held_out", "excluded"))
    parts = []
    for start in range(0, held_out.num_users, as_count(block, "block")):
        users = np.arange(start, min(start + block, held_out.num_users))
        others = np.zeros((len(users), held_out.num_items), dtype=bool)
        for votes in excluded:
            others |= votes.rows(users)
        parts.append(
            rank(scores_of(users), held_out.rows(users), excluded=others, depth=depth)
        )
    return Ranking(
        *(
            np.concatenate([getattr(part, field.name) for part in parts])
            for field in fields(Ranking)
        )
    )
