"""Next-token laws of a transformer that reads only what it has not read before."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from samplebook.core.checks import as_token_rows

Tokens = NDArray[np.int64]


def common_lengths(rows: Tokens, others: Tokens) -> Tokens:
    """How many first tokens each of ``rows`` (B, T) shares with each of ``others`` (C, S); shape (B, C)."""
    length = min(rows.shape[1], others.shape[1])
    agree = rows[:, None, :length] == others[None, :, :length]
    return np.logical_and.accumulate(agree, axis=2).sum(axis=2)


class CachedLaws:
    """A transformer as a next-token model for decoding, with the keys and values of its last call kept.

    Each row of a call is matched with the row of the last call that shares its longest beginning. What all
    rows share with their match is not read again. In a decoding loop the drafted tokens are left to read, and
    at most one token before them.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        A decoder without output layer, such as ``LlamaModel``, whose logits are its last hidden state times
        the transpose of its embedding.
    temperature : float, > 0
        Logits are divided by it.

    Attributes
    ----------
    positions_read : int
        Tokens that the model has read so far, over all calls and rows.

    Raises
    ------
    ValueError
        If ``temperature`` is not positive.
    """

    def __init__(self, model: Any, temperature: float = 1.0):
        if not temperature > 0:
            raise ValueError(f"temperature: must be > 0, got {temperature}")
        self.model, self.temperature = model, temperature
        self.positions_read = 0
        self._read: Tokens = np.empty((0, 0), dtype=np.int64)
        self._cache: Any = None

    @torch.inference_mode()
    def __call__(self, tokens: Tokens, last: int) -> NDArray[np.float64]:
        """Laws of the next token after each of the ``last`` positions at the end of each row.

        Parameters
        ----------
        tokens : int64 array, shape (B, T)
        last : int
            1..T.

        Returns
        -------
        float64 array, shape (B, last, V)

        Raises
        ------
        ValueError
            If a token lies outside the vocabulary, or ``last`` outside 1..T.
        """
        vocabulary = self.model.config.vocab_size
        tokens = as_token_rows(tokens, last, vocabulary=vocabulary)
        states = self._last_states(tokens, last)
        logits = states @ self.model.embed_tokens.weight.T
        return torch.softmax(logits.double() / self.temperature, dim=-1).cpu().numpy()

    def _last_states(self, tokens: Tokens, last: int) -> Tensor:
        cache, known = self._known_beginning(tokens, tokens.shape[1] - last)
        new = torch.from_numpy(np.ascontiguousarray(tokens[:, known:]))
        # by position, because releases of transformers differ in the name of this argument
        output = self.model(new.to(self.model.device), None, None, cache)
        self._read, self._cache = tokens.copy(), cache
        self.positions_read += new.numel()
        return output.last_hidden_state[:, -last:]

    def _known_beginning(self, tokens: Tokens, longest: int) -> tuple[Any, int]:
        """A cache of the first tokens of every row, at most ``longest``, and their number."""
        from transformers import DynamicCache

        cache = DynamicCache()
        if self._cache is None:
            return cache, 0
        shared = common_lengths(tokens, self._read)
        known = min(int(shared.max(axis=1).min()), longest)
        row = torch.from_numpy(shared.argmax(axis=1))
        if known > 0:
            for number, layer in enumerate(self._cache.layers):
                keys, values = layer.keys[row, :, :known], layer.values[row, :, :known]
                cache.update(keys, values, number)
        return cache, known
