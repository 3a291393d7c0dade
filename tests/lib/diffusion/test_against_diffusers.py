"""diffusers' scheduler on the same noise levels: equal where it should be; its third order is a second."""

import numpy as np
import pytest
from mixtures import SCHEDULE, THREE, orders, root_mean_square, starts

from samplebook.diffusion import noise_scale, reference_flow, signal_scale, solve

torch = pytest.importorskip("torch")
schedulers = pytest.importorskip("diffusers.schedulers.scheduling_dpmsolver_multistep")

GRID = SCHEDULE.grid(20)


def by_diffusers(x, grid, order, solver_type="midpoint"):
    """The scheduler, stepped over our noise levels; it computes in float32."""
    scheduler = schedulers.DPMSolverMultistepScheduler(
        solver_order=order,
        solver_type=solver_type,
        prediction_type="sample",
        final_sigmas_type="sigma_min",
        lower_order_final=False,
    )
    scheduler.set_timesteps(len(grid) - 1)
    scheduler.sigmas = torch.tensor(noise_scale(grid) / signal_scale(grid))
    state = torch.tensor(x, dtype=torch.float32)
    for time, lam in zip(scheduler.timesteps, grid, strict=False):
        predicted = THREE.predict_data(state.double().numpy(), lam)
        predicted = torch.tensor(predicted, dtype=torch.float32)
        state = scheduler.step(predicted, time, state).prev_sample
    return state.double().numpy()


@pytest.mark.parametrize(
    ("order", "solver_type", "method", "variant"),
    [
        (1, "midpoint", "ddim", "midpoint"),
        (2, "midpoint", "2M", "midpoint"),
        (2, "heun", "2M", "taylor"),
        (3, "midpoint", "3M", "halved"),
    ],
)
def test_equal_to_diffusers(order, solver_type, method, variant):
    """Within 1e-6 of numbers up to 2: what 20 steps in float32 leave."""
    found = solve(THREE.predict_data, starts(), GRID, method=method, variant=variant)
    theirs = by_diffusers(starts(), GRID, order, solver_type)
    assert np.abs(theirs - found).max() < 1e-6
    if variant == "halved":
        full = solve(THREE.predict_data, starts(), GRID, method=method)
        assert np.abs(theirs - full).max() > 1e-3


def test_its_third_order_is_second_order():
    """Up to 80 steps its errors stand a hundred times above float32's rounding."""
    exact = reference_flow(THREE.predict_data, starts(), GRID[0], GRID[-1])
    errors = [
        root_mean_square(by_diffusers(starts(), SCHEDULE.grid(n), 3) - exact)
        for n in (40, 80)
    ]
    assert errors[-1] > 1e-5
    assert orders(errors)[0] < 2.4
    ours = [
        root_mean_square(
            solve(THREE.predict_data, starts(), SCHEDULE.grid(n), method="3M") - exact
        )
        for n in (40, 80)
    ]
    assert orders(ours)[0] > 2.8
    assert ours[-1] < errors[-1] / 1.5
