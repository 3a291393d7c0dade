"""A transformer with kept keys and values gives the laws of one that reads everything again."""

import numpy as np
import pytest
import torch

from samplebook.data.cached_laws import CachedLaws
from samplebook.drafts import speculative_decode


@torch.inference_mode()
def laws_read_anew(model, tokens, last):
    states = model(torch.from_numpy(np.asarray(tokens))).last_hidden_state
    logits = states @ model.embed_tokens.weight.T
    return logits[:, tokens.shape[1] - last :].softmax(-1).numpy()


def test_every_call_of_a_random_walk_agrees(toy_llama):
    rng = np.random.default_rng(0)
    cached = CachedLaws(toy_llama)
    text = rng.integers(toy_llama.config.vocab_size, size=4)
    for _ in range(20):
        rows, new = rng.integers(1, 5), rng.integers(1, 4)
        tails = rng.integers(toy_llama.config.vocab_size, size=(rows, new))
        tokens = np.concatenate([np.tile(text, (rows, 1)), tails], axis=1)
        last = int(rng.integers(1, new + 2))
        np.testing.assert_allclose(
            cached(tokens, last), laws_read_anew(toy_llama, tokens, last), atol=1e-5
        )
        text = tokens[rng.integers(rows), : rng.integers(len(text), tokens.shape[1])]


def test_another_text_is_read_from_its_beginning(toy_llama):
    cached = CachedLaws(toy_llama)
    cached(np.array([[1, 2, 3, 4]]), 1)
    tokens = np.array([[5, 2, 3, 4, 6]])
    np.testing.assert_allclose(
        cached(tokens, 1), laws_read_anew(toy_llama, tokens, 1), atol=1e-6
    )
    assert cached.positions_read == 4 + 5


def test_decoding_reads_no_accepted_token_twice(toy_llama):
    target, draft = CachedLaws(toy_llama), CachedLaws(toy_llama)
    prompt, length = [1, 2, 3, 4, 5], 3
    decoding = speculative_decode(
        target,
        draft,
        prompt,
        num_tokens=30,
        num_drafts=1,
        draft_length=length,
        method="single",
        rng=np.random.default_rng(0),
    )
    # a call reads its draft, and the one emitted token that has not been read
    assert target.positions_read == (
        len(prompt) - 1 + (decoding.drafted_per_call + 1).sum()
    )


def test_temperature_divides_the_logits(toy_llama):
    tokens = np.array([[1, 2, 3]])
    cold, warm = (CachedLaws(toy_llama, t)(tokens, 1)[0, 0] for t in (0.5, 1.0))
    squared = warm**2
    np.testing.assert_allclose(cold, squared / squared.sum(), rtol=1e-4)
    with pytest.raises(ValueError, match="temperature"):
        CachedLaws(toy_llama, 0.0)


@pytest.mark.parametrize(("last", "token", "name"), [(4, 1, "last"), (1, 99, "tokens")])
def test_wrong_calls_are_named(toy_llama, last, token, name):
    with pytest.raises(ValueError, match=name):
        CachedLaws(toy_llama)(np.array([[1, 2, token]]), last)
