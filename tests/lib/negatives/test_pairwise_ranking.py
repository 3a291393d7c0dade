"""The pairwise loss, and the linear ranker as its exact minimiser."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from samplebook.negatives import fit_pairwise_ranker, pairwise_losses

FAST = settings(derandomize=True, deadline=None, max_examples=60, database=None)


def draw_pairs(seed, count=60, num_features=3):
    rng = np.random.default_rng(seed)
    positives = rng.normal(0.5, 1, size=(count, num_features))
    return positives, rng.normal(size=(count, num_features)), rng


@FAST
@given(st.floats(-20, 20), st.floats(-20, 20))
def test_the_loss_is_the_cross_entropy_of_the_right_order(positive, negative):
    right = np.exp(positive) / (np.exp(positive) + np.exp(negative))
    found = pairwise_losses(np.array(positive), np.array(negative))
    np.testing.assert_allclose(found, -np.log(right), rtol=1e-9, atol=1e-15)


def test_the_loss_does_not_overflow():
    found = pairwise_losses(np.array([-1e4, 1e4]), np.array([1e4, -1e4]))
    np.testing.assert_array_equal(found, [2e4, 0])


def test_the_losss_gradient_is_the_probability_of_the_wrong_order():
    positive = torch.tensor([1.0, -2.0], dtype=torch.float64, requires_grad=True)
    negative = torch.tensor([0.5, 3.0], dtype=torch.float64, requires_grad=True)
    pairwise_losses(positive, negative).sum().backward()
    wrong = torch.sigmoid(negative - positive).detach()
    torch.testing.assert_close(negative.grad, wrong)
    torch.testing.assert_close(positive.grad, -wrong)


@pytest.mark.parametrize("seed", range(3))
def test_the_ranker_minimises_the_loss(seed):
    positives, negatives, rng = draw_pairs(seed)
    weights = rng.random(len(positives))
    found = fit_pairwise_ranker(positives, negatives, weights=weights, ridge=0.01)

    def loss(b):
        losses = pairwise_losses(positives @ b, negatives @ b)
        return weights @ losses / weights.sum() + 0.005 * b @ b

    expected = minimize(loss, np.zeros(3), tol=1e-12)
    np.testing.assert_allclose(found, expected.x, atol=1e-5)
    steps = found + 1e-4 * np.concatenate([np.eye(3), -np.eye(3)])
    assert min(map(loss, steps)) > loss(found)


def test_only_ratios_of_weights_matter():
    positives, negatives, rng = draw_pairs(3)
    weights = rng.random(len(positives))
    found = fit_pairwise_ranker(positives, negatives, weights=weights)
    scaled = fit_pairwise_ranker(positives, negatives, weights=1000 * weights)
    np.testing.assert_allclose(found, scaled, atol=1e-9)
    plain = fit_pairwise_ranker(positives, negatives)
    alike = fit_pairwise_ranker(positives, negatives, weights=np.full(60, 7.0))
    np.testing.assert_allclose(plain, alike, atol=1e-9)


def test_a_weight_of_zero_drops_the_pair():
    positives, negatives, _ = draw_pairs(4)
    weights = np.repeat([1.0, 0.0], 30)
    np.testing.assert_allclose(
        fit_pairwise_ranker(positives, negatives, weights=weights),
        fit_pairwise_ranker(positives[:30], negatives[:30]),
        atol=1e-9,
    )


def test_a_single_pair_points_from_the_negative_to_the_positive():
    found = fit_pairwise_ranker([[1.0, 2.0]], [[0.0, 0.0]])
    np.testing.assert_allclose(found[1] / found[0], 2, rtol=1e-9)
    assert found[0] > 0


def test_pairs_exchanged_turn_the_ranker_round():
    positives, negatives, _ = draw_pairs(5)
    np.testing.assert_allclose(
        fit_pairwise_ranker(positives, negatives),
        -fit_pairwise_ranker(negatives, positives),
        atol=1e-9,
    )


ONE, TWO = [[1.0, 0.0]], [[0.0, 1.0]]


@pytest.mark.parametrize(
    ("arguments", "keywords", "message"),
    [
        ((ONE, [[np.nan, 0.0]]), {}, r"negatives: has nan at \(0, 1\)|negatives: has"),
        (([1.0], TWO), {}, r"positives: must be a matrix"),
        ((ONE, [[0.0]]), {}, r"negatives: shape \(1, 1\) differs from positives's"),
        ((ONE, TWO), {"weights": [-1.0]}, "weights: has -1, must not be negative"),
        ((ONE, TWO), {"weights": [0.0]}, "weights: are all 0"),
        ((ONE, TWO), {"weights": [1.0, 1.0]}, "weights: must have 1 entries"),
        ((ONE, TWO), {"weights": [np.nan]}, "weights: has nan"),
        ((ONE, TWO), {"ridge": 0.0}, "ridge: must be finite and > 0"),
        ((ONE, TWO), {"ridge": -1.0}, "ridge: must be finite and > 0"),
    ],
)
def test_bad_pairs(arguments, keywords, message):
    with pytest.raises(ValueError, match=message):
        fit_pairwise_ranker(*arguments, **keywords)


def test_scores_that_do_not_fit():
    with pytest.raises(ValueError, match="negative_scores: shape"):
        pairwise_losses(np.zeros(2), np.zeros(3))
    with pytest.raises(ValueError, match="must both be tensors or both arrays"):
        pairwise_losses(torch.zeros(2), np.zeros(2))
