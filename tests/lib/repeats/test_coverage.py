"""pass@k: unbiased by summing over all counts, equal to counting subsets."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, hypergeom

from samplebook.repeats import (
    coverage_shift,
    estimate_pass_at_k,
    log_spaced_budgets,
    pass_at_k,
    plug_in_pass_at_k,
    samples_to_reach,
)

FAST = settings(derandomize=True, deadline=None, max_examples=60, database=None)
RATES = (0.0, 1e-3, 0.1, 0.5, 0.97, 1.0)
COUNTS = st.integers(1, 60).flatmap(
    lambda n: st.tuples(st.integers(0, n), st.just(n), st.integers(1, n))
)


@pytest.mark.parametrize("n", [1, 2, 10, 20, 50])
def test_the_estimate_is_unbiased(n):
    counts, k = np.arange(n + 1), np.arange(1, n + 1)
    estimates = estimate_pass_at_k(counts, n, k)
    for p in RATES:
        mean = binom.pmf(counts, n, p) @ estimates
        np.testing.assert_allclose(mean, pass_at_k(p, k), rtol=0, atol=1e-12)


@pytest.mark.parametrize("n", [5, 20])
@pytest.mark.parametrize("p", [0.01, 0.1, 0.5])
def test_the_plug_in_is_too_low_in_the_mean(n, p):
    counts, k = np.arange(n + 1), np.arange(1, n + 1)
    mean = binom.pmf(counts, n, p) @ plug_in_pass_at_k(counts, n, k)
    assert mean[0] == pytest.approx(p, abs=1e-12)
    assert (mean[1:] < pass_at_k(p, k[1:]) - 1e-9).all()


def test_the_plug_in_s_mean_has_the_known_value():
    counts = np.arange(21)
    mean = binom.pmf(counts, 20, 0.1) @ plug_in_pass_at_k(counts, 20, 10)
    assert mean == pytest.approx(0.5681, abs=5e-5)
    assert pass_at_k(0.1, 10) == pytest.approx(0.6513, abs=5e-5)


@pytest.mark.parametrize("n", [1, 4, 7])
def test_the_estimate_is_the_share_of_subsets_with_a_pass(n):
    for c, k in itertools.product(range(n + 1), range(1, n + 1)):
        subsets = list(itertools.combinations(range(n), k))
        with_a_pass = sum(any(sample < c for sample in subset) for subset in subsets)
        assert estimate_pass_at_k(c, n, k) == pytest.approx(
            with_a_pass / len(subsets), abs=1e-14
        )


def test_large_counts_agree_with_whole_numbers():
    n = 10_000
    for c, k in itertools.product((1, 17, 500, 9_000), (1, 3, 100, 999, 10_000)):
        exact = 1 - Fraction(math.comb(n - c, k), math.comb(n, k))
        assert estimate_pass_at_k(c, n, k) == pytest.approx(float(exact), abs=1e-12)


@FAST
@given(COUNTS)
def test_the_estimate_is_a_hypergeometric_probability(problem):
    c, n, k = problem
    expected = 1 - hypergeom(n, c, k).pmf(0)
    assert estimate_pass_at_k(c, n, k) == pytest.approx(expected, abs=1e-10)


@FAST
@given(COUNTS)
def test_more_samples_or_more_passes_never_lower_the_estimate(problem):
    c, n, _ = problem
    estimates = estimate_pass_at_k([max(c - 1, 0), c], n, np.arange(1, n + 1))
    assert estimates[1, 0] == pytest.approx(c / n, abs=1e-12)
    assert (np.diff(estimates, axis=1) >= 0).all()
    assert (estimates[1] >= estimates[0]).all()
    assert (estimates[:, -1] == [c > 1, c > 0]).all()


def test_the_product_form_of_other_packages_agrees():
    rng = np.random.default_rng(0)
    drawn = rng.integers(100, 200, 164)
    passed = rng.binomial(drawn, rng.beta(0.3, 1.5, 164))
    k = np.arange(1, 101)
    expected = [
        1 - (1 - k / np.arange(n - c + 1, n + 1)[:, None]).prod(axis=0) * (n - c >= k)
        for c, n in zip(passed, drawn, strict=True)
    ]
    np.testing.assert_allclose(
        estimate_pass_at_k(passed, drawn, k), expected, rtol=0, atol=1e-12
    )


def test_small_pass_rates_keep_their_digits():
    assert pass_at_k(1e-18, 10) == pytest.approx(1e-17, rel=1e-12)
    np.testing.assert_array_equal(pass_at_k([0.0, 1.0], [1, 9]), [[0, 0], [1, 1]])


def test_shapes_follow_the_arguments():
    assert pass_at_k(0.5, 2).shape == ()
    assert pass_at_k(np.full((2, 3), 0.5), [1, 2, 3, 4]).shape == (2, 3, 4)
    assert estimate_pass_at_k(1, 4, 2).shape == ()
    assert estimate_pass_at_k(np.ones((2, 3), int), 4, [1, 2]).shape == (2, 3, 2)
    expected = [estimate_pass_at_k(c, n, 2) for c, n in ((1, 4), (0, 9), (3, 5))]
    np.testing.assert_array_equal(estimate_pass_at_k([1, 0, 3], [4, 9, 5], 2), expected)


@FAST
@given(st.lists(st.floats(1e-6, 0.9), min_size=1, max_size=8), st.floats(0.05, 0.95))
def test_reading_coverage_backwards_inverts_it(rates, level):
    k = samples_to_reach(rates, level)
    coverage = np.mean([1 - math.exp(k * math.log1p(-p)) for p in rates])
    assert coverage == pytest.approx(level, abs=1e-9)


def test_one_problem_needs_the_samples_of_the_formula():
    assert samples_to_reach([0.5], 0.75) == pytest.approx(2)
    # halving log(1 - p) doubles every number of samples
    assert coverage_shift([0.75], [0.5], 0.3) == pytest.approx(2)


def test_budgets_are_spread_and_distinct():
    budgets = log_spaced_budgets(10_000)
    assert budgets[0] == 1 and budgets[-1] == 10_000
    assert (np.diff(budgets) > 0).all() and 30 <= budgets.size <= 40
    np.testing.assert_array_equal(log_spaced_budgets(1), [1])


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: pass_at_k([0.2, 1.2], 1), "pass_rates"),
        (lambda: pass_at_k([np.nan], 1), "pass_rates"),
        (lambda: pass_at_k(0.2, 0), "k"),
        (lambda: pass_at_k(0.2, 1.5), "k"),
        (lambda: pass_at_k(0.2, []), "k"),
        (lambda: estimate_pass_at_k(3, 2, 1), "passed"),
        (lambda: estimate_pass_at_k(-1, 2, 1), "passed"),
        (lambda: estimate_pass_at_k(0.5, 2, 1), "passed"),
        (lambda: estimate_pass_at_k(True, 2, 1), "passed"),
        (lambda: estimate_pass_at_k(0, 0, 1), "drawn"),
        (lambda: estimate_pass_at_k([0, 1], [2, 2, 2], 1), "drawn"),
        (lambda: estimate_pass_at_k([0, 1], [9, 4], 5), "k"),
        (lambda: estimate_pass_at_k(0, 2, 2.0), "k"),
        (lambda: plug_in_pass_at_k(3, 2, 1), "passed"),
        (lambda: samples_to_reach([0.0, 0.5], 0.5), "level"),
        (lambda: samples_to_reach([1.0, 0.5], 0.5), "level"),
        (lambda: samples_to_reach([0.5], 1), "level"),
        (lambda: log_spaced_budgets(0), "largest"),
        (lambda: log_spaced_budgets(9, 1), "count"),
    ],
)
def test_bad_input_is_named(call, name):
    with pytest.raises(ValueError, match=f"^{name}: "):
        call()
