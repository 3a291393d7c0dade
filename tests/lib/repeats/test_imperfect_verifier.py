"""Resampling until a fallible verifier accepts: by enumeration, by recursion, by Bayes' rule, by playing."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samplebook.core.statistics import goodness_of_fit
from samplebook.repeats.imperfect_verifier import (
    TaskTypes,
    beliefs,
    best_attempts,
    ceiling,
    endings,
    expected_attempts,
    marginal_value,
    posterior_weighted_value,
    simulate,
    value,
)

FAST = settings(derandomize=True, deadline=None, max_examples=80, database=None)
FALSE_ALARM = 1e-6
TOY = TaskTypes.with_verifier([0.87, 0.13], soundness=0.75, prior=[0.58, 0.42])
"""The constants of the authors' notebook."""
EXAMPLES = {
    "the notebook's": TOY,
    "incomplete": TaskTypes.with_verifier(
        [0.9, 0.4, 0.05], soundness=[0.9, 0.7, 0.95], completeness=0.8
    ),
    "never accepted": TaskTypes([0.3, 0.7], [0.0, 0.4], [0.0, 0.2]),
    "always accepted": TaskTypes([0.5, 0.5], [0.6, 0.1], [0.4, 0.1]),
}
PENALTIES = (0.5, 0.0, -0.7, -1.0, -8.0)
PROBABILITY = st.floats(0, 1)


@st.composite
def some_types(draw, most=4):
    size = draw(st.integers(1, most))
    rows = st.lists(PROBABILITY, min_size=size, max_size=size)
    weights = np.array(draw(rows)) + 0.1
    return TaskTypes.with_verifier(
        draw(rows),
        soundness=draw(rows),
        completeness=draw(rows),
        prior=weights / weights.sum(),
    )


def enumerated(types, K, worth):
    """The mean worth of the end of all sequences of K outcomes of each type, added one by one."""
    total = 0.0
    for pi, A, Phi in zip(
        types.prior, types.correct_accept, types.false_accept, strict=True
    ):
        chance = {"right": A, "wrong": Phi, "rejected": 1 - A - Phi}
        for sequence in itertools.product(chance, repeat=K):
            probability = pi * np.prod([chance[outcome] for outcome in sequence])
            accepted = [outcome for outcome in sequence if outcome != "rejected"]
            total += probability * worth[accepted[0] if accepted else "rejected"]
    return total


def by_bayes(types, K, V_fp):
    """V(K) from a belief that is updated attempt by attempt, as an agent would who never sees the type."""
    belief, going_on, total = types.prior.copy(), 1.0, 0.0
    for _ in range(K):
        total += going_on * (
            belief @ types.correct_accept + V_fp * (belief @ types.false_accept)
        )
        rejected = belief @ types.reject
        going_on *= rejected
        if going_on == 0:
            break
        belief = belief * types.reject / rejected
    return total


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("K", range(6))
def test_value_and_endings_are_those_of_all_sequences(name, K):
    types = EXAMPLES[name]
    for V_fp in PENALTIES:
        worth = {"right": 1.0, "wrong": V_fp, "rejected": 0.0}
        assert value(types, K, false_positive_value=V_fp) == pytest.approx(
            enumerated(types, K, worth), abs=1e-12
        )
    found = endings(types, K)
    for field, outcome in (
        ("correct", "right"),
        ("wrong", "wrong"),
        ("none", "rejected"),
    ):
        worth = dict.fromkeys(("right", "wrong", "rejected"), 0.0) | {outcome: 1.0}
        assert getattr(found, field) == pytest.approx(
            enumerated(types, K, worth), abs=1e-12
        )


@FAST
@given(some_types(), st.integers(0, 60), st.floats(-9, 1))
def test_value_is_what_a_believer_expects(types, K, V_fp):
    found = value(types, K, false_positive_value=V_fp)
    assert found == pytest.approx(by_bayes(types, K, V_fp), abs=1e-9)


@FAST
@given(some_types(), st.integers(0, 50), st.floats(-9, 1))
def test_value_obeys_its_recursion(types, K, V_fp):
    """v_t(K) = A_t + V_fp Phi_t + beta_t v_t(K - 1)."""
    of_types = np.zeros(types.prior.size)
    for _ in range(K):
        of_types = (
            types.correct_accept + V_fp * types.false_accept + types.reject * of_types
        )
    expected = types.prior @ of_types
    assert value(types, K, false_positive_value=V_fp) == pytest.approx(
        expected, abs=1e-11
    )


@FAST
@given(some_types(), st.floats(-9, 1))
def test_marginal_values_are_differences(types, V_fp):
    values = value(types, np.arange(41), false_positive_value=V_fp)
    marginal = marginal_value(types, np.arange(1, 41), false_positive_value=V_fp)
    np.testing.assert_allclose(marginal, np.diff(values), rtol=0, atol=1e-11)


@FAST
@given(some_types())
def test_endings_are_a_law_and_false_positives_never_get_fewer(types):
    found = endings(types, np.arange(80))
    np.testing.assert_allclose(
        found.correct + found.wrong + found.none, 1, rtol=0, atol=1e-12
    )
    for rising in (found.correct, found.wrong, -found.none):
        assert (np.diff(rising) >= -1e-12).all()
    top = ceiling(types)
    assert (found.correct <= top + 1e-12).all()
    many = endings(types, 10**9)
    if types.reject.max() < 1 - 1e-6 or set(types.reject) <= {1.0}:
        assert many.correct == pytest.approx(top, abs=1e-9)


@FAST
@given(PROBABILITY, PROBABILITY, st.floats(0.01, 1), st.floats(0, 0.2))
def test_one_type_s_ceiling_rises_with_the_generator_and_the_verifier(r, s, c, step):
    def top(correct, soundness):
        types = TaskTypes.with_verifier(correct, soundness=soundness, completeness=c)
        return ceiling(types)

    better_r, better_s = min(r + step, 1.0), min(s + step, 1.0)
    if c * r + (1 - s) * (1 - r) > 1e-6:
        assert top(r, s) == pytest.approx(
            c * r / (c * r + (1 - s) * (1 - r)), abs=1e-12
        )
    if r > 1e-6:
        assert top(better_r, s) >= top(r, s) - 1e-12
        assert top(r, better_s) >= top(r, s) - 1e-12
        assert top(r, 1.0) == pytest.approx(1, abs=1e-12)


def test_incompleteness_matters_only_if_something_wrong_is_accepted():
    for c in (0.1, 0.5, 1.0):
        sound = TaskTypes.with_verifier(0.3, soundness=1, completeness=c)
        assert ceiling(sound) == pytest.approx(1, abs=1e-12)
    tops = [
        ceiling(TaskTypes.with_verifier(0.3, soundness=0.9, completeness=c))
        for c in (1.0, 0.5, 0.1)
    ]
    assert tops == pytest.approx([0.3 / 0.37, 0.15 / 0.22, 0.03 / 0.1], abs=1e-12)


def test_beliefs_are_bayes_rule_and_do_not_underflow():
    first, third = beliefs(TOY, [1, 3])
    np.testing.assert_allclose(first, TOY.prior, rtol=0, atol=1e-15)
    joint = TOY.prior * TOY.reject**2
    np.testing.assert_allclose(third, joint / joint.sum(), rtol=0, atol=1e-15)
    late = beliefs(TOY, 100_000)
    np.testing.assert_array_equal(late, [0, 1])
    with pytest.raises(ValueError, match="never made"):
        beliefs(TaskTypes([1.0], [0.7], [0.3]), 2)


@FAST
@given(some_types(), st.integers(1, 40), st.floats(-9, 1))
def test_marginal_value_is_reach_times_worth_under_the_beliefs(types, k, V_fp):
    if types.reject.max() < 0.01:
        return
    worth = beliefs(types, k) @ (types.correct_accept + V_fp * types.false_accept)
    reach = endings(types, k - 1).none
    found = marginal_value(types, k, false_positive_value=V_fp)
    assert found == pytest.approx(worth * reach, abs=1e-12)


@pytest.mark.parametrize(
    ("V_fp", "best"), [(-0.5, np.inf), (-0.7, 3), (-1, 2), (-2, 1), (-21, 0)]
)
def test_the_notebook_s_best_budgets(V_fp, best):
    assert best_attempts(TOY, false_positive_value=V_fp) == best


@pytest.mark.parametrize("V_fp", [-0.61, -0.7, -0.99, -1, -2, -5, -20, -26])
def test_two_types_of_opposite_sign_have_the_closed_form(V_fp):
    """K* = ceil(log(w_easy / -w_hard) / log(beta_hard / beta_easy))."""
    easy, hard = TOY.prior * (TOY.correct_accept + V_fp * TOY.false_accept)
    assert easy > 0 > hard
    closed = np.ceil(np.log(easy / -hard) / np.log(TOY.reject[1] / TOY.reject[0]))
    assert best_attempts(TOY, false_positive_value=V_fp) == max(closed, 0)


@FAST
@given(some_types(), st.floats(-9, 1))
def test_no_budget_is_better_than_the_best(types, V_fp):
    best = best_attempts(types, false_positive_value=V_fp)
    values = value(types, np.arange(400), false_positive_value=V_fp)
    limit = ceiling(types, false_positive_value=V_fp)
    reached = (
        limit if best == np.inf else value(types, int(best), false_positive_value=V_fp)
    )
    assert reached >= max(values.max(), limit) - 1e-12
    if best < 400:
        assert (values[: int(best)] <= reached).all()


def test_two_local_maxima_are_compared():
    """An early good type, then a bad one, then a good one that takes long."""
    types = TaskTypes([0.3, 0.4, 0.3], [0.9, 0.02, 0.012], [0.05, 0.3, 0.0])
    values = value(types, np.arange(2000), false_positive_value=-1)
    turns = np.flatnonzero(np.diff(np.sign(np.diff(values))))
    assert turns.size == 2
    assert best_attempts(types, false_positive_value=-1) == np.inf
    assert ceiling(types, false_positive_value=-1) > values.max()
    costly = TaskTypes([0.3, 0.6, 0.1], [0.9, 0.02, 0.012], [0.05, 0.3, 0.0])
    assert best_attempts(costly, false_positive_value=-1) == 1


def test_equal_rates_are_one_and_hopeless_types_are_none():
    doubled = TaskTypes(
        [0.29, 0.29, 0.42], [0.87, 0.87, 0.13], [0.0325, 0.0325, 0.2175]
    )
    assert best_attempts(doubled, false_positive_value=-1) == 2
    assert best_attempts(TaskTypes([1.0], [0.0], [0.0]), false_positive_value=-1) == 0
    mixed = TaskTypes([0.5, 0.5], [0.0, 0.5], [0.0, 0.1])
    assert best_attempts(mixed, false_positive_value=-1) == np.inf
    near = TaskTypes([0.5, 0.5], [0.5, 1e-9], [0.1, 1e-2])
    assert best_attempts(near, false_positive_value=-1) < 10
    with pytest.raises(RuntimeError, match="budgets"):
        best_attempts(
            TaskTypes([0.5, 0.5], [0.3, 0.0], [0.0, 0.3 - 1e-10]),
            false_positive_value=-0.9,
        )


def test_what_always_pays_has_no_best_budget():
    """Also where rounding hides the last gains, long before the last type is the only one that is left."""
    rng = np.random.default_rng(4)
    A = rng.uniform(0.8, 0.9, 200)
    types = TaskTypes(np.full(200, 1 / 200), A, rng.uniform(0, 0.1, 200))
    assert best_attempts(types, false_positive_value=-1) == np.inf
    assert best_attempts(types, false_positive_value=0) == np.inf
    certain = TaskTypes([0.5, 0.5], [0.6, 0.7], [0.4, 0.3])
    assert best_attempts(certain, false_positive_value=-1) == 1
    assert best_attempts(certain, false_positive_value=-2) == 0


def test_small_probabilities_are_exact():
    types = TaskTypes([1.0], [1e-18], [0.0])
    assert value(types, 10**9, false_positive_value=0) == pytest.approx(1e-9, rel=1e-6)
    np.testing.assert_allclose(expected_attempts(types, [0, 7]), [[0], [7]])


def test_playing_has_the_law_that_is_computed():
    rng = np.random.default_rng(1)
    for types in EXAMPLES.values():
        for K in (1, 3, 10):
            ending, used = simulate(types, K, 40_000, rng=rng)
            counts = [np.sum(ending == which) for which in (1, -1, 0)]
            found = endings(types, K)
            law = [found.correct, found.wrong, found.none]
            assert goodness_of_fit(counts, law) > FALSE_ALARM
            survivors = np.array([types.prior @ types.reject**k for k in range(K)])
            law = np.append(survivors[:-1] - survivors[1:], survivors[-1])
            counts = np.bincount(used, minlength=K + 1)[1:]
            assert goodness_of_fit(counts, law) > FALSE_ALARM
    assert not simulate(TOY, 0, 5, rng=rng)[1].any()


def test_playing_samples_and_verdicts_apart_has_the_same_law():
    """Right or wrong, accepted or rejected: drawn one after the other, with an incomplete verifier."""
    rng, N, K = np.random.default_rng(2), 60_000, 4
    r, s, c, prior = np.array([0.8, 0.1]), 0.7, 0.6, np.array([0.5, 0.5])
    kind = rng.random(N) < 0.5
    right = rng.random((N, K)) < np.where(kind, r[0], r[1])[:, None]
    accepted = rng.random((N, K)) < np.where(right, c, 1 - s)
    first = accepted.argmax(axis=1)
    some = accepted.any(axis=1)
    returned_right = right[np.arange(N), first]
    counts = [
        np.sum(some & returned_right),
        np.sum(some & ~returned_right),
        np.sum(~some),
    ]
    types = TaskTypes.with_verifier(r, soundness=s, completeness=c, prior=prior)
    found = endings(types, K)
    assert (
        goodness_of_fit(counts, [found.correct, found.wrong, found.none]) > FALSE_ALARM
    )


def test_the_notebook_s_curve_starts_right_and_goes_wrong():
    curve = posterior_weighted_value(TOY, 15, false_positive_value=-1)
    exact = value(TOY, np.arange(16), false_positive_value=-1)
    np.testing.assert_allclose(curve[:2], exact[:2], rtol=0, atol=1e-15)
    assert exact[5] == pytest.approx(0.4450, abs=5e-5)
    assert curve[5] == pytest.approx(0.4249, abs=5e-5)
    for V_fp, best in ((-0.7, 3), (-1, 2), (-2, 1)):
        curve = posterior_weighted_value(TOY, 15, false_positive_value=V_fp)
        assert curve.argmax() == best


@FAST
@given(some_types(most=2), st.floats(-9, 1))
def test_the_notebook_s_steps_have_the_right_sign_and_are_never_too_small(types, V_fp):
    if types.reject.max() < 0.01:
        return
    steps = np.diff(posterior_weighted_value(types, 12, false_positive_value=V_fp))
    exact = marginal_value(types, np.arange(1, 13), false_positive_value=V_fp)
    clear = abs(exact) > 1e-12
    assert (np.sign(steps) == np.sign(exact))[clear].all()
    assert (abs(steps) >= abs(exact) - 1e-12).all()


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"prior": [0.5, 0.4]}, "prior"),
        ({"prior": [[0.5, 0.5]]}, "prior"),
        ({"correct_accept": [0.5]}, "correct_accept"),
        ({"correct_accept": [0.5, 1.5]}, "correct_accept"),
        ({"false_accept": [0.5, -0.1]}, "false_accept"),
        ({"false_accept": [0.6, 0.1]}, "false_accept"),
        ({"false_accept": [0.5, np.nan]}, "false_accept"),
    ],
)
def test_wrong_types_are_refused(changes, name):
    good = {
        "prior": [0.5, 0.5],
        "correct_accept": [0.5, 0.1],
        "false_accept": [0.1, 0.2],
    }
    TaskTypes(**good)
    with pytest.raises(ValueError, match=f"^{name}"):
        TaskTypes(**(good | changes))


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"correct": [0.5, 2]}, "correct"),
        ({"soundness": -0.1}, "soundness"),
        ({"soundness": [0.1, 0.2, 0.3]}, "soundness"),
        ({"completeness": 1.1}, "completeness"),
        ({"completeness": [0.1]}, "completeness"),
    ],
)
def test_wrong_verifiers_are_refused(changes, name):
    good = {"correct": [0.5, 0.1], "soundness": 0.5, "completeness": 0.5}
    TaskTypes.with_verifier(**good)
    with pytest.raises(ValueError, match=f"^{name}"):
        TaskTypes.with_verifier(**(good | changes))


@pytest.mark.parametrize("V_fp", [1.1, -np.inf, np.nan, "1", True])
def test_a_false_positive_is_not_worth_more_than_a_true_one(V_fp):
    for call in (
        lambda: value(TOY, 1, false_positive_value=V_fp),
        lambda: marginal_value(TOY, 1, false_positive_value=V_fp),
        lambda: ceiling(TOY, false_positive_value=V_fp),
        lambda: best_attempts(TOY, false_positive_value=V_fp),
        lambda: posterior_weighted_value(TOY, 1, false_positive_value=V_fp),
    ):
        with pytest.raises(ValueError, match="^false_positive_value"):
            call()


def test_wrong_budgets_are_refused():
    rng = np.random.default_rng(0)
    for wrong in (-1, 1.5):
        with pytest.raises(ValueError, match="^attempts"):
            value(TOY, wrong, false_positive_value=0)
        with pytest.raises(ValueError, match="^attempts"):
            simulate(TOY, wrong, 3, rng=rng)
        with pytest.raises(ValueError, match="^attempts"):
            endings(TOY, wrong)
    for wrong in (0, 1.5):
        with pytest.raises(ValueError, match="^attempt"):
            beliefs(TOY, wrong)
        with pytest.raises(ValueError, match="^attempts"):
            posterior_weighted_value(TOY, wrong, false_positive_value=0)
    with pytest.raises(ValueError, match="^tasks"):
        simulate(TOY, 1, 0, rng=rng)
    with pytest.raises(ValueError, match="^rng"):
        simulate(TOY, 1, 1, rng=0)
