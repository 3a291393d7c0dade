"""Both sides of the comparison write as many tokens, and calls of the target are counted right."""

import numpy as np
import pytest
import torch

from samplebook.data.assisted_generation import (
    Run,
    book_decode,
    run_in_turn,
    tokens_a_call,
    tokens_a_second,
    transformers_generate,
    with_output_layer,
)

PROMPT = np.array([1, 5, 7])


@torch.inference_mode()
def test_the_output_layer_is_the_embedding(toy_llama):
    causal, tokens = with_output_layer(toy_llama), torch.from_numpy(PROMPT[None])
    states = toy_llama(tokens).last_hidden_state
    torch.testing.assert_close(
        causal(tokens).logits, states @ toy_llama.embed_tokens.weight.T
    )
    assert causal.model is toy_llama


@pytest.mark.parametrize("library", [transformers_generate, book_decode])
def test_one_by_one_takes_a_call_for_each_token(toy_llama, library):
    for seed in range(5):
        run = library(toy_llama, None, num_tokens=12)(PROMPT, seed)
        assert (run.tokens, run.target_calls) == (12, 12)
        assert run.seconds > 0


@pytest.mark.parametrize("draft_length", [1, 3])
def test_a_draft_that_is_the_target_is_always_accepted(toy_llama, draft_length):
    length = {"num_tokens": 4 * (draft_length + 1), "draft_length": draft_length}
    for contender in (
        transformers_generate(toy_llama, toy_llama, **length),
        book_decode(toy_llama, toy_llama, method="single", num_drafts=1, **length),
    ):
        for seed in range(5):
            run = contender(PROMPT, seed)
            assert (run.tokens, run.target_calls) == (length["num_tokens"], 4)


def test_contenders_take_turns_and_share_seeds():
    said = []

    def contender(name):
        def run(prompt, seed):
            said.append((name, int(prompt[0]), seed))
            return Run(tokens=6, target_calls=3, seconds=2.0)

        return run

    runs = run_in_turn(
        {name: contender(name) for name in "ab"},
        [np.array([7]), np.array([8])],
        repeats=2,
        seed=10,
    )
    assert said == [
        ("a", 7, 10), ("b", 7, 10),  # not counted
        ("a", 7, 10), ("b", 7, 10), ("a", 8, 11), ("b", 8, 11),
        ("a", 7, 12), ("b", 7, 12), ("a", 8, 13), ("b", 8, 13),
    ]  # fmt: skip
    assert [len(of_one) for of_one in runs.values()] == [4, 4]
    assert tokens_a_second(runs["a"]) == 3
    assert tokens_a_call(runs["a"]) == 2
