"""Token selection for a batch of positions at once, with NumPy arrays or torch tensors.

Every function takes laws (B, V) and drafts (B, k), and gives tokens (B,) with the same law as ``select``
in the method's own module. Nothing loops over B or V. Laws keep their dtype, uniform numbers are float64.

A selection costs what it reads and writes, so no residual law is normalised: what is left of p is always
(p - s q)_+, and the number s is all that a row has to remember. One more rejection adds the mass m to it:

    ((p - s q)_+ / m - q)_+  =  (p - (s + m) q)_+ / m    with    m = sum_x (p(x) - s q(x))_+ .
"""

from typing import Any

from samplebook.core.arrays import (
    Array,
    cast,
    excess_over,
    namespace,
    suffix_sums,
    take_along_last,
    total,
    zero_along_last,
)
from samplebook.core.drawing import draw_tokens, tokens_at_levels, uniforms
from samplebook.drafts import k_sequential


def numbers_for(drafts: Array, rng: Any, like: Array) -> tuple[Array, Array]:
    """Uniform numbers (B, k) for the tests of the drafts, and (B, 1) for the draw after the last rejection.

    All of them come first: what follows is arithmetic that ``torch.compile`` can fuse.
    """
    tests = uniforms(tuple(drafts.shape), rng, like)
    return tests, uniforms((len(drafts), 1), rng, like)


def first_accepted(drafts: Array, accepted: Array, otherwise: Array) -> Array:
    """Each row's first accepted draft, or its entry of ``otherwise`` (B,) where none was accepted (B, k)."""
    tokens = otherwise
    for i in reversed(range(drafts.shape[1])):
        tokens = namespace(drafts).where(accepted[:, i], drafts[:, i], tokens)
    return tokens


def draw_left(left: Array, level: Array, target: Array) -> Array:
    """Tokens (B,) of the laws proportional to ``left`` (B, V), at levels (B, 1).

    Where nothing is left, which only rounding can bring about, the token comes from the target.
    """
    tokens = tokens_at_levels(left, level)
    drawn = take_along_last(left, tokens) > 0
    return namespace(left).where(drawn, tokens, tokens_at_levels(target, level))[:, 0]


def select_by_factor(
    target: Array, draft: Array, factor: Array, drafts: Array, rng: Any
) -> Array:
    """Accept draft x with probability min(1, p(x) / (s q(x))); once all are rejected draw from (p - s q)_+.

    Lossless for the factors s (B,) of the methods below, not for every s.
    """
    numbers, level = numbers_for(drafts, rng, target)
    p, q = take_along_last(target, drafts), take_along_last(draft, drafts)
    left = excess_over(target, factor, draft)
    otherwise = draw_left(left, level, target)
    return first_accepted(drafts, numbers * q * factor[:, None] < p, otherwise)


def select_naive(target: Array, draft: Array, drafts: Array, rng: Any) -> Array:
    """Draws from the target, whatever the drafts."""
    return draw_tokens(target, rng)


def select_single(target: Array, draft: Array, drafts: Array, rng: Any) -> Array:
    """Maximal coupling with one draft, k = 1: s = 1."""
    factor = namespace(target).ones_like(target[:, 0])
    return select_by_factor(target, draft, factor, drafts, rng)


def select_greedy(target: Array, draft: Array, drafts: Array, rng: Any) -> Array:
    """Greedy drafts: the single-draft rule for the last one, with the draft law without the others."""
    rest = zero_along_last(draft, drafts[:, :-1])
    return select_by_factor(target, rest, 1 / total(rest), drafts[:, -1:], rng)


def select_k_sequential(target: Array, draft: Array, drafts: Array, rng: Any) -> Array:
    """K-SEQ: s is the division factor rho*, at which its residual is (p - rho* q)_+."""
    factor = k_sequential.smallest_valid_factor(target, draft, drafts.shape[1])
    return select_by_factor(target, draft, factor, drafts, rng)


def select_recursively(
    target: Array, draft: Array, draft_mass: Array, drafts: Array, rng: Any
) -> Array:
    """RRS: draft i is tested against (p - s q)_+ / m, what i - 1 rejections left of the target.

    Its own law is q / ``draft_mass[:, i]``, (B, k), on the tokens not rejected yet. A rejected one has
    nothing left, because a token with p - s q above what its law takes away is accepted for sure.
    """
    xp = namespace(target)
    numbers, level = numbers_for(drafts, rng, target)
    p, q = take_along_last(target, drafts), take_along_last(draft, drafts)
    factor, left, accepted = xp.zeros_like(level[:, 0]), target, []
    for i in range(drafts.shape[1]):
        step = total(left) / draft_mass[:, i]
        accepted.append((factor + numbers[:, i] * step) * q[:, i] < p[:, i])
        factor = factor + step
        left = excess_over(target, factor, draft)
    otherwise = draw_left(left, level, target)
    return first_accepted(drafts, xp.stack(accepted, axis=1), otherwise)


def select_recursive_rejection(
    target: Array, draft: Array, drafts: Array, rng: Any
) -> Array:
    """RRS with replacement: every draft has the law q."""
    draft_mass = namespace(drafts).ones_like(drafts)
    return select_recursively(target, draft, draft_mass, drafts, rng)


def select_recursive_rejection_without_replacement(
    target: Array, draft: Array, drafts: Array, rng: Any
) -> Array:
    """RRS for distinct drafts: each has the draft law without the drafts before it."""
    drafted = cast(take_along_last(draft, drafts), namespace(draft).float64)
    never_drafted = total(zero_along_last(draft, drafts))[:, None]
    draft_mass = never_drafted + suffix_sums(drafted)
    return select_recursively(target, draft, draft_mass, drafts, rng)
