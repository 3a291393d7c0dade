"""What every method is written in: overlap, excess, a law without some tokens, at least one success in k."""

import math

from samplebook.core.arrays import Array, cast, namespace, total, zero_along_last

LARGEST_BELOW_ONE = math.nextafter(1.0, 0.0)
"""Stands for probability 1, and for what rounding puts above it, where a logarithm is taken."""


def overlap(target: Array, draft: Array) -> Array:
    """Sum over x of min(target(x), draft(x)), shape (...,): 1 minus the total variation distance."""
    return total(namespace(target).minimum(target, draft))


def normalised_excess(target: Array, covered: Array) -> Array:
    """The law proportional to (target - covered)_+, shape (..., V).

    Where nothing exceeds ``covered`` the result is ``target``: no method draws from such an excess,
    except by rounding, and then this keeps to tokens that the target knows.
    """
    xp = namespace(target)
    excess = xp.clip(target - covered, 0.0, None)
    mass = total(excess)[..., None]
    scale = cast(xp.where(mass > 0, mass, 1.0), excess.dtype)
    return xp.where(mass > 0, excess / scale, target)


def without_tokens(law: Array, tokens: Array) -> Array:
    """``law`` (..., V) given that its draw is none of ``tokens`` (..., n); all zeros if no other has mass."""
    xp = namespace(law)
    rest = zero_along_last(law, tokens)
    mass = total(rest)[..., None]
    return rest / cast(xp.where(mass > 0, mass, 1.0), rest.dtype)


def at_least_once(probability: Array, trials: float) -> Array:
    """1 - (1 - probability)^trials, exact to rounding for small probabilities as well."""
    xp = namespace(probability)
    return -xp.expm1(trials * xp.log1p(-xp.clip(probability, None, LARGEST_BELOW_ONE)))
