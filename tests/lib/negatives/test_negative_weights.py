"""Weights of unlabelled documents: closed forms, exact laws, limits and bad input."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from samplebook.negatives import (
    bayes_weights,
    coupled_estimation_weights,
    inverse_propensity_weights,
)

FAST = settings(derandomize=True, deadline=None, max_examples=60, database=None)

SCORES = st.lists(st.floats(-30, 30), min_size=1, max_size=20)
PROBABILITIES = st.floats(0, 1)


@FAST
@given(SCORES, st.floats(1, 20), st.randoms(use_true_random=False))
def test_official_weights_are_the_inverse_of_the_other_models_complement(
    scores, temperature, shuffler
):
    relevance, selection = np.array(scores), np.array(scores)
    shuffler.shuffle(selection)
    weights = coupled_estimation_weights(relevance, selection, temperature=temperature)
    for found, other in zip(weights, (selection, relevance), strict=True):
        # 1 - sigma(x) = sigma(-x), which keeps its digits
        expected = 1 + 1 / np.expm1(np.logaddexp(0, -other / temperature))
        np.testing.assert_allclose(found, expected, rtol=1e-12)
        assert (found >= 1).all()


def test_official_weights_of_numbers_known_by_hand():
    relevance, selection = [0.0, np.log(3)], [2 * np.log(3), -2 * np.log(3)]
    for_relevance, for_selection = coupled_estimation_weights(
        relevance, selection, temperature=2
    )
    np.testing.assert_allclose(for_relevance, [4, 4 / 3], rtol=1e-15)
    np.testing.assert_allclose(for_selection, [2, 1 + np.sqrt(3)], rtol=1e-15)


def test_at_an_infinite_temperature_all_weights_are_two():
    weights = coupled_estimation_weights([3.0, -9.0], [1.0, 5.0], temperature=np.inf)
    np.testing.assert_array_equal(weights, 2)


def test_tensors_keep_their_kind_and_lose_their_gradient():
    relevance = torch.tensor([0.5, -2.0], requires_grad=True)
    selection = torch.tensor([1.0, 3.0], requires_grad=True)
    weights = coupled_estimation_weights(relevance, selection, temperature=2)
    expected = coupled_estimation_weights(
        relevance.tolist(), selection.tolist(), temperature=2
    )
    for found, array in zip(weights, expected, strict=True):
        assert found.dtype == torch.float32
        assert not found.requires_grad
        np.testing.assert_allclose(found.numpy(), array, rtol=1e-6)


def test_half_precision_tensors_are_weighted_in_torch():
    """NumPy knows no bfloat16."""
    scores = torch.tensor([0.0, 2.0], dtype=torch.bfloat16)
    for weights in coupled_estimation_weights(scores, scores, temperature=2):
        assert weights.dtype == torch.bfloat16
        assert weights.float().tolist() == pytest.approx([2, 1 + np.e], rel=2**-8)


def test_an_overflow_is_reported_as_bad_input_whatever_numpy_makes_of_it():
    with (
        np.errstate(over="raise"),
        pytest.raises(ValueError, match="selection_scores: 800 at temperature 1"),
    ):
        coupled_estimation_weights([0.0], [800.0], temperature=1)


def test_official_weights_ignore_a_models_own_score():
    """They differ from the Bayes weights: equal propensities, different relevance, equal weight."""
    official, _ = coupled_estimation_weights([-3.0, 3.0], [1.0, 1.0], temperature=2)
    bayes, _ = bayes_weights([0.05, 0.95], [0.7, 0.7])
    assert official[0] == official[1]
    assert bayes[0] > 2 * bayes[1]


@FAST
@given(PROBABILITIES, PROBABILITIES)
def test_bayes_weights_are_the_law_of_the_causes(rho, pi):
    """All four outcomes of (r, s), added up."""
    law = {
        (r, s): (rho if r else 1 - rho) * (pi if s else 1 - pi)
        for r in (0, 1)
        for s in (0, 1)
    }
    unlabelled = law[0, 0] + law[0, 1] + law[1, 0]
    if unlabelled == 0:
        return
    irrelevant, unselected = bayes_weights([rho], [pi])
    np.testing.assert_allclose(
        irrelevant, (law[0, 0] + law[0, 1]) / unlabelled, atol=1e-12
    )
    np.testing.assert_allclose(
        unselected, (law[0, 0] + law[1, 0]) / unlabelled, atol=1e-12
    )


def test_bayes_weights_make_the_sum_over_negatives_unbiased():
    """Over all outcomes: E[sum of f over unlabelled, weighted] = E[sum of f over irrelevant]."""
    rng = np.random.default_rng(0)
    rho, pi, values = rng.random(50), rng.random(50), rng.normal(size=50)
    irrelevant, _ = bayes_weights(rho, pi)
    np.testing.assert_allclose(
        ((1 - rho * pi) * irrelevant) @ values, (1 - rho) @ values, rtol=1e-12
    )


def test_propensities_at_the_ends():
    rho = np.array([0.0, 0.3, 1.0])
    never, _ = bayes_weights(rho, np.zeros(3))
    np.testing.assert_array_equal(never, 1 - rho)
    always, unselected = bayes_weights(rho[:2], np.ones(2))
    np.testing.assert_array_equal(always, 1)
    np.testing.assert_array_equal(unselected, 0)
    with pytest.raises(
        ValueError, match=r"selection: is 1 at \(1,\) where relevance is 1"
    ):
        bayes_weights([0.5, 1.0], [1.0, 1.0])


def test_bayes_weights_keep_their_digits_near_one():
    tiny = 2.0**-40
    irrelevant, _ = bayes_weights([1 - tiny], [1 - tiny])
    np.testing.assert_allclose(irrelevant, tiny / (2 * tiny - tiny**2), rtol=1e-12)


def test_inverse_propensities_are_bounded_by_the_floor():
    np.testing.assert_array_equal(
        inverse_propensity_weights([0.0, 0.05, 0.5, 1.0], floor=0.1), [10, 10, 2, 1]
    )


BAD_CALLS = {
    "temperature 0": (
        lambda: coupled_estimation_weights([0.0], [0.0], temperature=0),
        "temperature: must be > 0, got 0",
    ),
    "temperature below 0": (
        lambda: coupled_estimation_weights([0.0], [0.0], temperature=-2.0),
        "temperature: must be > 0, got -2",
    ),
    "temperature not a number": (
        lambda: coupled_estimation_weights([0.0], [0.0], temperature=float("nan")),
        "temperature: must be > 0, got nan",
    ),
    "NaN relevance score": (
        lambda: coupled_estimation_weights([0.0, np.nan], [0.0, 1.0], temperature=2),
        r"relevance_scores: has nan at \(1,\), must be finite",
    ),
    "NaN selection score in a tensor": (
        lambda: coupled_estimation_weights(
            torch.zeros(2), torch.tensor([torch.nan, 0.0]), temperature=2
        ),
        r"selection_scores: has nan at \(0,\), must be finite",
    ),
    "scores of other shapes": (
        lambda: coupled_estimation_weights([0.0], [0.0, 1.0], temperature=2),
        r"selection_scores: shape \(2,\) differs from relevance_scores's \(1,\)",
    ),
    "a tensor and a list": (
        lambda: coupled_estimation_weights(torch.zeros(1), [0.0], temperature=2),
        "selection_scores: relevance_scores and selection_scores must both be tensors",
    ),
    "truth values": (
        lambda: coupled_estimation_weights([True], [0.0], temperature=2),
        "relevance_scores: must be real numbers",
    ),
    "an infinite weight": (
        lambda: coupled_estimation_weights([0.0], [800.0], temperature=1),
        "selection_scores: 800 at temperature 1 has an infinite weight; raise the temperature$",
    ),
    "an infinite weight for the other model": (
        lambda: coupled_estimation_weights([2.0, 900.0], [0.0, 0.0], temperature=1),
        "relevance_scores: 900 at temperature 1 has an infinite weight",
    ),
    "NaN propensity": (
        lambda: bayes_weights([0.5], [np.nan]),
        r"selection: has nan at \(0,\)",
    ),
    "propensity above 1": (
        lambda: bayes_weights([0.5], [1.5]),
        r"selection: has 1.5 at \(0,\), must be in \[0, 1\]",
    ),
    "negative relevance": (
        lambda: bayes_weights([-0.1], [0.5]),
        r"relevance: has -0.1 at \(0,\), must be in \[0, 1\]",
    ),
    "no floor": (
        lambda: inverse_propensity_weights([0.5], floor=0),
        "floor: must be finite and > 0",
    ),
    "a floor above 1": (
        lambda: inverse_propensity_weights([0.5], floor=2.0),
        "floor: must be finite and > 0 and <= 1",
    ),
}


@pytest.mark.parametrize("kind", BAD_CALLS)
def test_bad_weights(kind):
    call, message = BAD_CALLS[kind]
    with pytest.raises(ValueError, match=message):
        call()
