"""DPM-Solver++ and its relatives: exponential integrators in lambda, for the ODE and the SDE of a diffusion.

Along the probability-flow ODE, with x_theta the prediction of the data and h = lambda_t - lambda_s > 0,

    x_t = (sigma_t / sigma_s) x_s + sigma_t int e^lambda x_theta d lambda.

Every solver here replaces x_theta by a polynomial D_0 + D_1 u + D_2 u^2 in u = (lambda - lambda_s) / h, and
integrates the exponential exactly: sigma_t int e^lambda u^k d lambda = alpha_t I_k(h). The solvers differ in
where the polynomial comes from (earlier steps, or an inner evaluation), in what they predict (the data or the
noise), and in whether fresh noise is added (Lu, Zhou, Bao, Chen, Li and Zhu, "DPM-Solver++").
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samplebook.core.checks import (
    as_choice,
    as_count,
    as_finite,
    as_finite_number,
    as_flag,
    as_generator,
    as_number_in_range,
)
from samplebook.diffusion.guidance import Prediction
from samplebook.diffusion.noise_schedule import as_grid, noise_scale, signal_scale

Numbers = NDArray[np.float64]
SERIES_BELOW = 1.0
"""Below this size of z the moments come from their power series: the recursion cancels there."""
NUM_TERMS = 22


def exponential_moments(z: float, count: int) -> Numbers:
    """I_k(z) = z int_0^1 e^(-z (1 - u)) u^k du for k = 0, .., ``count`` - 1.

    I_0 = 1 - e^-z and I_k = 1 - (k / z) I_(k-1). For small z the power series
    I_k = sum_j (-1)^j z^(j+1) k! / (k + j + 1)! is used.

    Parameters
    ----------
    z : float
        Of any sign: h for the ODE in data form, -h in noise form, 2 h for the SDE.
    count : int
        At least 1.

    Returns
    -------
    float64 array, shape (count,)

    Raises
    ------
    ValueError
        If z is not finite, or ``count`` is no integer >= 1.
    """
    z = as_finite_number(z, "z")
    moments = np.empty(as_count(count, "count"))
    if abs(z) < SERIES_BELOW:
        for k in range(moments.size):
            factors = -z / np.arange(k + 2, k + NUM_TERMS + 1)
            terms = np.cumprod(np.concatenate([[z / (k + 1)], factors]))
            moments[k] = terms[::-1].sum()
        return moments
    moments[0] = -np.expm1(-z)
    for k in range(1, moments.size):
        moments[k] = 1 - k / z * moments[k - 1]
    return moments


@dataclass(frozen=True)
class Form:
    """How the equation is written: what is predicted, and how a step uses it.

    Attributes
    ----------
    of_noise : bool
        Whether the noise is predicted, not the data.
    fresh_noise : bool
        Whether the reverse SDE is solved, not the ODE.
    """

    of_noise: bool
    fresh_noise: bool

    def keeps(self, start: float, end: float) -> float:
        """What the old state is multiplied with; at most 1 in data form, at least 1 in noise form."""
        if self.of_noise:
            return float(signal_scale(end) / signal_scale(start))
        kept = float(noise_scale(end) / noise_scale(start))
        return kept * float(np.exp(start - end)) if self.fresh_noise else kept

    def moments(self, start: float, end: float, count: int) -> Numbers:
        """What D_0, .., D_(count-1) are multiplied with, if the polynomial is integrated exactly."""
        h = end - start
        if self.of_noise:
            factor = 2 if self.fresh_noise else 1
            return factor * noise_scale(end) * exponential_moments(-h, count)
        rate = 2 if self.fresh_noise else 1
        return signal_scale(end) * exponential_moments(rate * h, count)

    def noise(self, start: float, end: float) -> float:
        """Standard deviation of the fresh noise; 0 for the ODE."""
        if not self.fresh_noise:
            return 0.0
        h = end - start
        spread = np.expm1(2 * h) if self.of_noise else -np.expm1(-2 * h)
        return float(noise_scale(end) * np.sqrt(spread))


DATA = Form(of_noise=False, fresh_noise=False)
NOISE = Form(of_noise=True, fresh_noise=False)
DATA_SDE = Form(of_noise=False, fresh_noise=True)
NOISE_SDE = Form(of_noise=True, fresh_noise=True)


@dataclass(frozen=True)
class Method:
    """A solver: its form, its order, and whether it evaluates inside a step."""

    form: Form
    order: int
    singlestep: bool = False


METHODS: dict[str, Method] = {
    "ddim": Method(DATA, 1),
    "2S": Method(DATA, 2, singlestep=True),
    "2M": Method(DATA, 2),
    "3M": Method(DATA, 3),
    "noise-1": Method(NOISE, 1),
    "noise-2S": Method(NOISE, 2, singlestep=True),
    "noise-2M": Method(NOISE, 2),
    "sde-1": Method(DATA_SDE, 1),
    "sde-2M": Method(DATA_SDE, 2),
    "sde-3M": Method(DATA_SDE, 3),
    "noise-sde-1": Method(NOISE_SDE, 1),
}
"""Solvers by name. "noise-2S" is DPM-Solver-2; "2S", "2M" are DPM-Solver++ of second order."""


def midpoint_weights(moments: Numbers) -> Numbers:
    """The paper's rule: at second order the slope D_1 gets half of what D_0 gets. Third order is exact."""
    if moments.size != 2:
        return moments
    return moments[0] * np.array([1.0, 0.5])


def taylor_weights(moments: Numbers) -> Numbers:
    """The exact moments at every order; for second order diffusers calls this rule "heun"."""
    return moments


def halved_weights(moments: Numbers) -> Numbers:
    """As the official file and diffusers write it: at third order D_2 gets half of its moment."""
    if moments.size != 3:
        return midpoint_weights(moments)
    return moments * np.array([1.0, 1.0, 0.5])


VARIANTS: dict[str, Callable[[Numbers], Numbers]] = {
    "midpoint": midpoint_weights,
    "taylor": taylor_weights,
    "halved": halved_weights,
}
"""What D_0, D_1, D_2 are multiplied with, as a function of the moments. "halved" reproduces an error."""


def interpolation(
    lambdas: Sequence[float], predictions: Sequence[Any], step: float
) -> list[Any]:
    """Coefficients in u = (lambda - lambda_s) / h of the polynomial through the last predictions.

    Parameters
    ----------
    lambdas : sequence of 1, 2 or 3 float
        Where the predictions were made, the newest first: lambda_s, and earlier ones.
    predictions : sequence of arrays
        m_0, m_-1, m_-2, in the same order.
    step : float
        h.

    Returns
    -------
    list of arrays
        D_0 = m_0; the slope D_1; the curvature D_2, which estimates h^2 x_theta'' / 2.
    """
    newest = predictions[0]
    if len(predictions) == 1:
        return [newest]
    first_ratio = (lambdas[0] - lambdas[1]) / step
    first = (newest - predictions[1]) / first_ratio
    if len(predictions) == 2:
        return [newest, first]
    second_ratio = (lambdas[1] - lambdas[2]) / step
    second = (predictions[1] - predictions[2]) / second_ratio
    curvature = (first - second) / (first_ratio + second_ratio)
    return [newest, first + first_ratio * curvature, curvature]


def step_mean(
    form: Form,
    x: Any,
    start: float,
    end: float,
    coefficients: Sequence[Any],
    variant: str = "midpoint",
) -> Any:
    """One step without its fresh noise: what is kept of x, and the weighted coefficients D_k."""
    weights = VARIANTS[variant](form.moments(start, end, len(coefficients)))
    result = form.keeps(start, end) * x
    for weight, coefficient in zip(weights, coefficients, strict=True):
        result = result + weight * coefficient
    return result


def step_orders(method: Method, num_steps: int, lower_order_final: bool) -> list[int]:
    """The order of each step: a multistep method starts at 1, and may come back to 1 at the end.

    Raises
    ------
    ValueError
        If a multistep method has fewer steps than its order.
    """
    if num_steps < method.order and not method.singlestep:
        raise ValueError(
            f"grid: {num_steps} steps are fewer than the order {method.order}"
        )
    orders = []
    for done in range(num_steps):
        order = method.order if method.singlestep else min(method.order, done + 1)
        orders.append(min(order, num_steps - done) if lower_order_final else order)
    return orders


def num_evaluations(
    method: str, num_steps: int, *, lower_order_final: bool = False
) -> int:
    """How often a solver calls the prediction.

    Raises
    ------
    ValueError
        If the method is unknown, or the steps are too few for it.
    """
    chosen = METHODS[as_choice(method, "method", METHODS)]
    orders = step_orders(chosen, as_count(num_steps, "num_steps"), lower_order_final)
    return sum(orders) if chosen.singlestep else len(orders)


def states(
    predict_data: Prediction,
    x: ArrayLike,
    grid: ArrayLike,
    *,
    method: str = "2M",
    variant: str = "midpoint",
    inner: float = 0.5,
    lower_order_final: bool = False,
    rng: np.random.Generator | None = None,
) -> Iterator[Numbers]:
    """The states (B, D) after each step; the arguments are those of :func:`solve`."""
    state = as_finite(x, "x", ndim=2)
    lambdas = as_grid(grid)
    chosen = METHODS[as_choice(method, "method", METHODS)]
    as_choice(variant, "variant", VARIANTS)
    inner = as_number_in_range(inner, "inner", above=0, at_most=1)
    as_flag(lower_order_final, "lower_order_final")
    if chosen.form.fresh_noise:
        rng = as_generator(rng)
    elif rng is not None:
        raise ValueError(f"rng: {method!r} draws nothing, so it takes no generator")
    orders = step_orders(chosen, lambdas.size - 1, lower_order_final)
    return _states(predict_data, state, lambdas, chosen, variant, inner, orders, rng)


def _states(
    predict_data: Prediction,
    x: Numbers,
    grid: Numbers,
    method: Method,
    variant: str,
    inner: float,
    orders: list[int],
    rng: np.random.Generator | None,
) -> Iterator[Numbers]:
    """:func:`states`, of checked arguments."""
    form = method.form
    seen: list[tuple[float, Numbers]] = []  # lambdas and predictions, newest first
    for start, end, order in zip(grid[:-1], grid[1:], orders, strict=True):
        prediction = predict(predict_data, form, x, start)
        seen = [(start, prediction), *seen][: method.order]
        if method.singlestep and order > 1:
            middle = start + inner * (end - start)
            x_inner = step_mean(form, x, start, middle, [prediction])
            m_inner = predict(predict_data, form, x_inner, middle)
            coefficients = [prediction, (m_inner - prediction) / inner]
        else:
            used = seen[:order]
            coefficients = interpolation(
                [lam for lam, _ in used], [m for _, m in used], end - start
            )
        x = step_mean(form, x, start, end, coefficients, variant)
        if rng is not None:
            x = x + form.noise(start, end) * rng.standard_normal(x.shape)
        yield x


def predict(predict_data: Prediction, form: Form, x: Numbers, lam: float) -> Numbers:
    """The prediction that a form needs, checked.

    Raises
    ------
    ValueError
        If what was predicted is not finite, or not of the shape of x.
    """
    data = as_finite(predict_data(x, float(lam)), "predict_data")
    if data.shape != x.shape:
        raise ValueError(
            f"predict_data: must give the shape of x, {x.shape}, got {data.shape}"
        )
    if not form.of_noise:
        return data
    return np.asarray((x - signal_scale(lam) * data) / noise_scale(lam))


def solve(
    predict_data: Prediction,
    x: ArrayLike,
    grid: ArrayLike,
    *,
    method: str = "2M",
    variant: str = "midpoint",
    inner: float = 0.5,
    lower_order_final: bool = False,
    rng: np.random.Generator | None = None,
) -> Numbers:
    """Sample from a diffusion model: take x from the first lambda of the grid to the last.

    Parameters
    ----------
    predict_data : callable
        x_theta(x, lambda): the predicted data, of the shape of x. Guided and thresholded as it may be.
    x : array-like of shape (B, D)
        States at ``grid[0]``; standard normal where there is almost no signal.
    grid : array-like of shape (M + 1,)
        Rising lambdas, such as :meth:`~samplebook.diffusion.LinearSchedule.grid` gives.
    method : str
        One of ``METHODS``.
    variant : str
        One of ``VARIANTS``: what the slope and the curvature are weighted with.
    inner : float
        r in (0, 1]: where in a step a singlestep method evaluates once more.
    lower_order_final : bool
        Whether the last steps fall back to first order, which helps with few steps.
    rng : numpy.random.Generator, optional
        For the methods of the SDE, and only for them.

    Returns
    -------
    float64 array, shape (B, D)
        States at ``grid[-1]``.

    Raises
    ------
    ValueError
        If the grid does not rise or has too few steps for the order, x is not finite or no matrix, a name is
        unknown, ``rng`` is missing or not needed, or a prediction is not finite or has another shape.
    """
    path = states(
        predict_data,
        x,
        grid,
        method=method,
        variant=variant,
        inner=inner,
        lower_order_final=lower_order_final,
        rng=rng,
    )
    *_, last = path
    return last
