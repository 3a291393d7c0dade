"""Coupled estimation (CET) of two linear rankers: each weighs the other's negatives, in turn."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samplebook.core.checks import (
    as_count,
    as_indices,
    as_matrix,
    as_number_in_range,
    as_positive,
)
from samplebook.negatives.negative_weights import coupled_estimation_weights
from samplebook.negatives.pairwise_ranking import fit_pairwise_ranker

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class CoupledRankers:
    """Two linear rankers x . b that were fitted together.

    Attributes
    ----------
    relevance : float64 array, shape (F,)
        Coefficients of the relevance model, the one to rank by.
    selection : float64 array, shape (F,)
        Coefficients of the selection model; 0 for features that it does not see.
    """

    relevance: Vector
    selection: Vector


def fit_coupled_rankers(
    positives: ArrayLike,
    negatives: ArrayLike,
    *,
    temperature: float,
    selection_features: Sequence[int] | None = None,
    num_iterations: int = 12,
    damping: float = 0.5,
    ridge: float = 1e-3,
) -> CoupledRankers:
    """CET on fixed pairs, each model fitted exactly in turn instead of by one step on a batch.

    Both models start from the naive fit. In each iteration both are fitted with the weights that the other
    one gives to the negatives, and move towards that fit by the share ``damping``.

    Parameters
    ----------
    positives, negatives : array-like of float, shape (n, F)
        Features of the labelled and of the unlabelled document of each pair.
    temperature : float, > 0
        tau of :func:`~samplebook.negatives.negative_weights.coupled_estimation_weights`.
    selection_features : sequence of int, optional
        The features that the selection model sees; all if none are given. Then both models have the same
        inputs, loss and start, so they stay equal, and each only sharpens what it already believes.
    num_iterations : int, >= 0
    damping : float, in (0, 1]
    ridge : float, > 0

    Raises
    ------
    ValueError
        If a number is NaN or infinite, ``selection_features`` are not distinct columns, or an argument is
        outside its range.

    Notes
    -----
    Source: Cai et al., "Hard Negatives or False Negatives" (CIKM 2022), whose loop this is with exact fits.
    """
    damping = as_number_in_range(damping, "damping", above=0.0, at_most=1.0)
    temperature = as_positive(temperature, "temperature", infinite=True)
    seen_positives = as_matrix(positives, "positives")
    seen_negatives = as_matrix(negatives, "negatives")
    num_features = seen_positives.shape[1]
    columns = as_columns(selection_features, num_features)

    def fit_both(
        relevance_weights: Vector | None, selection_weights: Vector | None
    ) -> Vector:
        """Rows: the relevance model, then the selection model."""
        fitted = np.zeros((2, num_features))
        fitted[0] = fit_pairwise_ranker(
            seen_positives, seen_negatives, weights=relevance_weights, ridge=ridge
        )
        fitted[1, columns] = fit_pairwise_ranker(
            seen_positives[:, columns],
            seen_negatives[:, columns],
            weights=selection_weights,
            ridge=ridge,
        )
        return fitted

    models = fit_both(None, None)
    for _ in range(as_count(num_iterations, "num_iterations", minimum=0)):
        relevance_scores, selection_scores = models @ seen_negatives.T
        weights = coupled_estimation_weights(
            relevance_scores, selection_scores, temperature=temperature
        )
        models += damping * (fit_both(*weights) - models)
    return CoupledRankers(relevance=models[0], selection=models[1])


def as_columns(
    selection_features: Sequence[int] | None, num_features: int
) -> NDArray[np.int64]:
    """The argument ``selection_features``: distinct columns, all of them where it is None."""
    if selection_features is None:
        return np.arange(num_features)
    columns = as_indices(selection_features, "selection_features", size=num_features)
    if columns.size == 0 or np.unique(columns).size < columns.size:
        raise ValueError(
            "selection_features: must be distinct, and at least one, "
            f"got {columns.tolist()}"
        )
    return columns
