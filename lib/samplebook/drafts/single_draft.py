"""One draft: the maximal coupling, which is ordinary speculative decoding.

Accept the draft x with probability min(1, p(x) / q(x)), else draw from the law proportional to
(p - q)_+. Acceptance is sum_x min(p(x), q(x)) = 1 - TV(p, q), and no coupling does better.
Here and in the modules beside this one p is the target, q the draft law, and arguments are checked already
(:mod:`samplebook.drafts.verification` does that).
"""

from samplebook.core.arrays import Array
from samplebook.core.drawing import Uniforms, draw_token
from samplebook.drafts.masses import normalised_excess, overlap


def acceptance(target: Array, draft: Array, num_drafts: int = 1) -> Array:
    """Acceptance probability (...,) of the maximal coupling; ``num_drafts`` is 1."""
    return overlap(target, draft)


def residual(target: Array, draft: Array, num_drafts: int = 1) -> Array:
    """Law (..., V) of the token that replaces a rejected draft; ``num_drafts`` is 1."""
    return normalised_excess(target, draft)


def select(target: Array, draft: Array, drafts: Array, rng: Uniforms) -> int:
    """The emitted token, for laws (V,) and one draft (1,)."""
    token = int(drafts[0])
    if rng.random() * draft[token] < target[token]:
        return token
    return draw_token(residual(target, draft), rng)
