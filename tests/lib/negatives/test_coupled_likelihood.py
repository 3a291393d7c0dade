"""The coupled likelihood: its gradient, its symmetry, and recovery of a known world."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from samplebook.data.retrieval_world import RetrievalWorld
from samplebook.negatives import coupled_log_likelihood, fit_coupled_likelihood
from samplebook.negatives.coupled_likelihood import (
    penalised_loss,
    starting_points,
    with_intercept,
)

FAST = settings(derandomize=True, deadline=None, max_examples=60, database=None)

LOGITS = st.lists(
    st.tuples(st.floats(-8, 8), st.floats(-8, 8), st.booleans()),
    min_size=1,
    max_size=10,
)


def columns(cases):
    relevance, selection, labels = zip(*cases, strict=True)
    return np.array(relevance), np.array(selection), np.array(labels)


@FAST
@given(LOGITS)
def test_value_of_the_formula(cases):
    relevance, selection, labels = columns(cases)
    product = 1 / ((1 + np.exp(-relevance)) * (1 + np.exp(-selection)))
    expected = np.where(labels, np.log(product), np.log1p(-product)).mean()
    found, *_ = coupled_log_likelihood(relevance, selection, labels)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


@FAST
@given(LOGITS)
def test_gradient_by_finite_differences(cases):
    relevance, selection, labels = columns(cases)
    _, *gradients = coupled_log_likelihood(relevance, selection, labels)
    step = 1e-5
    for index in range(len(cases)):
        for which, gradient in enumerate(gradients):
            ahead, behind = (
                [relevance.copy(), selection.copy()],
                [relevance.copy(), selection.copy()],
            )
            ahead[which][index] += step
            behind[which][index] -= step
            slope = (
                coupled_log_likelihood(*ahead, labels)[0]
                - coupled_log_likelihood(*behind, labels)[0]
            ) / (2 * step)
            np.testing.assert_allclose(gradient[index], slope, atol=1e-9, rtol=1e-6)


@FAST
@given(LOGITS)
def test_gradient_is_the_cards_formula(cases):
    """(l / (rho pi) - (1 - l) / (1 - rho pi)) pi rho (1 - rho)."""
    relevance, selection, labels = columns(cases)
    rho, pi = 1 / (1 + np.exp(-relevance)), 1 / (1 + np.exp(-selection))
    outer = labels / (rho * pi) - ~labels / (1 - rho * pi)
    _, by_relevance, by_selection = coupled_log_likelihood(relevance, selection, labels)
    np.testing.assert_allclose(
        by_relevance * labels.size, outer * pi * rho * (1 - rho), rtol=1e-9, atol=1e-12
    )
    np.testing.assert_allclose(
        by_selection * labels.size, outer * rho * pi * (1 - pi), rtol=1e-9, atol=1e-12
    )


@FAST
@given(LOGITS)
def test_exchanging_the_models_leaves_the_likelihood_as_it_is(cases):
    """What makes relevance and selection unidentified where both see the same inputs."""
    relevance, selection, labels = columns(cases)
    value, by_relevance, by_selection = coupled_log_likelihood(
        relevance, selection, labels
    )
    exchanged = coupled_log_likelihood(selection, relevance, labels)
    np.testing.assert_allclose(value, exchanged[0], rtol=1e-12)
    np.testing.assert_allclose(by_relevance, exchanged[2], rtol=1e-12, atol=1e-300)
    np.testing.assert_allclose(by_selection, exchanged[1], rtol=1e-12, atol=1e-300)


def test_far_logits_stay_finite():
    far = np.array([800.0, -800.0, 800.0, -800.0])
    value, *gradients = coupled_log_likelihood(
        far, far[::-1], np.array([True, False, False, True])
    )
    assert np.isfinite(value)
    assert np.isfinite(gradients).all()


@pytest.fixture(scope="module")
def world_data():
    world = RetrievalWorld()
    queries = world.draw(100, rng=np.random.default_rng(1))
    return world, queries.features.reshape(-1, 3), queries.labels.ravel()


def standard_errors(gradient, parameters, count):
    """Square roots of the inverse information's diagonal; the information by differences of gradients."""
    steps = 1e-5 * np.eye(len(parameters))
    hessian = [
        (gradient(parameters + step) - gradient(parameters - step)) / 2e-5
        for step in steps
    ]
    return np.sqrt(np.linalg.inv(-np.array(hessian)).diagonal() / count)


def test_recovers_the_world_where_selection_sees_less(world_data):
    """Six estimates within 5.5 standard errors of the truth: a right fit fails in 2 of 10^7 worlds."""
    world, x, labels = world_data
    found = fit_coupled_likelihood(x, x[:, :1], labels)
    inputs = (
        np.column_stack([x, np.ones(len(x))]),
        np.column_stack([x[:, 0], x[:, 0] ** 0]),
    )

    def gradient(parameters):
        _, *residuals = coupled_log_likelihood(
            inputs[0] @ parameters[:4], inputs[1] @ parameters[4:], labels
        )
        return np.concatenate([r @ m for r, m in zip(residuals, inputs, strict=True)])

    estimate = np.array(
        [
            *found.relevance.coefficients,
            found.relevance.intercept,
            *found.selection.coefficients,
            found.selection.intercept,
        ]
    )
    truth = np.array([*world.relevance_coefficients, -12.8, 2, -1])
    errors = standard_errors(gradient, estimate, len(x))
    assert (errors < [0.6, 0.6, 0.3, 1.2, 0.4, 0.3]).all()
    assert (abs(estimate - truth) < 5.5 * errors).all()
    np.testing.assert_allclose(gradient(estimate), 0, atol=1e-5)


def test_another_solver_finds_nothing_better(world_data):
    """BFGS, started at the truth."""
    world, x, labels = world_data
    found = fit_coupled_likelihood(x, x[:, :1], labels)

    def loss(parameters):
        a, b = parameters[:4], parameters[4:]
        return -coupled_log_likelihood(x @ a[:3] + a[3], x[:, 0] * b[0] + b[1], labels)[
            0
        ]

    truth = [*world.relevance_coefficients, -12.8, 2.0, -1.0]
    other = minimize(loss, truth, method="BFGS")
    assert found.log_likelihood <= 0
    assert -found.log_likelihood <= other.fun + 1e-9
    assert -found.log_likelihood < loss(np.array(truth))
    np.testing.assert_allclose(found.relevance.coefficients, other.x[:3], atol=0.02)
    np.testing.assert_allclose(found.selection.coefficients, other.x[4:5], atol=0.02)


@pytest.mark.parametrize(("seed", "better"), [(24, 0), (38, 1)])
def test_the_better_of_two_ends_is_kept(seed, better):
    """What helps relevance hinders selection: the two starts end on hills of different height."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(400, 2))
    rho = 1 / (1 + np.exp(-2 * x[:, 0] - x[:, 1]))
    pi = 1 / (1 + np.exp(2 * x[:, 0] - 0.5))
    labels = (rng.random(400) < rho) & (rng.random(400) < pi)
    inputs = with_intercept(x), with_intercept(x[:, :1])
    free = np.zeros(5)
    heights = [
        -minimize(penalised_loss, start, args=(inputs, labels, free), jac=True).fun
        for start in starting_points(inputs, labels.mean())
    ]
    assert heights[better] > heights[1 - better] + 1e-3
    found = fit_coupled_likelihood(x, x[:, :1], labels)
    np.testing.assert_allclose(found.log_likelihood, heights[better], atol=1e-7)
    assert found.relevance.coefficients[0] > 0 > found.selection.coefficients[0]


def test_roles_follow_the_inputs(world_data):
    """Given the features the other way round, the two models come out exchanged."""
    _, x, labels = world_data
    found = fit_coupled_likelihood(x, x[:, :1], labels)
    other = fit_coupled_likelihood(x[:, :1], x, labels)
    np.testing.assert_allclose(
        found.relevance.coefficients, other.selection.coefficients, rtol=1e-3, atol=1e-3
    )
    np.testing.assert_allclose(found.log_likelihood, other.log_likelihood, atol=1e-9)


def test_units_of_the_features_make_no_difference(world_data):
    """Nor does where they have their origin."""
    _, x, labels = world_data
    units, origin = np.array([1e4, 1e-4, 1.0]), np.array([0.0, 50.0, -3.0])
    found = fit_coupled_likelihood(x, x[:, :1], labels)
    other = fit_coupled_likelihood(x * units + origin, x[:, :1] * units[0] - 7, labels)
    np.testing.assert_allclose(found.log_likelihood, other.log_likelihood, atol=1e-9)
    for mine, theirs, scale, shift in (
        (found.relevance, other.relevance, units, origin),
        (found.selection, other.selection, units[:1], np.array([-7.0])),
    ):
        back = theirs.coefficients * scale
        np.testing.assert_allclose(mine.coefficients, back, atol=2e-3)
        intercept = theirs.intercept + theirs.coefficients @ shift
        np.testing.assert_allclose(mine.intercept, intercept, atol=1e-2)


def test_a_constant_feature_explains_nothing(world_data):
    _, x, labels = world_data
    constant = np.column_stack([x, np.full(len(x), 0.1)])
    found = fit_coupled_likelihood(constant, x[:, :1], labels)
    assert abs(found.relevance.coefficients[-1]) < 1e-6


def test_the_ridge_is_on_the_features_own_coefficients(world_data):
    """The gradient of the penalised likelihood in the features' own units is 0 at the end."""
    _, x, labels = world_data
    x, ridge = x * [3.0, 0.5, 1.0] + 2, 0.01
    found = fit_coupled_likelihood(x, x[:, :1], labels, ridge=ridge)
    models = found.relevance, found.selection
    logits = models[0].logits(x), models[1].logits(x[:, :1])
    _, *by_logits = coupled_log_likelihood(*logits, labels)
    for model, by_logit, features in zip(models, by_logits, (x, x[:, :1]), strict=True):
        slope = by_logit @ features - ridge * model.coefficients
        np.testing.assert_allclose(slope, 0, atol=1e-6)
        np.testing.assert_allclose(by_logit.sum(), 0, atol=1e-6)


def test_a_ridge_shrinks_coefficients_and_not_intercepts(world_data):
    _, x, labels = world_data
    found = fit_coupled_likelihood(x, x[:, :1], labels, ridge=1e3)
    share = found.relevance.probabilities(x[0]) * found.selection.probabilities(
        x[0, :1]
    )
    np.testing.assert_allclose(found.relevance.coefficients, 0, atol=1e-3)
    np.testing.assert_allclose(share, labels.mean(), rtol=0.01)


X = np.arange(6.0).reshape(3, 2)
LABELS = [True, False, False]


@pytest.mark.parametrize(
    ("arguments", "keywords", "message"),
    [
        ((X, X, [True] * 3), {}, "labels: all alike"),
        ((X, X, [False] * 3), {}, "labels: all alike"),
        ((X, X, [0, 1, 2]), {}, "labels: must be truth values, or integers 0 and 1"),
        ((X, X, [True, False]), {}, r"labels: must have shape \(3,\), got \(2,\)"),
        ((X, X[:2], LABELS), {}, "selection_features: 2 rows, but 3 documents"),
        ((X * np.nan, X, LABELS), {}, "relevance_features: has nan"),
        ((X, X + np.inf, LABELS), {}, "selection_features: has inf"),
        ((X[0], X, LABELS), {}, "relevance_features: must be a matrix"),
        ((X, X, LABELS), {"ridge": -1.0}, "ridge: must be finite and >= 0"),
        ((X, X, LABELS), {"ridge": np.nan}, "ridge: must be finite"),
    ],
)
def test_bad_data(arguments, keywords, message):
    with pytest.raises(ValueError, match=message):
        fit_coupled_likelihood(*arguments, **keywords)
