"""The optimum for drafts without replacement, at any vocabulary size, by a race of exponential clocks.

Drafts X_1..X_k come from q without replacement: each from q, restricted to the tokens not drawn yet and
renormalised. Give every token x a clock that rings at an exponential time of rate q(x), independently. The
order of ringing is the order of drawing. So the first n drafts all lie in a set H just when n clocks of H
ring before the first clock outside H, which rings at the rate r = 1 - q(H):

    Q_n(H) = P(X_1..X_n in H) = 1 - int_0^inf r exp(-r t) P(fewer than n clocks of H rang by time t) dt.

How many clocks of H rang by time t is a sum of independent indicators. Hence

    exp(-r t) P(exactly j of them rang) = exp(-t) e_j(exp(q(x) t) - 1 : x in H)

with the elementary symmetric polynomial e_j. Along the prefixes H of a sorted vocabulary each e_j is a
running sum over e_(j-1), so one pass gives every n. The integral is a trapezoid sum in s, where t = exp(s -
exp(-s)): the integrand falls off so fast at both ends that some sixty nodes give it to rounding. The optimum
is 1 + min over H of p(H) - Q_n(H), and a best H is a prefix of the tokens sorted by p / q (Hu et al.,
"Towards optimal multi-draft speculative decoding", 2025; the race is this book's own).
"""

import math

import numpy as np

from samplebook.core.arrays import (
    Array,
    namespace,
    suffix_sums,
    take_along_last,
    total,
)

STEP = 0.18
"""Distance of the nodes s, for an error near 1e-14."""
FIRST_NODE = -3.5
"""Smallest s: there t is 1e-16."""
CERTAIN = 40.0
"""A clock with q(x) t above this has rung: exp(-40) is beneath rounding."""
NEGLIGIBLE = 1e-17
"""Tokens that hold less than this share of what n - 1 drafts leave behind count as never drawn."""
MOST_DRAFTS = 14
"""Largest k: the polynomials of more clocks could overflow."""


def left_by_largest(draft: Array, count: int) -> Array:
    """Mass (...,) outside the ``count`` most probable tokens, or outside all but one if there are no more."""
    xp = namespace(draft)
    descending = take_along_last(draft, xp.argsort(-draft, axis=-1))
    known = xp.clip((draft > 0).sum(axis=-1) - 1, None, count)
    return take_along_last(suffix_sums(descending), known[..., None])[..., 0]


def add_node(missing: Array, draft: Array, time: float, time_step: float) -> None:
    """Add one node of the integral: to ``missing[j]`` (..., V), for exactly j clocks of a prefix that rang.

    The factor r is left out. Clocks that have certainly rung are counted, not multiplied in: the node then
    matters only to prefixes that hold all of them, and its weight keeps the mass of the other clocks.
    """
    xp = namespace(draft)
    rung = draft * time > CERTAIN
    num_rung = rung.sum(axis=-1)[..., None]
    uncertain = xp.where(rung, 0.0, draft)
    weight = time_step * xp.exp(-time * total(uncertain))[..., None]
    if not weight.any():
        return
    if rung.any():
        weight = weight * (xp.cumsum(rung, axis=-1) == num_rung)
    odds = xp.expm1(time * uncertain)
    # e_j of the prefixes of 0, 1, .., V tokens
    polynomial = xp.zeros_like(xp.concatenate([odds, odds[..., :1]], axis=-1))
    for j in range(len(missing)):
        terms = odds * polynomial[..., :-1]
        polynomial[..., 0] = 0
        xp.cumsum(terms, axis=-1, out=polynomial[..., 1:])
        polynomial += num_rung == j
        missing[j] += weight * polynomial[..., 1:]


def all_inside_prefixes(draft: Array, num_drafts: int) -> Array:
    """Q_n(H), shape (num_drafts, ..., V): chance that the first n drafts lie among the first m tokens."""
    xp = namespace(draft)
    left = xp.zeros_like(draft)
    left[..., :-1] = suffix_sums(draft)[..., 1:]
    negligible = NEGLIGIBLE * left_by_largest(draft, num_drafts - 1)[..., None]
    last_time = CERTAIN / max(float(negligible.min()), 1e-300)
    missing = xp.stack([xp.zeros_like(draft)] * num_drafts)
    for s in np.arange(FIRST_NODE, math.log(last_time), STEP):
        time = math.exp(s - math.exp(-s))
        rung = (draft * time > CERTAIN).sum(axis=-1)
        if (rung >= num_drafts).all():
            break  # n clocks have rung for certain, and so they have at all later times
        add_node(missing, draft, time, STEP * time * (1 + math.exp(-s)))
    inside = 1 - left * xp.cumsum(missing, axis=0)
    return xp.where(left <= negligible, 1.0, inside)


def acceptances(target: Array, draft: Array, num_drafts: int) -> Array:
    """The optima (num_drafts, ...) for 1, 2, .., ``num_drafts`` drafts, for float64 laws (..., V).

    A law with fewer tokens than drafts gives all its tokens as drafts. Every prefix is tried: what is
    minimised can have several local minima.
    """
    xp = namespace(target)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        order = xp.argsort(target / draft, axis=-1)
    target_mass = xp.cumsum(take_along_last(target, order), axis=-1)
    inside = all_inside_prefixes(take_along_last(draft, order), num_drafts)
    return xp.clip(1 + xp.amin(target_mass - inside, axis=-1), 0.0, 1.0)


def acceptance(target: Array, draft: Array, num_drafts: int) -> Array:
    """The optimum (...,) for ``num_drafts`` drafts without replacement."""
    return acceptances(target, draft, num_drafts)[-1]
