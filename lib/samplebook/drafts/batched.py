"""Token selection for a batch of positions at once, with NumPy arrays or torch tensors.

Every function takes laws (B, V) and drafts (B, k), and gives tokens (B,) with the same law as ``select``
in the method's own module. Nothing loops over B or V. Laws keep their dtype, sums and uniform numbers are
float64.
"""

from typing import Any

from samplebook.core.arrays import Array, namespace, take_along_last
from samplebook.core.drawing import draw_tokens, uniforms
from samplebook.drafts import k_sequential
from samplebook.drafts.masses import normalised_excess


def first_accepted(drafts: Array, accepted: Array, otherwise: Array) -> Array:
    """Each row's first accepted draft, or its entry of ``otherwise`` (B,) where none was accepted (B, k)."""
    tokens = otherwise
    for i in reversed(range(drafts.shape[1])):
        tokens = namespace(drafts).where(accepted[:, i], drafts[:, i], tokens)
    return tokens


def select_naive(target: Array, draft: Array, drafts: Array, rng: Any) -> Array:
    """Draws from the target, whatever the drafts."""
    return draw_tokens(target, rng)


def select_single(target: Array, draft: Array, drafts: Array, rng: Any) -> Array:
    """Maximal coupling with one draft, k = 1."""
    return select_recursive_rejection(target, draft, drafts, rng)


def select_k_sequential(target: Array, draft: Array, drafts: Array, rng: Any) -> Array:
    """K-SEQ: all tests share one division factor, so they are done together."""
    num_drafts = drafts.shape[1]
    factor = k_sequential.smallest_valid_factor(target, draft, num_drafts)
    levels = (
        uniforms(tuple(drafts.shape), rng, target)
        * factor[:, None]
        * take_along_last(draft, drafts)
    )
    covered = k_sequential.accepted_mass(target, draft, num_drafts, factor)
    otherwise = draw_tokens(normalised_excess(target, covered), rng)
    return first_accepted(drafts, levels < take_along_last(target, drafts), otherwise)


def select_recursive_rejection(
    target: Array, draft: Array, drafts: Array, rng: Any
) -> Array:
    """RRS: draft i is tested against what i - 1 rejections left of the target."""
    levels = uniforms(tuple(drafts.shape), rng, target) * take_along_last(draft, drafts)
    law, accepted = target, []
    for i in range(drafts.shape[1]):
        accepted.append(levels[:, i] < take_along_last(law, drafts[:, i : i + 1])[:, 0])
        law = normalised_excess(law, draft)
    return first_accepted(
        drafts, namespace(target).stack(accepted, axis=1), draw_tokens(law, rng)
    )
