"""How arrays and numbers cross between a contained process and the grader: one JSON header, then raw bytes.

Nothing is pickled, so what arrives can only ever be data. Both sides import this module; it needs NumPy and
the standard library alone.
"""

import json
import math
import re
from typing import Any

import numpy as np

DEEPEST_NESTING = 8
LARGEST_MESSAGE = 64_000_000
LARGEST_HEADER = 8_000_000
WORDS_OF_A_SEED = 4
DTYPE = re.compile(r"[<>|=]?[biufc]\d{1,2}")
ARRAY, TUPLE, GENERATOR, COMPLEX = "array", "tuple", "generator", "complex"


class NotTransferableError(TypeError):
    """A value that is neither an array of numbers nor made of numbers, texts, tuples and lists."""


def encode_array(array: np.ndarray, buffers: list[bytes]) -> dict[str, Any]:
    if array.dtype.kind not in "biufc":
        raise NotTransferableError(
            f"an array of dtype {array.dtype}; only bool, int, float and complex pass"
        )
    if array.nbytes > LARGEST_MESSAGE:
        raise NotTransferableError(f"an array of {array.nbytes // 10**6} MB")
    buffers.append(np.ascontiguousarray(array).tobytes())
    return {ARRAY: [array.dtype.str, list(array.shape)]}


def encode_value(value: Any, buffers: list[bytes], depth: int = 0) -> Any:
    """A value as JSON; the bytes of its arrays are appended to ``buffers``."""
    if depth > DEEPEST_NESTING:
        raise NotTransferableError(f"lists nested deeper than {DEEPEST_NESTING}")
    if isinstance(value, str | list | tuple) and len(value) > LARGEST_HEADER // 3:
        raise NotTransferableError("too long a list or text; return an array")
    kind = type(value)
    if value is None or kind in (bool, int, float, str):
        return value
    if kind is np.str_:
        return str(value)
    if kind is complex:
        return {COMPLEX: [value.real, value.imag]}
    if isinstance(value, np.ndarray | np.generic):
        return encode_array(np.asarray(value), buffers)
    if isinstance(value, tuple):
        return {TUPLE: [encode_value(item, buffers, depth + 1) for item in value]}
    if isinstance(value, list):
        return [encode_value(item, buffers, depth + 1) for item in value]
    if isinstance(value, np.random.Generator):
        return {
            GENERATOR: [
                int(word) for word in value.integers(2**32, size=WORDS_OF_A_SEED)
            ]
        }
    raise NotTransferableError(
        f"a {kind.__name__}; only arrays, numbers, texts, tuples and lists pass"
    )


def is_natural(number: Any) -> bool:
    return type(number) is int and number >= 0


def decode_array(description: Any, body: memoryview, at: int) -> tuple[Any, int]:
    text, shape = description
    if not DTYPE.fullmatch(text):
        raise ValueError(f"dtype {text!r}")
    if not isinstance(shape, list) or not all(map(is_natural, shape)):
        raise ValueError(f"shape {shape!r}")
    dtype = np.dtype(text)
    end = at + math.prod(shape) * dtype.itemsize
    if end > len(body):
        raise ValueError("fewer bytes than the shape needs")
    array = np.frombuffer(body[at:end], dtype=dtype).reshape(shape).copy()
    return (array if shape else array[()]), end


def decode_items(
    tree: Any, body: memoryview, at: int, depth: int
) -> tuple[list[Any], int]:
    if not isinstance(tree, list):
        raise ValueError("no list of items")
    if depth > DEEPEST_NESTING:
        raise ValueError(f"lists nested deeper than {DEEPEST_NESTING}")
    items = []
    for branch in tree:
        item, at = decode_value(branch, body, at, depth + 1)
        items.append(item)
    return items, at


def decode_number(content: Any) -> complex:
    real, imaginary = content
    if type(real) is not float or type(imaginary) is not float:
        raise ValueError("a complex number of other parts than floats")
    return complex(real, imaginary)


def decode_generator(seed: Any) -> np.random.Generator:
    if not isinstance(seed, list) or len(seed) != WORDS_OF_A_SEED:
        raise ValueError("a seed of a false length")
    if not all(is_natural(word) and word < 2**32 for word in seed):
        raise ValueError("a seed of other numbers than words")
    return np.random.default_rng(seed)


def decode_value(
    tree: Any, body: memoryview, at: int, depth: int = 0
) -> tuple[Any, int]:
    """The value that a JSON tree describes, and where the bytes of the next array begin."""
    if isinstance(tree, list):
        return decode_items(tree, body, at, depth)
    if not isinstance(tree, dict):
        return tree, at
    ((kind, content),) = tree.items()
    if kind == ARRAY:
        return decode_array(content, body, at)
    if kind == TUPLE:
        items, at = decode_items(content, body, at, depth)
        return tuple(items), at
    if kind == COMPLEX:
        return decode_number(content), at
    if kind == GENERATOR:
        return decode_generator(content), at
    raise ValueError(f"a mapping with the key {kind!r}")


def pack(value: Any) -> bytes:
    """One message: the length of the header, the header, the bytes of the arrays.

    Raises
    ------
    NotTransferableError
        If the value holds anything that does not pass.
    """
    buffers: list[bytes] = []
    header = json.dumps(encode_value(value, buffers)).encode()
    if len(header) > LARGEST_HEADER:
        raise NotTransferableError("too many things in lists; return an array")
    if len(header) + sum(map(len, buffers)) > LARGEST_MESSAGE - 4:
        raise NotTransferableError(f"more than {LARGEST_MESSAGE // 10**6} MB")
    return b"".join([len(header).to_bytes(4, "big"), header, *buffers])


def unpack(message: bytes) -> Any:
    """The value in a message.

    Raises
    ------
    ValueError
        If the message is no such value, whatever it is.
    """
    length = int.from_bytes(message[:4], "big")
    if length > min(LARGEST_HEADER, len(message) - 4):
        raise ValueError("a header of a false length")
    try:
        tree = json.loads(message[4 : 4 + length])
        value, _ = decode_value(tree, memoryview(message)[4 + length :], 0)
    except (TypeError, OverflowError, RecursionError, MemoryError) as error:
        raise ValueError(str(error)) from error
    return value
