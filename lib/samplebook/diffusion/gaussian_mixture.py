"""Data laws whose noised forms are known exactly: mixtures of round Gaussians.

If x_0 is drawn from the mixture, alpha x_0 + sigma z is a mixture as well, with means alpha mu_k and
variances v_k = alpha^2 s_k^2 + sigma^2. So the best prediction of x_0, which a network would have to learn,
is a formula.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samplebook.core.checks import (
    as_count,
    as_finite,
    as_generator,
    as_indices,
    as_matrix,
    as_number_in_range,
    as_probabilities,
    as_vector,
)
from samplebook.diffusion.noise_schedule import noise_scale, signal_scale

Numbers = NDArray[np.float64]


def as_points(values: Any, name: str, dimension: int) -> Numbers:
    """``values`` as finite float64 points (..., D), or ``ValueError``."""
    points = as_finite(values, name)
    if points.ndim == 0 or points.shape[-1] != dimension:
        raise ValueError(
            f"{name}: must have shape (..., {dimension}), got {points.shape}"
        )
    return points


@dataclass(frozen=True)
class GaussianMixture:
    """K round Gaussians in D dimensions: weights w_k, means mu_k, standard deviations s_k.

    Attributes
    ----------
    weights : float64 array, shape (K,)
        Positive, with sum 1 (renormalised once).
    means : float64 array, shape (K, D)
    scales : float64 array, shape (K,)
        s_k >= 0; 0 is a point. One number is taken for all components.

    Raises
    ------
    ValueError
        If the shapes do not fit, the weights are no law or have a 0, or a scale is negative.
    """

    weights: Numbers
    means: Numbers
    scales: Numbers

    def __post_init__(self) -> None:
        means = as_matrix(self.means, "means")
        weights = np.asarray(as_probabilities(self.weights, "weights"))
        if weights.shape != (len(means),) or weights.min() == 0:
            raise ValueError(
                f"weights: must be {len(means)} positive numbers, one for each mean, got {weights}"
            )
        scales = np.broadcast_to(as_finite(self.scales, "scales"), weights.shape)
        scales = as_vector(scales.copy(), "scales")
        if scales.min() < 0:
            raise ValueError(f"scales: has {scales.min():g}, must not be negative")
        for name, array in (("weights", weights), ("means", means), ("scales", scales)):
            object.__setattr__(self, name, array)

    @property
    def dimension(self) -> int:
        """D."""
        return int(self.means.shape[1])

    def given(self, components: ArrayLike) -> "GaussianMixture":
        """The law of x_0 given that its component is one of these: a class of the data.

        Raises
        ------
        ValueError
            If there is no component, or one is not among the K.
        """
        chosen = np.unique(as_indices(components, "components", size=len(self.weights)))
        if chosen.size == 0:
            raise ValueError("components: empty, needs at least one")
        weights = self.weights[chosen]
        return GaussianMixture(
            weights / weights.sum(), self.means[chosen], self.scales[chosen]
        )

    def sample(self, size: int, *, rng: np.random.Generator) -> Numbers:
        """Draws of x_0, shape (size, D).

        Raises
        ------
        ValueError
            If ``size`` is not an integer >= 1, or ``rng`` is no NumPy generator.
        """
        size = as_count(size, "size")
        chosen = as_generator(rng).choice(len(self.weights), size, p=self.weights)
        noise = rng.standard_normal((size, self.dimension))
        return self.means[chosen] + self.scales[chosen, None] * noise

    def log_masses(self, x: ArrayLike, half_log_snr: float) -> Numbers:
        """log(w_k N(x; alpha mu_k, v_k I)), shape (..., K), for noised points x (..., D)."""
        points = as_points(x, "x", self.dimension)
        centres, variances = self._noised(half_log_snr)
        squares = (
            (points**2).sum(axis=-1, keepdims=True)
            - 2 * points @ centres.T
            + (centres**2).sum(axis=-1)
        )
        normalisers = np.log(self.weights) - 0.5 * self.dimension * np.log(
            2 * np.pi * variances
        )
        return np.asarray(normalisers - 0.5 * np.maximum(squares, 0.0) / variances)

    def log_density(self, x: ArrayLike, half_log_snr: float) -> Any:
        """log p_lambda(x), shape (...,), of the noised law at points x (..., D)."""
        return np.logaddexp.reduce(self.log_masses(x, half_log_snr), axis=-1)

    def responsibilities(self, x: ArrayLike, half_log_snr: float) -> Numbers:
        """r_k(x) = P(component k | x), shape (..., K), for noised points x (..., D)."""
        masses = self.log_masses(x, half_log_snr)
        masses = np.exp(masses - masses.max(axis=-1, keepdims=True))
        return np.asarray(masses / masses.sum(axis=-1, keepdims=True))

    def predict_data(self, x: ArrayLike, half_log_snr: float) -> Numbers:
        """E[x_0 | x] = sum_k r_k (mu_k + alpha s_k^2 / v_k (x - alpha mu_k)), shape (..., D).

        Parameters
        ----------
        x : array-like of shape (..., D)
            Noised points.
        half_log_snr : float
            lambda, of all of them.

        Raises
        ------
        ValueError
            If x is not finite or has another last axis, or lambda is not finite.
        """
        points = as_points(x, "x", self.dimension)
        shares = self.responsibilities(points, half_log_snr)
        _, variances = self._noised(half_log_snr)
        alpha = signal_scale(half_log_snr)
        shrinkage = alpha * self.scales**2 / variances
        towards_means = (shares * (1 - alpha * shrinkage)) @ self.means
        return np.asarray(towards_means + (shares @ shrinkage)[..., None] * points)

    def score(self, x: ArrayLike, half_log_snr: float) -> Numbers:
        """The gradient of log p_lambda at x, shape (..., D): (alpha E[x_0 | x] - x) / sigma^2."""
        points = as_points(x, "x", self.dimension)
        alpha, sigma = signal_scale(half_log_snr), noise_scale(half_log_snr)
        return (alpha * self.predict_data(points, half_log_snr) - points) / sigma**2

    def _noised(self, half_log_snr: float) -> tuple[Numbers, Numbers]:
        """Means alpha mu_k (K, D) and variances v_k (K,) of the noised law."""
        lam = as_number_in_range(half_log_snr, "half_log_snr")
        alpha, sigma = signal_scale(lam), noise_scale(lam)
        return alpha * self.means, (alpha * self.scales) ** 2 + sigma**2


def exact_gaussian_flow(
    x: ArrayLike, start: float, end: float, *, mean: ArrayLike, scale: float
) -> Numbers:
    """Where the probability-flow ODE takes x from one lambda to another, if the data are one Gaussian.

    x - alpha_s mu is stretched by sqrt((alpha_t^2 s^2 + sigma_t^2) / (alpha_s^2 s^2 + sigma_s^2)).

    Parameters
    ----------
    x : array-like of shape (..., D)
    start, end : float
        lambda_s and lambda_t.
    mean : array-like of shape (D,)
    scale : float
        s >= 0.

    Raises
    ------
    ValueError
        If a number is not finite, the scale is negative, or x has another last axis than the mean.
    """
    centre = as_vector(mean, "mean")
    points = as_points(x, "x", centre.size)
    s = as_number_in_range(scale, "scale", at_least=0)
    alphas, sigmas = signal_scale([start, end]), noise_scale([start, end])
    deviations = np.hypot(alphas * s, sigmas)
    stretch = deviations[1] / deviations[0]
    return np.asarray(alphas[1] * centre + stretch * (points - alphas[0] * centre))
