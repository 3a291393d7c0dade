"""Intervals cover and p-values are uniform, as stated."""

import numpy as np
import pytest
from scipy.stats import beta, kstest

from samplebook.core.statistics import (
    bootstrap_interval,
    goodness_of_fit,
    mean_interval,
    proportion_interval,
    reliability_table,
)


@pytest.mark.parametrize(
    ("successes", "trials"), [(0, 10), (3, 10), (10, 10), (123, 4567)]
)
def test_clopper_pearson_is_made_of_beta_quantiles(successes, trials):
    low, high = proportion_interval(successes, trials, level=0.99)
    assert low == pytest.approx(
        beta.ppf(0.005, successes, trials - successes + 1) if successes else 0, abs=1e-9
    )
    upper = (
        beta.ppf(0.995, successes + 1, trials - successes) if successes < trials else 1
    )
    assert high == pytest.approx(upper, abs=1e-9)


def test_the_normal_interval_covers_at_its_level():
    rng = np.random.default_rng(0)
    intervals = np.array(
        [mean_interval(rng.normal(2, 3, size=400), level=0.9) for _ in range(1_000)]
    )
    covered = ((intervals[:, 0] < 2) & (intervals[:, 1] > 2)).mean()
    assert covered == pytest.approx(0.9, abs=0.05)  # five standard errors


def test_the_bootstrap_interval_holds_the_mean_of_skewed_values_and_repeats():
    values = np.random.default_rng(1).exponential(size=300)
    first, second = (
        bootstrap_interval(values, rng=np.random.default_rng(2), resamples=999)
        for _ in range(2)
    )
    assert first == second
    assert first[0] < values.mean() < first[1]
    assert bootstrap_interval([3.0, 3.0, 3.0], rng=np.random.default_rng(0)) == (
        3.0,
        3.0,
    )


def test_p_values_of_a_true_law_are_uniform():
    rng = np.random.default_rng(0)
    law = rng.dirichlet(np.ones(30))
    values = [goodness_of_fit(rng.multinomial(5_000, law), law) for _ in range(500)]
    assert kstest(values, "uniform").pvalue > 1e-4


def test_small_cells_are_pooled():
    law = np.array([0.5, 0.46, 0.02, 0.02])
    pooled = goodness_of_fit(
        [50, 46, 4, 0], law
    )  # expected 50, 46, 2 + 2, which joins 46
    assert pooled == pytest.approx(1.0)
    assert goodness_of_fit([3, 1], [0.75, 0.25]) == 1.0


def test_an_impossible_outcome_and_a_wrong_law_are_found():
    assert goodness_of_fit([99, 0, 1], [0.5, 0.5, 0.0]) == 0.0
    assert goodness_of_fit([600, 400], [0.5, 0.5]) < 1e-9


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: proportion_interval(3, 2), "successes: 3 exceeds trials"),
        (lambda: proportion_interval(-1, 2), "successes: must be at least 0"),
        (
            lambda: proportion_interval(1, 2, level=1.0),
            "level: must be strictly between",
        ),
        (lambda: mean_interval([1.0]), "values: must be at least two"),
        (
            lambda: mean_interval([1.0, float("nan")]),
            "values: must be at least two finite",
        ),
        (lambda: goodness_of_fit([1, 2], [0.5, 0.25, 0.25]), "counts: shape"),
        (
            lambda: goodness_of_fit([0.5, 2], [0.5, 0.5]),
            "counts: must be non-negative integers",
        ),
        (
            lambda: goodness_of_fit([0, 0], [0.5, 0.5]),
            "counts: must be non-negative integers",
        ),
        (lambda: goodness_of_fit([1, 1], [0.5, 0.6]), "law: sums to 1.1"),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_reliability_of_exact_predictions():
    """Two values, two bins: shares and intervals of each."""
    predicted = np.repeat([0.2, 0.7], [10, 10])
    happened = np.repeat([True, False, True, False], [3, 7, 6, 4])
    table = reliability_table(predicted, happened, num_bins=2)
    np.testing.assert_allclose(table.predicted, [0.2, 0.7])
    np.testing.assert_allclose(table.observed, [0.3, 0.6])
    np.testing.assert_array_equal(table.count, [10, 10])
    intervals = [proportion_interval(hits, 10) for hits in (3, 6)]
    np.testing.assert_array_equal(np.column_stack([table.low, table.high]), intervals)


def test_reliability_tells_right_from_wrong():
    rng = np.random.default_rng(0)
    predicted = rng.random(20_000)
    happened = rng.random(20_000) < predicted
    right = reliability_table(predicted, happened, level=1 - 1e-7)
    assert ((right.low <= right.predicted) & (right.predicted <= right.high)).all()
    assert (np.diff(right.predicted) > 0).all()
    wrong = reliability_table(predicted**2, happened, level=1 - 1e-7)
    assert (wrong.predicted < wrong.low).sum() > 5


@pytest.mark.parametrize(
    ("arguments", "keywords", "message"),
    [
        (([0.5, 1.2], [0, 1]), {}, r"probabilities: has 1.2 at \(1,\)"),
        (([0.5, np.nan], [0, 1]), {}, r"probabilities: has nan at \(1,\)"),
        (([[0.5]], [[1]]), {}, "probabilities: must be a vector"),
        (([0.5, 0.5], [1]), {}, r"outcomes: must have shape \(2,\)"),
        (([0.5, 0.5], [1, 2]), {}, "outcomes: must be truth values"),
        (([0.5, 0.5], [1, 0]), {"num_bins": 3}, "num_bins: 3 is more than the 2 cases"),
        (([0.5, 0.5], [1, 0]), {"num_bins": 1, "level": 1}, "level: must be strictly"),
    ],
)
def test_bad_predictions(arguments, keywords, message):
    with pytest.raises(ValueError, match=message):
        reliability_table(*arguments, **keywords)
