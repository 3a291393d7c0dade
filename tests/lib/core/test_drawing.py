"""Inverse distribution functions draw what they should, at the edges too."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from samplebook.core.drawing import (
    as_uniforms,
    draw_token,
    draw_tokens,
    inverse_cdf,
    tokens_at_levels,
)
from samplebook.core.statistics import goodness_of_fit

BELOW_ONE = 1 - 2.0**-53
FAST = settings(derandomize=True, deadline=None, max_examples=60, database=None)
LIBRARIES = {
    "numpy float64": lambda law: law,
    "torch float64": torch.tensor,
    "torch float32": lambda law: torch.tensor(law).float(),
}


def batch_tokens(library, laws, levels):
    """``tokens_at_levels`` in a library and dtype, as a NumPy array."""
    laws = LIBRARIES[library](laws)
    levels = levels if library == "numpy float64" else torch.tensor(levels)
    return np.asarray(tokens_at_levels(laws, levels))


def weights_with_gaps(rng, shape):
    """Random weights, most of them 0, none of the rows empty."""
    weights = rng.random(shape) ** 8 * (rng.random(shape) < rng.choice([0.02, 0.5, 1]))
    weights[np.arange(shape[0]), rng.integers(shape[1], size=shape[0])] += 1e-6
    return weights


def test_the_token_is_where_the_distribution_function_first_exceeds_the_number(
    monkeypatch,
):
    law = np.array([0.0, 0.25, 0.0, 0.5, 0.25, 0.0])
    numbers = np.array([0.0, 0.2499, 0.25, 0.7499, 0.75, BELOW_ONE])
    expected = [1, 1, 3, 3, 4, 4]
    assert inverse_cdf(law, numbers).tolist() == expected
    assert inverse_cdf(law[:5], numbers).tolist() == expected
    assert inverse_cdf(3 * law, numbers).tolist() == expected
    given = torch.tensor(law), torch.tensor(numbers)
    monkeypatch.setattr(torch.Tensor, "__array__", None)  # tensors stay tensors
    tokens = inverse_cdf(*given)
    assert torch.equal(tokens, torch.tensor(expected))


@pytest.mark.parametrize("as_law", [np.float32, torch.tensor], ids=["numpy", "torch"])
def test_the_distribution_function_of_a_float32_law_is_float64(as_law):
    """In float32 the sum of the two weights is the first one, and the second token is never drawn."""
    law = as_law(np.array([1.0, 1e-8], dtype=np.float32))
    assert law.dtype in (np.float32, torch.float32)
    assert int(inverse_cdf(law, 1 - 1e-7)) == 0
    assert int(inverse_cdf(law, 1 - 1e-9)) == 1


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


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("vocabulary", [1, 5, 255, 256, 257, 700, 1024])
def test_a_grid_of_levels_gives_each_token_its_exact_weight(library, vocabulary):
    """Whole weights of sum n, and the middles of n equal cells: a token of weight w is drawn w times."""
    rng = np.random.default_rng(vocabulary)
    counts = rng.multinomial(512, rng.dirichlet(np.full(vocabulary, 0.2)), size=3)
    levels = np.tile((np.arange(512) + 0.5) / 512, (3, 1))
    tokens = batch_tokens(library, counts.astype(float), levels)
    assert (np.diff(tokens, axis=1) >= 0).all()
    drawn = [np.bincount(row, minlength=vocabulary) for row in tokens]
    np.testing.assert_array_equal(drawn, counts)


@pytest.mark.parametrize("library", LIBRARIES)
@FAST
@given(st.integers(1, 1200), st.integers(0, 10**6))
def test_two_stages_give_the_token_of_the_whole_distribution_function(
    library, vocabulary, seed
):
    """The level lies in the token's interval, but for rounding; the first and last level are among them."""
    rng = np.random.default_rng(seed)
    weights = weights_with_gaps(rng, (4, vocabulary))
    if library == "torch float32":
        weights = weights.astype(np.float32).astype(float)
    levels = np.concatenate(
        [rng.random((4, 6)), np.zeros((4, 1)), np.full((4, 1), BELOW_ONE)], axis=1
    )
    tokens = batch_tokens(library, weights, levels)
    assert tokens.dtype == np.int64
    assert (np.take_along_axis(weights, tokens, axis=1) > 0).all()
    cdf = np.cumsum(weights, axis=1)
    cdf /= cdf[:, -1:]
    above = np.take_along_axis(cdf, tokens, axis=1)
    below = np.take_along_axis(np.pad(cdf, [(0, 0), (1, 0)]), tokens, axis=1)
    rounding = 3e-7 if library == "torch float32" else 1e-14
    assert (below - rounding <= levels).all()
    assert (levels <= above + rounding).all()


def test_tiny_weights_beside_large_ones_are_drawn_from_their_own_block():
    """Blocks of mass 1, 1e-30 and 1e-18: only the first can be hit, and rounding never leaves it."""
    weights = np.zeros((1, 700))
    weights[0, [3, 300, 600]] = [1.0, 1e-30, 1e-18]
    levels = np.array([[0.0, 0.5, BELOW_ONE]])
    assert batch_tokens("numpy float64", weights, levels).tolist() == [[3, 3, 3]]
