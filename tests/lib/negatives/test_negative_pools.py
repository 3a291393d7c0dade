"""Pools of negatives against their definitions, spelt out query by query."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samplebook.negatives import (
    below_positives,
    below_threshold,
    easy_negatives,
    hard_negatives,
    random_negatives,
)

FAST = settings(derandomize=True, deadline=None, max_examples=60, database=None)

NONE = np.zeros((2, 3), dtype=bool)
SCORES = np.arange(6.0).reshape(2, 3)


def draw_lists(seed):
    """Labels, scores with ties, and which documents there are."""
    rng = np.random.default_rng(seed)
    labels = rng.random((6, 9)) < 0.2
    present = labels | (rng.random((6, 9)) < 0.8)
    return labels, rng.integers(5, size=(6, 9)).astype(float), present


@FAST
@given(st.integers(0, 10**6), st.integers(1, 9))
def test_hard_easy_and_random_pools(seed, depth):
    labels, scores, present = draw_lists(seed)
    hard = hard_negatives(labels, scores, depth=depth, present=present)
    easy = easy_negatives(labels, scores, depth=depth, present=present)
    unlabelled = random_negatives(labels, present=present)
    for query in range(len(labels)):
        others = [d for d in range(9) if present[query, d] and not labels[query, d]]
        ranked = sorted(others, key=lambda d: (-scores[query, d], d))
        assert np.flatnonzero(hard[query]).tolist() == sorted(ranked[:depth])
        assert np.flatnonzero(easy[query]).tolist() == sorted(ranked[depth:])
        assert np.flatnonzero(unlabelled[query]).tolist() == others


def test_every_document_is_there_unless_said_otherwise():
    labels = np.eye(2, 3, dtype=bool)
    np.testing.assert_array_equal(random_negatives(labels), ~labels)
    np.testing.assert_array_equal(
        hard_negatives(labels, SCORES, depth=1), [[0, 0, 1], [0, 0, 1]]
    )


@FAST
@given(st.integers(0, 10**6), st.floats(-1, 5))
def test_a_threshold_drops_what_a_stronger_model_likes(seed, threshold):
    labels, scores, _ = draw_lists(seed)
    found = below_threshold(~labels, scores, threshold=threshold)
    np.testing.assert_array_equal(found, ~labels & (scores < threshold))


@FAST
@given(st.integers(0, 10**6), st.floats(0.1, 1.5))
def test_positive_aware_pools_stay_below_the_lowest_positive(seed, ratio):
    labels, scores, _ = draw_lists(seed)
    scores += 1
    found = below_positives(~labels, scores, labels, ratio=ratio)
    for query in range(len(labels)):
        limit = min(scores[query, labels[query]], default=np.inf) * ratio
        expected = [
            d for d in range(9) if not labels[query, d] and scores[query, d] < limit
        ]
        assert np.flatnonzero(found[query]).tolist() == expected


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: random_negatives([1, 0]), "labels: must have two axes"),
        (lambda: random_negatives([[0.5]]), "labels: must be truth values"),
        (
            lambda: random_negatives(NONE, present=[[1]]),
            r"present: must have shape \(2, 3\)",
        ),
        (lambda: hard_negatives(NONE, SCORES, depth=0), "depth: must be at least 1"),
        (
            lambda: hard_negatives(NONE, SCORES, depth=4),
            "depth: 4 is more than the 3 documents",
        ),
        (
            lambda: hard_negatives(NONE, SCORES[:1], depth=1),
            r"scores: must have shape \(2, 3\), got \(1, 3\)",
        ),
        (
            lambda: easy_negatives(NONE, SCORES * np.nan, depth=1),
            r"scores: has nan at \(0, 0\)",
        ),
        (
            lambda: below_threshold(NONE, SCORES, threshold="high"),
            "threshold: must be a number",
        ),
        (
            lambda: below_positives(NONE, SCORES, NONE, ratio=0),
            "ratio: must be finite and > 0",
        ),
        (
            lambda: below_positives(NONE, SCORES - 3, ~NONE),
            "scores: a labelled positive of query 0 has -3, must be > 0",
        ),
    ],
)
def test_bad_pools(call, message):
    with pytest.raises(ValueError, match=message):
        call()
