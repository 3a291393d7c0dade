"""Losses against their formulas and finite differences; closed-form derivatives against both."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from samplebook.negatives import (
    bpo_loss,
    bpr_loss,
    nbpo_flip_loss,
    nbpo_loss,
    nbpo_original_loss,
    nbpo_preference_loss,
    nbpo_surrogate_loss,
    preference_if_unvoted,
    settled_preference,
)
from samplebook.negatives.update_coefficients import (
    METHODS_WITH_FLIPS,
    METHODS_WITHOUT_FLIPS,
    bpo_coefficients,
    nbpo_coefficients,
    nbpo_original_coefficients,
)

FAST = settings(derandomize=True, deadline=None, max_examples=60, database=None)
LOSSES = {
    "bpr": bpr_loss,
    "bpo": bpo_loss,
    "nbpo": nbpo_loss,
    "nbpo_original": nbpo_original_loss,
    "nbpo_surrogate": nbpo_surrogate_loss,
}
COEFFICIENTS = METHODS_WITHOUT_FLIPS | METHODS_WITH_FLIPS
PARTS = {
    "bpr": (bpr_loss, (0, 1)),
    "bpo": (bpo_loss, (0, 1)),
    "preference part of nbpo": (nbpo_preference_loss, (0, 1)),
    "flip part of nbpo": (nbpo_flip_loss, (2, 3)),
    "nbpo_original": (nbpo_original_loss, (0, 1, 2, 3)),
    "nbpo_surrogate": (nbpo_surrogate_loss, (0, 1, 2, 3)),
}


def logits(count, number, seed=0, scale=2.0):
    """``number`` arrays of ``count`` logits."""
    return list(scale * np.random.default_rng(seed).standard_normal((number, count)))


def number_of_arguments(loss):
    return 2 if loss in (bpr_loss, bpo_loss) else 4


def gradients(loss, arguments, places):
    """Minus the gradient with respect to the arguments at ``places``, by automatic differentiation."""
    tensors = [torch.tensor(values) for values in arguments]
    for place in places:
        tensors[place].requires_grad_()
    loss(*tensors).backward()
    assert all(
        (tensor.grad is not None) == (place in places)
        for place, tensor in enumerate(tensors)
    )
    return [-tensors[place].grad.numpy() for place in places]


def finite_difference(loss, arguments, place, step=1e-5):
    """Minus the derivatives with respect to the entries of one argument, by central differences in NumPy."""
    derivative = np.empty_like(arguments[place])
    for entry in range(derivative.size):
        values = []
        for sign in (1, -1):
            moved = [argument.copy() for argument in arguments]
            moved[place].flat[entry] += sign * step
            values.append(loss(*moved))
        derivative.flat[entry] = (values[1] - values[0]) / (2 * step)
    return derivative


@pytest.mark.parametrize("name", PARTS)
def test_finite_differences(name):
    loss, places = PARTS[name]
    arguments = logits(50, number_of_arguments(loss))
    automatic = gradients(loss, arguments, places)
    for place, derivative in zip(places, automatic, strict=True):
        np.testing.assert_allclose(
            finite_difference(loss, arguments, place), derivative, rtol=0, atol=1e-8
        )


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("scale", [2.0, 30.0])
def test_closed_forms_are_the_automatic_derivatives(name, scale):
    arguments = logits(50, number_of_arguments(LOSSES[name]), seed=1, scale=scale)
    closed = COEFFICIENTS[name](*arguments)
    tensors = COEFFICIENTS[name](*map(torch.tensor, arguments))
    automatic = gradients(LOSSES[name], arguments, range(len(arguments)))
    assert len(closed) == len(automatic)
    for ours, theirs, in_torch in zip(closed, automatic, tensors, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)
        np.testing.assert_allclose(in_torch.numpy(), ours, rtol=0, atol=1e-14)


@pytest.mark.parametrize("name", LOSSES)
def test_arrays_and_tensors_have_one_loss(name):
    arguments = logits(20, number_of_arguments(LOSSES[name]), seed=2)
    in_torch = LOSSES[name](*map(torch.tensor, arguments)).item()
    assert LOSSES[name](*arguments) == pytest.approx(in_torch, rel=1e-14)


def test_losses_by_their_formulas():
    r_i, r_j, g_i, g_j = logits(30, 4, seed=3)
    p_i, p_j, c_i, c_j = (1 / (1 + np.exp(-x)) for x in (r_i, r_j, g_i, g_j))
    formulas = {
        bpr_loss: np.log(1 / (1 + np.exp(r_j - r_i))),
        bpo_loss: np.log(p_i) + np.log(1 - p_j),
        nbpo_preference_loss: (1 - c_i) * np.log(p_i)
        + c_j * np.log(p_j)
        + np.log(1 - p_j),
        nbpo_flip_loss: p_i * np.log(1 - c_i) + p_j * np.log(c_j),
        nbpo_original_loss: np.log(p_i * (1 - c_i)) + np.log(1 - p_j + c_j * p_j),
        nbpo_surrogate_loss: p_i * (1 - c_i) + 1 - p_j + c_j * p_j,
    }
    for loss, objective in formulas.items():
        arguments = (r_i, r_j, g_i, g_j)[: number_of_arguments(loss)]
        assert loss(*arguments) == pytest.approx(-objective.sum(), rel=1e-12)


@pytest.mark.parametrize("name", LOSSES)
def test_a_positive_counts_once_for_each_negative(name):
    loss = LOSSES[name]
    rng = np.random.default_rng(4)
    arguments = [
        rng.standard_normal((1, 5)) if place % 2 == 0 else rng.standard_normal((3, 5))
        for place in range(number_of_arguments(loss))
    ]
    spelled_out = [np.broadcast_to(values, (3, 5)) for values in arguments]
    assert loss(*arguments) == pytest.approx(loss(*spelled_out), rel=1e-14)


@pytest.mark.parametrize("name", LOSSES)
def test_extreme_logits_stay_finite(name):
    arguments = [np.array([500.0, -500.0, 500.0, -500.0])] * number_of_arguments(
        LOSSES[name]
    )
    assert np.isfinite(LOSSES[name](*arguments))
    assert all(np.isfinite(values).all() for values in COEFFICIENTS[name](*arguments))
    not_numbers = [torch.tensor(values) * float("nan") for values in arguments]
    assert LOSSES[name](*not_numbers).isnan()


def test_without_flips_nbpo_and_its_likelihood_are_bpo():
    positive, negative = logits(50, 2, seed=5)
    never = np.full(50, -60.0)
    expected = bpo_coefficients(positive, negative)
    for coefficients in (nbpo_coefficients, nbpo_original_coefficients):
        ours = coefficients(positive, negative, never, never)
        np.testing.assert_allclose(ours[:2], expected, rtol=0, atol=1e-12)


def test_the_likelihoods_soft_label_is_the_posterior():
    """dR_uj = post_uj - p_uj, and the textbook quotient for it."""
    positive, negative, flip_i, flip_j = logits(50, 4, seed=6)
    p, gamma = 1 / (1 + np.exp(-negative)), 1 / (1 + np.exp(-flip_j))
    post = preference_if_unvoted(p, gamma)
    _, dr_j, _, dg_j = nbpo_original_coefficients(positive, negative, flip_i, flip_j)
    np.testing.assert_allclose(dr_j, post - p, rtol=0, atol=1e-12)
    np.testing.assert_allclose(
        dr_j,
        -(1 - gamma) * p * (1 - p) / (1 - p + gamma * p),
        rtol=0,
        atol=1e-12,
    )
    np.testing.assert_allclose(dg_j, post * (1 - gamma), rtol=0, atol=1e-12)


@FAST
@given(st.floats(-8, 8))
def test_a_negative_settles_where_nbpo_stops_pushing_it(flip):
    p = settled_preference(1 / (1 + np.exp(-flip)))
    logit = np.log(p / (1 - p))
    pushes = [
        nbpo_coefficients(0.0, logit + shift, 0.0, flip)[1]
        for shift in (-0.01, 0.0, 0.01)
    ]
    assert pushes[0] > 0 > pushes[2]
    assert pushes[1] == pytest.approx(0, abs=1e-12)
