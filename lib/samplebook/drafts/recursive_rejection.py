"""Recursive rejection sampling (RRS): the single-draft rule, applied again to what was left.

Start with r_1 = p. Accept draft i with probability min(1, r_i(x) / q(x)), else go on with r_{i+1}, the law
proportional to (r_i - q)_+. After k rejections draw from r_{k+1}. This is SpecInfer's multi-step rule,
for drafts with replacement. A draft that was rejected before is tested like any other: to skip it is not
lossless.
"""

from samplebook.core.arrays import Array, namespace, total
from samplebook.core.drawing import Uniforms, draw_token
from samplebook.drafts.masses import normalised_excess


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
    """The emitted token, for laws (V,) and drafts (k,)."""
    law = target
    for token in drafts.tolist():
        if rng.random() * draft[token] < law[token]:
            return int(token)
        law = normalised_excess(law, draft)
    return draw_token(law, rng)
