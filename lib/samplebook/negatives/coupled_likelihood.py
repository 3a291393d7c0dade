"""Relevance and selection by maximum likelihood: two logistic models whose product is the labels' law.

P(l = 1 | x) = rho(x) pi(x), with rho = sigma(x . a + a_0) and pi = sigma(x' . b + b_0). The two factors may
see different features x and x'. From labels alone only the product is determined: where both see the same
features, exchanging them leaves the likelihood as it is. Different features alone don't separate the factors
either, since rho c(x') and pi / c(x') have the same product. The logistic form of rho does, where it has a
feature of its own that x' lacks: far out along that feature rho is 1, and the labels' law is pi.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samplebook.core.arrays import log_sigmoid, sigmoid
from samplebook.core.checks import as_mask, as_matrix, as_number_in_range

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

SOLVER_OPTIONS = {"gtol": 1e-7, "ftol": 1e-12, "maxiter": 5000, "maxfun": 10000}
"""L-BFGS stops where no entry of the mean's gradient exceeds ``gtol``, or the mean no longer changes."""
NEARLY_CERTAIN = 2.0
"""Where the intercept of a factor starts that explains nothing yet: sigma(2) = 0.88."""


@dataclass(frozen=True)
class LogisticModel:
    """P(1 | x) = sigma(x . coefficients + intercept).

    Attributes
    ----------
    coefficients : float64 array, shape (F,)
    intercept : float
    """

    coefficients: Vector
    intercept: float

    def logits(self, features: ArrayLike) -> Vector:
        """Logits (...) of features (..., F)."""
        return np.asarray(features) @ self.coefficients + self.intercept

    def probabilities(self, features: ArrayLike) -> Vector:
        """Probabilities (...) of features (..., F)."""
        return sigmoid(self.logits(features))


@dataclass(frozen=True)
class CoupledModel:
    """A relevance and a selection model, and how well their product explains the labels.

    Attributes
    ----------
    relevance, selection : LogisticModel
        rho and pi.
    log_likelihood : float
        Mean over the documents, at most 0.
    """

    relevance: LogisticModel
    selection: LogisticModel
    log_likelihood: float


def coupled_log_likelihood(
    relevance_logits: Vector, selection_logits: Vector, labels: NDArray[np.bool_]
) -> tuple[float, Vector, Vector]:
    """Mean of l log(rho pi) + (1 - l) log(1 - rho pi), and its derivatives by the two logits.

    By relevance's logit the derivative is 1 - rho for a labelled document, and -(1 - rho) rho pi /
    (1 - rho pi) for an unlabelled one; by selection's likewise, with 1 - pi in front. All are divided by n.

    Parameters
    ----------
    relevance_logits, selection_logits : float64 arrays, shape (n,)
        Logits of rho and pi.
    labels : bool array, shape (n,)
        l.

    Returns
    -------
    tuple of float, float64 array (n,), float64 array (n,)
    """
    log_rho, log_not_rho = log_sigmoid(relevance_logits), log_sigmoid(-relevance_logits)
    log_pi, log_not_pi = log_sigmoid(selection_logits), log_sigmoid(-selection_logits)
    log_labelled = log_rho + log_pi
    log_unlabelled = np.logaddexp(log_not_rho, log_rho + log_not_pi)
    value = np.where(labels, log_labelled, log_unlabelled).mean()
    sign = np.where(labels, 1, -1) / labels.size
    log_odds = np.where(labels, 0, log_labelled - log_unlabelled)
    by_relevance = sign * np.exp(log_odds + log_not_rho)
    by_selection = sign * np.exp(log_odds + log_not_pi)
    return float(value), by_relevance, by_selection


def fit_coupled_likelihood(
    relevance_features: ArrayLike,
    selection_features: ArrayLike,
    labels: ArrayLike,
    *,
    ridge: float = 0.0,
) -> CoupledModel:
    """Both models by maximum likelihood, with L-BFGS from two starts; the better end is kept.

    One start lets selection be nearly certain, so that relevance has to explain the labels; the other one
    the reverse. The likelihood can have other hills still, higher ones too. The search sees standardised
    features, so their units make no difference to it.

    Parameters
    ----------
    relevance_features : array-like of float, shape (n, F)
        x of every document, labelled or not.
    selection_features : array-like of float, shape (n, G)
        What the selection model sees of the same documents. If it can express the same functions as the
        relevance features, the two models may come out exchanged.
    labels : array-like of bool, shape (n,)
        l = r s; some true and some false.
    ridge : float, >= 0
        Adds ridge / 2 times the squared coefficients (not the intercepts) to the mean negative
        log-likelihood. Needed where labels are separable.

    Raises
    ------
    ValueError
        If a number is NaN or infinite, lengths differ, all labels are alike, or ``ridge`` is negative.
    RuntimeError
        If L-BFGS does not converge from either start.
    """
    from sklearn.preprocessing import StandardScaler

    x = as_matrix(relevance_features, "relevance_features")
    z = as_matrix(selection_features, "selection_features")
    if len(z) != len(x):
        raise ValueError(f"selection_features: {len(z)} rows, but {len(x)} documents")
    observed = as_mask(labels, "labels", shape=(len(x),))
    if observed.all() or not observed.any():
        raise ValueError("labels: all alike, needs some true and some false")
    ridge = as_number_in_range(ridge, "ridge", at_least=0.0)
    scalers = StandardScaler().fit(x), StandardScaler().fit(z)
    inputs = (
        with_intercept(scalers[0].transform(x)),
        with_intercept(scalers[1].transform(z)),
    )
    # a coefficient of a standardised feature is the feature's own times its deviation
    penalties = [np.append(ridge / scaler.scale_**2, 0.0) for scaler in scalers]
    best = better_end(inputs, observed, np.concatenate(penalties))
    a, b = split_parameters(best, inputs)
    value, *_ = coupled_log_likelihood(inputs[0] @ a, inputs[1] @ b, observed)
    return CoupledModel(
        relevance=in_own_units(a, scalers[0]),
        selection=in_own_units(b, scalers[1]),
        log_likelihood=value,
    )


def better_end(
    inputs: tuple[Matrix, Matrix], labels: NDArray[np.bool_], penalties: Vector
) -> Vector:
    """Where L-BFGS gets from the two starting points, or ``RuntimeError`` if it converges from neither."""
    from scipy.optimize import minimize

    ends = [
        minimize(
            penalised_loss,
            start,
            args=(inputs, labels, penalties),
            jac=True,
            method="L-BFGS-B",
            options=SOLVER_OPTIONS,
        )
        for start in starting_points(inputs, labels.mean())
    ]
    converged = [end for end in ends if end.success]
    if not converged:
        raise RuntimeError(f"L-BFGS did not converge: {ends[0].message}")
    return np.asarray(min(converged, key=lambda end: end.fun).x)


def with_intercept(features: Matrix) -> Matrix:
    """Features (n, F) with a last column of ones."""
    return np.column_stack([features, np.ones(len(features))])


def in_own_units(parameters: Vector, scaler: Any) -> LogisticModel:
    """The model of features as they are, from the parameters (F + 1,) of standardised ones."""
    coefficients = parameters[:-1] / scaler.scale_
    return LogisticModel(
        coefficients, float(parameters[-1] - coefficients @ scaler.mean_)
    )


def split_parameters(
    parameters: Vector, inputs: tuple[Matrix, Matrix]
) -> tuple[Vector, Vector]:
    """The relevance model's parameters, then the selection model's, each with its intercept last."""
    border = inputs[0].shape[1]
    return parameters[:border], parameters[border:]


def penalised_loss(
    parameters: Vector,
    inputs: tuple[Matrix, Matrix],
    labels: NDArray[np.bool_],
    penalties: Vector,
) -> tuple[float, Vector]:
    """Mean negative log-likelihood plus penalties / 2 times the squared parameters, and its gradient."""
    models = split_parameters(parameters, inputs)
    logits = [features @ model for features, model in zip(inputs, models, strict=True)]
    likelihood, *by_logits = coupled_log_likelihood(logits[0], logits[1], labels)
    residuals = [
        by_logit @ features
        for by_logit, features in zip(by_logits, inputs, strict=True)
    ]
    penalty = float(penalties @ parameters**2) / 2
    return penalty - likelihood, penalties * parameters - np.concatenate(residuals)


def starting_points(inputs: tuple[Matrix, Matrix], share: float) -> list[Vector]:
    """Two starts without coefficients: one model explains the share of labels, the other is nearly 1."""
    intercepts = [np.log(share / (1 - share)), NEARLY_CERTAIN]
    starts = []
    for of_relevance, of_selection in (intercepts, intercepts[::-1]):
        start = np.zeros(inputs[0].shape[1] + inputs[1].shape[1])
        start[[inputs[0].shape[1] - 1, -1]] = of_relevance, of_selection
        starts.append(start)
    return starts
