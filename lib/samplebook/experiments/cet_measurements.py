"""What the record says of a training on a collection with pooling bias."""

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samplebook.core.arrays import sigmoid
from samplebook.core.statistics import reliability_table
from samplebook.experiments.cet_collections import Candidates, Mask, Table
from samplebook.experiments.cet_methods import Bench, Cell, Trained
from samplebook.experiments.intervals import significant, with_student_interval
from samplebook.negatives import rank

CUTOFF = 10
"""k of NDCG@k and MRR@k."""
NUM_BINS = 10
"""Of the calibration tables."""


def qualities(scores: Table, relevant: Mask) -> dict[str, NDArray[np.float64]]:
    """Mean NDCG@10 and MRR@10 on the truth for each seed, (S,), of scores (S, Q, D)."""
    found: dict[str, list[float]] = {"ndcg": [], "mrr": []}
    for table, truth in zip(scores, relevant, strict=True):
        ranking = rank(table, truth, depth=CUTOFF)
        found["ndcg"].append(float(np.nanmean(ranking.ndcg(CUTOFF))))
        found["mrr"].append(float(np.nanmean(ranking.reciprocal_rank(CUTOFF))))
    return {name: np.array(values) for name, values in found.items()}


def relative_weight(weights: Table, false: Mask) -> dict[str, Any] | None:
    """Mean weight of false negatives over that of true ones, in the seeds that have both."""
    ratios = [
        row[wrong].mean() / row[~wrong].mean()
        for row, wrong in zip(weights, false, strict=True)
        if wrong.any() and not wrong.all()
    ]
    return with_student_interval(ratios) if ratios else None


def correlations(first: Table, second: Table) -> list[float]:
    """Pearson's correlation for each seed of two tables (S, Q, D)."""
    return [
        float(np.corrcoef(one.ravel(), other.ravel())[0, 1])
        for one, other in zip(first, second, strict=True)
    ]


def calibration(
    estimates: Table, probabilities: Table, outcomes: Mask
) -> dict[str, Any]:
    """Estimated probabilities (S, Q, D) beside the true ones, and, in bins, beside what happened."""
    table = reliability_table(estimates.ravel(), outcomes.ravel(), num_bins=NUM_BINS)
    return {
        "error": with_student_interval(
            abs(estimates - probabilities).mean(axis=(1, 2))
        ),
        "correlation": with_student_interval(correlations(estimates, probabilities)),
        "predicted": [significant(value, 4) for value in table.predicted],
        "observed": [significant(value, 4) for value in table.observed],
    }


def selection_record(
    cell: Cell, scores: Table, selection_scores: Table, test: Candidates
) -> dict[str, Any]:
    """What the selection networks have learnt."""
    estimates = sigmoid(selection_scores / (cell.temperature or 1.0))
    return {
        **calibration(estimates, test.selection, test.selected),
        "agreement": with_student_interval(correlations(scores, selection_scores)),
    }


def row(
    bench: Bench,
    cell: Cell,
    trained: Trained,
    reference: dict[str, NDArray[np.float64]] | None,
    seconds: float,
) -> tuple[dict[str, Any], dict[str, NDArray[np.float64]]]:
    """The record's row for a cell, and its qualities for each seed; gains are over ``reference``."""
    test = bench.collection.test
    scores = bench.scores(trained.relevance, test.rows)
    quality = qualities(scores, test.relevant)
    pairs, selection = trained.pairs, None
    if trained.selection is not None:
        selection_scores = bench.scores(trained.selection, test.rows)
        selection = selection_record(cell, scores, selection_scores, test)
    found = {
        **asdict(cell),
        **{name: with_student_interval(values) for name, values in quality.items()},
        "gain": None
        if reference is None
        else with_student_interval(quality["ndcg"] - reference["ndcg"]),
        "pairs": None if pairs is None else pairs.rows.positives.shape[1],
        "skipped_queries": None if pairs is None else float(pairs.skipped.mean()),
        "false_negatives": None
        if pairs is None
        else with_student_interval(pairs.false.mean(axis=1)),
        "relative_weight": None
        if pairs is None or trained.weights is None
        else relative_weight(trained.weights, pairs.false),
        "selection": selection,
        "seconds": significant(seconds, 3),
    }
    return found, quality
