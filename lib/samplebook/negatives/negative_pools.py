"""Which documents may be drawn as negatives: random, hard and easy ones, and filters of false negatives.

A pool is a bool array (Q, D): for each query, the documents that may be drawn. It never holds a labelled one.
Documents that only fill up short lists are left out by ``present``.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samplebook.core.checks import (
    as_count,
    as_finite,
    as_mask,
    as_number,
    as_positive,
)
from samplebook.negatives.ranking_metrics import top_items

Mask = NDArray[np.bool_]


def random_negatives(labels: ArrayLike, *, present: ArrayLike | None = None) -> Mask:
    """Every unlabelled document, (Q, D).

    Parameters
    ----------
    labels : array-like of bool, shape (Q, D)
        The labelled positives.
    present : array-like of bool, shape (Q, D), optional
        Which documents there are; all by default.

    Raises
    ------
    ValueError
        If an argument is no such array.
    """
    unlabelled = ~as_mask(labels, "labels")
    if present is None:
        return unlabelled
    return unlabelled & as_mask(present, "present", shape=unlabelled.shape)


def hard_negatives(
    labels: ArrayLike,
    scores: ArrayLike,
    *,
    depth: int,
    present: ArrayLike | None = None,
) -> Mask:
    """The ``depth`` unlabelled documents that a retriever ranks highest, (Q, D).

    Labelled documents are taken out before the cut, so that each query has equally many.

    Parameters
    ----------
    labels : array-like of bool, shape (Q, D)
        The labelled positives.
    scores : array-like of float, shape (Q, D)
        The retriever's, finite; ties go to the smaller column.
    depth : int, 1..D
        N of the retriever's top N; queries with fewer unlabelled documents get all of them.
    present : array-like of bool, shape (Q, D), optional
        Which documents there are; all by default.

    Raises
    ------
    ValueError
        If an argument is no such array, or ``depth`` is outside its range.

    Notes
    -----
    Scores are partitioned, not sorted: time and memory O(Q D), for a depth far below D.
    """
    unlabelled = random_negatives(labels, present=present)
    return top_ranked(scores, depth, unlabelled)


def easy_negatives(
    labels: ArrayLike,
    scores: ArrayLike,
    *,
    depth: int,
    present: ArrayLike | None = None,
) -> Mask:
    """The unlabelled documents that are not among the :func:`hard_negatives` of this depth, (Q, D)."""
    unlabelled = random_negatives(labels, present=present)
    return unlabelled & ~top_ranked(scores, depth, unlabelled)


def below_threshold(pool: ArrayLike, scores: ArrayLike, *, threshold: float) -> Mask:
    """The pool without documents that a stronger model finds relevant, (Q, D).

    This is how a cross-encoder denoises negatives (RocketQA): only documents that it scores below
    ``threshold`` stay.

    Parameters
    ----------
    pool : array-like of bool, shape (Q, D)
    scores : array-like of float, shape (Q, D)
        The stronger model's, such as probabilities of relevance.
    threshold : float

    Raises
    ------
    ValueError
        If an argument is no such array or number.
    """
    members = as_mask(pool, "pool")
    return members & (
        as_score_table(scores, members.shape) < as_number(threshold, "threshold")
    )


def below_positives(
    pool: ArrayLike, scores: ArrayLike, labels: ArrayLike, *, ratio: float = 0.95
) -> Mask:
    """The pool without documents that score nearly as high as a labelled positive, (Q, D).

    A document stays if its score is below ``ratio`` times the lowest score of its query's labelled positives
    (positive-aware mining). Pools of queries without positives stay as they are.

    Parameters
    ----------
    pool, labels : array-like of bool, shape (Q, D)
    scores : array-like of float, shape (Q, D)
        Those of the positives must be above 0, or a ratio means nothing.
    ratio : float, > 0

    Raises
    ------
    ValueError
        If an argument is no such array or number, or a labelled positive has a score <= 0.

    Notes
    -----
    Time and memory O(Q D).
    """
    members = as_mask(pool, "pool")
    labelled = as_mask(labels, "labels", shape=members.shape)
    table = as_score_table(scores, members.shape)
    lowest = np.where(labelled, table, np.inf).min(axis=1, keepdims=True)
    if (lowest <= 0).any():
        query = int(np.flatnonzero(lowest <= 0)[0])
        raise ValueError(
            f"scores: a labelled positive of query {query} has {lowest[query, 0]:g}, must be > 0"
        )
    return members & (table < as_positive(ratio, "ratio") * lowest)


def as_score_table(scores: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """The argument ``scores`` as a finite float64 array of this shape."""
    table = as_finite(scores, "scores", ndim=2)
    if table.shape != shape:
        raise ValueError(f"scores: must have shape {shape}, got {table.shape}")
    return table


def top_ranked(scores: ArrayLike, depth: int, competing: Mask) -> Mask:
    """Which documents are among the ``depth`` best of those competing; ties go to the smaller column."""
    table = as_score_table(scores, competing.shape)
    if as_count(depth, "depth") > competing.shape[1]:
        raise ValueError(
            f"depth: {depth} is more than the {competing.shape[1]} documents of a query"
        )
    best = top_items(np.where(competing, table, -np.inf), depth)
    top = np.zeros(competing.shape, dtype=bool)
    np.put_along_axis(top, best, True, axis=1)
    return top & competing
