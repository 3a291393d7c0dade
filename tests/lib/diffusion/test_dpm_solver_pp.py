"""The solvers: moments by quadrature, order conditions, identities, measured orders, formulas written out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mixtures import SCHEDULE, THREE, orders, root_mean_square, starts
from scipy.integrate import quad

from samplebook.diffusion import (
    METHODS,
    GaussianMixture,
    exact_gaussian_flow,
    exponential_moments,
    noise_from_data,
    noise_scale,
    num_evaluations,
    reference_flow,
    signal_scale,
    solve,
    states,
)
from samplebook.diffusion.dpm_solver_pp import (
    DATA,
    DATA_SDE,
    NOISE,
    interpolation,
    step_mean,
)

ODE_METHODS = [name for name, method in METHODS.items() if not method.form.fresh_noise]
START, END = SCHEDULE.half_log_snr([1.0, 1e-3])


@pytest.fixture(scope="module")
def reference():
    return reference_flow(THREE.predict_data, starts(), START, END)


@pytest.mark.parametrize("z", [-8, -1.3, -1, -0.4, 1e-9, 0.01, 0.9, 1, 3, 30])
def test_moments_are_integrals(z):
    moments = exponential_moments(z, 5)
    for k, moment in enumerate(moments):
        value, _ = quad(
            lambda u, k=k: z * np.exp(-z * (1 - u)) * u**k, 0, 1, epsabs=0, epsrel=1e-13
        )
        assert moment == pytest.approx(value, rel=1e-11)


@given(st.floats(-0.999, 0.999), st.integers(1, 4))
def test_series_and_recursion_agree(z, k):
    moments = exponential_moments(z, k + 1)
    assert z * moments[k] + k * moments[k - 1] == pytest.approx(z, abs=1e-15)


def test_moments_of_the_card():
    assert exponential_moments(0.5, 3)[2] == pytest.approx(0.147755, abs=5e-7)
    assert exponential_moments(1.0, 3)[2] == pytest.approx(1 - 2 / np.e, abs=1e-14)


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("form", [DATA, NOISE])
def test_exact_weights_integrate_polynomials(form, order):
    """Predictions that are polynomials in lambda, of degree below the order: one step is exact."""
    lambdas = [0.3, -0.2, -0.9][:order]
    start, end = lambdas[0], 1.0
    for degree in range(order):
        values = [np.array([lam**degree]) for lam in lambdas]
        coefficients = interpolation(lambdas, values, end - start)
        found = step_mean(form, np.zeros(1), start, end, coefficients, "taylor")
        sign = -1 if form is NOISE else 1
        integral, _ = quad(
            lambda lam, sign=sign, degree=degree: np.exp(sign * lam) * lam**degree,
            start,
            end,
        )
        scale = -signal_scale(end) if form is NOISE else noise_scale(end)
        np.testing.assert_allclose(found, scale * integral, rtol=1e-12)


def test_half_the_curvature_misses_half_of_its_moment():
    lambdas, h = [0.3, -0.2, -0.9], 0.7
    coefficients = interpolation(lambdas, [np.array([lam**2]) for lam in lambdas], h)
    assert coefficients[2] == pytest.approx(h**2, rel=1e-12)
    full, halved = (
        step_mean(DATA, np.zeros(1), 0.3, 1.0, coefficients, variant)
        for variant in ("taylor", "halved")
    )
    missing = signal_scale(1.0) * exponential_moments(h, 3)[2] / 2 * h**2
    np.testing.assert_allclose(full - halved, missing, rtol=1e-12)


@given(
    st.lists(st.floats(-3, 3), min_size=3, max_size=3),
    st.floats(0.05, 2),
    st.floats(0.05, 2),
    st.floats(0.05, 2),
)
def test_interpolation_passes_through_the_predictions(values, h, before, earlier):
    lambdas = [0.0, -before, -before - earlier]
    for count in (1, 2, 3):
        coefficients = interpolation(lambdas[:count], values[:count], h)
        for lam, value in zip(lambdas[:count], values[:count], strict=True):
            u = lam / h
            found = sum(c * u**k for k, c in enumerate(coefficients))
            size = sum(abs(c * u**k) for k, c in enumerate(coefficients))
            assert found == pytest.approx(value, abs=1e-13 * (1 + size))


@given(st.integers(0, 2**32 - 1), st.floats(-5, 3), st.floats(0.01, 3))
def test_first_order_steps_of_both_forms_are_one(seed, start, h):
    x, grid = starts(4, seed=seed), [start, start + h]
    data, noise = (
        solve(THREE.predict_data, x, grid, method=method)
        for method in ("ddim", "noise-1")
    )
    np.testing.assert_allclose(noise, data, atol=1e-12 * np.exp(h))


def test_first_order_is_ddim():
    """DDIM without noise: predict the data and the noise, and mix them anew."""
    x, (start, end) = starts(), (-1.0, 0.2)
    data = THREE.predict_data(x, start)
    noise = noise_from_data(THREE.predict_data)(x, start)
    np.testing.assert_allclose(
        solve(THREE.predict_data, x, [start, end], method="ddim"),
        signal_scale(end) * data + noise_scale(end) * noise,
        atol=1e-13,
    )


def as_on_paper(x, grid, method):
    """Two steps of the second-order methods, as the paper's algorithms spell them out."""
    alpha, sigma = signal_scale(grid), noise_scale(grid)
    h = np.diff(grid)
    m_0 = THREE.predict_data(x, grid[0])
    if method == "2M":
        x_1 = sigma[1] / sigma[0] * x - alpha[1] * np.expm1(-h[0]) * m_0
        m_1 = THREE.predict_data(x_1, grid[1])
        r = h[0] / h[1]
        mixed = (1 + 1 / (2 * r)) * m_1 - 1 / (2 * r) * m_0
        return sigma[2] / sigma[1] * x_1 - alpha[2] * np.expm1(-h[1]) * mixed
    r = 0.3
    for i in (0, 1):
        inner = grid[i] + r * h[i]
        alpha_u, sigma_u = signal_scale(inner), noise_scale(inner)
        if method == "2S":
            m_s = THREE.predict_data(x, grid[i])
            x_u = sigma_u / sigma[i] * x - alpha_u * np.expm1(-r * h[i]) * m_s
            m_u = THREE.predict_data(x_u, inner)
            mixed = (1 - 1 / (2 * r)) * m_s + 1 / (2 * r) * m_u
            x = sigma[i + 1] / sigma[i] * x - alpha[i + 1] * np.expm1(-h[i]) * mixed
        else:
            predict = noise_from_data(THREE.predict_data)
            e_s = predict(x, grid[i])
            x_u = alpha_u / alpha[i] * x - sigma_u * np.expm1(r * h[i]) * e_s
            rise = (predict(x_u, inner) - e_s) / (2 * r)
            x = alpha[i + 1] / alpha[i] * x - sigma[i + 1] * np.expm1(h[i]) * (
                e_s + rise
            )
    return x


@pytest.mark.parametrize("method", ["2S", "2M", "noise-2S"])
def test_second_order_as_on_paper(method):
    x, grid = starts(), np.array([-1.0, -0.2, 0.9])
    found = solve(THREE.predict_data, x, grid, method=method, inner=0.3)
    np.testing.assert_allclose(found, as_on_paper(x, grid, method), atol=1e-12)


@pytest.mark.parametrize(
    ("method", "variant", "low", "high"),
    [
        ("ddim", "midpoint", 0.95, 1.05),
        ("2S", "midpoint", 1.85, 2.1),
        ("2S", "taylor", 1.85, 2.1),
        ("2M", "midpoint", 1.9, 2.1),
        ("2M", "taylor", 1.9, 2.1),
        ("noise-2S", "midpoint", 1.9, 2.1),
        ("noise-2M", "midpoint", 1.85, 2.1),
        ("3M", "midpoint", 2.8, 3.3),
        ("3M", "taylor", 2.8, 3.3),
        ("3M", "halved", 1.9, 2.1),
    ],
)
def test_orders(method, variant, low, high, reference):
    errors = [
        root_mean_square(
            solve(
                THREE.predict_data,
                starts(),
                SCHEDULE.grid(steps),
                method=method,
                variant=variant,
            )
            - reference
        )
        for steps in (160, 320)
    ]
    assert low < orders(errors)[0] < high


def test_two_wrong_first_steps_hide_the_third_order():
    """From the middle of the way, where predictions move, the low order of the start stays visible."""
    start = SCHEDULE.half_log_snr(0.3)
    exact = reference_flow(THREE.predict_data, starts(), start, END)
    errors = [
        root_mean_square(
            solve(
                THREE.predict_data, starts(), SCHEDULE.grid(n, start=0.3), method="3M"
            )
            - exact
        )
        for n in (160, 320)
    ]
    assert 1.9 < orders(errors)[0] < 2.1


@pytest.mark.parametrize("method", ODE_METHODS)
def test_closed_form_of_one_gaussian(method):
    one = GaussianMixture([1.0], [[0.7, -2.0]], 0.5)
    exact = exact_gaussian_flow(starts(), START, END, mean=one.means[0], scale=0.5)
    coarse, fine = (
        np.abs(
            solve(one.predict_data, starts(), SCHEDULE.grid(n), method=method) - exact
        ).max()
        for n in (100, 200)
    )
    rate = {1: 1.8, 2: 3.6, 3: 7.0}[METHODS[method].order]
    assert coarse > rate * fine
    assert fine < 0.05


@pytest.mark.parametrize("method", ODE_METHODS)
def test_noise_alone_is_scaled(method):
    """Data at 0: the exact flow is x sigma_t / sigma_s, and so is every step of the data form."""
    x = starts()
    found = solve(lambda x, lam: 0 * x, x, SCHEDULE.grid(6), method=method)
    exact = x * noise_scale(END) / noise_scale(START)
    if not METHODS[method].form.of_noise:
        np.testing.assert_allclose(found, exact, rtol=1e-12)
    elif METHODS[method].order == 1:
        np.testing.assert_allclose(found, exact, atol=1e-10)


def test_lower_order_final():
    x, grid = starts(), SCHEDULE.grid(5)
    *_, before, last = states(
        THREE.predict_data, x, grid, method="2M", lower_order_final=True
    )
    first_order = solve(THREE.predict_data, before, grid[-2:], method="ddim")
    np.testing.assert_array_equal(last, first_order)
    *_, plain, _ = states(THREE.predict_data, x, grid, method="2M")
    np.testing.assert_array_equal(before, plain)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("lower", [False, True])
def test_number_of_evaluations(method, lower):
    calls = []

    def counted(x, lam):
        calls.append(lam)
        return THREE.predict_data(x, lam)

    rng = np.random.default_rng(0) if METHODS[method].form.fresh_noise else None
    path = states(
        counted,
        starts(),
        SCHEDULE.grid(7),
        method=method,
        lower_order_final=lower,
        rng=rng,
    )
    assert len(list(path)) == 7
    assert len(calls) == num_evaluations(method, 7, lower_order_final=lower)


def test_stochastic_steps_as_on_paper():
    """First order of the SDE, both forms, with the noise drawn from the same generator."""
    x, (start, end) = starts(), (-0.7, 0.4)
    h, alpha, sigma = end - start, signal_scale(end), noise_scale(end)
    z = np.random.default_rng(5).standard_normal(x.shape)
    data = THREE.predict_data(x, start)
    noise = noise_from_data(THREE.predict_data)(x, start)
    expected = {
        "sde-1": sigma / noise_scale(start) * np.exp(-h) * x
        + alpha * (1 - np.exp(-2 * h)) * data
        + sigma * np.sqrt(1 - np.exp(-2 * h)) * z,
        "noise-sde-1": alpha / signal_scale(start) * x
        - 2 * sigma * (np.exp(h) - 1) * noise
        + sigma * np.sqrt(np.exp(2 * h) - 1) * z,
    }
    for method, by_hand in expected.items():
        rng = np.random.default_rng(5)
        found = solve(THREE.predict_data, x, [start, end], method=method, rng=rng)
        np.testing.assert_allclose(found, by_hand, atol=1e-12)


def test_second_stochastic_step_as_on_paper():
    lambdas, x, end = [0.1, -0.5], starts(), 0.8
    m_s, m_r = THREE.predict_data(x, 0.1), THREE.predict_data(x + 0.1, -0.5)
    h, r = end - 0.1, 0.6 / (end - 0.1)
    coefficients = interpolation(lambdas, [m_s, m_r], h)
    found = step_mean(DATA_SDE, x, 0.1, end, coefficients)
    expected = noise_scale(end) / noise_scale(0.1) * np.exp(-h) * x
    expected = expected + signal_scale(end) * -np.expm1(-2 * h) * (
        m_s + (m_s - m_r) / (2 * r)
    )
    np.testing.assert_allclose(found, expected, atol=1e-13)


GRID = [-1.0, 0.0, 1.0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: exponential_moments(np.nan, 2), "z"),
        (lambda: exponential_moments(1.0, 0), "count"),
        (lambda: solve(THREE.predict_data, [0.0, 1.0], GRID), "x"),
        (lambda: solve(THREE.predict_data, [[np.nan, 1.0]], GRID), "x"),
        (lambda: solve(THREE.predict_data, starts(), GRID[::-1]), "grid: must rise"),
        (lambda: solve(THREE.predict_data, starts(), GRID[:1]), "grid"),
        (
            lambda: solve(THREE.predict_data, starts(), GRID, method="3M"),
            "grid: 2 steps are fewer than the order 3",
        ),
        (lambda: solve(THREE.predict_data, starts(), GRID, method="4M"), "method"),
        (lambda: solve(THREE.predict_data, starts(), GRID, variant="heun"), "variant"),
        (
            lambda: solve(THREE.predict_data, starts(), GRID, method="2S", inner=0.0),
            "inner",
        ),
        (
            lambda: solve(THREE.predict_data, starts(), GRID, lower_order_final=1),
            "lower_order_final",
        ),
        (lambda: solve(THREE.predict_data, starts(), GRID, method="sde-1"), "rng"),
        (
            lambda: solve(
                THREE.predict_data, starts(), GRID, rng=np.random.default_rng(0)
            ),
            "rng: '2M' draws nothing",
        ),
        (lambda: solve(lambda x, lam: x[:3], starts(), GRID), "predict_data"),
        (
            lambda: solve(lambda x, lam: np.full_like(x, np.inf), starts(), GRID),
            "predict_data",
        ),
        (lambda: num_evaluations("3M", 2), "grid"),
        (lambda: num_evaluations("5M", 9), "method"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
