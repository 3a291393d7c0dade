"""Next-token laws of a transformer that reads only what it has not read before."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from samplebook.core.arrays import pad_rows
from samplebook.core.checks import TokenRows, as_token_rows

Tokens = NDArray[np.int64]
NO_TOKEN = -1
READ_AT_ONCE = 256
"""Most new tokens that one forward pass reads: what it computes in vain grows with the square."""


def common_lengths(rows: Tokens, others: Tokens) -> Tokens:
    """How many first entries each of ``rows`` (B, T) shares with each of ``others`` (C, T); shape (B, C)."""
    agree = rows[:, None] == others[None]
    return np.logical_and.accumulate(agree, axis=2).sum(axis=2)


@dataclass(frozen=True)
class Trie:
    """Rows of tokens in which equal beginnings are one: each distinct beginning is a node.

    Attributes
    ----------
    tokens : int64 array, shape (B, T)
        The rows, filled up with ``NO_TOKEN``.
    nodes : int64 array, shape (B, T)
        The node of each beginning; ``NO_TOKEN`` where there is none.
    """

    tokens: Tokens
    nodes: Tokens

    @classmethod
    def empty(cls) -> "Trie":
        """No rows."""
        nothing = np.empty((0, 0), dtype=np.int64)
        return cls(nothing, nothing)

    def of_length(self, length: int) -> "Trie":
        """The first ``length`` tokens of each row, filled up to this length."""
        first = slice(min(length, self.tokens.shape[1]))
        tokens, nodes = np.full((2, len(self.tokens), length), NO_TOKEN)
        tokens[:, first], nodes[:, first] = self.tokens[:, first], self.nodes[:, first]
        return Trie(tokens, nodes)


@dataclass(frozen=True)
class ReadingPlan:
    """What a call has to read. Nodes are places in the cache: first those kept, then those to read.

    Attributes
    ----------
    trie : Trie
        The call's rows.
    asked : int64 array, shape (B, last)
        The nodes whose laws are asked for; all of them are to read.
    kept : int64 array
        Places, before the call, of the nodes that are kept.
    row, depth : int64 arrays, shape (new,)
        A row of each node to read, and its position there. Every node comes after its ancestors.
    """

    trie: Trie
    asked: Tokens
    kept: Tokens
    row: Tokens
    depth: Tokens

    def attended(self, piece: slice) -> NDArray[np.bool_]:
        """Which nodes, of all up to the end of a piece of those to read, each of the piece attends to."""
        ancestors = self.trie.nodes[self.row[piece]]
        reader, depth = np.nonzero(
            np.arange(ancestors.shape[1]) <= self.depth[piece, None]
        )
        attended = np.zeros((len(ancestors), len(self.kept) + piece.stop), dtype=bool)
        attended[reader, ancestors[reader, depth]] = True
        return attended


def plan_reading(read: Trie, rows: list[Tokens], last: int) -> ReadingPlan:
    """Match rows with what was read before; the ``last`` nodes of each row are to be read in any case."""
    tokens = pad_rows(rows, NO_TOKEN)
    read = read.of_length(tokens.shape[1])
    shared = common_lengths(tokens, np.concatenate([read.tokens, tokens]))
    depths = np.arange(tokens.shape[1])
    # the first row, old or new, with the same beginning stands for all that have it
    owner = (shared[:, :, None] > depths).argmax(axis=1)
    beginnings = (owner * len(depths) + depths)[tokens != NO_TOKEN]
    distinct, first, node = np.unique(
        beginnings, return_index=True, return_inverse=True
    )
    ends = np.cumsum([len(row) for row in rows])
    asked = node[ends[:, None] - last + np.arange(last)]
    known = distinct < read.nodes.size
    known[asked] = False
    place = np.empty_like(distinct)
    kept, place[known] = np.unique(
        read.nodes.ravel()[distinct[known]], return_inverse=True
    )
    place[~known] = np.arange(len(kept), len(distinct))
    nodes = np.full(tokens.shape, NO_TOKEN)
    nodes[tokens != NO_TOKEN] = place[node]
    row, depth = np.argwhere(tokens != NO_TOKEN)[first[~known]].T
    return ReadingPlan(
        trie=Trie(tokens, nodes),
        asked=place[asked],
        kept=kept,
        row=row,
        depth=depth,
    )


class KeysAndValues:
    """A cache as a transformer's layers use it: keys and values of nodes, each (1, heads, nodes, width)."""

    def __init__(self, layers: Iterable[tuple[Tensor, Tensor]] = ()):
        self.layers = list(layers)

    def update(
        self, keys: Tensor, values: Tensor, layer: int, *_: Any, **__: Any
    ) -> tuple[Tensor, Tensor]:
        """Append new nodes to a layer; gives the keys and values of all nodes."""
        if layer == len(self.layers):
            self.layers.append((keys, values))
        else:
            old_keys, old_values = self.layers[layer]
            self.layers[layer] = (
                torch.cat([old_keys, keys], dim=2),
                torch.cat([old_values, values], dim=2),
            )
        return self.layers[layer]

    def at(self, places: Tokens) -> "KeysAndValues":
        """The nodes at some places; those at the beginning are not copied."""
        index: Any = slice(len(places))
        if (places != np.arange(len(places))).any():
            index = torch.from_numpy(places)
        return KeysAndValues(
            (keys[:, :, index], values[:, :, index]) for keys, values in self.layers
        )

    def extend(self, other: "KeysAndValues", count: int) -> None:
        """Append the last ``count`` nodes of another."""
        for layer, (keys, values) in enumerate(other.layers):
            self.update(keys[:, :, -count:], values[:, :, -count:], layer)


class CachedLaws:
    """A transformer as a next-token model for decoding, with the keys and values of its last call kept.

    The tokens of a call's rows form a trie: equal beginnings are one. Its nodes are read once each, one after
    the other in a single row, with the position that they have in their text; each attends to its ancestors
    and itself. Keys and values of the nodes are kept up to the next call, which reads only what it needs
    besides. In a decoding loop that is the drafted tree, and one token before it.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        A decoder without output layer, such as ``LlamaModel``, whose logits are its last hidden state times
        the transpose of its embedding.

    Attributes
    ----------
    calls : int
        Calls so far.
    positions_read : int
        Tokens that the model has read so far, over all calls.
    """

    def __init__(self, model: Any):
        self.model = model
        self.calls = self.positions_read = 0
        self._read = Trie.empty()
        self._cache = KeysAndValues()

    @torch.inference_mode()
    def __call__(self, tokens: TokenRows, last: int) -> NDArray[np.float32]:
        """Laws of the next token after each of the ``last`` positions at the end of each row.

        Parameters
        ----------
        tokens : int64 array, shape (B, T), or a list of B rows of any lengths
        last : int
            1..the shortest row's length.

        Returns
        -------
        float32 array, shape (B, last, V)

        Raises
        ------
        ValueError
            If a token lies outside the vocabulary, or ``last`` outside its range.
        """
        rows = as_token_rows(tokens, last, vocabulary=self.model.config.vocab_size)
        plan = plan_reading(self._read, rows, last)
        states = self._read_new(plan)
        self.calls += 1
        self.positions_read += len(states)
        asked, place = np.unique(plan.asked - len(plan.kept), return_inverse=True)
        logits = states[asked] @ self.model.embed_tokens.weight.T
        laws = torch.softmax(logits.float(), dim=-1).cpu().numpy()
        # torch adds up in single precision: over a large vocabulary that is off by some 1e-5
        laws /= laws.sum(axis=-1, keepdims=True, dtype=np.float64).astype(np.float32)
        return laws[place.reshape(plan.asked.shape)]

    def _read_new(self, plan: ReadingPlan) -> Tensor:
        """Read what is to be read; its last hidden states (new, width)."""
        cache = self._cache.at(plan.kept)
        states = []
        for start in range(0, len(plan.row), READ_AT_ONCE):
            piece = slice(start, min(start + READ_AT_ONCE, len(plan.row)))
            attended = plan.attended(piece)
            needed = np.logical_or.reduce(attended, axis=0)
            before = np.flatnonzero(needed[: len(plan.kept) + start])
            part = cache.at(before)
            states.append(self._forward(plan, piece, attended[:, needed], part))
            if len(before) == len(plan.kept) + start:
                cache = part
            else:
                cache.extend(part, len(states[-1]))
        self._read, self._cache = plan.trie, cache
        return torch.cat(states)

    def _forward(
        self,
        plan: ReadingPlan,
        piece: slice,
        attended: NDArray[np.bool_],
        cache: KeysAndValues,
    ) -> Tensor:
        """One forward pass over a piece of the nodes to read."""
        model, row, depth = self.model, plan.row[piece], plan.depth[piece]
        mask = np.where(attended[None, None], 0.0, -np.inf)
        # By position, because releases of transformers differ in the name of the cache's argument. A mask of
        # four dimensions is used as it is, and added to the attention scores. (One of truth values does with
        # attention of kind "sdpa", but with "eager" it is added as 0 and 1.)
        output = model(
            torch.from_numpy(plan.trie.tokens[None, row, depth]).to(model.device),
            torch.from_numpy(mask).to(model.device, model.dtype),
            torch.from_numpy(depth[None]).to(model.device),
            cache,
        )
        return output.last_hidden_state[0]
