"""Draw from a discrete law by its inverse distribution function, with NumPy or torch generators."""

import sys
from typing import Any, Protocol

import numpy as np

from samplebook.core.arrays import Array, cast, is_tensor, namespace


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


def draw_tokens(laws: Array, rng: Any) -> Array:
    """One token (B,) from each row of ``laws`` (B, V)."""
    xp = namespace(laws)
    cdf = xp.cumsum(laws, axis=-1, dtype=xp.float64)
    mass = cdf[:, -1:]
    levels = uniforms((laws.shape[0], 1), rng, laws) * mass
    passed = xp.minimum((cdf <= levels).sum(axis=-1), (cdf < mass).sum(axis=-1))
    return cast(passed, xp.int64)
