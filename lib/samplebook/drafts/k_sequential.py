"""K-SEQ, the sequential selection of SpecTr: speculative decoding with an inflated draft law.

Drafts are tested in turn; draft x is accepted with probability min(1, p(x) / (rho q(x))). One test accepts
with probability beta(rho) = sum_x min(q(x), p(x) / rho), the k tests together with p_acc = 1 - (1 - beta)^k.
After k rejections the token comes from the residual, proportional to p - min(q, p / rho) p_acc / beta. That
is a law if p_acc <= rho beta; the smallest such division factor rho in [1, k] is the best one.
"""

from samplebook.core.arrays import Array, as_result, cast, namespace, total
from samplebook.core.checks import as_count, as_probability_pair
from samplebook.core.drawing import Uniforms, draw_token
from samplebook.drafts.masses import at_least_once, normalised_excess

TOLERANCE = 1e-12
"""Width at which the search for the division factor stops; for float32 laws it is their precision, 1.2e-7."""


def accepted_in_one_test(target: Array, draft: Array, factor: Array) -> Array:
    """min(q(x), p(x) / rho), shape (..., V): the chance that one draft is x and is accepted."""
    return namespace(target).minimum(
        draft, target / cast(factor, target.dtype)[..., None]
    )


def smallest_valid_factor(target: Array, draft: Array, num_drafts: int) -> Array:
    """The division factor rho* (...,) of checked laws, by bisection on [1, k].

    p_acc - rho beta does not increase in rho: every factor above the root is valid, so the upper end stays
    valid.
    """
    xp = namespace(target)
    upper = xp.ones_like(total(target)) * num_drafts
    width = num_drafts - 1.0
    tolerance = max(TOLERANCE, xp.finfo(target.dtype).eps)
    while width > tolerance:
        width /= 2
        middle = upper - width
        beta = total(accepted_in_one_test(target, draft, middle))
        valid = at_least_once(beta, num_drafts) <= middle * beta
        upper = xp.where(valid, middle, upper)
    return upper


def covering_factor(target: Array, draft: Array) -> Array:
    """The smallest rho >= 1 with p <= rho q everywhere, shape (...,); huge if there is none.

    It is valid: one test then accepts with probability 1 / rho, so rho beta is 1.
    """
    xp = namespace(target)
    largest = xp.amax(target / xp.clip(draft, xp.finfo(draft.dtype).tiny, None), -1)
    return xp.clip(cast(largest, total(target).dtype), 1.0, None)


def division_factor(target: Array, draft: Array, num_drafts: int) -> Array:
    """The smallest valid division factor rho*, within 1e-12 and never below it, up to rounding.

    Bisection on [1, k] returns the upper end of its last interval: every factor above rho* is
    valid. For nearly equal laws p_acc and rho beta are equal to rounding over a wide range of rho, so the
    upper end may lie far above rho*; it is then replaced by the largest p(x) / q(x), a valid factor too.

    Parameters
    ----------
    target, draft : array-like or tensor of shape (..., V)
        The laws p and q.
    num_drafts : int
        k >= 1.

    Returns
    -------
    float, or float64 array or tensor of shape (...,)
        In [1, k]. It is 1 where the laws are equal, and within 1e-12 of 1 where their supports are disjoint:
        every factor is valid then.

    Raises
    ------
    ValueError
        If a law is not a law, the shapes differ, or ``num_drafts`` is not an integer >= 1.
    """
    target, draft = as_probability_pair(target, draft)
    found = smallest_valid_factor(target, draft, as_count(num_drafts, "num_drafts"))
    return as_result(namespace(target).minimum(found, covering_factor(target, draft)))


def accepted_mass(target: Array, draft: Array, num_drafts: int, factor: Array) -> Array:
    """min(q, p / rho) p_acc / beta, shape (..., V): the chance that x is accepted in one of the k tests."""
    xp = namespace(target)
    once = accepted_in_one_test(target, draft, factor)
    beta = total(once)
    expected_tests = at_least_once(beta, num_drafts) / xp.where(beta > 0, beta, 1.0)
    return once * cast(expected_tests, once.dtype)[..., None]


def acceptance(target: Array, draft: Array, num_drafts: int) -> Array:
    """p_acc(rho*) = sum_x min(rho* q(x), p(x)), shape (...,)."""
    factor = smallest_valid_factor(target, draft, num_drafts)
    return total(namespace(target).minimum(factor[..., None] * draft, target))


def residual(target: Array, draft: Array, num_drafts: int) -> Array:
    """Law (..., V) of the token after all drafts were rejected, at rho*."""
    factor = smallest_valid_factor(target, draft, num_drafts)
    return normalised_excess(target, accepted_mass(target, draft, num_drafts, factor))


def select(target: Array, draft: Array, drafts: Array, rng: Uniforms) -> int:
    """The emitted token, for laws (V,) and the drafts (k,) still active."""
    factor = smallest_valid_factor(target, draft, len(drafts))
    for token in drafts.tolist():
        if rng.random() * factor * draft[token] < target[token]:
            return int(token)
    return draw_token(
        normalised_excess(target, accepted_mass(target, draft, len(drafts), factor)),
        rng,
    )


def k_sequential_output_law(
    target: Array, draft: Array, num_drafts: int, factor: float
) -> Array:
    """Law of the emitted token for a division factor of your choice, valid or not.

    For ``factor`` >= rho* this is the target. Below rho* the residual has negative entries; they are set to 0
    and the rest is normalised, as careless code does, and the emitted law is not the target's.

    Parameters
    ----------
    target, draft : array-like or tensor of shape (V,) or (..., V)
        The laws p and q.
    num_drafts : int
        k >= 1.
    factor : float
        rho, from 1 to k.

    Returns
    -------
    array or tensor of the shape of ``target``

    Raises
    ------
    ValueError
        As :func:`division_factor`, or if ``factor`` is outside [1, k].
    """
    target, draft = as_probability_pair(target, draft)
    num_drafts = as_count(num_drafts, "num_drafts")
    if not 1 <= factor <= num_drafts:
        raise ValueError(
            f"factor: must be from 1 to num_drafts = {num_drafts}, got {factor!r}"
        )
    factors = namespace(target).ones_like(total(target)) * factor
    accepted = accepted_mass(target, draft, num_drafts, factors)
    return accepted + (1 - total(accepted))[..., None] * normalised_excess(
        target, accepted
    )
