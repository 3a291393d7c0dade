"""Laws that several tests use."""

import numpy as np

from samplebook.diffusion import GaussianMixture, LinearSchedule

SCHEDULE = LinearSchedule()
THREE = GaussianMixture(
    weights=[0.5, 0.3, 0.2],
    means=[[1, 0], [-1, 0.5], [0, -1.2]],
    scales=[0.35, 0.3, 0.4],
)


def starts(size=32, dimension=2, seed=0):
    return np.random.default_rng(seed).standard_normal((size, dimension))


def root_mean_square(values):
    return np.sqrt(np.mean(np.square(values)))


def orders(errors):
    """log2 of the ratios of errors at step numbers that double."""
    errors = np.asarray(errors)
    return np.log2(errors[:-1] / errors[1:])
