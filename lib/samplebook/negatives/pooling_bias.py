"""Pooling bias: labels that are missing because nobody judged the document.

Judges see a pool that basic retrievers fill. A document has the label l = r s: it is relevant (r) and was
selected into the pool (s). Hiding labels by a process of one's own gives data with known truth.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samplebook.core.arrays import sigmoid
from samplebook.core.checks import (
    as_finite,
    as_finite_number,
    as_generator,
    as_mask,
    as_matrix,
    as_unit_interval,
)
from samplebook.negatives.negative_pools import top_ranked

Mask = NDArray[np.bool_]
Probabilities = NDArray[np.float64]


def selection_probabilities(
    scores: ArrayLike, *, slope: float, threshold: float
) -> Probabilities:
    """pi = sigma(slope (score - threshold)): a soft pool that prefers what a basic retriever scores high.

    Parameters
    ----------
    scores : array-like of float, shape (...)
    slope : float
        0 selects everything with probability 1/2; a large slope is a hard cut at the threshold.
    threshold : float

    Returns
    -------
    float64 array of shape (...), in [0, 1]

    Raises
    ------
    ValueError
        If a number is NaN or infinite.
    """
    slope = as_finite_number(slope, "slope")
    threshold = as_finite_number(threshold, "threshold")
    return np.asarray(sigmoid(slope * (as_finite(scores, "scores") - threshold)))


def depth_pool(
    scores: Sequence[ArrayLike], *, depth: int, present: ArrayLike | None = None
) -> Probabilities:
    """1 for documents among the ``depth`` best of at least one retriever, else 0: a pool without chance.

    Parameters
    ----------
    scores : sequence of array-likes of float, each of shape (Q, D)
        One for each retriever; ties go to the smaller column.
    depth : int, 1..D
    present : array-like of bool, shape (Q, D), optional
        Which documents there are; all by default.

    Returns
    -------
    float64 array of shape (Q, D)
        pi, as :func:`draw_labels` takes it.

    Raises
    ------
    ValueError
        If there is no retriever, an argument is no such array, or ``depth`` is outside its range.
    """
    tables = [as_matrix(table, "scores") for table in scores]
    if not tables:
        raise ValueError("scores: empty, needs at least one retriever")
    competing = np.ones(tables[0].shape, dtype=bool)
    if present is not None:
        competing = as_mask(present, "present", shape=competing.shape)
    pools = [top_ranked(table, depth, competing) for table in tables]
    return np.logical_or.reduce(pools).astype(np.float64)


def draw_labels(
    relevant: ArrayLike, selection: ArrayLike, *, rng: np.random.Generator
) -> tuple[Mask, Mask]:
    """Select documents with their probabilities, and hide the labels of all others.

    Parameters
    ----------
    relevant : array-like of bool, shape (Q, D)
        r.
    selection : array-like of float, shape (Q, D)
        pi, in [0, 1]: from :func:`selection_probabilities` or :func:`depth_pool`, for instance.
    rng : numpy.random.Generator

    Returns
    -------
    tuple of two bool arrays, shape (Q, D)
        The labels l = r s, and the selection s.

    Raises
    ------
    ValueError
        If a probability is NaN or outside [0, 1], or the shapes differ.
    """
    truth = as_mask(relevant, "relevant")
    pi = as_unit_interval(selection, "selection")
    if pi.shape != truth.shape:
        raise ValueError(f"selection: must have shape {truth.shape}, got {pi.shape}")
    selected = as_generator(rng).random(pi.shape) < pi
    return truth & selected, selected


def label_one_relevant(relevant: ArrayLike, *, rng: np.random.Generator) -> Mask:
    """Label one relevant document of each query, drawn uniformly, as large collections with few labels do.

    Parameters
    ----------
    relevant : array-like of bool, shape (Q, D)
        r. Queries without a relevant document get no label.
    rng : numpy.random.Generator

    Returns
    -------
    bool array, shape (Q, D)

    Raises
    ------
    ValueError
        If no query has a relevant document.
    """
    truth = as_mask(relevant, "relevant")
    if not truth.any():
        raise ValueError("relevant: no query has a relevant document")
    keys = np.where(truth, as_generator(rng).random(truth.shape), -1.0)
    labels = np.zeros_like(truth)
    labels[np.arange(len(truth)), keys.argmax(axis=1)] = True
    return labels & truth


def critical_false_negative_rate(
    mean_positive: float, mean_negative: float, mean_false_negative: float
) -> float:
    """The share of false negatives at which a direction of the mean-difference ranker vanishes.

    Along a direction the ranker E[x | positive] - E[x | drawn negative] has the component
    (mu_pos - mu_neg) - phi (mu_fn - mu_neg), where phi is the share of false negatives. It is 0 at
    phi = (mu_pos - mu_neg) / (mu_fn - mu_neg), and points the wrong way beyond.

    Parameters
    ----------
    mean_positive, mean_negative, mean_false_negative : float
        Means along the direction: of labelled positives, true negatives, and false negatives.

    Returns
    -------
    float
        Infinity where false negatives lie no further than true negatives: no share of them does harm.

    Raises
    ------
    ValueError
        If a mean is NaN or infinite, or positives do not lie beyond negatives.
    """
    names = ("mean_positive", "mean_negative", "mean_false_negative")
    values = (mean_positive, mean_negative, mean_false_negative)
    positive, negative, false_negative = (
        as_finite_number(value, name) for name, value in zip(names, values, strict=True)
    )
    if positive <= negative:
        raise ValueError("mean_positive: must be above mean_negative")
    if false_negative <= negative:
        return np.inf
    return (positive - negative) / (false_negative - negative)
