"""Recursive rejection sampling (RRS): the single-draft rule, applied again to what was left.

Start with r_1 = p and d_1 = q. Accept draft i with probability min(1, r_i(x) / d_i(x)), else go on with
r_{i+1}, the law proportional to (r_i - d_i)_+. After k rejections draw from r_{k+1}. With replacement d_i is
always q: this is SpecInfer's multi-step rule. A draft that was rejected before is tested like any other: to
skip it is not lossless. Without replacement d_{i+1} is d_i without the rejected token, renormalised, in the
test and in the residual alike.
"""

from typing import Any

from samplebook.core.arrays import Array, cast, namespace, total
from samplebook.core.drawing import Uniforms, draw_token, draw_tokens
from samplebook.drafts.masses import normalised_excess, overlap, without_tokens

LARGEST_ENUMERATION = 2_000_000
"""Largest V**k for which the acceptance without replacement is summed over all rejected sequences."""


def acceptance(target: Array, draft: Array, num_drafts: int) -> Array:
    """1 - prod_i sum_x (r_i(x) - q(x))_+, shape (...,): draft i is rejected with the excess mass of r_i."""
    xp = namespace(target)
    law, all_rejected = target, xp.ones_like(total(target))
    for _ in range(num_drafts):
        all_rejected = all_rejected * total(xp.clip(law - draft, 0.0, None))
        law = normalised_excess(law, draft)
    return 1 - all_rejected


def residual(target: Array, draft: Array, num_drafts: int) -> Array:
    """r_{k+1}, the law (..., V) of the token after ``num_drafts`` rejections."""
    for _ in range(num_drafts):
        target = normalised_excess(target, draft)
    return target


def select(target: Array, draft: Array, drafts: Array, rng: Uniforms) -> int:
    """The emitted token, for laws (V,) and drafts (k,) with replacement."""
    law = target
    for token in drafts.tolist():
        if rng.random() * draft[token] < law[token]:
            return int(token)
        law = normalised_excess(law, draft)
    return draw_token(law, rng)


def select_without_replacement(
    target: Array, draft: Array, drafts: Array, rng: Uniforms
) -> int:
    """The emitted token, for laws (V,) and drafts (k,) without replacement."""
    law, left = target, draft
    for i, token in enumerate(drafts.tolist()):
        if rng.random() * left[token] < law[token]:
            return int(token)
        law = normalised_excess(law, left)
        left = without_tokens(left, drafts[i : i + 1])
    return draw_token(law, rng)


def acceptance_without_replacement(
    target: Array, draft: Array, num_drafts: int
) -> Array:
    """Acceptance (...,) of drafts without replacement, summed over all sequences of rejected tokens.

    Raises
    ------
    ValueError
        If V**k > 2,000,000.
    """
    vocabulary = target.shape[-1]
    if vocabulary**num_drafts > LARGEST_ENUMERATION:
        raise ValueError(
            f"num_drafts: V**k = {vocabulary}**{num_drafts} exceeds {LARGEST_ENUMERATION:,}, the most that "
            "is enumerated for 'rrs' without replacement; estimate_acceptance_rate works at any size"
        )
    xp = namespace(target)
    laws, left = target[..., None, :], draft[..., None, :]  # (..., sequences, V)
    mass = xp.ones_like(laws[..., 0])
    accepted = total(mass * overlap(laws, left))
    for _ in range(num_drafts - 1):
        mass, laws, left = reject_each_token(mass, laws, left)
        accepted = accepted + total(mass * overlap(laws, left))
    return accepted


def reject_each_token(
    mass: Array, laws: Array, left: Array
) -> tuple[Array, Array, Array]:
    """Every sequence of rejected tokens, one token longer.

    Parameters
    ----------
    mass : array of shape (..., M)
        Probabilities of M sequences, all their tokens rejected.
    laws, left : arrays of shape (..., M, V)
        r and d after each of them.

    Returns
    -------
    mass, laws, left : arrays of shape (..., M V), (..., M V, V) and (..., M V, V)
    """
    xp = namespace(laws)
    rejected = mass[..., None] * xp.clip(left - laws, 0.0, None)
    all_tokens = cast(xp.cumsum(xp.ones_like(left), axis=-1), xp.int64)[..., None] - 1
    each_token = (*left.shape, left.shape[-1])
    residuals = xp.broadcast_to(normalised_excess(laws, left)[..., None, :], each_token)
    shorter = without_tokens(
        xp.broadcast_to(left[..., None, :], each_token), all_tokens
    )
    sequences = (*mass.shape[:-1], -1)
    wide = (*sequences, left.shape[-1])
    return rejected.reshape(sequences), residuals.reshape(wide), shorter.reshape(wide)


def acceptance_along_paths(
    target: Array, draft: Array, num_drafts: int, rng: Any
) -> Array:
    """Unbiased estimates (B, k) of the acceptance of 1, 2, .., k drafts without replacement, one path a row.

    A path draws the tokens that are rejected, and adds up the exact probabilities that the next draft is
    accepted. So the noise of accepting itself is left out.

    Parameters
    ----------
    target, draft : array or tensor, shape (B, V)
        Repeat a pair of laws for more paths.
    num_drafts : int
        k >= 1.
    rng : numpy.random.Generator or torch.Generator
        In the library of the laws.
    """
    xp = namespace(target)
    laws, left = target, draft
    mass = xp.ones_like(laws[:, 0])
    accepted = []
    for _ in range(num_drafts):
        shared = overlap(laws, left)
        accepted.append(mass * shared)
        mass = mass * (1 - shared)
        rejected = xp.clip(left - laws, 0.0, None)
        impossible = total(rejected)[:, None] == 0  # then no mass is left on the path
        tokens = draw_tokens(xp.where(impossible, 1.0, rejected), rng)
        laws = normalised_excess(laws, left)
        left = without_tokens(left, tokens[:, None])
    return xp.cumsum(xp.stack(accepted, axis=-1), axis=-1)
