"""Inverse distribution functions draw what they should, at the edges too."""

import numpy as np
import pytest
import torch

from samplebook.core.drawing import as_uniforms, draw_token, draw_tokens, inverse_cdf
from samplebook.core.statistics import goodness_of_fit

BELOW_ONE = 1 - 2.0**-53


def test_the_token_is_where_the_distribution_function_first_exceeds_the_number():
    law = np.array([0.0, 0.25, 0.0, 0.5, 0.25, 0.0])
    numbers = np.array([0.0, 0.2499, 0.25, 0.7499, 0.75, BELOW_ONE])
    expected = [1, 1, 3, 3, 4, 4]
    assert inverse_cdf(law, numbers).tolist() == expected
    assert inverse_cdf(torch.tensor(law), torch.tensor(numbers)).tolist() == expected


@pytest.mark.parametrize("number", [0.0, BELOW_ONE])
def test_tokens_of_weight_zero_are_never_drawn(number):
    class Always:
        def random(self):
            return number

    rng = np.random.default_rng(0)
    for _ in range(200):
        law = rng.random(9) * (rng.random(9) < 0.5)
        law[4] = 1e-300
        assert law[draw_token(law / 3, Always())] > 0


@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_rows_are_drawn_from_their_own_law(library):
    laws = np.repeat([[0.1, 0.0, 0.9], [0.5, 0.5, 0.0]], 20_000, axis=0)
    if library == "numpy":
        tokens = draw_tokens(laws, np.random.default_rng(0))
    else:
        tokens = draw_tokens(
            torch.tensor(laws).float(), torch.Generator().manual_seed(0)
        ).numpy()
    for half, law in ((tokens[:20_000], laws[0]), (tokens[20_000:], laws[-1])):
        assert goodness_of_fit(np.bincount(half, minlength=3), law) > 1e-6


def test_a_torch_generator_gives_single_numbers():
    first, second = (
        as_uniforms(torch.Generator().manual_seed(3)).random() for _ in range(2)
    )
    assert first == second
    assert 0 <= first < 1
