"""The few operations that NumPy arrays and torch tensors spell differently.

Methods are written once: ``xp = namespace(law)`` is the module ``numpy`` or ``torch``, whose functions
agree in ``axis=``, ``keepdims=`` and ``dtype=``. Torch is never imported here: whoever passes a tensor
has imported it.
"""

import sys
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = Any
"""A NumPy array or a torch tensor."""


def is_tensor(values: object) -> bool:
    """Whether ``values`` is a torch tensor."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(values, torch.Tensor)


def namespace(array: Array) -> Any:
    """The module, ``numpy`` or ``torch``, whose functions apply to ``array``."""
    return sys.modules["torch"] if is_tensor(array) else np


def to_numpy(array: Any) -> NDArray[Any]:
    """An array or tensor, or nested lists, as a NumPy array in main memory, without gradient."""
    return np.asarray(array.detach().cpu().numpy() if is_tensor(array) else array)


def cast(array: Array, dtype: Any) -> Array:
    """``array`` in another dtype of its own namespace, not copied where it has that dtype."""
    return (
        array.to(dtype)
        if is_tensor(array)
        else np.asarray(array).astype(dtype, copy=False)
    )


def take_along_last(array: Array, indices: Array) -> Array:
    """Entries of each row of ``array`` (..., V) at that row's ``indices`` (..., n)."""
    if is_tensor(array):
        return sys.modules["torch"].take_along_dim(array, indices, dim=-1)
    return np.take_along_axis(array, indices, axis=-1)


def total(array: Array) -> Array:
    """Sum over the last axis, accumulated in float64."""
    return array.sum(axis=-1, dtype=namespace(array).float64)


def as_result(values: Array) -> Any:
    """A Python float where ``values`` is a single number, else ``values``."""
    return float(values) if values.ndim == 0 else values
