"""Prompt look-up: a draft without a model, which repeats what the text said before.

The last n tokens of the text are looked up in the text itself, for the largest n <= ``longest`` that occurs
there with a token after it. The draft's law is the share of each token among those that came next. Where
not even the last token occurred before, it is the share of each token in the whole text.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from samplebook.core.checks import TokenRows, as_count, as_token_rows

Tokens = NDArray[np.int64]


def followers(history: Tokens, length: int) -> Tokens:
    """The tokens that came after each earlier occurrence of the last ``length`` tokens of a text."""
    recent = history[len(history) - length :]
    windows = np.lib.stride_tricks.sliding_window_view(history[:-1], length)
    return history[length:][(windows == recent).all(axis=1)]


def look_up(history: Tokens, longest: int) -> Tokens:
    """What came after the longest ending that occurred before; all tokens if not even the last one did."""
    for length in range(min(longest, len(history) - 1), 0, -1):
        found = followers(history, length)
        if found.size:
            return found
    return history


def prompt_lookup_laws(
    vocabulary: int, longest: int = 3
) -> Callable[[TokenRows, int], NDArray[np.float64]]:
    """Prompt look-up as a next-token model for decoding.

    Parameters
    ----------
    vocabulary : int, >= 1
    longest : int, >= 1
        Longest ending that is looked up.

    Returns
    -------
    callable ``laws(tokens, last)``
        From int64 tokens (B, T), or a list of B rows, to float64 laws (B, last, V): row i, position j has the
        law after the first T - last + j + 1 tokens of row i, which has T.

    Raises
    ------
    ValueError
        If ``vocabulary`` or ``longest`` is no whole number >= 1; in a call, if a token lies outside the
        vocabulary or ``last`` outside 1..the shortest row's length.
    """
    vocabulary = as_count(vocabulary, "vocabulary")
    longest = as_count(longest, "longest")

    def laws(tokens: TokenRows, last: int) -> NDArray[np.float64]:
        texts = as_token_rows(tokens, last, vocabulary=vocabulary)
        result = np.zeros((len(texts), last, vocabulary))
        for row, text in enumerate(texts):
            for position in range(last):
                found = look_up(text[: len(text) - last + position + 1], longest)
                np.add.at(result[row, position], found, 1 / len(found))
        return result

    return laws
