"""Decoding loops: one token a call of the target model, or several by speculation.

A next-token model is any callable ``laws(tokens, last)``: from int64 tokens (B, T) it gives a float array
(B, last, V), the law of the next token after each of the last ``last`` positions of each row. Where several
prompts are decoded together, rows can differ in length: then ``tokens`` is a list of B int64 arrays, none
shorter than ``last``. A model that decodes one prompt at a time never sees such a list.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from samplebook.core.arrays import Array, to_numpy
from samplebook.core.checks import (
    TokenRows,
    as_array,
    as_count,
    as_flag,
    as_probabilities,
    as_token_list,
)
from samplebook.core.drawing import Uniforms, as_uniforms, draw_token
from samplebook.drafts.processing import LawProcessor, law_processor
from samplebook.drafts.verification import Method, method_named

Tokens: TypeAlias = NDArray[np.int64]
Law: TypeAlias = NDArray[np.float64]
Path: TypeAlias = tuple[int, ...]
NextTokenModel: TypeAlias = Callable[[Any, int], Any]


@dataclass(frozen=True)
class Decoding:
    """What a decoding loop emitted after one prompt.

    Attributes
    ----------
    tokens : int64 array, shape (n,)
        The generated tokens, without the prompt: ``num_tokens``, or fewer if the last is a stop token.
    emitted_per_call : int64 array, shape (calls,)
        Tokens that each call of the target model yielded; they sum to n. Of the last call's tokens those
        behind a stop token, or beyond ``num_tokens``, are dropped and not counted.
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


@dataclass
class DraftTree:
    """Drafted continuations of one text.

    Attributes
    ----------
    levels : list of int64 arrays
        Level d, of shape (nodes, d), has the continuations of length d in the order in which they were drawn;
        level 0 is the empty one. Independent draws can be equal: then they are nodes of their own.
    laws : dict of laws (V,)
        The draft's law after each distinct continuation that was drawn from.
    """

    levels: list[Tokens]
    laws: dict[Path, Law]

    @classmethod
    def root(cls) -> "DraftTree":
        """The tree before anything is drafted."""
        return cls([np.empty((1, 0), dtype=np.int64)], {})

    def grow(
        self, laws: dict[Path, Law], children: int, method: Method, rng: Uniforms
    ) -> None:
        """Draw ``children`` tokens, or all there are, after each node of the last level."""
        self.laws.update(laws)
        longer = [
            [*node, token]
            for node in self.levels[-1].tolist()
            for token in method.draw(laws[tuple(node)], children, rng).tolist()
        ]
        self.levels.append(np.array(longer, dtype=np.int64))

    def has(self, path: list[int]) -> bool:
        """Whether a path of at most L tokens was drafted."""
        return bool((self.levels[len(path)] == path).all(axis=1).any())

    def drafts_after(self, path: list[int]) -> Tokens:
        """The tokens (k,) that were drafted as the next one after a path."""
        longer = self.levels[len(path) + 1]
        return longer[(longer[:, :-1] == path).all(axis=1), -1]


def laws_after(
    model: NextTokenModel,
    name: str,
    contexts: Sequence[Tokens],
    continuations: Sequence[Tokens],
    last: int,
) -> list[dict[Path, Array]]:
    """A model's laws along the distinct continuations of some texts, by one call.

    Equal rows are sent once: they are cheaper so, and their laws agree to the last bit.

    Parameters
    ----------
    contexts : B int64 arrays, each of shape (T,)
    continuations : B int64 arrays, each of shape (K, L)
        Continuations of each text.
    last : int
        How many laws to ask for in each row.

    Returns
    -------
    list of B dicts
        For each text the laws (last, V), as the model gave them, by continuation.

    Raises
    ------
    ValueError
        If the model's answer has another shape, or a text has a token outside its vocabulary.
    """
    paths = [sorted(set(map(tuple, rows.tolist()))) for rows in continuations]
    rows = [
        np.append(context, np.array(path, dtype=np.int64))
        for context, its_paths in zip(contexts, paths, strict=True)
        for path in its_paths
    ]
    laws = as_array(model(as_rectangle(rows), last), name)
    if laws.ndim != 3 or laws.shape[:2] != (len(rows), last):
        raise ValueError(
            f"{name}: gave laws of shape {tuple(laws.shape)}, expected ({len(rows)}, {last}, V)"
        )
    largest = max(context.max() for context in contexts)
    if largest >= laws.shape[2]:
        raise ValueError(
            f"prompt: token {largest} is outside {name}'s vocabulary 0..{laws.shape[2] - 1}"
        )
    each = iter(laws)
    return [{path: next(each) for path in its_paths} for its_paths in paths]


def as_rectangle(rows: list[Tokens]) -> TokenRows:
    """Rows of tokens as an array (B, T) if they are equally long, else the list itself."""
    return np.stack(rows) if len({len(row) for row in rows}) == 1 else rows


def as_law(values: Array, model_name: str) -> Law:
    """A model's law, checked and renormalised, as a NumPy array in float64."""
    return to_numpy(as_probabilities(values, model_name))


def draft_trees(
    draft_model: NextTokenModel,
    contexts: Sequence[Tokens],
    *,
    branching: Sequence[int],
    method: Method,
    process: LawProcessor,
    rng: Uniforms,
) -> list[DraftTree]:
    """A draft tree for each text, grown level by level: one call of the draft model for all of them."""
    trees = [DraftTree.root() for _ in contexts]
    for children in branching:
        tips = [tree.levels[-1] for tree in trees]
        answers = laws_after(draft_model, "draft_model", contexts, tips, 1)
        for tree, answer in zip(trees, answers, strict=True):
            laws = {
                path: process(as_law(law[0], "draft_model"))
                for path, law in answer.items()
            }
            tree.grow(laws, children, method, rng)
    return trees


def verify(
    tree: DraftTree,
    target_law: Callable[[list[int]], Law],
    *,
    method: Method,
    rng: Uniforms,
) -> list[int]:
    """The 1 to L + 1 tokens that are emitted after one text, given its draft tree.

    At each level the tokens drafted after those emitted so far are the drafts, and the method emits a token.
    If it was not drafted it was the correction, and the last. If the whole path was drafted, one bonus token
    comes from the target.
    """
    emitted: list[int] = []
    for _ in tree.levels[1:]:
        target, draft = target_law(emitted), tree.laws[tuple(emitted)]
        if target.shape != draft.shape:
            raise ValueError(
                f"draft_model: has {draft.size} tokens, target_model has {target.size}"
            )
        drafts = tree.drafts_after(emitted)
        emitted.append(method.select(target, draft, drafts, rng))
        if not tree.has(emitted):
            return emitted
    return [*emitted, draw_token(target_law(emitted), rng)]


def speculative_step(
    target_model: NextTokenModel,
    draft_model: NextTokenModel,
    contexts: Sequence[Tokens],
    *,
    branching: Sequence[int],
    method: Method,
    process: LawProcessor,
    rng: Uniforms,
) -> list[list[int]]:
    """The tokens that one call of the target emits after each text.

    Why this is lossless: which nodes of a tree were guessed so far depends on tokens up to there only. So the
    tokens drafted after those nodes are still a fresh sample of the method's drafts from the draft's law.
    I.i.d. drafts of several equal nodes are one larger i.i.d. sample. Drafts without replacement are
    distinct, so only one node can be guessed, and its children are one sample without replacement.
    """
    trees = draft_trees(
        draft_model,
        contexts,
        branching=branching,
        method=method,
        process=process,
        rng=rng,
    )
    leaves = [tree.levels[-1] for tree in trees]
    answers = laws_after(
        target_model, "target_model", contexts, leaves, len(branching) + 1
    )

    def law_along(laws: dict[Path, Array]) -> Callable[[list[int]], Law]:
        def target_law(path: list[int]) -> Law:
            end = len(path)
            leaf = next(leaf for leaf in laws if leaf[:end] == tuple(path))
            return process(as_law(laws[leaf][end], "target_model"))

        return target_law

    return [
        verify(tree, law_along(laws), method=method, rng=rng)
        for tree, laws in zip(trees, answers, strict=True)
    ]


class Continuation:
    """A prompt and what was emitted after it so far."""

    def __init__(self, prompt: Tokens, num_tokens: int):
        self.tokens, self.prompt_length = prompt, len(prompt)
        self.wanted = num_tokens
        self.emitted_per_call: list[int] = []
        self.drafted_per_call: list[int] = []

    def extend(self, block: list[int], drafted: int, stop_tokens: set[int]) -> None:
        """Add what a call emitted, up to the first stop token and to the number wanted."""
        block = block[: self.wanted]
        stops = [place for place, token in enumerate(block) if token in stop_tokens]
        if stops:
            block = block[: stops[0] + 1]
        self.tokens = np.append(self.tokens, block)
        self.wanted = 0 if stops else self.wanted - len(block)
        self.emitted_per_call.append(len(block))
        self.drafted_per_call.append(drafted)

    def decoding(self) -> Decoding:
        """The result, without the prompt."""
        return Decoding(
            self.tokens[self.prompt_length :],
            np.array(self.emitted_per_call),
            np.array(self.drafted_per_call),
        )


def is_batch(prompt: Any) -> bool:
    """Whether ``prompt`` holds rows of tokens rather than tokens."""
    if isinstance(prompt, list | tuple):
        return any(np.ndim(row) > 0 for row in prompt)
    return getattr(prompt, "ndim", 1) > 1


def as_prompts(prompt: Any) -> list[Tokens]:
    """The prompts, checked: one, or as many as ``prompt`` has rows."""
    if not is_batch(prompt):
        return [as_token_list(prompt, "prompt")]
    if len(prompt) == 0:
        raise ValueError("prompt: empty, needs at least one prompt")
    return [as_token_list(row, f"prompt[{i}]") for i, row in enumerate(prompt)]


def as_token_set(stop_tokens: Any) -> set[int]:
    """The stop tokens, checked; there may be none."""
    if np.size(stop_tokens) == 0:
        return set()
    return set(as_token_list(stop_tokens, "stop_tokens").tolist())


def continue_prompts(
    prompt: Any,
    step: Callable[[list[Tokens], int], list[list[int]]],
    *,
    num_tokens: Any,
    draft_length: int,
    stop_tokens: Any,
) -> Decoding | list[Decoding]:
    """Call ``step(contexts, draft length)`` for all unfinished texts until every one is finished.

    All texts of a call have drafts of one length: what the one that wants most can use. What another one
    does not want is dropped; so in a batch a model may see drafts beyond the end of a text.
    """
    num_tokens, stops = as_count(num_tokens, "num_tokens"), as_token_set(stop_tokens)
    texts = [Continuation(tokens, num_tokens) for tokens in as_prompts(prompt)]
    while unfinished := [text for text in texts if text.wanted > 0]:
        length = min(draft_length, max(text.wanted for text in unfinished) - 1)
        blocks = step([text.tokens for text in unfinished], length)
        for text, block in zip(unfinished, blocks, strict=True):
            text.extend(block, length, stops)
    decodings = [text.decoding() for text in texts]
    return decodings if is_batch(prompt) else decodings[0]


def as_branching(branching: Any, num_drafts: Any, draft_length: Any) -> tuple[int, ...]:
    """The numbers of children, level by level; parallel drafts branch once, at the root.

    Raises
    ------
    ValueError
        Unless either ``branching`` or the other two are given, in counts of at least 1.
    """
    if branching is None:
        if num_drafts is None or draft_length is None:
            raise ValueError(
                "branching: give either branching, or num_drafts and draft_length"
            )
        num_drafts = as_count(num_drafts, "num_drafts")
        return num_drafts, *[1] * (as_count(draft_length, "draft_length") - 1)
    if num_drafts is not None or draft_length is not None:
        raise ValueError(
            "branching: replaces num_drafts and draft_length, give one of the two ways"
        )
    if np.ndim(branching) != 1 or len(branching) == 0:
        raise ValueError(f"branching: must be a sequence of counts, got {branching!r}")
    return tuple(as_count(children, "branching") for children in branching)


def speculative_decode(
    target_model: NextTokenModel,
    draft_model: NextTokenModel,
    prompt: Any,
    *,
    num_tokens: int,
    num_drafts: int | None = None,
    draft_length: int | None = None,
    method: str,
    rng: Any,
    replacement: bool = True,
    branching: Sequence[int] | None = None,
    stop_tokens: Any = (),
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
) -> Decoding | list[Decoding]:
    """Continue prompts with tokens of exactly the target model's law, several a call where drafts are good.

    Parameters
    ----------
    target_model, draft_model : callable
        Next-token models ``laws(tokens, last)`` with one vocabulary.
    prompt : integers of shape (T,), T >= 1, or a sequence of such prompts
        Several prompts, which may differ in length, advance together: each call of a model reads all that are
        unfinished.
    num_tokens : int
        Tokens to generate after each prompt, >= 1; exactly so many are returned, unless a stop token ends
        the text before.
    num_drafts : int, optional
        K >= 1 parallel drafts a call; 1 is ordinary speculative decoding. They branch at the first token.
    draft_length : int, optional
        L >= 1 tokens in each; fewer near the end, never more than the tokens still wanted minus 1.
    method : str
        ``"single"`` (one draft at each position), ``"naive"``, ``"kseq"``, ``"rrs"``, ``"greedy"``, or
        ``"optimal"`` (V**k <= 30,000 for k drafts at one position).
    rng : numpy.random.Generator or torch.Generator
        Anything with a method ``random()`` will do.
    replacement : bool
        False draws the drafts of one position without replacement, where the method can: then a position has
        at most as many drafts as the draft's law has tokens.
    branching : sequence of int, optional
        A draft tree instead of parallel drafts: each node of level d - 1 gets ``branching[d - 1]`` >= 1
        children. K parallel drafts of length L are the tree ``(K, 1, ..., 1)`` of L levels.
    stop_tokens : sequence of int
        A text ends with the first of these tokens that is emitted, which is included.
    temperature, top_k, top_p : optional
        Both models' laws are processed so, before anything else; see
        :func:`samplebook.drafts.processing.process_laws`. The law of the output is the processed target's.

    Returns
    -------
    Decoding, or a list of them, in the order of the prompts, if ``prompt`` is a sequence of prompts

    Raises
    ------
    ValueError
        If a count is not an integer >= 1, both or neither of ``branching`` and the pair ``num_drafts``,
        ``draft_length`` are given, a prompt is empty or outside the vocabulary, the vocabularies differ, a
        model's answer is not a set of laws, a parameter of the processing is outside its range, or the
        method is unknown or does not fit the drafts.
    """
    levels = as_branching(branching, num_drafts, draft_length)
    most_drafts = (
        math.prod(levels) if as_flag(replacement, "replacement") else max(levels)
    )
    chosen = method_named(method, most_drafts, replacement)
    process = law_processor(temperature=temperature, top_k=top_k, top_p=top_p)
    source = as_uniforms(rng)

    def step(contexts: list[Tokens], length: int) -> list[list[int]]:
        return speculative_step(
            target_model,
            draft_model,
            contexts,
            branching=levels[:length],
            method=chosen,
            process=process,
            rng=source,
        )

    return continue_prompts(
        prompt,
        step,
        num_tokens=num_tokens,
        draft_length=len(levels),
        stop_tokens=stop_tokens,
    )


def decode_autoregressively(
    target_model: NextTokenModel,
    prompt: Any,
    *,
    num_tokens: int,
    rng: Any,
    stop_tokens: Any = (),
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
) -> Decoding | list[Decoding]:
    """Continue prompts one token a call, the baseline. Arguments as for :func:`speculative_decode`."""
    process = law_processor(temperature=temperature, top_k=top_k, top_p=top_p)
    source = as_uniforms(rng)

    def step(contexts: list[Tokens], length: int) -> list[list[int]]:
        nothing = DraftTree.root().levels
        answers = laws_after(
            target_model, "target_model", contexts, nothing * len(contexts), 1
        )
        laws = [process(as_law(answer[()][0], "target_model")) for answer in answers]
        return [[draw_token(law, source)] for law in laws]

    return continue_prompts(
        prompt, step, num_tokens=num_tokens, draft_length=0, stop_tokens=stop_tokens
    )
