"""Decoders whose steps are fixed sequences of kernels, recorded once as CUDA graphs where there is a GPU.

A step of a small or deep model is bound by the launching of its kernels. A graph launches them all at once,
for plain decoding and for speculative decoding alike, which makes their comparison fair. On a CPU, or where
recording fails, the same functions run as they are.
"""

import time
from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import Tensor

from samplebook.core.drawing import draw_tokens
from samplebook.drafts import METHODS
from samplebook.experiments.decoder_transformer import (
    DecoderTransformer,
    StaticCache,
)
from samplebook.experiments.tree_verification import verify_tree

AnyDecoder = TypeVar("AnyDecoder", bound="Decoder")

WARM_UP = 3
"""Times that a part runs before it is recorded, so that libraries choose their kernels outside the graph."""


def laws_of(logits: Tensor) -> Tensor:
    """Laws in float32, whatever the model's precision."""
    return torch.softmax(logits.float(), dim=-1)


def synchronise(device: torch.device) -> None:
    """Wait until the device has done its work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


class Decoder:
    """A batch of texts that grow by steps; a step is a sequence of named parts.

    Attributes
    ----------
    tokens : int64 Tensor, shape (batch, context + spare)
        The texts; entries from ``lengths`` on mean nothing.
    lengths : int64 Tensor, shape (batch,)
        Their lengths. Models have read all but the last token.
    parts : dict of str to callable
        What a step does, in order; each takes and returns nothing.
    """

    parts: dict[str, Callable[[], object]]

    def __init__(
        self, model: DecoderTransformer, batch: int, spare: int, rng: torch.Generator
    ):
        device = model.embedding.weight.device
        self.device, self.rng, self.context = device, rng, model.size.context
        self.tokens = torch.zeros(
            (batch, self.context + spare), dtype=torch.int64, device=device
        )
        self.lengths = torch.zeros(batch, dtype=torch.int64, device=device)
        self.batch = batch

    def read(self, prompts: Tensor) -> None:
        """Let the models read all of the prompts (batch, length) but the last token."""
        raise NotImplementedError

    @torch.no_grad()
    def start(self, prompts: Tensor) -> None:
        """Forget the texts and begin with prompts (batch, length), 2 <= length < context."""
        self.tokens[:, : prompts.shape[1]] = prompts
        self.lengths.fill_(prompts.shape[1])
        self.read(prompts)

    @torch.no_grad()
    def step(self) -> None:
        """Let every text grow by at least one token."""
        for part in self.parts.values():
            part()

    def record_graphs(self, prompts: Tensor) -> None:
        """Replace the parts by CUDA graphs of them.

        Parts hand tensors to the next part, so each is run once before the next one is recorded. They share a
        memory pool, since they always run in the order in which they were recorded.
        """
        self.start(prompts)
        pool = None
        for name, part in self.parts.items():
            graph = recorded(part, self.lengths, pool)
            graph.replay()
            self.parts[name] = graph.replay
            pool = pool or graph.pool()


@torch.no_grad()
def recorded(
    part: Callable[[], object], lengths: Tensor, pool: Any
) -> torch.cuda.CUDAGraph:
    """A CUDA graph of a part; ``lengths`` keep their values through the warm-up."""
    before = lengths.clone()
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(WARM_UP):
            part()
            lengths.copy_(before)
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, pool=pool):
        part()
    return graph


class AutoregressiveDecoder(Decoder):
    """One token a step for each text, by one model."""

    def __init__(self, model: DecoderTransformer, *, batch: int, rng: torch.Generator):
        super().__init__(model, batch, 0, rng)
        self.model, self.cache = model, StaticCache(model, batch, 0)
        self.parts = {"token": self.emit_token}

    def read(self, prompts: Tensor) -> None:
        self.model.read_texts(prompts[:, :-1], self.cache)

    def emit_token(self) -> None:
        last = self.lengths[:, None] - 1
        logits = self.model.decode(
            self.tokens.gather(1, last),
            last,
            last,
            self.cache.text_bias[last],
            self.cache,
        )
        token = draw_tokens(laws_of(logits[:, 0]), self.rng)
        self.tokens.scatter_(1, self.lengths[:, None], token[:, None])
        self.lengths += 1


class SpeculativeDecoder(Decoder):
    """1 to L + 1 tokens a step for each text: K drafts of L tokens, one target pass over all of them.

    Both models keep the branches of the draft tree in columns of their own, behind the text's. After
    verification the columns of the emitted path move to the text, so no accepted token is read again but one:
    the draft model reads the last but one anew, because it has not read the end of a draft accepted whole.

    Attributes
    ----------
    histogram : int64 Tensor, shape (batch, L + 2)
        How many steps emitted 0, 1, ..., L + 1 tokens since the start.
    """

    def __init__(
        self,
        target: DecoderTransformer,
        draft: DecoderTransformer,
        *,
        batch: int,
        num_drafts: int,
        draft_length: int,
        method: str,
        rng: torch.Generator,
    ):
        super().__init__(target, batch, draft_length + 1, rng)
        self.target, self.draft, self.method = target, draft, method
        self.num_drafts, self.draft_length = num_drafts, draft_length
        nodes = num_drafts * draft_length
        self.target_cache = StaticCache(target, batch, nodes)
        self.draft_cache = StaticCache(draft, batch, nodes)
        self.depths = torch.arange(1, draft_length + 1, device=self.device)
        self.branch_columns = self.context + torch.arange(
            nodes, device=self.device
        ).view(num_drafts, draft_length)
        self.path_bias = self.bias_of_paths()
        self.histogram = torch.zeros(
            (batch, draft_length + 2), dtype=torch.int64, device=self.device
        )
        self.parts = {
            "draft": self.draw_drafts,
            "target": self.score,
            "rest": self.emit,
        }

    def read(self, prompts: Tensor) -> None:
        self.target.read_texts(prompts[:, :-1], self.target_cache)
        self.draft.read_texts(prompts[:, :-1], self.draft_cache)
        self.histogram.zero_()

    def bias_of_paths(self) -> Tensor:
        """0 at the columns of the path to each node, itself included, else -inf: shape (K, L, columns)."""
        shape = (self.num_drafts, self.draft_length, self.target_cache.columns)
        bias = self.target_cache.text_bias.new_full(shape, float("-inf"))
        for depth in range(self.draft_length):
            bias[:, depth].scatter_(1, self.branch_columns[:, : depth + 1], 0.0)
        return bias

    def draw_drafts(self) -> None:
        """K drafts (batch, K, L) for each text, and the laws (batch, 1 + K (L - 1), V) that drew them."""
        batch, cache = self.batch, self.draft_cache
        last = self.lengths[:, None] - 1
        last_two = torch.cat([last - 1, last], dim=1)
        text = cache.text_bias[last]
        logits = self.draft.decode(
            self.tokens.gather(1, last_two),
            last_two,
            last_two,
            cache.text_bias[last_two],
            cache,
        )
        root_law = laws_of(logits[:, 1])
        drafts, laws = [self.first_tokens(root_law)], []
        for depth in range(1, self.draft_length):
            columns = self.branch_columns[:, depth - 1].expand(batch, -1)
            positions = (last + depth).expand_as(columns)
            bias = torch.maximum(text, self.path_bias[:, depth - 1])
            logits = self.draft.decode(drafts[-1], positions, columns, bias, cache)
            laws.append(laws_of(logits))
            next_tokens = draw_tokens(laws[-1].flatten(0, 1), self.rng)
            drafts.append(next_tokens.view(batch, -1))
        self.drafts = torch.stack(drafts, dim=2)
        below = torch.stack(laws, dim=2).flatten(1, 2)
        self.draft_laws = torch.cat([root_law[:, None], below], dim=1)

    def first_tokens(self, law: Tensor) -> Tensor:
        """The first token of each draft (batch, K): draws from the law (batch, V), or greedy's choice."""
        if self.method == "greedy":
            return METHODS["greedy"].drafting.draw_batch(law, self.num_drafts, self.rng)
        draws = draw_tokens(law.repeat_interleave(self.num_drafts, dim=0), self.rng)
        return draws.view(-1, self.num_drafts)

    def score(self) -> None:
        """The target's laws (batch, 1 + K L, V) at the root and after each drafted token, in one pass."""
        batch, cache = self.batch, self.target_cache
        last = self.lengths[:, None] - 1
        positions = last + self.depths.repeat(self.num_drafts)
        columns = self.branch_columns.flatten().expand(batch, -1)
        text = cache.text_bias[last]
        logits = self.target.decode(
            torch.cat([self.tokens.gather(1, last), self.drafts.flatten(1)], dim=1),
            torch.cat([last, positions], dim=1),
            torch.cat([last, columns], dim=1),
            torch.cat([text, torch.maximum(text, self.path_bias.flatten(0, 1))], dim=1),
            cache,
        )
        self.target_laws = laws_of(logits)

    def emit(self) -> None:
        """Verify the drafts, append what is emitted, and keep the keys and values of the accepted tokens."""
        found = verify_tree(
            self.target_laws,
            self.draft_laws,
            self.drafts,
            method=self.method,
            rng=self.rng,
        )
        places = torch.cat(
            [self.lengths[:, None], self.lengths[:, None] + self.depths], 1
        )
        self.tokens.scatter_(1, places, found.tokens)
        path = self.branch_columns[found.path]
        self.target_cache.move(path, places[:, :-1])
        self.draft_cache.move(path[:, :-1], places[:, :-2])
        counts = found.counts[:, None]
        self.histogram.scatter_add_(1, counts, torch.ones_like(counts))
        self.lengths += found.counts


def with_graphs(
    make: Callable[[torch.Generator], AnyDecoder], prompts: Tensor, seed: int
) -> tuple[AnyDecoder, str]:
    """A decoder, with its steps recorded as CUDA graphs where that is possible, and how it runs.

    Parameters
    ----------
    make : callable
        Gives the decoder that uses a generator.
    prompts : int64 Tensor, shape (batch, length)
        Texts to run it on before it is recorded.
    seed : int

    Returns
    -------
    decoder : Decoder
    mode : str
        ``"CUDA graphs"``, or ``"eager"`` with the reason.
    """
    device = prompts.device
    if device.type != "cuda":
        return make(torch.Generator(device).manual_seed(seed)), "eager: no CUDA device"
    # The device's own generator is the one that every CUDA graph knows.
    rng = torch.cuda.default_generators[torch.cuda.current_device()].manual_seed(seed)
    decoder = make(rng)
    try:
        decoder.record_graphs(prompts)
    except RuntimeError as error:
        torch.cuda.synchronize()
        decoder = make(torch.Generator(device).manual_seed(seed))
        return decoder, f"eager: {str(error).splitlines()[0]}"
    return decoder, "CUDA graphs"


def plain_decoder(
    model: DecoderTransformer, prompts: Tensor, seed: int
) -> AutoregressiveDecoder:
    """An autoregressive decoder for as many texts as there are prompts; see :func:`with_graphs`."""

    def make(rng: torch.Generator) -> AutoregressiveDecoder:
        return AutoregressiveDecoder(model, batch=len(prompts), rng=rng)

    return with_graphs(make, prompts, seed)[0]


def timed_steps(decoder: Decoder, prompts: Tensor, steps: int) -> float:
    """Seconds that a decoder takes for some steps after it has read the prompts."""
    decoder.start(prompts)
    synchronise(decoder.device)
    begin = time.perf_counter()
    for _ in range(steps):
        decoder.step()
    synchronise(decoder.device)
    return time.perf_counter() - begin


@torch.no_grad()
def timed_parts(decoder: Decoder, prompts: Tensor, steps: int) -> dict[str, float]:
    """Mean seconds of each part of a step; their sum exceeds a step's, since each part is waited for."""
    decoder.start(prompts)
    synchronise(decoder.device)
    seconds = dict.fromkeys(decoder.parts, 0.0)
    for _ in range(steps):
        for name, part in decoder.parts.items():
            begin = time.perf_counter()
            part()
            synchronise(decoder.device)
            seconds[name] += time.perf_counter() - begin
    return {name: total / steps for name, total in seconds.items()}
