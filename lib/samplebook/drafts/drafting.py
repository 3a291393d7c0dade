"""Three ways to draw the drafts of one position from the draft law q.

Independently: i.i.d. draws, with replacement. Without replacement: each from q, restricted to the tokens not
drawn yet and renormalised. Greedily: the k - 1 most probable tokens, then one draw from the rest. The last
two give distinct tokens; where q knows fewer than k tokens, they give all of them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samplebook.core.arrays import Array, cast, namespace, zero_along_last
from samplebook.core.drawing import (
    Uniforms,
    draw_token,
    draw_tokens,
    tokens_at_levels,
    uniforms,
)

Tokens = NDArray[np.int64]


@dataclass(frozen=True)
class Drafting:
    """A way to draw drafts; both functions take checked arguments.

    Attributes
    ----------
    draw : a law (V,), k and a source of uniform numbers to at most k tokens
    draw_batch : laws (B, V), k and a generator to tokens (B, k); every row has to know k tokens
    """

    draw: Callable[[Array, int, Uniforms], Tokens]
    draw_batch: Callable[[Array, int, Any], Array]


def distinct_tokens(draft: Array, num_drafts: int) -> int:
    """How many distinct drafts a law (V,) can give, at most ``num_drafts``."""
    return min(num_drafts, int((draft > 0).sum()))


def most_probable(draft: Array, count: int) -> Array:
    """The ``count`` most probable tokens (..., count), falling; the lowest number first among equals."""
    xp = namespace(draft)
    tokens = []
    for _ in range(count):
        tokens.append(xp.argmax(draft, axis=-1)[..., None])
        draft = zero_along_last(draft, tokens[-1])
    return xp.concatenate(tokens, axis=-1) if tokens else cast(draft[..., :0], xp.int64)


def draw_independently(draft: Array, num_drafts: int, rng: Uniforms) -> Tokens:
    """``num_drafts`` i.i.d. tokens of a law (V,)."""
    return np.array([draw_token(draft, rng) for _ in range(num_drafts)])


def draw_without_replacement(draft: Array, num_drafts: int, rng: Uniforms) -> Tokens:
    """Distinct tokens of a law (V,), each drawn from what is left of it."""
    tokens: Tokens = np.empty(0, dtype=np.int64)
    for _ in range(distinct_tokens(draft, num_drafts)):
        tokens = np.append(tokens, draw_token(zero_along_last(draft, tokens), rng))
    return tokens


def draw_greedily(draft: Array, num_drafts: int, rng: Uniforms) -> Tokens:
    """The most probable tokens of a law (V,), and a last one drawn from the rest."""
    top = most_probable(draft, distinct_tokens(draft, num_drafts) - 1)
    return np.append(top, draw_token(zero_along_last(draft, top), rng))


def draw_independently_in_batch(draft: Array, num_drafts: int, rng: Any) -> Array:
    """``num_drafts`` i.i.d. tokens (B, k) of each row of laws (B, V)."""
    levels = uniforms((draft.shape[0], num_drafts), rng, draft)
    return tokens_at_levels(draft, levels)


def draw_without_replacement_in_batch(draft: Array, num_drafts: int, rng: Any) -> Array:
    """Distinct tokens (B, k) of each row of laws (B, V): the first clocks to ring, of rates q(x)."""
    xp = namespace(draft)
    ringing_times = -xp.log1p(-uniforms(tuple(draft.shape), rng, draft))
    return most_probable(draft / xp.clip(ringing_times, 1e-300, None), num_drafts)


def draw_greedily_in_batch(draft: Array, num_drafts: int, rng: Any) -> Array:
    """The most probable tokens of each row of laws (B, V), and a last one drawn from the rest; (B, k)."""
    top = most_probable(draft, num_drafts - 1)
    last = draw_tokens(zero_along_last(draft, top), rng)
    return namespace(draft).concatenate([top, last[:, None]], axis=-1)


INDEPENDENT = Drafting(draw_independently, draw_independently_in_batch)
WITHOUT_REPLACEMENT = Drafting(
    draw_without_replacement, draw_without_replacement_in_batch
)
GREEDY = Drafting(draw_greedily, draw_greedily_in_batch)
