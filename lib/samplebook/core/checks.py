"""Checks of arguments: each returns its argument in the form that methods use, or raises ``ValueError``.

Every message names the argument and says what was wrong with it.
"""

import operator
import sys
from collections.abc import Iterable, Sequence
from numbers import Real
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from samplebook.core.arrays import (
    Array,
    cast,
    is_tensor,
    namespace,
    take_along_last,
    to_numpy,
    total,
    zero_along_last,
)

SUM_TOLERANCE = {"float32": 1e-4}
"""How far a law's sum may be from 1, by the dtype it comes in."""
DEFAULT_SUM_TOLERANCE = 1e-6
ROUNDING = 1e-13
"""What summing in another order may leave: nearer to 1 than this, a law is not copied to renormalise it."""
HALF_PRECISION = ("float16", "bfloat16")

TokenRows: TypeAlias = NDArray[np.int64] | Sequence[NDArray[np.int64]]
"""Tokens for a next-token model: an array (B, T), or a sequence of B rows of any lengths."""


def as_count(value: Any, name: str, *, minimum: int = 1) -> int:
    """``value`` as an int.

    Raises
    ------
    ValueError
        If it is not an integer (``True`` is none), or is below ``minimum``.
    """
    try:
        count = None if isinstance(value, bool | np.bool_) else operator.index(value)
    except TypeError:
        count = None
    if count is None:
        raise ValueError(f"{name}: must be an integer, got {value!r}")
    if count < minimum:
        raise ValueError(f"{name}: must be at least {minimum}, got {count}")
    return count


def as_number(value: Any, name: str) -> float:
    """``value`` as a float.

    Raises
    ------
    ValueError
        If it is not a real number (``True`` is none).
    """
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        raise ValueError(f"{name}: must be a number, got {value!r}")
    return float(value)


def as_flag(value: Any, name: str) -> bool:
    """``value`` as a bool, or ``ValueError`` if it is none."""
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name}: must be True or False, got {value!r}")
    return bool(value)


def dtype_name(array: Array) -> str:
    """Name of an array's dtype, such as ``"float32"``, without a namespace."""
    return str(array.dtype).removeprefix("torch.")


def as_array(values: Any, name: str) -> Array:
    """``values`` as a tensor without gradient if it is a tensor, else as a NumPy array.

    Raises
    ------
    ValueError
        If the values do not form an array, or form an empty one.
    """
    try:
        array = values.detach() if is_tensor(values) else np.asarray(values)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: not an array of numbers ({error})") from error
    if 0 in array.shape:
        raise ValueError(f"{name}: empty, shape {tuple(array.shape)}")
    return array


def is_real(array: Array) -> bool:
    """Whether the dtype holds real numbers (truth values, complex numbers and objects are none)."""
    if is_tensor(array):
        return not array.dtype.is_complex and dtype_name(array) != "bool"
    return array.dtype.kind in "iuf"


def is_integer(array: Array) -> bool:
    """Whether the dtype holds integers (truth values are none)."""
    if is_tensor(array):
        return is_real(array) and not array.dtype.is_floating_point
    return array.dtype.kind in "iu"


def row_with(wrong: Array) -> str:
    """Where the first true entry of ``wrong`` is: " in row 3", or "" for a single number."""
    where = to_numpy(wrong)
    if where.ndim == 0:
        return ""
    row = np.argwhere(where)[0].tolist()
    return f" in row {row[0] if len(row) == 1 else tuple(row)}"


def first_entry(values: Array, wrong: Array) -> float:
    """The entry of ``values`` at the first true entry of ``wrong``."""
    return float(to_numpy(values)[to_numpy(wrong)].flat[0])


def as_probabilities(values: Any, name: str, *, keep_float32: bool = False) -> Array:
    """Probabilities over the last axis, renormalised once.

    Parameters
    ----------
    values : array-like of shape (..., V)
        A law, or a batch of laws. Lists become NumPy arrays; a torch tensor stays on its device.
    name : str
        The argument's name, for messages.
    keep_float32 : bool
        Keep a float32 tensor in float32; everything else becomes float64.

    Returns
    -------
    array or tensor of shape (..., V)
        Non-negative, with sum 1; the input itself where nothing has to change, so do not write to it.

    Raises
    ------
    ValueError
        If an entry is NaN, infinite or negative, if a sum is off by more than 1e-6 (1e-4 for float32
        input), if the dtype is float16, bfloat16 or not a real one, or if there is no entry.
    """
    array = as_array(values, name)
    given = dtype_name(array)
    if given in HALF_PRECISION:
        raise ValueError(
            f"{name}: {given} is too coarse for probabilities, upcast the logits to float32 first"
        )
    if array.ndim == 0 or not is_real(array):
        raise ValueError(
            f"{name}: must be real numbers of shape (..., V), got {given} of shape {tuple(array.shape)}"
        )
    xp = namespace(array)
    law = (
        array
        if keep_float32 and given == "float32" and is_tensor(array)
        else cast(array, xp.float64)
    )
    sums = total(law)
    check_masses(law, sums, name, SUM_TOLERANCE.get(given, DEFAULT_SUM_TOLERANCE))
    if (abs(sums - 1) <= ROUNDING).all():
        return law
    return law / cast(sums, law.dtype)[..., None]


def check_masses(law: Array, sums: Array, name: str, tolerance: float) -> None:
    """Raise ``ValueError`` unless every row of ``law`` is finite, non-negative and sums to 1."""
    xp = namespace(law)
    not_finite = ~xp.isfinite(sums)
    if not_finite.any():
        entries = ~xp.isfinite(law)
        what = first_entry(law, entries) if entries.any() else "a sum that overflows"
        raise ValueError(f"{name}: has {what}{row_with(not_finite)}, must be finite")
    smallest = xp.amin(law, axis=-1)
    negative = smallest < 0
    if negative.any():
        raise ValueError(
            f"{name}: has {first_entry(smallest, negative):g}{row_with(negative)}, must not be negative"
        )
    off = abs(sums - 1) > tolerance
    if off.any():
        raise ValueError(
            f"{name}: sums to {first_entry(sums, off):.9g}{row_with(off)}, must be 1 within {tolerance:g}"
        )


def as_probability_pair(
    target: Any, draft: Any, *, keep_float32: bool = False
) -> tuple[Array, Array]:
    """Target and draft laws of one shape, dtype and device; see :func:`as_probabilities`.

    Raises
    ------
    ValueError
        If one of the two is not a law, if their shapes or devices differ, or if only one is a tensor.
    """
    laws = [
        as_probabilities(values, name, keep_float32=keep_float32)
        for values, name in ((target, "target"), (draft, "draft"))
    ]
    check_alike(*laws)
    if laws[0].dtype != laws[1].dtype:
        laws = [cast(law, namespace(law).float64) for law in laws]
    return laws[0], laws[1]


def check_alike(target: Array, draft: Array) -> None:
    """Raise ``ValueError`` unless both are arrays of one library, shape and device."""
    if is_tensor(target) != is_tensor(draft):
        raise ValueError(
            "draft: target and draft must both be torch tensors or both be arrays"
        )
    if target.shape != draft.shape:
        raise ValueError(
            f"draft: shape {tuple(draft.shape)} differs from target's {tuple(target.shape)}"
        )
    if is_tensor(target) and target.device != draft.device:
        raise ValueError(f"draft: is on {draft.device}, target is on {target.device}")


def as_tokens(values: Any, name: str, *, vocabulary: int, like: Array) -> Array:
    """Token numbers as int64, in the library and on the device of ``like``.

    Raises
    ------
    ValueError
        If there is none, if they are not integers, or if one is outside 0..``vocabulary`` - 1.
    """
    tokens = as_array(values, name)
    if not is_integer(tokens):
        raise ValueError(f"{name}: must be integers, got {dtype_name(tokens)}")
    low, high = int(tokens.min()), int(tokens.max())
    if low < 0 or high >= vocabulary:
        raise ValueError(
            f"{name}: token {low if low < 0 else high} is outside 0..{vocabulary - 1}"
        )
    if is_tensor(like):
        return sys.modules["torch"].as_tensor(tokens, device=like.device).long()
    return to_numpy(tokens).astype(np.int64)


def check_drafted(drafts: Array, draft: Array) -> None:
    """Raise ``ValueError`` if a token of ``drafts`` (..., k) has probability 0 under ``draft`` (..., V)."""
    impossible = take_along_last(draft, drafts) == 0
    if impossible.any():
        token = int(first_entry(drafts, impossible))
        place = tuple(np.argwhere(to_numpy(impossible))[0].tolist())
        raise ValueError(
            f"drafts: token {token} at {place} has draft probability 0, so the draft law did not draw it; "
            "process the logits of both models alike"
        )


def check_distinct(drafts: Array) -> None:
    """Raise ``ValueError`` if a token occurs twice in a row of ``drafts`` (..., k)."""
    rows = np.sort(to_numpy(drafts), axis=-1)
    repeated = rows[..., 1:][rows[..., 1:] == rows[..., :-1]]
    if repeated.size:
        raise ValueError(
            f"drafts: token {repeated[0]} occurs twice, but drafts without replacement are distinct"
        )


def check_most_probable(tokens: Array, draft: Array) -> None:
    """Raise ``ValueError`` unless the tokens (..., n) are n most probable ones of ``draft`` (..., V)."""
    if tokens.shape[-1] == 0:
        return
    xp = namespace(draft)
    smallest = xp.amin(take_along_last(draft, tokens), axis=-1)
    largest_other = xp.amax(zero_along_last(draft, tokens), axis=-1)
    wrong = smallest < largest_other
    if wrong.any():
        raise ValueError(
            f"drafts: all but the last must be the draft law's most probable tokens{row_with(wrong)}"
        )


def as_token_rows(
    values: Any, last: Any, *, vocabulary: int
) -> list[NDArray[np.int64]]:
    """The arguments ``tokens`` and ``last`` of a next-token model, checked: the rows of tokens.

    Raises
    ------
    ValueError
        If ``tokens`` is neither a non-empty array (B, T) nor a sequence of B rows of any lengths, if a token
        is no integer in 0..``vocabulary`` - 1, or if ``last`` is no whole number in 1..the shortest length.
    """
    if not isinstance(values, list | tuple):
        values = as_array(values, "tokens")
        if values.ndim != 2:
            raise ValueError(
                f"tokens: must have shape (B, T), got {tuple(values.shape)}"
            )
    rows = [as_token_list(row, "tokens", vocabulary=vocabulary) for row in values]
    if not rows:
        raise ValueError("tokens: empty, needs at least one row")
    shortest = min(len(row) for row in rows)
    if as_count(last, "last") > shortest:
        raise ValueError(f"last: {last} is more than the {shortest} positions")
    return rows


def as_token_list(
    values: Any, name: str, *, vocabulary: int = np.iinfo(np.int64).max
) -> NDArray[np.int64]:
    """A non-empty list of token numbers (T,); without ``vocabulary`` its size is not known yet."""
    tokens = as_tokens(values, name, vocabulary=vocabulary, like=np.empty(0))
    if tokens.ndim != 1:
        raise ValueError(f"{name}: must have shape (T,), got {tuple(tokens.shape)}")
    return np.asarray(tokens)


def as_finite(
    values: Any, name: str, *, ndim: int | None = None
) -> NDArray[np.float64]:
    """``values`` as a float64 NumPy array with ``ndim`` axes (or any number), none of them empty.

    Raises
    ------
    ValueError
        If the values are not real numbers (truth values are none), one is NaN or infinite, the array is
        empty, or it has another number of axes.
    """
    given = as_array(values, name)
    if not is_real(given):
        raise ValueError(f"{name}: must be real numbers, got {dtype_name(given)}")
    array = to_numpy(cast(given, namespace(given).float64))
    if ndim is not None and array.ndim != ndim:
        kind = {1: "a vector (n,)", 2: "a matrix (n, d)"}.get(ndim, f"of {ndim} axes")
        raise ValueError(f"{name}: must be {kind}, got shape {array.shape}")
    if not np.isfinite(array.sum()):  # a sum can overflow; the entries decide
        wrong = ~np.isfinite(array)
        if wrong.any():
            place = tuple(np.argwhere(wrong)[0].tolist())
            raise ValueError(f"{name}: has {array[place]} at {place}, must be finite")
    return array


def as_matrix(values: Any, name: str) -> NDArray[np.float64]:
    """``values`` as a finite real float64 matrix (n, d) with n, d >= 1; raises as :func:`as_finite`."""
    return as_finite(values, name, ndim=2)


def as_vector(
    values: Any, name: str, *, length: int | None = None
) -> NDArray[np.float64]:
    """``values`` as a finite real float64 vector (n,).

    Raises
    ------
    ValueError
        As :func:`as_finite`, or if the length is not the one asked for.
    """
    vector = as_finite(values, name, ndim=1)
    if length is not None and vector.size != length:
        raise ValueError(f"{name}: must have {length} entries, got {vector.size}")
    return vector


def as_exponent(value: Any, name: str = "p") -> float:
    """The exponent of a norm as a float, or ``ValueError`` unless it is a finite number >= 1."""
    exponent = as_number(value, name)
    if not 1 <= exponent < np.inf:
        raise ValueError(f"{name}: must be a finite number >= 1, got {exponent:g}")
    return exponent


def as_choice(value: Any, name: str, choices: Iterable[str]) -> str:
    """``value`` if it is one of the names in ``choices``, else a ``ValueError`` that lists them."""
    names = list(choices)
    if not isinstance(value, str) or value not in names:
        raise ValueError(
            f"{name}: must be one of {', '.join(map(repr, names))}, got {value!r}"
        )
    return value


def as_generator(rng: Any, name: str = "rng") -> np.random.Generator:
    """``rng``, or ``ValueError`` unless it is a ``numpy.random.Generator``."""
    if not isinstance(rng, np.random.Generator):
        raise ValueError(f"{name}: must be a numpy.random.Generator, got {rng!r}")
    return rng


def as_indices(values: Any, name: str, *, size: int) -> NDArray[np.int64]:
    """``values`` as an int64 vector (n,) of indices in 0..``size`` - 1; n may be 0.

    Raises
    ------
    ValueError
        If it is no vector of integers, or an index is outside the range.
    """
    if len(np.shape(values)) == 1 and len(values) == 0:
        return np.empty(0, dtype=np.int64)
    indices = to_numpy(as_array(values, name))
    if indices.ndim != 1 or not is_integer(indices):
        raise ValueError(
            f"{name}: must be integers of shape (n,), got {dtype_name(indices)} of shape {indices.shape}"
        )
    wrong = (indices < 0) | (indices >= size)
    if wrong.any():
        place = int(np.flatnonzero(wrong)[0])
        raise ValueError(
            f"{name}: has {indices[place]} at {place}, outside 0..{size - 1}"
        )
    return indices.astype(np.int64, copy=False)


def as_scores(values: Any, name: str) -> Array:
    """Finite scores of any shape: a tensor stays one, without gradient; everything else becomes float64.

    Raises
    ------
    ValueError
        If the values are not real numbers (truth values are none), one is NaN or infinite, or there is none.
    """
    if not is_tensor(values):
        return as_finite(values, name)
    scores = as_array(values, name)
    if not is_real(scores):
        raise ValueError(f"{name}: must be real numbers, got {dtype_name(scores)}")
    wrong = ~namespace(scores).isfinite(scores)
    if wrong.any():
        place = tuple(np.argwhere(to_numpy(wrong))[0].tolist())
        raise ValueError(
            f"{name}: has {first_entry(scores, wrong)} at {place}, must be finite"
        )
    return scores


def as_unit_interval(values: Any, name: str) -> NDArray[np.float64]:
    """Numbers of any shape in [0, 1] as float64, or ``ValueError``."""
    numbers = as_finite(values, name)
    wrong = (numbers < 0) | (numbers > 1)
    if wrong.any():
        place = tuple(np.argwhere(wrong)[0].tolist())
        raise ValueError(
            f"{name}: has {numbers[place]:g} at {place}, must be in [0, 1]"
        )
    return numbers


def as_mask(
    values: Any, name: str, *, shape: tuple[int, ...] | None = None
) -> NDArray[np.bool_]:
    """Truth values, or integers 0 and 1, as a bool array.

    Parameters
    ----------
    values : array-like
    name : str
        The argument's name, for messages.
    shape : tuple of int, optional
        The shape that it must have; without it, any two axes.

    Raises
    ------
    ValueError
        If an entry is neither 0 nor 1, or the shape is another one.
    """
    array = to_numpy(as_array(values, name))
    if array.dtype.kind not in "biu" or array.min() < 0 or array.max() > 1:
        raise ValueError(f"{name}: must be truth values, or integers 0 and 1")
    if shape is None and array.ndim != 2:
        raise ValueError(f"{name}: must have two axes, got shape {array.shape}")
    if shape is not None and array.shape != shape:
        raise ValueError(f"{name}: must have shape {shape}, got {array.shape}")
    return array.astype(bool, copy=False)


def check_same_shape(first: Array, second: Array, names: tuple[str, str]) -> None:
    """Raise ``ValueError`` unless two arrays have one shape, and are both tensors or both arrays."""
    if is_tensor(first) != is_tensor(second):
        raise ValueError(
            f"{names[1]}: {names[0]} and {names[1]} must both be tensors or both arrays"
        )
    if first.shape != second.shape:
        raise ValueError(
            f"{names[1]}: shape {tuple(second.shape)} differs from {names[0]}'s {tuple(first.shape)}"
        )


def as_finite_number(value: Any, name: str) -> float:
    """``value`` as a float, or ``ValueError`` if it is no number, NaN or infinite."""
    number = as_number(value, name)
    if not np.isfinite(number):
        raise ValueError(f"{name}: must be finite, got {number:g}")
    return number


def as_number_in_range(
    value: Any,
    name: str,
    *,
    above: float = -np.inf,
    at_least: float = -np.inf,
    below: float = np.inf,
    at_most: float = np.inf,
) -> float:
    """``value`` as a float, or ``ValueError`` if it is outside the bounds, no number, NaN or infinite."""
    number = as_number(value, name)
    if not (above < number < below and at_least <= number <= at_most):
        bounds = {">": above, ">=": at_least, "<": below, "<=": at_most}
        wanted = " and ".join(
            f"{sign} {bound:g}" for sign, bound in bounds.items() if np.isfinite(bound)
        )
        raise ValueError(f"{name}: must be finite and {wanted}, got {number:g}")
    return number


def as_positive(value: Any, name: str, *, infinite: bool = False) -> float:
    """``value`` as a float > 0, or ``ValueError``; finite, unless ``infinite`` allows infinity."""
    number = as_number(value, name)
    if not number > 0 or (number == np.inf and not infinite):
        kind = "" if infinite else "finite and "
        raise ValueError(f"{name}: must be {kind}> 0, got {number:g}")
    return number


def as_nonnegative(
    values: Any, name: str, *, length: int | None = None
) -> NDArray[np.float64]:
    """``values`` as a finite float64 vector (n,) without negative entries, and not all 0.

    Raises
    ------
    ValueError
        As :func:`as_vector`, or if an entry is negative, or all are 0.
    """
    vector = as_vector(values, name, length=length)
    if vector.min() < 0:
        raise ValueError(f"{name}: has {vector.min():g}, must not be negative")
    if not vector.any():
        raise ValueError(f"{name}: are all 0, must have a positive entry")
    return vector
