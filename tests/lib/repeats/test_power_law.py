"""The exponentiated power law: exact curves are found again, none nearby fits better; the bootstrap."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import curve_fit

from samplebook.repeats import (
    BetaLaw,
    PowerLaw,
    bootstrap_power_laws,
    fit_power_law,
    log_spaced_budgets,
    pass_at_k,
)

FAST = settings(derandomize=True, deadline=None, max_examples=40, database=None)
K = log_spaced_budgets(10_000)


@FAST
@given(st.floats(-8, -0.05), st.floats(-1.2, -0.05))
def test_an_exact_power_law_is_found_again(a, b):
    law = fit_power_law(K, PowerLaw(a, b).coverage(K))
    assert law.a == pytest.approx(a, rel=1e-6)
    assert law.b == pytest.approx(b, rel=1e-6)


def test_the_paper_s_fitting_routine_agrees():
    coverage = BetaLaw(0.3, 1.5).pass_at_k(K)
    law = fit_power_law(K, coverage)
    theirs, _ = curve_fit(lambda k, a, b: np.exp(a * k**b), K, coverage, p0=(-1, -0.3))
    np.testing.assert_allclose((law.a, law.b), theirs, rtol=1e-5)


@pytest.mark.parametrize("alpha", [0.2, 0.5, 2.0])
def test_no_nearby_law_has_a_smaller_error(alpha):
    coverage = BetaLaw(alpha, 3.0).pass_at_k(K)
    law = fit_power_law(K, coverage)

    def error(a, b):
        return ((PowerLaw(a, b).coverage(K) - coverage) ** 2).sum()

    for da, db in ((1e-3, 0), (-1e-3, 0), (0, 1e-3), (0, -1e-3), (1e-3, 1e-3)):
        assert error(law.a + da, law.b + db) > error(law.a, law.b)


def test_coverage_that_is_one_does_no_harm():
    rates = np.full(5, 0.4)
    law = fit_power_law(K, pass_at_k(rates, K).mean(axis=0))
    assert np.isfinite((law.a, law.b)).all() and law.b < 0


def test_equal_problems_leave_no_uncertainty():
    passes = np.tile(BetaLaw(0.5, 2.0).pass_at_k(K), (6, 1))
    laws = bootstrap_power_laws(passes, K, resamples=5, rng=np.random.default_rng(0))
    whole = fit_power_law(K, passes[0])
    for law in laws:
        assert (law.a, law.b) == pytest.approx((whole.a, whole.b), rel=1e-8)


def test_the_bootstrap_has_the_spread_of_other_problems():
    rng = np.random.default_rng(0)
    law, k = BetaLaw(0.4, 2.0), log_spaced_budgets(1000, 20)

    def slope(rates):
        return fit_power_law(k, pass_at_k(rates, k).mean(axis=0)).b

    fresh = np.std([slope(law.draw(200, rng=rng)) for _ in range(400)])
    rows = pass_at_k(law.draw(200, rng=rng), k)
    laws = bootstrap_power_laws(rows, k, resamples=400, rng=rng)
    resampled = np.std([each.b for each in laws])
    # two standard deviations from 400 values each, and one set of problems
    assert resampled == pytest.approx(fresh, rel=0.35)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: PowerLaw(0, -1), "a"),
        (lambda: PowerLaw(-1, np.nan), "b"),
        (lambda: PowerLaw(-1, -1).coverage(0), "k"),
        (lambda: fit_power_law([1, 2], [0.1, 0.2, 0.3]), "coverage"),
        (lambda: fit_power_law([1, 2], [0.1, 1.2]), "coverage"),
        (lambda: fit_power_law([1, 2], [0.1, 1.0]), "coverage"),
        (lambda: fit_power_law([2, 2], [0.1, 0.2]), "coverage"),
        (lambda: fit_power_law([1.0, 2.0], [0.1, 0.2]), "k"),
        (
            lambda: bootstrap_power_laws(
                [0.1, 0.2], [1, 2], resamples=1, rng=np.random.default_rng(0)
            ),
            "passes",
        ),
        (
            lambda: bootstrap_power_laws(
                [[0.1, 0.2]], [1, 2], resamples=0, rng=np.random.default_rng(0)
            ),
            "resamples",
        ),
        (
            lambda: bootstrap_power_laws([[0.1, 0.2]], [1, 2], resamples=1, rng=None),
            "rng",
        ),
    ],
)
def test_bad_input_is_named(call, name):
    with pytest.raises(ValueError, match=f"^{name}: "):
        call()
