"""The rule that does not look: draw the token from the target, and see whether it was drafted.

Acceptance is sum_x p(x) (1 - (1 - q(x))^k), the baseline that a coupling must beat.
"""

from samplebook.core.arrays import Array, total
from samplebook.core.drawing import Uniforms, draw_token
from samplebook.drafts.masses import at_least_once


def acceptance(target: Array, draft: Array, num_drafts: int) -> Array:
    """Probability (...,) that an independent draw from the target is among the drafts."""
    return total(target * at_least_once(draft, num_drafts))


def select(target: Array, draft: Array, drafts: Array, rng: Uniforms) -> int:
    """A draw from the target (V,), whatever the drafts."""
    return draw_token(target, rng)
