"""The few operations that NumPy arrays and torch tensors spell differently.

Methods are written once: ``xp = namespace(law)`` is the module ``numpy`` or ``torch``, whose functions
agree in ``axis=``, ``keepdims=`` and ``dtype=``. Torch is never imported here: whoever passes a tensor
has imported it.
"""

import sys
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = Any
"""A NumPy array or a torch tensor."""
BLOCK = 256
"""Number of entries of a row that are summed in the row's own dtype."""


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


def falling(array: Array) -> Array:
    """The entries of each row of ``array`` (..., V) in falling order."""
    if is_tensor(array):
        return array.sort(dim=-1, descending=True).values
    return np.flip(np.sort(array, axis=-1), axis=-1)


def zero_along_last(array: Array, indices: Array) -> Array:
    """A copy of ``array`` (..., V) with each row's entries at that row's ``indices`` (..., n) set to 0."""
    if is_tensor(array):
        return array.scatter(-1, indices, 0.0)
    copy = array.copy()
    np.put_along_axis(copy, indices, 0.0, axis=-1)
    return copy


def excess_over(array: Array, factors: Array, other: Array) -> Array:
    """(array - factor other)_+, shape (..., V), for a factor for each row (...,)."""
    factors = cast(factors, array.dtype)[..., None]
    if is_tensor(array):
        torch = sys.modules["torch"]
        return torch.addcmul(array, factors, other, value=-1).clip_(min=0.0)
    difference = array - factors * other
    return np.maximum(difference, 0.0, out=difference)


def positions(count: int, like: Array) -> Array:
    """0, 1, .., ``count`` - 1 as int64, in the library and on the device of ``like``."""
    if is_tensor(like):
        return sys.modules["torch"].arange(count, device=like.device)
    return np.arange(count)


def block_sums(array: Array) -> Array:
    """Sums of each row's consecutive blocks of 256 entries, and of the shorter rest, as float64.

    Inside a block the sum has the array's own dtype: a float32 tensor is read once, and not copied to
    float64 as ``sum(dtype=float64)`` does.

    Parameters
    ----------
    array : floating-point array of shape (..., V)

    Returns
    -------
    float64 array of shape (..., V // 256 + 1)
    """
    xp = namespace(array)
    count = array.shape[-1] // BLOCK
    blocks = array[..., : count * BLOCK].reshape(*array.shape[:-1], count, BLOCK)
    rest = array[..., count * BLOCK :].sum(axis=-1)[..., None]
    return cast(xp.concatenate([blocks.sum(axis=-1), rest], axis=-1), xp.float64)


def total(array: Array) -> Array:
    """Sum over the last axis as float64, accumulated in float64, or over float32's ``block_sums``."""
    xp = namespace(array)
    terms = block_sums(array) if array.dtype == xp.float32 else array
    return terms.sum(axis=-1, dtype=xp.float64)


def suffix_sums(values: Array) -> Array:
    """Sums over the last axis from each entry to the end, accurate where they are small."""
    xp = namespace(values)
    return xp.flip(xp.cumsum(xp.flip(values, (-1,)), axis=-1), (-1,))


def log_sigmoid(logits: Array) -> Array:
    """log(1 / (1 + exp(-logits))), accurate at both ends."""
    if is_tensor(logits):
        return sys.modules["torch"].nn.functional.logsigmoid(logits)
    return -np.logaddexp(0.0, -np.asarray(logits))


def sigmoid(logits: Array) -> Array:
    """1 / (1 + exp(-logits)), without overflow."""
    return logits.sigmoid() if is_tensor(logits) else np.exp(log_sigmoid(logits))


def without_gradient(array: Array) -> Array:
    """The same numbers, as constants to automatic differentiation."""
    return array.detach() if is_tensor(array) else array


def as_result(values: Array) -> Any:
    """A Python float where ``values`` is a single number, else ``values``."""
    return float(values) if values.ndim == 0 else values


def pad_rows(rows: Sequence[NDArray[Any]], filler: int) -> NDArray[Any]:
    """Rows of unequal lengths as one array (B, longest), filled up at their ends."""
    lengths = np.array([len(row) for row in rows])
    padded = np.full((len(rows), lengths.max()), filler, dtype=rows[0].dtype)
    padded[np.arange(lengths.max()) < lengths[:, None]] = np.concatenate(rows)
    return padded
