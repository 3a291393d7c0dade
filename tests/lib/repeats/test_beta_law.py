"""The Beta law's coverage: closed forms, SciPy's Beta-binomial law, its tail, and the fit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import beta as beta_distribution
from scipy.stats import betabinom, kstest

from samplebook.repeats import BetaLaw, fit_beta_law

FAST = settings(derandomize=True, deadline=None, max_examples=40, database=None)
PARAMETERS = st.floats(0.1, 20)


@FAST
@given(PARAMETERS, PARAMETERS)
def test_coverage_is_the_beta_binomial_s_chance_of_a_pass(alpha, beta):
    k = np.array([1, 2, 3, 10, 100])
    expected = [1 - betabinom(budget, alpha, beta).pmf(0) for budget in k]
    np.testing.assert_allclose(
        BetaLaw(alpha, beta).pass_at_k(k), expected, rtol=0, atol=1e-12
    )


def test_coverage_is_the_mean_over_the_density():
    law = BetaLaw(2.5, 1.5)
    for k in (1, 4, 30):
        mean, _ = quad(
            lambda p, k=k: (1 - (1 - p) ** k) * beta_distribution(2.5, 1.5).pdf(p), 0, 1
        )
        assert law.pass_at_k(k) == pytest.approx(mean, abs=1e-8)


def test_uniform_pass_rates_give_k_over_k_plus_one():
    k = np.arange(1, 2000)
    np.testing.assert_allclose(BetaLaw(1, 1).pass_at_k(k), k / (k + 1), atol=1e-13)
    assert BetaLaw(1, 1).tail_constant() == pytest.approx(1)


@pytest.mark.parametrize(("alpha", "beta"), [(0.2, 1.5), (0.3, 1.5), (0.5, 3.0)])
def test_the_tail_is_the_power_law_of_the_closed_form(alpha, beta):
    law = BetaLaw(alpha, beta)
    k = np.array([10**4, 10**5, 10**6])
    ratio = -np.log(law.pass_at_k(k)) / (law.tail_constant() * k**-alpha)
    assert (np.diff(abs(ratio - 1)) < 0).all()  # it gets better
    # C(k) = 1 - u (1 - alpha (alpha + 2 beta - 1) / (2k) + ...)
    u = law.tail_constant() * k**-alpha
    assert (abs(ratio + np.log1p(-u) / u) < alpha * (alpha + 2 * beta - 1) / k).all()


def test_draws_have_the_law():
    law = BetaLaw(0.3, 1.5)
    rates = law.draw(20_000, rng=np.random.default_rng(0))
    assert kstest(rates, beta_distribution(0.3, 1.5).cdf).pvalue > 1e-4
    assert law.mean == pytest.approx(0.3 / 1.8)


def test_the_log_likelihood_is_scipy_s():
    passed, drawn = np.array([0, 3, 7]), np.array([5, 9, 7])
    expected = betabinom(drawn, 0.4, 2.0).logpmf(passed).sum()
    assert BetaLaw(0.4, 2.0).log_likelihood(passed, drawn) == pytest.approx(expected)


def test_the_fit_is_a_maximum_and_near_the_truth():
    rng = np.random.default_rng(1)
    passed = rng.binomial(100, BetaLaw(0.3, 1.5).draw(4000, rng=rng))
    law = fit_beta_law(passed, 100)
    best = law.log_likelihood(passed, 100)
    for change in (0.99, 1.01):
        assert BetaLaw(law.alpha * change, law.beta).log_likelihood(passed, 100) < best
        assert BetaLaw(law.alpha, law.beta * change).log_likelihood(passed, 100) < best
    # four standard errors and more
    assert law.alpha == pytest.approx(0.3, rel=0.1)
    assert law.beta == pytest.approx(1.5, rel=0.2)


def test_an_exact_law_of_counts_is_fitted_exactly():
    n = 12
    law = BetaLaw(0.6, 2.0)
    shares = betabinom(n, law.alpha, law.beta).pmf(np.arange(n + 1))
    counts = np.repeat(np.arange(n + 1), (shares * 1e5).round().astype(int))
    fitted = fit_beta_law(counts, n)
    assert fitted.alpha == pytest.approx(0.6, rel=1e-3)
    assert fitted.beta == pytest.approx(2.0, rel=1e-3)


def test_equally_hard_problems_have_no_beta_law():
    with pytest.raises(RuntimeError, match="vary too little"):
        fit_beta_law(np.full(50, 10), 20)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: BetaLaw(0, 1), "alpha"),
        (lambda: BetaLaw(1, np.inf), "beta"),
        (lambda: BetaLaw(1, 1).pass_at_k(0), "k"),
        (lambda: BetaLaw(1, 1).pass_at_k(1.0), "k"),
        (lambda: BetaLaw(1, 1).draw(3, rng=7), "rng"),
        (lambda: fit_beta_law([0, 0], 9), "passed"),
        (lambda: fit_beta_law([9, 9], 9), "passed"),
        (lambda: fit_beta_law([0, 1], 1), "drawn"),
        (lambda: fit_beta_law([10], 9), "passed"),
    ],
)
def test_bad_input_is_named(call, name):
    with pytest.raises(ValueError, match=f"^{name}: "):
        call()
