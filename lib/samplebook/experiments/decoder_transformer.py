"""A causal transformer that decodes with a static cache, several branches of a text at once.

Positions are learned, so that a layer runs few kernels: with one new token at a time, the number of kernels
sets the speed. Every tensor of a decoding pass has a fixed shape and place, as CUDA graphs need.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from samplebook.data.character_transformer import Block, TransformerSize

COLUMN_MULTIPLE = 16
"""The cache's length is a multiple of this, which the attention kernels for masks ask for."""


class StaticCache:
    """Keys and values of a batch of texts: one column for each position, then columns for branches.

    Attributes
    ----------
    stored : Tensor, shape (layers, batch * columns, 2 * width)
    columns : int
        Columns 0..context - 1 hold the texts; the rest is free for the branches of a draft tree.
    text_bias : Tensor, shape (context, columns)
        For each position, 0 at the columns of the text up to and including it, else minus infinity.
    """

    def __init__(self, model: "DecoderTransformer", batch: int, branch_columns: int):
        size, weight = model.size, model.embedding.weight
        wanted = size.context + branch_columns
        self.columns = -(-wanted // COLUMN_MULTIPLE) * COLUMN_MULTIPLE
        self.stored = weight.new_zeros(
            (size.layers, batch * self.columns, 2 * size.width)
        )
        places = torch.arange(max(batch, self.columns), device=weight.device)
        self.first_rows = places[:batch, None] * self.columns
        beyond = places[: self.columns] > places[: size.context, None]
        self.text_bias = weight.new_zeros(beyond.shape).masked_fill(
            beyond, float("-inf")
        )

    def rows(self, columns: Tensor) -> Tensor:
        """Rows of ``stored``, flat, of the columns (batch, n) of each text."""
        return (self.first_rows + columns).flatten()

    def move(self, source: Tensor, destination: Tensor) -> None:
        """Copy keys and values from columns (batch, n) to columns (batch, n), in all layers."""
        moved = self.stored.index_select(1, self.rows(source))
        self.stored.index_copy_(1, self.rows(destination), moved)


class Place(NamedTuple):
    """Where one layer keeps new keys and values, and what the new tokens see.

    Attributes
    ----------
    stored : Tensor, shape (batch * columns, 2 * width)
    rows : int64 Tensor, shape (batch * n,)
        Rows of ``stored`` for the n new tokens of each text.
    bias : Tensor, shape (batch, 1, n, columns)
        0 where a new token looks, minus infinity elsewhere.
    """

    stored: Tensor
    rows: Tensor
    bias: Tensor


class CachedBlock(Block):
    """The character model's block, which looks at its own text or at a cache, without rotary positions."""

    def by_head(self, x: Tensor) -> Tensor:
        """(batch, n, width) as (batch, heads, n, width / heads)."""
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def attend_to_text(self, x: Tensor) -> Tensor:
        """Causal attention within the positions of ``x``."""
        query, key, value = map(self.by_head, self.query_key_value(x).chunk(3, dim=-1))
        mixed = functional.scaled_dot_product_attention(
            query, key, value, is_causal=True
        )
        return self.attention_out(mixed.transpose(1, 2).flatten(2))

    def attend_to_cache(self, x: Tensor, place: Place) -> Tensor:
        """Write keys and values to their place, then attend to all that is stored there and visible."""
        stored, rows, bias = place
        query, key_value = self.query_key_value(x).tensor_split((x.shape[-1],), dim=-1)
        stored.index_copy_(0, rows, key_value.flatten(0, 1))
        key, value = stored.view(len(x), -1, stored.shape[-1]).chunk(2, dim=-1)
        mixed = functional.scaled_dot_product_attention(
            self.by_head(query), self.by_head(key), self.by_head(value), attn_mask=bias
        )
        return self.attention_out(mixed.transpose(1, 2).flatten(2))

    def forward(  # type: ignore[override]
        self, x: Tensor, place: Place | None = None
    ) -> Tensor:
        normed = self.attention_norm(x)
        x = x + (
            self.attend_to_text(normed)
            if place is None
            else self.attend_to_cache(normed, place)
        )
        return x + self.mlp_out(functional.gelu(self.mlp_in(self.mlp_norm(x))))


class DecoderTransformer(nn.Module):
    """Next-token logits of a causal transformer with tied embeddings."""

    def __init__(self, size: TransformerSize):
        super().__init__()
        self.size = size
        self.embedding = nn.Embedding(size.vocabulary, size.width)
        self.positions = nn.Embedding(size.context, size.width)
        self.blocks = nn.ModuleList(CachedBlock(size) for _ in range(size.layers))
        self.final_norm = nn.LayerNorm(size.width)

    def logits(self, states: Tensor) -> Tensor:
        return functional.linear(self.final_norm(states), self.embedding.weight)

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits (batch, length, V) of the next token after each position of texts (batch, length)."""
        places = torch.arange(tokens.shape[1], device=tokens.device)
        x = self.embedding(tokens) + self.positions(places)
        for block in self.blocks:
            x = block(x)
        return self.logits(x)

    def decode(
        self,
        tokens: Tensor,
        positions: Tensor,
        columns: Tensor,
        bias: Tensor,
        cache: StaticCache,
    ) -> Tensor:
        """Logits of the next token after each of some new tokens, whose keys and values enter the cache.

        Parameters
        ----------
        tokens, positions, columns : int64 Tensor, shape (batch, n)
            The new tokens, their positions in the text, and the columns of the cache that they are kept in.
        bias : Tensor, shape (batch, n, cache.columns)
            0 at the columns that each new token looks at, its own among them; minus infinity elsewhere.

        Returns
        -------
        Tensor, shape (batch, n, V)
        """
        x = self.embedding(tokens) + self.positions(positions)
        rows = cache.rows(columns)
        for block, stored in zip(self.blocks, cache.stored, strict=True):
            x = block(x, Place(stored, rows, bias[:, None]))
        return self.logits(x)

    def read_texts(self, texts: Tensor, cache: StaticCache) -> None:
        """Put the texts (batch, length) into the cache, from position 0 on."""
        places = torch.arange(texts.shape[1], device=texts.device).expand_as(texts)
        self.decode(texts, places, places, cache.text_bias[places], cache)
