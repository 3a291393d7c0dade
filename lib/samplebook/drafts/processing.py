"""Processing of laws before a token is drawn: temperature, then top-k, then top-p.

A law is the list of probabilities of the next tokens, in the last axis. Everything here takes arrays and
tensors (..., V) alike. Speculative decoding stays lossless if both models' laws are processed alike, before
anything else: the output then has the law of the processed target.
"""

import math
from collections.abc import Callable
from typing import Any

from samplebook.core.arrays import Array, falling, namespace, take_along_last, total
from samplebook.core.checks import as_count, as_number, as_probabilities

LawProcessor = Callable[[Array], Array]


def at_temperature(law: Array, temperature: float) -> Array:
    """The law proportional to p^(1/T). Logarithms are relative to the largest, so no power overflows."""
    xp = namespace(law)
    largest = xp.amax(law, axis=-1)[..., None]
    possible = law > 0
    logarithms = xp.log(xp.where(possible, law / largest, 1.0)) / temperature
    powers = xp.where(possible, xp.exp(logarithms), 0.0)
    return powers / total(powers)[..., None]


def keep_most_probable(law: Array, count: Array | int, smallest: Array) -> Array:
    """The law (..., V) given that its draw is one of its ``count`` most probable tokens.

    Of the tokens that are as probable as the last one kept, ``smallest`` (..., 1), the lowest numbers stay.
    """
    xp = namespace(law)
    above, equal = law > smallest, law == smallest
    room = count - above.sum(axis=-1)[..., None]
    kept = above | (equal & (equal.cumsum(axis=-1) <= room))
    masses = xp.where(kept, law, 0.0)
    return masses / total(masses)[..., None]


def keep_top_k(law: Array, top_k: int) -> Array:
    """The law given that its draw is one of its k most probable tokens."""
    if top_k >= law.shape[-1]:
        return law
    return keep_most_probable(law, top_k, falling(law)[..., top_k - 1 : top_k])


def keep_top_p(law: Array, top_p: float) -> Array:
    """The law given the smallest set of most probable tokens whose mass is at least ``top_p``.

    In falling order, a token stays if those before it have a mass below ``top_p``.
    """
    if top_p == 1:
        return law
    ordered = falling(law)
    mass_before = ordered.cumsum(axis=-1) - ordered
    count = (mass_before < top_p).sum(axis=-1)[..., None]
    return keep_most_probable(law, count, take_along_last(ordered, count - 1))


def law_processor(
    *, temperature: Any = 1.0, top_k: Any = None, top_p: Any = None
) -> LawProcessor:
    """A function that processes checked laws (..., V); parameters and errors as :func:`process_laws`."""
    temperature = as_number(temperature, "temperature")
    if not 0 < temperature < math.inf:
        raise ValueError(f"temperature: must be finite and > 0, got {temperature}")
    top_k = None if top_k is None else as_count(top_k, "top_k")
    top_p = 1.0 if top_p is None else as_number(top_p, "top_p")
    if not 0 < top_p <= 1:
        raise ValueError(f"top_p: must be > 0 and at most 1, got {top_p}")

    def process(law: Array) -> Array:
        if temperature != 1:
            law = at_temperature(law, temperature)
        if top_k is not None:
            law = keep_top_k(law, top_k)
        return keep_top_p(law, top_p)

    return process


def process_laws(
    laws: Any,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
) -> Array:
    """Laws after temperature, top-k and top-p, in this order.

    Parameters
    ----------
    laws : array-like or tensor of shape (..., V)
    temperature : float, > 0
        T: the law becomes proportional to p^(1/T). Logits divided by T have this law.
    top_k : int, optional
        Keep the k most probable tokens (all, if there are no more). Exactly k stay: of equally probable
        tokens at the edge those with the lowest numbers.
    top_p : float, optional
        In (0, 1]. Keep the smallest set of most probable tokens whose mass, after top-k, is at least
        ``top_p``, with the same rule for equals.

    Returns
    -------
    float64 array or tensor of shape (..., V)
        Laws; where nothing has to change the input itself, so do not write to it.

    Raises
    ------
    ValueError
        If a law has a negative or non-finite entry or does not sum to 1, or a parameter is out of its range.

    Notes
    -----
    Top-k and top-p sort once each: time O(V log V) a law, memory O(V).
    """
    process = law_processor(temperature=temperature, top_k=top_k, top_p=top_p)
    return process(as_probabilities(laws, "laws"))
