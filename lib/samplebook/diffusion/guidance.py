"""What is done to a prediction before a solver uses it: guidance towards a class, and thresholds."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samplebook.core.checks import as_finite, as_number_in_range
from samplebook.diffusion.noise_schedule import noise_scale, signal_scale

Numbers = NDArray[np.float64]
Prediction = Callable[[Any, float], Any]
"""A function of points (B, D) and one lambda; it gives an array of the points' shape."""


def guided(
    conditional: Prediction, unconditional: Prediction, scale: float
) -> Prediction:
    """Classifier-free guidance: s times the conditional prediction plus 1 - s times the unconditional one.

    It is the same for predictions of the data and of the noise, since one is an affine function of the other.
    Some papers call w = s - 1 the scale.

    Parameters
    ----------
    conditional, unconditional : predictions
    scale : float
        s >= 0: 0 ignores the class, 1 is the class's own prediction.

    Raises
    ------
    ValueError
        If ``scale`` is negative or not finite.
    """
    s = as_number_in_range(scale, "scale", at_least=0)

    def predict(x: Any, half_log_snr: float) -> Any:
        return s * conditional(x, half_log_snr) + (1 - s) * unconditional(
            x, half_log_snr
        )

    return predict


def noise_from_data(predict_data: Prediction) -> Prediction:
    """The noise prediction (x - alpha x_theta) / sigma of a data prediction x_theta."""

    def predict(x: Any, half_log_snr: float) -> Any:
        data = predict_data(x, half_log_snr)
        return (x - signal_scale(half_log_snr) * data) / noise_scale(half_log_snr)

    return predict


def data_from_noise(predict_noise: Prediction) -> Prediction:
    """The data prediction (x - sigma epsilon_theta) / alpha of a noise prediction epsilon_theta."""

    def predict(x: Any, half_log_snr: float) -> Any:
        noise = predict_noise(x, half_log_snr)
        return (x - noise_scale(half_log_snr) * noise) / signal_scale(half_log_snr)

    return predict


def static_threshold(data: ArrayLike) -> Numbers:
    """Predicted data (..., D) clipped to [-1, 1].

    Raises
    ------
    ValueError
        If an entry is not finite.
    """
    return np.clip(as_finite(data, "data"), -1, 1)


def dynamic_threshold(data: ArrayLike, *, quantile: float = 0.995) -> Numbers:
    """Predicted data scaled into [-1, 1], each sample by its own large entries.

    With q the quantile of |x| over the coordinates of one sample, or 1 if that is larger: clip to [-q, q],
    and divide by q.

    Parameters
    ----------
    data : array-like of shape (..., D)
        Flat samples.
    quantile : float
        In (0, 1].

    Returns
    -------
    float64 array, shape (..., D)

    Raises
    ------
    ValueError
        If an entry is not finite, there is no last axis, or ``quantile`` is outside (0, 1].
    """
    values = as_finite(data, "data")
    if values.ndim == 0:
        raise ValueError("data: must have shape (..., D), got a single number")
    level = as_number_in_range(quantile, "quantile", above=0, at_most=1)
    limits = np.quantile(np.abs(values), level, axis=-1, keepdims=True)
    limits = np.maximum(limits, 1.0)
    return np.clip(values, -limits, limits) / limits


def thresholded(
    predict_data: Prediction, threshold: Callable[[Any], Any] = dynamic_threshold
) -> Prediction:
    """A data prediction that is thresholded before a solver sees it, or keeps it for later steps."""

    def predict(x: Any, half_log_snr: float) -> Any:
        return threshold(predict_data(x, half_log_snr))

    return predict
