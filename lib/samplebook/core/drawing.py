"""Draw from a discrete law by its inverse distribution function, with NumPy or torch generators."""

import sys
from typing import Any, Protocol

import numpy as np

from samplebook.core.arrays import (
    BLOCK,
    Array,
    block_sums,
    is_tensor,
    namespace,
    positions,
    take_along_last,
)


class Uniforms(Protocol):
    """A source of single uniform numbers in [0, 1): a NumPy generator, or a list replayed by a test."""

    def random(self) -> float:
        """The next number."""
        ...


class TorchUniforms:
    """Single uniform numbers out of a ``torch.Generator``."""

    def __init__(self, generator: Any):
        self.generator = generator

    def random(self) -> float:
        """The next number, in float64."""
        torch = sys.modules["torch"]
        device = self.generator.device
        return float(
            torch.rand((), generator=self.generator, device=device, dtype=torch.float64)
        )


def is_torch_generator(rng: object) -> bool:
    """Whether ``rng`` is a ``torch.Generator``."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(rng, torch.Generator)


def as_torch_generator(rng: Any, name: str = "rng") -> Any:
    """``rng``, or ``ValueError`` unless it is a ``torch.Generator``: torch takes None for the global one."""
    if not is_torch_generator(rng):
        raise ValueError(f"{name}: must be a torch.Generator, got {rng!r}")
    return rng


def as_uniforms(rng: Any, name: str = "rng") -> Uniforms:
    """A source of single uniform numbers.

    Raises
    ------
    ValueError
        If ``rng`` is neither a ``torch.Generator`` nor an object with a method ``random()``.
    """
    if is_torch_generator(rng):
        return TorchUniforms(rng)
    if isinstance(rng, type) or not callable(getattr(rng, "random", None)):
        raise ValueError(
            f"{name}: must have a method random(), as numpy.random.default_rng(seed) has; got {rng!r}"
        )
    source: Uniforms = rng
    return source


def check_generator(rng: Any, law: Array, name: str = "rng") -> None:
    """Raise ``ValueError`` unless ``rng`` can draw for ``law``: same library, same kind of device."""
    if not is_tensor(law):
        if not isinstance(rng, np.random.Generator):
            raise ValueError(
                f"{name}: a batch of NumPy arrays needs a numpy.random.Generator, got {rng!r}"
            )
        return
    if not is_torch_generator(rng):
        raise ValueError(
            f"{name}: a batch of tensors needs a torch.Generator, got {rng!r}"
        )
    if rng.device.type != law.device.type:
        raise ValueError(f"{name}: is on {rng.device}, the tensors are on {law.device}")


def uniforms(shape: tuple[int, ...], rng: Any, like: Array) -> Array:
    """Uniform float64 numbers in [0, 1), in the library and on the device of ``like``."""
    if is_tensor(like):
        torch = sys.modules["torch"]
        return torch.rand(shape, generator=rng, device=like.device, dtype=torch.float64)
    return rng.random(shape)


def inverse_cdf(law: Array, uniform: Any) -> Array:
    """Tokens at which the distribution function of one law first exceeds the uniform numbers.

    Parameters
    ----------
    law : array of shape (V,)
        Non-negative weights, not all 0; they need not sum to 1.
    uniform : float or array of any shape
        Numbers in [0, 1).

    Returns
    -------
    int64 array of the shape of ``uniform``
        Never a token of weight 0, whatever the rounding.
    """
    xp = namespace(law)
    cdf = xp.cumsum(law, axis=-1, dtype=xp.float64)
    last = xp.searchsorted(cdf, cdf[-1:], side="left")[0]
    return xp.minimum(xp.searchsorted(cdf, uniform * cdf[-1], side="right"), last)


def draw_token(law: Array, rng: Uniforms) -> int:
    """One token from a law (V,), by one call of ``rng.random()``."""
    return int(inverse_cdf(law, rng.random()))


def first_above(cdf: Array, level: Array) -> Array:
    """The first entry at which a distribution function (..., N) exceeds a level (...).

    Never an entry of weight 0: where rounding puts the level at the whole mass, it is the last other one.
    """
    xp = namespace(cdf)
    last = (cdf < cdf[..., -1:]).sum(axis=-1)
    return xp.minimum((cdf <= level[..., None]).sum(axis=-1), last)


def block_entries(laws: Array, block: Array) -> Array:
    """Entries (B, 256) of one of ``block_sums``' blocks (B,) in each row of laws (B, V); 0 beyond the end."""
    xp = namespace(laws)
    size = laws.shape[1]
    places = block[:, None] * BLOCK + positions(BLOCK, like=laws)
    entries = take_along_last(laws, xp.clip(places, None, size - 1))
    return xp.where(places < size, entries, 0.0)


def token_at_level(laws: Array, edges: Array, level: Array) -> Array:
    """Tokens (B,) at levels (B,): first the block that a level falls into, then the token in the block.

    ``edges`` (B, N + 1) is the distribution function before and after each of N blocks.
    """
    xp = namespace(laws)
    level = level * edges[:, -1]
    block = first_above(edges[:, 1:], level)
    ends = xp.stack([block, block + 1], axis=-1)
    start, end = take_along_last(edges, ends).T
    share = (level - start) / xp.where(end > start, end - start, 1.0)
    cdf = xp.cumsum(block_entries(laws, block), axis=-1, dtype=xp.float64)
    return block * BLOCK + first_above(cdf, share * cdf[:, -1])


def tokens_at_levels(laws: Array, levels: Array) -> Array:
    """Tokens (B, n) at which the distribution functions of laws (B, V) first exceed ``levels`` (B, n).

    Large laws are read once, and no distribution function over V is written. Laws are non-negative weights;
    levels lie in [0, 1). Never a token of weight 0, unless all weights of a row are 0.
    """
    xp = namespace(laws)
    columns = [levels[:, i] for i in range(levels.shape[1])]
    if laws.shape[1] <= BLOCK:
        cdf = xp.cumsum(laws, axis=-1, dtype=xp.float64)
        tokens = [first_above(cdf, level * cdf[:, -1]) for level in columns]
    else:
        sums = block_sums(laws)
        edges = xp.cumsum(xp.concatenate([0 * sums[:, :1], sums], axis=-1), axis=-1)
        tokens = [token_at_level(laws, edges, level) for level in columns]
    return xp.stack(tokens, axis=-1)


def draw_tokens(laws: Array, rng: Any) -> Array:
    """One token (B,) from each row of ``laws`` (B, V)."""
    return tokens_at_levels(laws, uniforms((laws.shape[0], 1), rng, laws))[:, 0]
