"""What a pass over the static cache gives is what a pass over the whole text gives."""

import pytest
import torch
from toy_models import random_tokens, toy_model

from samplebook.experiments.decoder_transformer import StaticCache

VOCABULARY = 11


def assert_same(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_token_by_token_equals_the_whole_text():
    model, text = toy_model(VOCABULARY), random_tokens((3, 12), VOCABULARY)
    cache = StaticCache(model, 3, 0)
    model.read_texts(text[:, :5], cache)
    expected = model(text)
    for place in range(5, 12):
        positions = torch.full((3, 1), place)
        found = model.decode(
            text[:, place, None],
            positions,
            positions,
            cache.text_bias[positions],
            cache,
        )
        assert_same(found[:, 0], expected[:, place])


def test_texts_of_different_lengths_share_a_batch():
    model, text = toy_model(VOCABULARY), random_tokens((2, 12), VOCABULARY)
    cache = StaticCache(model, 2, 0)
    model.read_texts(text[:, :9], cache)  # the first text's last five are not valid yet
    positions = torch.tensor([[4], [9]])
    tokens = text.gather(1, positions)
    found = model.decode(
        tokens, positions, positions, cache.text_bias[positions], cache
    )
    expected = model(text).gather(1, positions[..., None].expand(-1, -1, VOCABULARY))
    assert_same(found, expected)


def test_branches_see_their_own_path_and_move_into_the_text():
    model, text = toy_model(VOCABULARY), random_tokens((2, 12), VOCABULARY)
    branches = random_tokens((2, 3), VOCABULARY, seed=1)  # three tokens of another text
    cache, context = StaticCache(model, 2, 6), model.size.context
    model.read_texts(text[:, :6], cache)
    columns = torch.arange(context, context + 6).expand(2, -1)
    positions = torch.tensor([6, 7, 8, 6, 7, 8]).expand(2, -1)
    bias = cache.text_bias[torch.full((2, 6), 5)].clone()
    for node in range(6):
        first = context + node // 3 * 3
        bias[:, node, first : context + node + 1] = 0
    tokens = torch.cat([text[:, 6:9], branches], dim=1)
    found = model.decode(tokens, positions, columns, bias, cache)
    other = torch.cat([text[:, :6], branches], dim=1)
    assert_same(found[:, :3], model(text[:, :9])[:, 6:])
    assert_same(found[:, 3:], model(other)[:, 6:])

    cache.move(columns[:, 3:], positions[:, 3:])
    place = torch.full((2, 1), 9)
    found = model.decode(text[:, 9:10], place, place, cache.text_bias[place], cache)
    continued = torch.cat([other, text[:, 9:10]], dim=1)
    assert_same(found[:, 0], model(continued)[:, 9])


@pytest.mark.parametrize("branch_columns", [0, 1, 40])
def test_the_length_of_the_cache_suits_the_attention_kernels(branch_columns):
    cache = StaticCache(toy_model(VOCABULARY), 1, branch_columns)
    assert cache.columns % 16 == 0
    assert cache.columns >= 24 + branch_columns
