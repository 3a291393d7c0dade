"""The objectives of BPR, BPO and the three NBPOs, as losses to minimise.

A positive item i and a negative item j of user u have preference logits R_ui, R_uj and flip logits g_ui,
g_uj. With the logistic function sigma,

    p = sigma(R) = P(liked)    and    gamma = sigma(g) = P(unvoted | liked);

an item that is not liked is never voted for. Every loss is summed over triples. The arguments of one call
broadcast: positives (B,) and negatives (rho, B) give rho B triples, in which each positive counts once for
each of its negatives, as in the official program. NaN goes in and out unchanged.

All functions take NumPy arrays or torch tensors. ``update_coefficients`` has their gradients in closed form.

Source: Yu and Qin, "Sampler Design for Implicit Feedback Data by Noisy-label Robust Learning" (2020). The
objectives of NBPO and of its surrogate are read off the updates of the official program; the paper's own
derivation of them has not been compared.
"""

from samplebook.core.arrays import (
    Array,
    log_sigmoid,
    namespace,
    sigmoid,
    without_gradient,
)


def bpr_loss(positive: Array, negative: Array) -> Array:
    """Bayesian personalised ranking: - sum log sigma(R_ui - R_uj).

    Parameters
    ----------
    positive, negative : float arrays or tensors
        R_ui and R_uj, of shapes that broadcast to the shape of the triples.

    Returns
    -------
    array or tensor of shape ()
    """
    return -log_sigmoid(positive - negative).sum()


def bpo_loss(positive: Array, negative: Array) -> Array:
    """Bayesian point-wise optimisation: - sum [log p_ui + log(1 - p_uj)]; arguments as :func:`bpr_loss`."""
    return -(log_sigmoid(positive) + log_sigmoid(-negative)).sum()


def nbpo_preference_loss(
    positive: Array, negative: Array, positive_flip: Array, negative_flip: Array
) -> Array:
    """What NBPO minimises in U and V, gamma held fixed.

    - sum [(1 - gamma_ui) log p_ui + gamma_uj log p_uj + log(1 - p_uj)]

    For a negative this is least where p_uj = gamma_uj / (1 + gamma_uj).

    Parameters
    ----------
    positive, negative : float arrays or tensors
        R_ui and R_uj, of shapes that broadcast to the shape of the triples.
    positive_flip, negative_flip : float arrays or tensors
        g_ui and g_uj, likewise. No gradient flows into them.

    Returns
    -------
    array or tensor of shape ()
    """
    liked_if_voted = sigmoid(-without_gradient(positive_flip))
    flipped = sigmoid(without_gradient(negative_flip))
    return -(
        liked_if_voted * log_sigmoid(positive)
        + flipped * log_sigmoid(negative)
        + log_sigmoid(-negative)
    ).sum()


def nbpo_flip_loss(
    positive: Array, negative: Array, positive_flip: Array, negative_flip: Array
) -> Array:
    """What NBPO minimises in P and Q, p held fixed: - sum [p_ui log(1 - gamma_ui) + p_uj log gamma_uj].

    Arguments as :func:`nbpo_preference_loss`; no gradient flows into the first two.
    """
    return -(
        sigmoid(without_gradient(positive)) * log_sigmoid(-positive_flip)
        + sigmoid(without_gradient(negative)) * log_sigmoid(negative_flip)
    ).sum()


def nbpo_loss(
    positive: Array, negative: Array, positive_flip: Array, negative_flip: Array
) -> Array:
    """NBPO: its two partial losses together, each factor's logarithm weighted by the other factor.

    Automatic differentiation gives NBPO's update of both models. It is not the gradient of the sum as a
    function of everything: in each part the other model's probabilities are constants. Arguments as
    :func:`nbpo_preference_loss`.
    """
    arguments = positive, negative, positive_flip, negative_flip
    return nbpo_preference_loss(*arguments) + nbpo_flip_loss(*arguments)


def nbpo_original_loss(
    positive: Array, negative: Array, positive_flip: Array, negative_flip: Array
) -> Array:
    """NBPOo, the negative log-likelihood of what was observed.

    - sum [log p_ui + log(1 - gamma_ui) + log(1 - p_uj + gamma_uj p_uj)]

    Arguments as :func:`nbpo_preference_loss`, with gradients into all four.
    """
    log_unvoted = namespace(negative).logaddexp(
        log_sigmoid(-negative), log_sigmoid(negative) + log_sigmoid(negative_flip)
    )
    log_voted = log_sigmoid(positive) + log_sigmoid(-positive_flip)
    return -(log_voted + log_unvoted).sum()


def nbpo_surrogate_loss(
    positive: Array, negative: Array, positive_flip: Array, negative_flip: Array
) -> Array:
    """NBPOs, the likelihood without the logarithm: - sum [p_ui (1 - gamma_ui) + 1 - p_uj + gamma_uj p_uj].

    Arguments as :func:`nbpo_preference_loss`, with gradients into all four.
    """
    voted = sigmoid(positive) * sigmoid(-positive_flip)
    unvoted = 1 - sigmoid(negative) * sigmoid(-negative_flip)
    return -(voted + unvoted).sum()
