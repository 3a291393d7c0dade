"""Pairs to train a ranker on: a labelled positive of a query, and a negative drawn from the query's pool.

A pool says which unlabelled documents may be drawn for each query
(:mod:`~samplebook.negatives.negative_pools`).
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samplebook.core.checks import as_count, as_generator, as_mask

Mask = NDArray[np.bool_]
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class TrainingPairs:
    """n pairs (query, labelled positive, negative).

    Attributes
    ----------
    queries, positives, negatives : int64 arrays, shape (n,)
        Rows of the query, and columns of its two documents.
    num_skipped_queries : int
        Queries without a labelled positive: they give no pairs.
    """

    queries: Indices
    positives: Indices
    negatives: Indices
    num_skipped_queries: int

    def of(self, values: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        """The entries of ``values`` (Q, D, ...) for the positives, and those for the negatives, (n, ...)."""
        return (
            values[self.queries, self.positives],
            values[self.queries, self.negatives],
        )


def draw_training_pairs(
    labels: ArrayLike,
    pool: ArrayLike,
    *,
    num_negatives: int,
    rng: np.random.Generator,
    replacement: bool = False,
) -> TrainingPairs:
    """For each labelled positive, negatives drawn uniformly from its query's pool.

    Parameters
    ----------
    labels : array-like of bool, shape (Q, D)
        Which documents of each query are labelled positives.
    pool : array-like of bool, shape (Q, D)
        Which documents may be drawn; none of them labelled.
    num_negatives : int
        How many for each positive.
    rng : numpy.random.Generator
    replacement : bool
        Whether one positive can get the same negative twice.

    Returns
    -------
    TrainingPairs
        Queries in order, for each its positives in order. Queries without positives are skipped and counted.

    Raises
    ------
    ValueError
        If there is no labelled positive at all, if the pool holds a labelled positive, or if the pool of a
        query with positives has fewer documents than have to be drawn.
    """
    positive = as_mask(labels, "labels")
    candidates = as_mask(pool, "pool", shape=positive.shape)
    size = as_count(num_negatives, "num_negatives")
    rng = as_generator(rng)
    if not positive.any():
        raise ValueError("labels: no query has a labelled positive")
    if (positive & candidates).any():
        place = tuple(np.argwhere(positive & candidates)[0].tolist())
        raise ValueError(f"pool: holds the labelled positive at {place}")
    counts = candidates.sum(axis=1)
    needed = 1 if replacement else size
    short = (counts < needed) & positive.any(axis=1)
    if short.any():
        query = int(np.flatnonzero(short)[0])
        raise ValueError(
            f"pool: query {query} has {counts[query]} documents, fewer than the {needed} to draw"
        )
    queries, positives = np.nonzero(positive)
    # columns of each query's pool come first in its row
    members = np.argsort(~candidates, axis=1, kind="stable")[:, : counts.max()]
    places = draw_places(counts[queries], size, replacement, rng)
    negatives = members[queries[:, None], places]
    return TrainingPairs(
        queries=np.repeat(queries, size),
        positives=np.repeat(positives, size),
        negatives=negatives.ravel(),
        num_skipped_queries=int((~positive.any(axis=1)).sum()),
    )


def draw_places(
    counts: Indices, size: int, replacement: bool, rng: np.random.Generator
) -> Indices:
    """For each row, ``size`` uniform draws from 0..count - 1, (n, size)."""
    if replacement:
        return rng.integers(counts[:, None], size=(len(counts), size))
    keys = rng.random((len(counts), counts.max()))
    keys[np.arange(counts.max()) >= counts[:, None]] = 2
    return np.argsort(keys, axis=1)[:, :size]


def relevant_negatives(pairs: TrainingPairs, relevant: ArrayLike) -> Mask:
    """Whether each pair's negative is relevant in truth, (n,)."""
    truth = as_mask(relevant, "relevant")
    smallest = int(pairs.queries.max()) + 1, int(pairs.negatives.max()) + 1
    if truth.shape[0] < smallest[0] or truth.shape[1] < smallest[1]:
        raise ValueError(
            f"relevant: must have shape {smallest} or more, got {truth.shape}"
        )
    return truth[pairs.queries, pairs.negatives]


def false_negative_rate(pairs: TrainingPairs, relevant: ArrayLike) -> float:
    """Share of the pairs whose negative is relevant in truth.

    Parameters
    ----------
    pairs : TrainingPairs
    relevant : array-like of bool, shape (Q, D)
        r of every document of every query.

    Raises
    ------
    ValueError
        If ``relevant`` is no such array, or smaller than the pairs need.
    """
    return float(relevant_negatives(pairs, relevant).mean())


def without_false_negatives(pairs: TrainingPairs, relevant: ArrayLike) -> TrainingPairs:
    """The pairs whose negative is irrelevant in truth: an oracle, the target of every correction.

    Raises
    ------
    ValueError
        As :func:`false_negative_rate`, or if no pair is left.
    """
    kept = ~relevant_negatives(pairs, relevant)
    if not kept.any():
        raise ValueError("relevant: every negative is relevant, no pair is left")
    return replace(
        pairs,
        queries=pairs.queries[kept],
        positives=pairs.positives[kept],
        negatives=pairs.negatives[kept],
    )
