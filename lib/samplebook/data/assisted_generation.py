"""The book's decoding beside transformers' ``generate``: one pair of models, the same prompts, in turn.

transformers calls speculative decoding "assisted generation". Here it drafts a constant number of tokens and
never stops early for lack of confidence, so that both sides do the same. All sample from the models' own
laws, at temperature 1, and no token ends a text.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from samplebook.data.cached_laws import CachedLaws
from samplebook.data.transformers_offline import transformers_library
from samplebook.drafts.decoding import (
    Decoding,
    decode_autoregressively,
    speculative_decode,
)

Tokens = NDArray[np.int64]


@dataclass(frozen=True)
class Run:
    """What one run wrote: its number of tokens and of calls of the target, and the seconds it took."""

    tokens: int
    target_calls: int
    seconds: float


Contender: TypeAlias = Callable[[Tokens, int], Run]
"""Continues a prompt (T,), with a seed."""


def with_output_layer(model: Any) -> Any:
    """A ``LlamaModel`` as a ``LlamaForCausalLM`` with the same weights, its embedding as the output layer."""
    with torch.device("meta"):  # no memory for weights that are replaced at once
        causal = transformers_library().LlamaForCausalLM(model.config)
    causal.model = model
    causal.lm_head.weight = model.embed_tokens.weight
    causal.generation_config.eos_token_id = None  # no text ends early
    return causal.eval()


def transformers_generate(
    target: Any, draft: Any | None, *, num_tokens: int, draft_length: int = 0
) -> Contender:
    """``generate`` of transformers, assisted by a draft model if there is one.

    Parameters
    ----------
    target, draft : transformers.LlamaModel
    num_tokens : int
        Tokens to generate.
    draft_length : int
        Tokens that the draft model guesses for each call of the target.
    """
    causal, assistant = with_output_layer(target), None
    if draft is not None:
        assistant = with_output_layer(draft)
        assistant.generation_config.num_assistant_tokens = draft_length
        assistant.generation_config.num_assistant_tokens_schedule = "constant"
        assistant.generation_config.assistant_confidence_threshold = 0.0
    configuration = transformers_library().GenerationConfig(
        do_sample=True, temperature=1.0, top_k=0, top_p=1.0, max_new_tokens=num_tokens
    )

    def contender(prompt: Tokens, seed: int) -> Run:
        tokens = torch.from_numpy(prompt[None]).to(causal.device)
        calls: list[None] = []
        hook = causal.register_forward_hook(lambda *_: calls.append(None))
        torch.manual_seed(seed)  # generate takes no generator
        begin = time.perf_counter()
        written = causal.generate(
            tokens,
            attention_mask=torch.ones_like(tokens),
            generation_config=configuration,
            assistant_model=assistant,
        )
        seconds = time.perf_counter() - begin
        hook.remove()
        return Run(written.shape[1] - len(prompt), len(calls), seconds)

    return contender


def book_decode(
    target: Any, draft: Any | None, *, num_tokens: int, **drafting: Any
) -> Contender:
    """The book's decoder, with fresh caches: :func:`speculative_decode`, or one by one without a draft.

    Parameters
    ----------
    target, draft : transformers.LlamaModel
    num_tokens : int
        Tokens to generate.
    **drafting
        Further arguments of :func:`speculative_decode`: the method, and the shape of the drafts.
    """

    def contender(prompt: Tokens, seed: int) -> Run:
        rng = np.random.default_rng(seed)
        begin = time.perf_counter()
        if draft is None:
            decoding = decode_autoregressively(
                CachedLaws(target), prompt, num_tokens=num_tokens, rng=rng
            )
        else:
            decoding = speculative_decode(
                CachedLaws(target),
                CachedLaws(draft),
                prompt,
                num_tokens=num_tokens,
                rng=rng,
                **drafting,
            )
        seconds = time.perf_counter() - begin
        assert isinstance(decoding, Decoding)
        return Run(len(decoding.tokens), decoding.target_calls, seconds)

    return contender


def run_in_turn(
    contenders: dict[str, Contender],
    prompts: Sequence[Tokens],
    *,
    repeats: int,
    seed: int,
) -> dict[str, list[Run]]:
    """Every contender on every prompt, in turn, so that a busy moment of the machine hits all alike.

    The first prompt is continued once by each before, which is not counted.
    """
    for contender in contenders.values():
        contender(prompts[0], seed)
    runs: dict[str, list[Run]] = {name: [] for name in contenders}
    for repeat in range(repeats):
        for place, prompt in enumerate(prompts):
            for name, contender in contenders.items():
                runs[name].append(
                    contender(prompt, seed + repeat * len(prompts) + place)
                )
    return runs


def tokens_a_second(runs: Sequence[Run]) -> float:
    """Tokens of all runs over seconds of all runs."""
    return sum(run.tokens for run in runs) / sum(run.seconds for run in runs)


def tokens_a_call(runs: Sequence[Run]) -> float:
    """Tokens of all runs over calls of the target in all runs."""
    return sum(run.tokens for run in runs) / sum(run.target_calls for run in runs)
