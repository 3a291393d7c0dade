"""Weights of unlabelled documents: how much each counts as a negative.

A document of a query is relevant (r = 1) with probability rho and was selected into the judged pool (s = 1)
with probability pi, independently. Its label is l = r s. So l = 0 has three causes, and only r = 0 makes a
negative. The functions here weigh an unlabelled document by how probable that is.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samplebook.core.arrays import Array, namespace
from samplebook.core.checks import (
    as_number_in_range,
    as_positive,
    as_scores,
    as_unit_interval,
    check_same_shape,
)

Weights = NDArray[np.float64]


def coupled_estimation_weights(
    relevance_scores: Array, selection_scores: Array, *, temperature: float
) -> tuple[Array, Array]:
    """Each model's weights of unlabelled documents, from the other model's scores (CET, official code).

    w_R = 1 / (1 - sigma(f_S / tau)) = 1 + exp(f_S / tau), and w_S likewise from f_R. A document that was
    probably selected and yet has no label is probably irrelevant: it counts more for the relevance model.
    One that is probably relevant was probably not selected: it counts more for the selection model.

    Parameters
    ----------
    relevance_scores, selection_scores : array-like or tensor, one shape (...)
        f_R and f_S of the unlabelled documents, finite. Tensors stay on their device; gradients are cut.
    temperature : float, > 0
        tau. The code's default is 2, its published command uses 10. Infinity gives the weight 2 everywhere:
        plain training of twice the loss, which doubles a step of SGD and hardly changes one of AdamW.

    Returns
    -------
    tuple of two arrays or tensors of shape (...)
        The weights for the relevance model, then those for the selection model, in [1, infinity).

    Raises
    ------
    ValueError
        If a score is NaN or infinite, if the shapes differ, if ``temperature`` is not > 0, or if it is so
        small that a weight overflows.

    Notes
    -----
    Source: Cai et al., "Hard Negatives or False Negatives" (CIKM 2022), as its official code has it. These
    weights grow with the other model's score as :func:`bayes_weights` do, but make nothing unbiased.
    """
    temperature = as_positive(temperature, "temperature", infinite=True)
    names = ("relevance_scores", "selection_scores")
    relevance = as_scores(relevance_scores, names[0])
    selection = as_scores(selection_scores, names[1])
    check_same_shape(relevance, selection, names)
    return (
        inverse_complement(selection, temperature, names[1]),
        inverse_complement(relevance, temperature, names[0]),
    )


def inverse_complement(scores: Array, temperature: float, name: str) -> Array:
    """1 / (1 - sigma(scores / temperature)), or ``ValueError`` where it overflows."""
    xp = namespace(scores)
    with np.errstate(over="ignore"):
        weights = 1 + xp.exp(scores / temperature)
    if not xp.isfinite(weights).all():
        raise ValueError(
            f"{name}: {float(scores.max()):g} at temperature {temperature:g} has an infinite weight; "
            "raise the temperature"
        )
    return weights


def bayes_weights(
    relevance: ArrayLike, selection: ArrayLike
) -> tuple[Weights, Weights]:
    """P(r = 0 | l = 0) = (1 - rho) / (1 - rho pi) and P(s = 0 | l = 0) = (1 - pi) / (1 - rho pi).

    Weighting each unlabelled document by the first makes a sum over unlabelled documents unbiased for the sum
    over the truly irrelevant ones.

    Parameters
    ----------
    relevance, selection : array-like of float, one shape (...)
        rho and pi, in [0, 1]. At pi = 0 a missing label says nothing and the first weight is 1 - rho; at
        pi = 1 it says everything and the weight is 1.

    Returns
    -------
    tuple of two float64 arrays of shape (...), in [0, 1]

    Raises
    ------
    ValueError
        If an entry is NaN or outside [0, 1], if the shapes differ, or if both are 1 somewhere: such a
        document can't be unlabelled.
    """
    rho = as_unit_interval(relevance, "relevance")
    pi = as_unit_interval(selection, "selection")
    check_same_shape(rho, pi, ("relevance", "selection"))
    unlabelled = (1 - rho) + rho * (1 - pi)
    if (unlabelled == 0).any():
        place = tuple(np.argwhere(unlabelled == 0)[0].tolist())
        raise ValueError(
            f"selection: is 1 at {place} where relevance is 1, so the document can't be unlabelled"
        )
    return (1 - rho) / unlabelled, (1 - pi) / unlabelled


def inverse_propensity_weights(selection: ArrayLike, *, floor: float) -> Weights:
    """1 / max(pi, floor): weights of labelled documents that undo their selection.

    Parameters
    ----------
    selection : array-like of float, shape (...)
        pi of each labelled document, in [0, 1].
    floor : float, in (0, 1]
        Smaller propensities count as this. It bounds the variance, at the price of a bias.

    Raises
    ------
    ValueError
        If an entry is NaN or outside [0, 1], or ``floor`` is outside (0, 1].
    """
    pi = as_unit_interval(selection, "selection")
    return 1 / np.maximum(
        pi, as_number_in_range(floor, "floor", above=0.0, at_most=1.0)
    )
