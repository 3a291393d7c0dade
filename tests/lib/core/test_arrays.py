"""Functions of arrays and tensors keep their digits at the ends of the range."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from samplebook.core.arrays import (
    block_sums,
    is_tensor,
    log_sigmoid,
    sigmoid,
    suffix_sums,
    take_along_last,
    total,
    zero_along_last,
)

FAST = settings(derandomize=True, deadline=None, max_examples=60, database=None)
KINDS = {
    "array": np.float64,
    "tensor": lambda value: torch.tensor(value, dtype=torch.float64),
}
SHAPE = (2, 3, 700)
"""Three axes of unequal lengths, so that no other axis stands for the last one; 700 is 256 + 256 + 188."""


def whole_numbers(dtype=np.float64):
    """Numbers whose sums are exact in float32."""
    return np.random.default_rng(0).integers(1, 100, size=SHAPE).astype(dtype)


def in_library(library, array):
    return torch.tensor(array) if library == "torch" else array


def same(found, expected, dtype=np.float64):
    """Assert equal numbers, to the last digit, and the dtype."""
    found = np.asarray(found)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_entries_of_each_row_are_taken_and_set_to_zero(library):
    array = whole_numbers()
    indices = np.random.default_rng(1).permuted(
        np.broadcast_to(np.arange(700), SHAPE), axis=-1
    )[..., :5]
    given = in_library(library, array), in_library(library, indices)
    taken, left = take_along_last(*given), zero_along_last(*given)
    assert is_tensor(taken) == is_tensor(left) == (library == "torch")
    for place in np.ndindex(2, 3):
        same(taken[place], array[place][indices[place]])
        chosen = np.isin(np.arange(700), indices[place])
        same(left[place], np.where(chosen, 0.0, array[place]))
    same(given[0], whole_numbers())


@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sums_of_blocks(library, dtype):
    array = whole_numbers(dtype)
    sums = block_sums(in_library(library, array))
    assert is_tensor(sums) == (library == "torch")
    blocks = [array[..., :256], array[..., 256:512], array[..., 512:]]
    same(sums, np.stack([block.sum(axis=-1) for block in blocks], axis=-1))
    short = block_sums(in_library(library, array[..., :9]))
    same(short, array[..., :9].sum(axis=-1)[..., None])


@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_totals_are_float64_and_float32_is_summed_by_blocks(library):
    """To the last digit: the two ways round differently."""
    array = np.random.default_rng(0).random(SHAPE)
    same(total(in_library(library, whole_numbers())), whole_numbers().sum(axis=-1))
    in_float64 = in_library(library, array)
    same(total(in_float64), in_float64.sum(axis=-1))
    in_float32 = in_library(library, array.astype(np.float32))
    by_blocks = np.asarray(block_sums(in_float32).sum(axis=-1))
    assert (by_blocks != np.asarray(in_float32).sum(axis=-1, dtype=np.float64)).any()
    same(total(in_float32), by_blocks)
    same(total(in_library(library, np.array([[1, 2], [3, 4]]))), [3, 7])


@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_sums_to_the_end(library):
    array = whole_numbers()[..., :9]
    sums = suffix_sums(in_library(library, array))
    assert is_tensor(sums) == (library == "torch")
    expected = np.stack([array[..., start:].sum(axis=-1) for start in range(9)], -1)
    same(sums, expected)


@pytest.mark.parametrize("kind", KINDS)
@FAST
@given(logit=st.floats(-30, 30))
def test_sigmoid_and_its_logarithm(kind, logit):
    found, logarithm = (f(KINDS[kind](logit)) for f in (sigmoid, log_sigmoid))
    expected = 1 / (1 + np.exp(-logit))
    np.testing.assert_allclose(float(found), expected, rtol=1e-13)
    np.testing.assert_allclose(float(logarithm), -np.log1p(np.exp(-logit)), rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_far_logits(kind):
    far = KINDS[kind]([-1e4, 1e4])
    assert sigmoid(far).tolist() == [0, 1]
    assert log_sigmoid(far).tolist() == [-1e4, 0]
