"""CET on fixed pairs: its iteration by hand, and what it can't tell apart."""

import numpy as np
import pytest

from samplebook.negatives import (
    coupled_estimation_weights,
    fit_coupled_rankers,
    fit_pairwise_ranker,
)


@pytest.fixture(scope="module")
def pairs():
    rng = np.random.default_rng(0)
    return rng.normal([0.8, 0.3, 0], 1, size=(80, 3)), rng.normal(size=(80, 3))


def test_without_iterations_both_are_naive(pairs):
    found = fit_coupled_rankers(
        *pairs, temperature=2, selection_features=[0, 2], num_iterations=0
    )
    np.testing.assert_array_equal(found.relevance, fit_pairwise_ranker(*pairs))
    seen = fit_pairwise_ranker(*(features[:, [0, 2]] for features in pairs))
    np.testing.assert_array_equal(found.selection, [seen[0], 0, seen[1]])


def test_two_iterations_by_hand(pairs):
    positives, negatives = pairs
    relevance = fit_pairwise_ranker(*pairs)
    selection = fit_pairwise_ranker(positives[:, :1], negatives[:, :1])
    for _ in range(2):
        weights = coupled_estimation_weights(
            negatives @ relevance, negatives[:, 0] * selection[0], temperature=3
        )
        next_relevance = fit_pairwise_ranker(*pairs, weights=weights[0])
        next_selection = fit_pairwise_ranker(
            positives[:, :1], negatives[:, :1], weights=weights[1]
        )
        relevance = 0.75 * relevance + 0.25 * next_relevance
        selection = 0.75 * selection + 0.25 * next_selection
    found = fit_coupled_rankers(
        *pairs, temperature=3, selection_features=[0], num_iterations=2, damping=0.25
    )
    np.testing.assert_allclose(found.relevance, relevance, atol=1e-8)
    np.testing.assert_allclose(found.selection, [selection[0], 0, 0], atol=1e-8)


def test_equal_inputs_leave_both_models_equal(pairs):
    found = fit_coupled_rankers(*pairs, temperature=2)
    np.testing.assert_array_equal(found.relevance, found.selection)
    assert abs(found.relevance - fit_pairwise_ranker(*pairs)).max() > 0.05


def test_an_infinite_temperature_is_naive(pairs):
    found = fit_coupled_rankers(*pairs, temperature=np.inf, selection_features=[1])
    np.testing.assert_allclose(found.relevance, fit_pairwise_ranker(*pairs), atol=1e-8)


def test_more_iterations_reach_a_fixed_point(pairs):
    first, second = (
        fit_coupled_rankers(
            *pairs, temperature=5, selection_features=[0], num_iterations=number
        )
        for number in (40, 41)
    )
    np.testing.assert_allclose(first.relevance, second.relevance, atol=1e-8)
    np.testing.assert_allclose(first.selection, second.selection, atol=1e-8)


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"temperature": 0}, "temperature: must be > 0"),
        (
            {"temperature": 1, "damping": 0},
            "damping: must be finite and > 0 and <= 1, got 0",
        ),
        (
            {"temperature": 1, "damping": 1.5},
            "damping: must be finite and > 0 and <= 1, got 1.5",
        ),
        ({"temperature": 1, "num_iterations": -1}, "num_iterations: must be at least"),
        ({"temperature": 1, "selection_features": [3]}, "selection_features: has 3"),
        (
            {"temperature": 1, "selection_features": []},
            r"selection_features: must be .* got \[\]",
        ),
        (
            {"temperature": 1, "selection_features": [0, 0]},
            "selection_features: must be distinct",
        ),
        ({"temperature": 1e-4}, "at temperature 0.0001 has an infinite weight"),
    ],
)
def test_bad_arguments(pairs, keywords, message):
    with pytest.raises(ValueError, match=message):
        fit_coupled_rankers(*pairs, **keywords)


def test_temperature_is_checked_before_anything_is_fitted(pairs):
    with pytest.raises(ValueError, match="temperature: must be > 0"):
        fit_coupled_rankers(*pairs, temperature=-1, num_iterations=0)
