"""Decoding loops: one token a call of the target model, or several by speculation.

A next-token model is any callable ``laws(tokens, last)``: from int64 tokens (B, T) it gives a float array
(B, last, V), the law of the next token after each of the last ``last`` positions of each row.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from samplebook.core.arrays import Array, to_numpy
from samplebook.core.checks import as_array, as_count, as_probabilities, as_token_list
from samplebook.core.drawing import Uniforms, as_uniforms, draw_token
from samplebook.drafts.verification import Method, method_named

Tokens: TypeAlias = NDArray[np.int64]
NextTokenModel: TypeAlias = Callable[[Tokens, int], Any]


@dataclass(frozen=True)
class Decoding:
    """What a decoding loop emitted.

    Attributes
    ----------
    tokens : int64 array, shape (num_tokens,)
        The generated tokens, without the prompt.
    emitted_per_call : int64 array, shape (calls,)
        Tokens that each call of the target model yielded; they sum to ``num_tokens``.
    drafted_per_call : int64 array, shape (calls,)
        Length of the drafts that each call verified. Near the end of the text they are cut to what is still
        wanted, so that no call emits too many: to measure without this effect, keep the calls at full length.
    """

    tokens: Tokens
    emitted_per_call: Tokens
    drafted_per_call: Tokens

    @property
    def target_calls(self) -> int:
        """Number of calls of the target model."""
        return len(self.emitted_per_call)

    @property
    def block_efficiency(self) -> float:
        """Tokens emitted for each call of the target model, from 1 to draft length + 1."""
        return len(self.tokens) / self.target_calls


def laws_after(
    model: NextTokenModel, name: str, context: Tokens, continuations: Tokens, last: int
) -> tuple[Array, Tokens]:
    """The model's laws along the distinct continuations of a context.

    Equal rows are sent once: they are cheaper so, and their laws agree to the last bit.

    Parameters
    ----------
    context : int64 array, shape (T,)
    continuations : int64 array, shape (K, L)
    last : int
        How many laws to ask for in each row.

    Returns
    -------
    laws : array or tensor, shape (rows, last, V)
        As the model gave them.
    row : int64 array, shape (K,)
        The row of ``laws`` that belongs to each continuation.

    Raises
    ------
    ValueError
        If the model's answer has another shape.
    """
    distinct, row = np.unique(continuations, axis=0, return_inverse=True)
    tokens = np.concatenate([np.tile(context, (len(distinct), 1)), distinct], axis=1)
    laws = as_array(model(tokens, last), name)
    if laws.ndim != 3 or laws.shape[:2] != (len(distinct), last):
        raise ValueError(
            f"{name}: gave laws of shape {tuple(laws.shape)}, expected ({len(distinct)}, {last}, V)"
        )
    if context.max() >= laws.shape[2]:
        raise ValueError(
            f"prompt: token {context.max()} is outside {name}'s vocabulary 0..{laws.shape[2] - 1}"
        )
    return laws, row.reshape(-1)


def as_law(values: Array, model_name: str) -> NDArray[np.float64]:
    """A model's law or laws, checked and renormalised, as a NumPy array in float64."""
    return to_numpy(as_probabilities(values, model_name))


def draft_sequences(
    draft_model: NextTokenModel,
    context: Tokens,
    *,
    num_drafts: int,
    draft_length: int,
    rng: Uniforms,
) -> tuple[Tokens, list[NDArray[np.float64]]]:
    """K independent continuations (K, L) of a context, and the laws (K, V) that drew each position."""
    sequences = np.empty((num_drafts, 0), dtype=np.int64)
    laws_at = []
    for _ in range(draft_length):
        laws, row = laws_after(draft_model, "draft_model", context, sequences, 1)
        laws_at.append(as_law(laws[:, 0], "draft_model")[row])
        drawn = [draw_token(law, rng) for law in laws_at[-1]]
        sequences = np.column_stack([sequences, drawn])
    return sequences, laws_at


def speculative_step(
    target_model: NextTokenModel,
    draft_model: NextTokenModel,
    context: Tokens,
    *,
    num_drafts: int,
    draft_length: int,
    method: Method,
    rng: Uniforms,
) -> list[int]:
    """The 1 to ``draft_length`` + 1 tokens that one call of the target emits.

    All drafts are active at first. At each position the active drafts' tokens are a sample from the draft
    law, the method emits a token, and the drafts that guessed it stay active. With none left the token was
    the correction; with some left at the end, one bonus token comes from the target. Which drafts stay
    depends on tokens already emitted only, so the next tokens of those that do are still independent draws
    from the draft model.
    """
    sequences, draft_laws = draft_sequences(
        draft_model, context, num_drafts=num_drafts, draft_length=draft_length, rng=rng
    )
    laws, row = laws_after(
        target_model, "target_model", context, sequences, draft_length + 1
    )
    active = np.arange(num_drafts)
    emitted: list[int] = []
    for position in range(draft_length):
        target = as_law(laws[row[active[0]], position], "target_model")
        draft = draft_laws[position][active[0]]
        if target.shape != draft.shape:
            raise ValueError(
                f"draft_model: has {draft.size} tokens, target_model has {target.size}"
            )
        emitted.append(method.select(target, draft, sequences[active, position], rng))
        active = active[sequences[active, position] == emitted[-1]]
        if active.size == 0:
            return emitted
    bonus = as_law(laws[row[active[0]], draft_length], "target_model")
    return [*emitted, draw_token(bonus, rng)]


def speculative_decode(
    target_model: NextTokenModel,
    draft_model: NextTokenModel,
    prompt: Any,
    *,
    num_tokens: int,
    num_drafts: int,
    draft_length: int,
    method: str,
    rng: Any,
) -> Decoding:
    """Continue a prompt with tokens of exactly the target model's law, several a call where drafts are good.

    Parameters
    ----------
    target_model, draft_model : callable
        Next-token models ``laws(tokens, last)`` with one vocabulary.
    prompt : integers of shape (T,), T >= 1
    num_tokens : int
        Tokens to generate, >= 1; exactly so many are returned.
    num_drafts : int
        K >= 1 draft sequences a call; 1 is ordinary speculative decoding.
    draft_length : int
        L >= 1 tokens in each; fewer near the end, never more than the tokens still wanted minus 1.
    method : str
        ``"single"`` (K = 1), ``"naive"``, ``"kseq"``, ``"rrs"``, or ``"optimal"`` (V**K <= 30,000).
    rng : numpy.random.Generator or torch.Generator
        Anything with a method ``random()`` will do.

    Returns
    -------
    Decoding

    Raises
    ------
    ValueError
        If a count is not an integer >= 1, the prompt is empty or outside the vocabulary, the vocabularies
        differ, a model's answer is not a set of laws, or the method is unknown or does not fit K.
    """
    context = as_token_list(prompt, "prompt")
    prompt_length = len(context)
    num_tokens = as_count(num_tokens, "num_tokens")
    num_drafts = as_count(num_drafts, "num_drafts")
    draft_length = as_count(draft_length, "draft_length")
    chosen, source = method_named(method, num_drafts), as_uniforms(rng)
    emitted_per_call, drafted_per_call = [], []
    while (wanted := num_tokens + prompt_length - len(context)) > 0:
        length = min(draft_length, wanted - 1)
        emitted = speculative_step(
            target_model,
            draft_model,
            context,
            num_drafts=num_drafts,
            draft_length=length,
            method=chosen,
            rng=source,
        )
        context = np.concatenate([context, emitted])
        emitted_per_call.append(len(emitted))
        drafted_per_call.append(length)
    return Decoding(
        context[prompt_length:], np.array(emitted_per_call), np.array(drafted_per_call)
    )


def decode_autoregressively(
    target_model: NextTokenModel, prompt: Any, *, num_tokens: int, rng: Any
) -> Decoding:
    """Continue a prompt one token a call, the baseline. Arguments as for :func:`speculative_decode`."""
    context = as_token_list(prompt, "prompt")
    num_tokens, source = as_count(num_tokens, "num_tokens"), as_uniforms(rng)
    nothing = np.empty((1, 0), dtype=np.int64)
    for _ in range(num_tokens):
        laws, _ = laws_after(target_model, "target_model", context, nothing, 1)
        context = np.append(
            context, draw_token(as_law(laws[0, 0], "target_model"), source)
        )
    calls = np.ones(num_tokens, dtype=np.int64)
    return Decoding(context[-num_tokens:], calls, np.zeros_like(calls))
