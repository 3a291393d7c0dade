"""How long DPM-Solver++ takes beside diffusers' own scheduler, and whether both give the same samples.

Both take 20 second-order multistep steps over the same noise levels, with the same cheap prediction (data of
one Gaussian), so that what is timed is the solver. Ours computes in float64, theirs in float32, each on one
thread, in turn. It fails if ours is slower, or if the two differ by more than 2e-6.

The third-order rules are held side by side too: ours has third order, diffusers' second. The record keeps the
errors of both at 80 steps, on a mixture of three Gaussians, against DOP853.
"""

import harness.single_thread  # noqa: F401, I001

import sys
from typing import Any

import numpy as np
import torch
from diffusers.schedulers.scheduling_dpmsolver_multistep import (
    DPMSolverMultistepScheduler,
)

from harness.records import Ratio, write_record
from harness.timing import medians_in_turn
from samplebook.diffusion import (
    GaussianMixture,
    LinearSchedule,
    noise_scale,
    reference_flow,
    signal_scale,
    solve,
)

torch.set_num_threads(1)
SCHEDULE = LinearSchedule()
SHAPES = ((64, 2), (64, 768), (16, 3072))
STEPS, ROUNDS, LARGEST_DIFFERENCE = 20, 9, 2e-6
DEVIATION = 0.5
FUNCTION = "samplebook.diffusion.solve"


def slope(lam: float) -> float:
    """The factor of x in the prediction for data N(0, DEVIATION^2)."""
    alpha, sigma = signal_scale(lam), noise_scale(lam)
    return float(alpha * DEVIATION**2 / (alpha**2 * DEVIATION**2 + sigma**2))


def by_diffusers(predict: Any, x: Any, grid: Any, order: int) -> Any:
    """The scheduler's samples, stepped over our noise levels."""
    scheduler = DPMSolverMultistepScheduler(
        solver_order=order,
        prediction_type="sample",
        final_sigmas_type="sigma_min",
        lower_order_final=False,
    )
    scheduler.set_timesteps(len(grid) - 1)
    scheduler.sigmas = torch.tensor(noise_scale(grid) / signal_scale(grid))
    for time, lam in zip(scheduler.timesteps, grid, strict=False):
        x = scheduler.step(predict(x, lam), time, x).prev_sample
    return x


def compare_times(shape: tuple[int, int], kept: list[Ratio]) -> bool:
    """Time both on states of this shape, print and keep the medians; whether ours is no slower and equal."""
    grid = SCHEDULE.grid(STEPS)
    slopes = {float(lam): slope(lam) for lam in grid}
    x = np.random.default_rng(0).standard_normal(shape)
    theirs_x = torch.tensor(x, dtype=torch.float32)

    def predict(points: Any, lam: float) -> Any:
        return slopes[float(lam)] * points

    calls = {
        "ours": lambda: solve(predict, x, grid, method="2M"),
        "diffusers": lambda: by_diffusers(predict, theirs_x, grid, 2),
    }
    difference = abs(calls["ours"]() - calls["diffusers"]().double().numpy()).max()
    seconds = medians_in_turn(calls, ROUNDS)
    ratio = seconds["diffusers"] / seconds["ours"]
    work = f"{STEPS} steps of 2M, {shape[0]} states of {shape[1]:,} numbers"
    print(
        f"{work:50} {1e3 * seconds['ours']:8.2f} {1e3 * seconds['diffusers']:8.2f} "
        f"{ratio:6.1f} {difference:9.1e}"
    )
    kept.append(
        Ratio(
            part="diffusion",
            function=FUNCTION,
            work=work,
            other="diffusers",
            kind="peer",
            unit="s",
            ours=seconds["ours"],
            theirs=seconds["diffusers"],
        )
    )
    return bool(ratio >= 1 and difference <= LARGEST_DIFFERENCE)


def compare_third_order(kept: list[Ratio]) -> bool:
    """Errors of both third-order rules at 80 steps; whether ours is smaller."""
    law = GaussianMixture(
        [0.5, 0.3, 0.2], [[1, 0], [-1, 0.5], [0, -1.2]], [0.35, 0.3, 0.4]
    )
    x, grid = np.random.default_rng(0).standard_normal((64, 2)), SCHEDULE.grid(80)
    exact = reference_flow(law.predict_data, x, grid[0], grid[-1])

    def predict(points: Any, lam: float) -> Any:
        data = law.predict_data(points.double().numpy(), float(lam))
        return torch.tensor(data, dtype=torch.float32)

    theirs = by_diffusers(predict, torch.tensor(x, dtype=torch.float32), grid, 3)
    ends = {
        "ours": solve(law.predict_data, x, grid, method="3M"),
        "diffusers": theirs.double().numpy(),
    }
    error = {
        name: float(np.sqrt(((end - exact) ** 2).mean())) for name, end in ends.items()
    }
    print(f"error of 3M at 80 steps: {error}")
    kept.append(
        Ratio(
            part="diffusion",
            function=FUNCTION,
            work="error after 80 third-order steps, three Gaussians in the plane",
            other="diffusers",
            kind="peer",
            unit="error",
            ours=error["ours"],
            theirs=error["diffusers"],
        )
    )
    return error["ours"] < error["diffusers"]


if __name__ == "__main__":
    kept: list[Ratio] = []
    print(f"{'ms':50} {'ours':>8} {'theirs':>8} {'ratio':>6} {'differ':>9}")
    good = [compare_times(shape, kept) for shape in SHAPES]
    good.append(compare_third_order(kept))
    print(f"ours no slower, equal to {LARGEST_DIFFERENCE:g}, third order better")
    write_record("diffusion-solvers", ratios=kept)
    sys.exit(not all(good))
