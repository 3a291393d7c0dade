"""Scores of recorded samples: equal to the mean over all orders, and to shuffling within its error."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from samplebook.repeats.resampled_flags import (
    precision,
    resampling_score,
    shuffled_scores,
)

FAST = settings(derandomize=True, deadline=None, max_examples=40, database=None)
FALSE_ALARM = 1e-5
FLAGS = st.integers(1, 6).flatmap(
    lambda n: st.tuples(*[st.lists(st.booleans(), min_size=n, max_size=n)] * 2)
)


def over_all_orders(accepted, right, K, V_fp):
    """One task's mean score, by trying every order."""
    scores = []
    for order in itertools.permutations(range(len(accepted))):
        returned = [i for i in order[:K] if accepted[i]][:1]
        scores.append(sum(1.0 if right[i] else V_fp for i in returned))
    return np.mean(scores)


@FAST
@given(FLAGS, st.floats(-9, 1))
def test_the_score_is_the_mean_over_all_orders(flags, V_fp):
    accepted, right = flags
    budgets = np.arange(len(accepted) + 1)
    found = resampling_score([accepted], [right], budgets, false_positive_value=V_fp)
    expected = [over_all_orders(accepted, right, K, V_fp) for K in budgets]
    np.testing.assert_allclose(found, [expected], rtol=0, atol=1e-12)


def test_each_pattern_of_six_samples_has_the_mean_of_its_720_orders():
    for weak in range(7):
        for strong in range(weak + 1):
            accepted, right = np.arange(6) < weak, np.arange(6) < strong
            expected = over_all_orders(accepted, right, 3, -2.0)
            found = resampling_score([accepted], [right], 3, false_positive_value=-2)
            assert found[0] == pytest.approx(expected, abs=1e-12)


def a_table(rng, tasks=60, n=40):
    rate = rng.beta(0.6, 1.0, (tasks, 1))
    right = rng.random((tasks, n)) < rate
    return right | (rng.random((tasks, n)) < 0.15), right


@pytest.mark.parametrize("K", [0, 1, 5, 20, 40])
def test_shuffling_agrees_within_its_error(K):
    rng = np.random.default_rng(K)
    accepted, right = a_table(rng)
    scores = shuffled_scores(
        accepted, right, K, 400, false_positive_value=-1.5, rng=rng
    )
    exact = resampling_score(accepted, right, K, false_positive_value=-1.5).mean()
    error = norm.isf(FALSE_ALARM / 2) * scores.std(ddof=1) / np.sqrt(scores.size)
    assert abs(scores.mean() - exact) <= error + 1e-12
    assert (scores.std() > 0) == (K > 0)


def test_a_wrong_rule_would_be_noticed():
    """Forgetting that K is limited is off by more than the error."""
    rng = np.random.default_rng(3)
    accepted, right = a_table(rng)
    exact = resampling_score(accepted, right, 5, false_positive_value=-1.5).mean()
    forgets = np.where(accepted.any(axis=1), 1.0, -1.5)
    scores = shuffled_scores(
        accepted, right, 5, 400, false_positive_value=-1.5, rng=rng
    )
    error = norm.isf(FALSE_ALARM / 2) * scores.std(ddof=1) / 20
    assert abs(forgets.mean() - exact) > 2 * error
    with_all = resampling_score(accepted, right, 40, false_positive_value=-1.5).mean()
    assert abs(with_all - exact) > 2 * error


def test_shapes_and_precision():
    accepted, right = a_table(np.random.default_rng(0))
    budgets = [0, 3, 7]
    table = resampling_score(accepted, right, budgets, false_positive_value=0)
    assert table.shape == (60, 3)
    assert not table[:, 0].any()
    one = resampling_score(accepted, right, 7, false_positive_value=0)
    np.testing.assert_array_equal(one, table[:, 2])
    rho = precision([[1, 1, 0], [0, 0, 0]], [[1, 0, 1], [1, 1, 1]])
    np.testing.assert_array_equal(rho, [0.5, np.nan])


def test_bad_input_is_refused():
    rng = np.random.default_rng(0)
    good = {"false_positive_value": 0.0}
    with pytest.raises(ValueError, match="^accepted"):
        resampling_score([[0.5, 1]], [[1, 1]], 1, **good)
    with pytest.raises(ValueError, match="^right"):
        resampling_score([[0, 1]], [[1, 1, 0]], 1, **good)
    with pytest.raises(ValueError, match="^right"):
        precision([[0, 1]], [[1]])
    for K in (3, -1, 0.5):
        with pytest.raises(ValueError, match="^attempts"):
            resampling_score([[0, 1]], [[1, 1]], K, **good)
        with pytest.raises(ValueError, match="^attempts"):
            shuffled_scores([[0, 1]], [[1, 1]], K, 2, rng=rng, **good)
    with pytest.raises(ValueError, match="^false_positive_value"):
        resampling_score([[0, 1]], [[1, 1]], 1, false_positive_value=2)
    with pytest.raises(ValueError, match="^shuffles"):
        shuffled_scores([[0, 1]], [[1, 1]], 1, 0, rng=rng, **good)
    with pytest.raises(ValueError, match="^rng"):
        shuffled_scores([[0, 1]], [[1, 1]], 1, 1, rng=None, **good)
