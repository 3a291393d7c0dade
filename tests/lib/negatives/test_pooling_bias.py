"""Hidden labels follow the selection's law; the critical share of false negatives."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samplebook.core.statistics import goodness_of_fit
from samplebook.negatives import (
    bayes_weights,
    critical_false_negative_rate,
    depth_pool,
    draw_labels,
    label_one_relevant,
    selection_probabilities,
)

FAST = settings(derandomize=True, deadline=None, max_examples=60, database=None)

FALSE_ALARM = 1e-6


def test_selection_probabilities_by_hand():
    found = selection_probabilities([[0.0, 1.0, 2.0]], slope=np.log(3), threshold=1)
    np.testing.assert_allclose(found, [[0.25, 0.5, 0.75]], rtol=1e-15)
    np.testing.assert_array_equal(
        selection_probabilities([-1e6, 1e6], slope=1e3, threshold=0), [0, 1]
    )


def test_a_million_pairs_follow_the_formula():
    """P(r = 0 | l = 0) at (rho, pi) = (.3, .4) is .7 / .88: relevance and selection are independent."""
    rng = np.random.default_rng(0)
    shape = (1000, 1000)
    relevant = rng.random(shape) < 0.3
    labels, selected = draw_labels(relevant, np.full(shape, 0.4), rng=rng)
    counts = np.bincount((2 * relevant + selected).ravel(), minlength=4)
    assert goodness_of_fit(counts, [0.42, 0.28, 0.18, 0.12]) > FALSE_ALARM
    np.testing.assert_array_equal(labels, relevant & selected)
    irrelevant = ~relevant[~labels]
    expected = bayes_weights([0.3], [0.4])[0][0]
    error = np.sqrt(expected * (1 - expected) / irrelevant.size)
    assert abs(irrelevant.mean() - expected) < 5 * error


def test_a_pool_without_chance():
    relevant = np.array([[1, 1, 0]])
    labels, selected = draw_labels(
        relevant, [[0.0, 1.0, 1.0]], rng=np.random.default_rng(0)
    )
    assert labels.tolist() == [[False, True, False]]
    assert selected.tolist() == [[False, True, True]]


@FAST
@given(st.integers(0, 10**6), st.integers(1, 6), st.integers(1, 3))
def test_a_depth_pool_is_the_union_of_tops(seed, depth, num_retrievers):
    rng = np.random.default_rng(seed)
    scores = rng.integers(4, size=(num_retrievers, 3, 6)).astype(float)
    present = rng.random((3, 6)) < 0.8
    found = depth_pool(scores, depth=depth, present=present)
    for query in range(3):
        pool = set()
        for table in scores:
            documents = np.flatnonzero(present[query])
            ranked = sorted(documents, key=lambda d: (-table[query, d], d))
            pool |= set(ranked[:depth])
        assert set(np.flatnonzero(found[query])) == pool
    whole = depth_pool(scores[:1], depth=6)
    assert whole.dtype == np.float64
    assert (whole == 1).all()


def test_one_label_a_query_is_uniform_among_the_relevant():
    rng = np.random.default_rng(1)
    relevant = np.tile([[1, 0, 1, 1, 0]], (3000, 1))
    labels = label_one_relevant(relevant, rng=rng)
    np.testing.assert_array_equal(labels.sum(axis=1), 1)
    law = np.array([1, 0, 1, 1, 0]) / 3
    assert goodness_of_fit(labels.sum(axis=0), law) > FALSE_ALARM
    nothing = label_one_relevant([[0, 0], [0, 1]], rng=rng)
    assert nothing.tolist() == [[False, False], [False, True]]


@FAST
@given(st.floats(0.01, 0.99), st.floats(0.1, 3), st.floats(1.1, 3))
def test_the_critical_rate_makes_the_direction_vanish(negative, gap, further):
    positive, false_negative = negative + gap, negative + further * gap
    rate = critical_false_negative_rate(positive, negative, false_negative)
    drawn = (1 - rate) * negative + rate * false_negative
    assert abs(positive - drawn) < 1e-12


def test_the_critical_rate_of_the_card():
    assert critical_false_negative_rate(1.59, 1.13, 2.02) == pytest.approx(
        0.46 / 0.89, abs=1e-9
    )
    assert critical_false_negative_rate(1.0, 0.0, -1.0) == np.inf


RNG = np.random.default_rng(2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: selection_probabilities([np.nan], slope=1, threshold=0),
            r"scores: has nan at \(0,\)",
        ),
        (
            lambda: selection_probabilities([0.0], slope=np.inf, threshold=0),
            "slope: must be finite",
        ),
        (
            lambda: selection_probabilities([0.0], slope=1, threshold=np.nan),
            "threshold: must be finite",
        ),
        (
            lambda: draw_labels([[1]], [[1.5]], rng=RNG),
            r"selection: has 1.5 at \(0, 0\), must be in \[0, 1\]",
        ),
        (
            lambda: draw_labels([[1]], [[0.5, 0.5]], rng=RNG),
            r"selection: must have shape \(1, 1\), got \(1, 2\)",
        ),
        (lambda: draw_labels([[2]], [[0.5]], rng=RNG), "relevant: must be truth"),
        (lambda: draw_labels([[1]], [[0.5]], rng=None), "rng: must be a numpy.random"),
        (lambda: depth_pool([], depth=1), "scores: empty, needs at least one"),
        (lambda: depth_pool([[[0.0, 1.0]]], depth=3), "depth: 3 is more than the 2"),
        (
            lambda: depth_pool([[[0.0, 1.0]], [[0.0]]], depth=1),
            r"scores: must have shape \(1, 2\), got \(1, 1\)",
        ),
        (
            lambda: label_one_relevant([[0]], rng=RNG),
            "relevant: no query has a relevant document",
        ),
        (
            lambda: critical_false_negative_rate(0.0, 0.0, 1.0),
            "mean_positive: must be above mean_negative",
        ),
        (
            lambda: critical_false_negative_rate(1.0, 0.0, np.nan),
            "mean_false_negative: must be finite",
        ),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
