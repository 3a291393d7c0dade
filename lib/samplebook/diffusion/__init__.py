"""How to reach the data in few steps: solvers for diffusion models, and laws whose scores are exact.

``noise_schedule`` has alpha, sigma and the half log-SNR lambda, ``gaussian_mixture`` data with exact
predictions. ``dpm_solver_pp`` has the solvers, ``guidance`` what is done to a prediction before. For checks,
``reference_flow`` solves the same ODE to many digits, and ``gaussian_variance`` follows a stochastic sampler
without a draw. Importing this needs NumPy alone.
"""

from samplebook.diffusion.dpm_solver_pp import (
    METHODS,
    VARIANTS,
    exponential_moments,
    num_evaluations,
    solve,
    states,
)
from samplebook.diffusion.gaussian_mixture import GaussianMixture, exact_gaussian_flow
from samplebook.diffusion.gaussian_variance import sampled_variance
from samplebook.diffusion.guidance import (
    data_from_noise,
    dynamic_threshold,
    guided,
    noise_from_data,
    static_threshold,
    thresholded,
)
from samplebook.diffusion.noise_schedule import (
    SPACINGS,
    LinearSchedule,
    noise_scale,
    signal_scale,
)
from samplebook.diffusion.reference_flow import reference_flow

__all__ = [
    "METHODS",
    "SPACINGS",
    "VARIANTS",
    "GaussianMixture",
    "LinearSchedule",
    "data_from_noise",
    "dynamic_threshold",
    "exact_gaussian_flow",
    "exponential_moments",
    "guided",
    "noise_from_data",
    "noise_scale",
    "num_evaluations",
    "reference_flow",
    "sampled_variance",
    "signal_scale",
    "solve",
    "states",
    "static_threshold",
    "thresholded",
]
