"""Floating-point operations of k samples, counted by hand."""

import numpy as np
import pytest

from samplebook.repeats import generation_flops


def test_the_prompt_is_paid_once():
    assert generation_flops(100, 10, 3, 1) == 2 * 100 * 13
    assert generation_flops(100, 10, 3, 5) == 2 * 100 * 25
    np.testing.assert_array_equal(
        generation_flops([1, 2], 1, 1, [1, 3]), [2 * 2, 4 * 4]
    )


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ((0, 1, 1, 1), "num_parameters"),
        ((1, -1, 1, 1), "prompt_tokens"),
        ((1, 1, np.inf, 1), "sample_tokens"),
        ((1, 1, 1, 0), "k"),
        ((1, 1, 1, 1.5), "k"),
    ],
)
def test_bad_input_is_named(arguments, name):
    with pytest.raises(ValueError, match=f"^{name}: "):
        generation_flops(*arguments)
