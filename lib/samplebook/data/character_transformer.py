"""A small causal transformer over characters, and the book's own pair of them.

The pair (a target and a draft with one vocabulary) is trained by
:mod:`samplebook.data.train_shakespeare_pair` and stored in half precision in ``data/weights``.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from samplebook.core.arrays import pad_rows
from samplebook.core.checks import TokenRows, as_token_rows
from samplebook.data.packages import stored_file


@dataclass(frozen=True)
class TransformerSize:
    """Sizes of a transformer: vocabulary, context length, layers, heads, width."""

    vocabulary: int
    context: int
    layers: int
    heads: int
    width: int


def rotate_pairs(x: Tensor, angles: Tensor) -> Tensor:
    """Rotary position code: turn each pair (x_i, x_{i+d/2}) by its angle.

    Parameters
    ----------
    x : Tensor, shape (batch, heads, length, d)
    angles : Tensor, shape (length, d / 2), radians
    """
    first, second = x.chunk(2, dim=-1)
    cos, sin = angles.cos(), angles.sin()
    return torch.cat([first * cos - second * sin, first * sin + second * cos], dim=-1)


class Block(nn.Module):
    """Pre-norm attention and a two-layer perceptron, each added to its input."""

    def __init__(self, size: TransformerSize):
        super().__init__()
        self.heads = size.heads
        self.attention_norm = nn.LayerNorm(size.width)
        self.query_key_value = nn.Linear(size.width, 3 * size.width, bias=False)
        self.attention_out = nn.Linear(size.width, size.width, bias=False)
        self.mlp_norm = nn.LayerNorm(size.width)
        self.mlp_in = nn.Linear(size.width, 4 * size.width, bias=False)
        self.mlp_out = nn.Linear(4 * size.width, size.width, bias=False)

    def attend(self, x: Tensor, angles: Tensor) -> Tensor:
        batch, length, width = x.shape
        split = self.query_key_value(x).view(
            batch, length, 3, self.heads, width // self.heads
        )
        query, key, value = split.permute(2, 0, 3, 1, 4)
        query, key = rotate_pairs(query, angles), rotate_pairs(key, angles)
        mixed = functional.scaled_dot_product_attention(
            query, key, value, is_causal=True
        )
        return self.attention_out(mixed.transpose(1, 2).reshape(batch, length, width))

    def forward(self, x: Tensor, angles: Tensor) -> Tensor:
        x = x + self.attend(self.attention_norm(x), angles)
        return x + self.mlp_out(functional.gelu(self.mlp_in(self.mlp_norm(x))))


class CharacterTransformer(nn.Module):
    """Next-character logits of a causal transformer with tied embeddings."""

    angles: Tensor

    def __init__(self, size: TransformerSize):
        super().__init__()
        self.size = size
        self.embedding = nn.Embedding(size.vocabulary, size.width)
        self.blocks = nn.ModuleList(Block(size) for _ in range(size.layers))
        self.final_norm = nn.LayerNorm(size.width)
        half = size.width // size.heads // 2
        frequencies = 10_000.0 ** (-torch.arange(half) / half)
        positions = torch.arange(size.context)
        self.register_buffer(
            "angles", positions[:, None] * frequencies, persistent=False
        )

    def forward(self, tokens: Tensor, last: int | None = None) -> Tensor:
        """Logits of the next character after each position, or after each of the ``last`` positions.

        Parameters
        ----------
        tokens : int64 Tensor, shape (batch, length)
        last : int, optional
            How many positions at the end to return; all of them by default.

        Returns
        -------
        Tensor, shape (batch, last, vocabulary)

        Raises
        ------
        ValueError
            If ``length`` is 0 or exceeds the context.
        """
        x = self.states(tokens)[-1]
        return self.logits(x if last is None else x[:, x.shape[1] - last :])

    def states(self, tokens: Tensor) -> list[Tensor]:
        """The embedded tokens, then the state after each block, each (batch, length, width)."""
        length = tokens.shape[1]
        if not 1 <= length <= self.size.context:
            raise ValueError(
                f"tokens: length {length} is outside 1..{self.size.context}, the model's context"
            )
        states = [self.embedding(tokens)]
        for block in self.blocks:
            states.append(block(states[-1], self.angles[:length]))
        return states

    def logits(self, states: Tensor) -> Tensor:
        """Next-character logits from states after the last block (or, untrained for it, an earlier one)."""
        return functional.linear(self.final_norm(states), self.embedding.weight)


def initialise(model: nn.Module, generator: torch.Generator) -> None:
    """Normal weights of scale 0.02 (width^-1/2 inside blocks), zero output projections."""
    for name, parameter in model.named_parameters():
        if parameter.ndim < 2:
            continue
        with torch.no_grad():
            if name.endswith(("attention_out.weight", "mlp_out.weight")):
                parameter.zero_()
            else:
                scale = (
                    0.02 if name == "embedding.weight" else parameter.shape[1] ** -0.5
                )
                parameter.normal_(0.0, scale, generator=generator)


def save_transformer(path: str, model: CharacterTransformer, alphabet: str) -> None:
    """Write weights in half precision, with sizes and alphabet in the file's metadata."""
    from safetensors.torch import save_file

    weights = {
        name: value.half().contiguous() for name, value in model.state_dict().items()
    }
    metadata = {"size": json.dumps(asdict(model.size)), "alphabet": alphabet}
    save_file(weights, path, metadata=metadata)


def load_transformer(path: str) -> tuple[CharacterTransformer, str]:
    """Read what :func:`save_transformer` wrote: the model in float32, and its alphabet."""
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
        weights = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
    model = CharacterTransformer(TransformerSize(**json.loads(metadata["size"])))
    model.load_state_dict(weights)
    return model.eval(), metadata["alphabet"]


def load_shakespeare_pair() -> tuple[CharacterTransformer, CharacterTransformer, str]:
    """The book's own target and draft (float32, evaluation mode), and their common alphabet."""
    target, alphabet = load_transformer(
        str(stored_file("data/weights/shakespeare-target.safetensors"))
    )
    draft, draft_alphabet = load_transformer(
        str(stored_file("data/weights/shakespeare-draft.safetensors"))
    )
    if alphabet != draft_alphabet:
        raise ValueError("the stored target and draft have different alphabets")
    return target, draft, alphabet


def next_token_laws(
    model: CharacterTransformer,
) -> Callable[[TokenRows, int], NDArray[np.float64]]:
    """The transformer as a next-token model for decoding.

    Parameters
    ----------
    model : CharacterTransformer
        On any device.

    Returns
    -------
    callable ``laws(tokens, last)``
        ``tokens``: int64 array, shape (B, T), or a list of B rows, none longer than the model's context; the
        result has shape (B, last, V) and holds the law of the next token after each of the last ``last``
        positions of each row. It raises ``ValueError`` if a token lies outside the vocabulary, or ``last``
        outside 1..the shortest row's length.
    """
    device = model.embedding.weight.device

    @torch.inference_mode()
    def laws(tokens: TokenRows, last: int) -> NDArray[np.float64]:
        rows = as_token_rows(tokens, last, vocabulary=model.size.vocabulary)
        # no position sees what follows it, so rows can be filled up at their ends
        states = model.states(torch.from_numpy(pad_rows(rows, 0)).to(device))[-1]
        at_ends = [
            state[len(row) - last : len(row)]
            for state, row in zip(states, rows, strict=True)
        ]
        logits = model.logits(torch.stack(at_ends))
        return torch.softmax(logits.double(), dim=-1).cpu().numpy()

    return laws


def read_training_logs() -> dict[str, dict[str, Any]]:
    """The stored training logs of the pair, by model (``"target"``, ``"draft"``)."""
    files = (
        stored_file("data/weights/shakespeare-target.log.json"),
        stored_file("data/weights/shakespeare-draft.log.json"),
    )
    logs = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    return {log["model"]: log for log in logs}
