"""alpha, sigma and lambda: their identities, the schedule's inverse by quadrature and by formula, grids."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from samplebook.diffusion import (
    SPACINGS,
    LinearSchedule,
    noise_scale,
    signal_scale,
)
from samplebook.diffusion.noise_schedule import as_grid


@given(st.floats(-30, 30))
def test_scales_are_a_point_of_the_circle(lam):
    alpha, sigma = signal_scale(lam), noise_scale(lam)
    assert alpha**2 + sigma**2 == pytest.approx(1, abs=1e-14)
    assert np.log(alpha) - np.log(sigma) == pytest.approx(lam, abs=1e-12)


@given(st.floats(1e-6, 1), st.floats(0.01, 1), st.floats(1.5, 40))
def test_time_is_the_inverse(t, beta_0, beta_1):
    schedule = LinearSchedule(beta_0, beta_1)
    assert schedule.time(schedule.half_log_snr(t)) == pytest.approx(t, rel=1e-9)


@pytest.mark.parametrize("t", [1e-3, 0.2, 0.7, 1.0])
def test_alpha_is_the_decay_under_beta(t):
    """log alpha = -1/2 int_0^t beta, the integral taken numerically."""
    schedule = LinearSchedule(0.3, 9.0)
    total, _ = quad(lambda u: 0.3 + u * 8.7, 0, t)
    alpha = signal_scale(schedule.half_log_snr(t))
    assert alpha == pytest.approx(np.exp(-total / 2), rel=1e-12)


def test_beginning_and_end_of_the_default():
    schedule = LinearSchedule()
    assert signal_scale(schedule.half_log_snr(1.0)) == pytest.approx(
        np.exp(-5.025), rel=1e-12
    )


@pytest.mark.parametrize("spacing", SPACINGS)
def test_grids_rise_between_their_ends(spacing):
    schedule = LinearSchedule()
    grid = schedule.grid(12, start=0.9, end=0.01, spacing=spacing)
    np.testing.assert_array_equal(
        grid[[0, -1]], schedule.half_log_snr(np.array([0.9, 0.01]))
    )
    assert (np.diff(grid) > 0).all()
    evenly = {
        "log-snr": grid,
        "time": schedule.time(grid),
        "quadratic": np.sqrt(schedule.time(grid)),
    }[spacing]
    np.testing.assert_allclose(np.diff(evenly, n=2), 0, atol=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: LinearSchedule(0.0, 1.0), "beta_0"),
        (lambda: LinearSchedule(2.0, 1.0), "beta_1"),
        (lambda: LinearSchedule().half_log_snr(0.0), "time: must be in .*infinite"),
        (lambda: LinearSchedule().half_log_snr([0.5, 1.1]), "time"),
        (lambda: LinearSchedule().time(np.inf), "half_log_snr"),
        (lambda: LinearSchedule().grid(0), "num_steps"),
        (lambda: LinearSchedule().grid(5, end=0.0), "end"),
        (lambda: LinearSchedule().grid(5, start=0.5, end=0.5), "end"),
        (lambda: LinearSchedule().grid(5, start=1.5), "start"),
        (lambda: LinearSchedule().grid(5, spacing="even"), "spacing"),
        (lambda: as_grid([0.0]), "grid: needs two"),
        (lambda: as_grid([0.0, 1.0, 1.0]), "grid: must rise"),
        (lambda: as_grid([[0.0, 1.0]]), "grid"),
        (lambda: signal_scale(np.nan), "half_log_snr"),
        (lambda: noise_scale(np.nan), "half_log_snr"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
