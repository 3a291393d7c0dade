"""Minus the losses' gradients with respect to the logits, in closed form: what one step of ascent adds up.

A triple of user u, positive item i and negative item j changes the factors by multiples of one another: the
preference logit's derivative dR_ui multiplies V_i in the change of U_u, and U_u in the change of V_i; the
flip logit's derivative dg_ui does the same for P and Q. So the derivatives below are all that distinguishes
the methods. Training uses them because they need no tape of operations; tests compare them with automatic
differentiation of ``losses``.

Logits come as positives (1, B) and negatives (rho, B), arrays or tensors. Derivatives have the same shapes,
or (rho, B) for a positive whose derivative depends on the negative. They are not yet summed over triples.
"""

from collections.abc import Callable
from typing import TypeAlias

from samplebook.core.arrays import Array, log_sigmoid, sigmoid

PreferenceCoefficients: TypeAlias = tuple[Array, Array]
"""dR_ui and dR_uj."""
Coefficients: TypeAlias = tuple[Array, Array, Array, Array]
"""dR_ui, dR_uj, dg_ui and dg_uj."""


def bpr_coefficients(positive: Array, negative: Array) -> PreferenceCoefficients:
    """BPR: e and -e with e = sigma(R_uj - R_ui)."""
    misranked = sigmoid(negative - positive)
    return misranked, -misranked


def bpo_coefficients(positive: Array, negative: Array) -> PreferenceCoefficients:
    """BPO: 1 - p_ui and -p_uj."""
    return sigmoid(-positive), -sigmoid(negative)


def nbpo_coefficients(
    positive: Array, negative: Array, positive_flip: Array, negative_flip: Array
) -> Coefficients:
    """NBPO.

    dR_ui = (1 - gamma_ui)(1 - p_ui),    dR_uj = gamma_uj (1 - p_uj) - p_uj,
    dg_ui = -gamma_ui p_ui,              dg_uj = (1 - gamma_uj) p_uj.
    """
    p_i, p_j = sigmoid(positive), sigmoid(negative)
    gamma_i, gamma_j = sigmoid(positive_flip), sigmoid(negative_flip)
    return (
        (1 - gamma_i) * (1 - p_i),
        gamma_j * (1 - p_j) - p_j,
        -gamma_i * p_i,
        (1 - gamma_j) * p_j,
    )


def nbpo_original_coefficients(
    positive: Array, negative: Array, positive_flip: Array, negative_flip: Array
) -> Coefficients:
    """NBPOo, the gradient of the log-likelihood.

    A negative carries the soft label P(liked | unvoted):

    post_uj = gamma_uj p_uj / (1 - p_uj + gamma_uj p_uj),

    dR_ui = 1 - p_ui,      dR_uj = post_uj - p_uj,
    dg_ui = -gamma_ui,     dg_uj = post_uj (1 - gamma_uj).

    The odds of post are gamma p / (1 - p), so its logit is R + log gamma.
    """
    posterior = sigmoid(negative + log_sigmoid(negative_flip))
    return (
        sigmoid(-positive),
        posterior - sigmoid(negative),
        -sigmoid(positive_flip),
        posterior * sigmoid(-negative_flip),
    )


def nbpo_surrogate_coefficients(
    positive: Array, negative: Array, positive_flip: Array, negative_flip: Array
) -> Coefficients:
    """NBPOs, the gradient of the likelihood itself.

    dR_ui = (1 - gamma_ui) p_ui (1 - p_ui),      dR_uj = -(1 - gamma_uj) p_uj (1 - p_uj),
    dg_ui = -gamma_ui (1 - gamma_ui) p_ui,       dg_uj = gamma_uj (1 - gamma_uj) p_uj.
    """
    p_i, p_j = sigmoid(positive), sigmoid(negative)
    gamma_i, gamma_j = sigmoid(positive_flip), sigmoid(negative_flip)
    return (
        (1 - gamma_i) * p_i * (1 - p_i),
        -(1 - gamma_j) * p_j * (1 - p_j),
        -gamma_i * (1 - gamma_i) * p_i,
        gamma_j * (1 - gamma_j) * p_j,
    )


METHODS_WITHOUT_FLIPS: dict[str, Callable[[Array, Array], PreferenceCoefficients]] = {
    "bpr": bpr_coefficients,
    "bpo": bpo_coefficients,
}
METHODS_WITH_FLIPS: dict[str, Callable[[Array, Array, Array, Array], Coefficients]] = {
    "nbpo": nbpo_coefficients,
    "nbpo_original": nbpo_original_coefficients,
    "nbpo_surrogate": nbpo_surrogate_coefficients,
}
METHODS = (*METHODS_WITHOUT_FLIPS, *METHODS_WITH_FLIPS)
"""Names of all methods that ``training`` knows."""
