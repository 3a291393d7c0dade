"""What passes between grader and contained process arrives equal; anything else is refused, and harmless."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from press.classroom import wire

DTYPES = st.one_of(
    arrays.boolean_dtypes(),
    arrays.integer_dtypes(endianness="?"),
    arrays.unsigned_integer_dtypes(endianness="?"),
    arrays.floating_dtypes(endianness="?"),
    arrays.complex_number_dtypes(endianness="?"),
)
SHAPES = arrays.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=4)
ARRAYS = arrays.arrays(DTYPES, SHAPES)
KNOWN_TO_JSON = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters(exclude_categories=())),
)
SCALARS = KNOWN_TO_JSON | st.complex_numbers()
VALUES = st.recursive(
    SCALARS | ARRAYS,
    lambda inner: st.lists(inner, max_size=4) | st.tuples(inner, inner),
    max_leaves=8,
)
HEADER_TREES = st.recursive(
    KNOWN_TO_JSON
    | st.sampled_from(["<f8", "|O", "<U9", "f", "i9", "u00", "b8", "c16"]),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(
            st.sampled_from(
                [wire.ARRAY, wire.TUPLE, wire.COMPLEX, wire.GENERATOR, "x"]
            ),
            inner,
            max_size=2,
        )
    ),
    max_leaves=12,
)


def message(tree: Any, body: bytes = b"") -> bytes:
    """A message with any header and body."""
    header = json.dumps(tree).encode()
    return len(header).to_bytes(4, "big") + header + body


def is_refused(received: bytes) -> bool:
    """Whether a message is a ``ValueError`` for its receiver; no other exception may come of it."""
    try:
        wire.unpack(received)
    except ValueError:
        return True
    return False


def assert_same(got: Any, sent: Any) -> None:
    """Equal in type, dtype, shape and bits; a NaN is equal to itself."""
    assert type(got) is type(sent)
    if isinstance(sent, np.ndarray):
        assert got.dtype == sent.dtype
        assert got.shape == sent.shape
        assert got.tobytes() == np.ascontiguousarray(sent).tobytes()
    elif isinstance(sent, list | tuple):
        assert len(got) == len(sent)
        for one, other in zip(got, sent, strict=True):
            assert_same(one, other)
    else:
        assert repr(got) == repr(sent)


@given(VALUES)
def test_a_value_arrives_as_it_was_sent(value: Any) -> None:
    assert_same(wire.unpack(wire.pack(value)), value)


@given(DTYPES)
def test_a_numpy_number_arrives_as_it_was_sent(dtype: np.dtype) -> None:
    number = dtype.type(1)
    got = wire.unpack(wire.pack(number))
    assert type(got) is type(number)
    assert got == number


@pytest.mark.parametrize(
    "view",
    [
        lambda array: array[::-1, ::2],
        lambda array: array.T,
        lambda array: np.broadcast_to(array[0], (5, 6)),
        lambda array: np.asfortranarray(array),
        lambda array: np.ma.masked_array(array, array > 3).data,
    ],
    ids=["negative strides", "transposed", "broadcast", "columns first", "masked"],
)
def test_a_view_arrives_as_the_array_that_it_shows(view: Any) -> None:
    sent = view(np.arange(24.0).reshape(4, 6))
    assert np.array_equal(wire.unpack(wire.pack(sent)), sent)


def test_an_array_that_arrives_can_be_written_to() -> None:
    got = wire.unpack(wire.pack(np.zeros(3)))
    got[0] = 1
    assert got.tolist() == [1, 0, 0]


def test_a_generator_arrives_as_one_that_the_sender_determines() -> None:
    draws = [
        wire.unpack(wire.pack(np.random.default_rng(5))).integers(2**62)
        for _ in range(2)
    ]
    rng = np.random.default_rng(5)
    two_from_one = [
        wire.unpack(wire.pack(rng)).integers(2**62),
        wire.unpack(wire.pack(rng)).integers(2**62),
    ]
    assert draws[0] == draws[1] == two_from_one[0] != two_from_one[1]


class Number(float):
    """A float of a type of its own."""


NEST: list[Any] = []
NEST.append(NEST)


@pytest.mark.parametrize(
    "value",
    [
        object(),
        print,
        {1: 2},
        {1, 2},
        b"bytes",
        range(3),
        Number(1),
        np.array([object()]),
        np.array(["text"]),
        np.zeros(2, dtype=[("a", float), ("b", int)]),
        np.array(["2026-01-01"], dtype="datetime64[D]"),
        NEST,
        [0] * 5_000_000,
        "x" * 5_000_000,
        ["x" * 1_000_000] * 10,
        np.broadcast_to(np.int8(0), (10**9,)),
        [np.zeros(10**6)] * 9,
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_value_or_too_large_is_not_sent(value: Any) -> None:
    with pytest.raises(wire.NotTransferableError):
        wire.pack(value)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_value_or_a_value_error(content: bytes) -> None:
    for received in (content, len(content).to_bytes(4, "big") + content):
        is_refused(received)


@given(HEADER_TREES, st.binary(max_size=64))
def test_any_header_is_a_value_or_a_value_error(tree: Any, body: bytes) -> None:
    is_refused(message(tree, body))


@given(VALUES, st.data())
def test_a_damaged_message_is_a_value_or_a_value_error(
    value: Any, data: st.DataObject
) -> None:
    content = bytearray(wire.pack(value))
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)))
    for received in (content, content[:cut]):
        is_refused(bytes(received))


@pytest.mark.parametrize(
    "tree",
    [
        {"array": ["|O", [1]]},
        {"array": ["<U1", [1]]},
        {"array": ["<M8", [1]]},
        {"array": ["<f8", [-1]]},
        {"array": ["<f8", [10**30]]},
        {"array": ["<f8", [0, 10**30]]},
        {"array": ["<f8", [True]]},
        {"array": ["<f8", {}]},
        {"array": ["<f8", [1] * 100]},
        {"array": ["i99", [1]]},
        {"array": 5},
        {"tuple": "text"},
        {"tuple": {"a": 1}},
        {"complex": ["1", "2"]},
        {"complex": [1.0]},
        {"generator": None},
        {"generator": [-1, 0, 0, 0]},
        {"generator": [2**32, 0, 0, 0]},
        {"generator": [0]},
        {"generator": [[[0]]] * 4},
        {"object": []},
        {"tuple": [], "array": []},
        {},
    ],
    ids=str,
)
def test_a_false_header_is_refused(tree: Any) -> None:
    assert is_refused(message(tree, bytes(8)))


@pytest.mark.parametrize(
    "received",
    [
        b"",
        b"\0\0\0\0",
        b"\xff\xff\xff\xff",
        b"\0\0\0\2[",
        message([[[[[[[[[[[[1]]]]]]]]]]]]),
        (100_000).to_bytes(4, "big") + b"[" * 100_000,
        (100_000).to_bytes(4, "big") + b'{"tuple":[' * 10_000,
        (10_000).to_bytes(4, "big") + b"9" * 10_000,
        (2).to_bytes(4, "big") + b"\xff\xfe",
    ],
    ids=lambda received: repr(received[:16]),
)
def test_a_false_message_is_refused(received: bytes) -> None:
    assert is_refused(received)


def test_a_number_of_too_many_digits_is_an_error_for_its_sender() -> None:
    with pytest.raises(ValueError, match="digits"):
        wire.pack(10**5000)
