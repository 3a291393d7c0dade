"""Greedy drafts: the k - 1 most probable tokens S of the draft law, and one token X drawn from the rest.

X has the law q'(x) = q(x) / (1 - q(S)) outside S. The single-draft rule with q' in place of q emits a token
of law p, and is the best verification of these drafts: it accepts with probability p(S) + sum over x outside
S of min(p(x), q'(x)). A residual draw that falls into S counts as accepted. (Hu et al., "Towards optimal
multi-draft speculative decoding", 2025.)
"""

from samplebook.core.arrays import Array, namespace, total
from samplebook.core.drawing import Uniforms
from samplebook.drafts import single_draft
from samplebook.drafts.drafting import most_probable
from samplebook.drafts.masses import overlap, without_tokens


def acceptance(target: Array, draft: Array, num_drafts: int) -> Array:
    """p(S) + sum min(p, q') (...,); where q knows fewer than k tokens, its drafts are all of them."""
    xp = namespace(target)
    rest = without_tokens(draft, most_probable(draft, num_drafts - 1))
    top_mass = total(xp.where((draft > 0) & (rest == 0), target, 0.0))
    return top_mass + overlap(target, rest)


def select(target: Array, draft: Array, drafts: Array, rng: Uniforms) -> int:
    """The emitted token, for laws (V,) and drafts (k,), of which the last was drawn."""
    rest = without_tokens(draft, drafts[:-1])
    return single_draft.select(target, rest, drafts[-1:], rng)
