"""Count models: how often each token followed each context, shrunk to shorter contexts."""

from copy import copy
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samplebook.core.checks import TokenRows, as_token_rows

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]


def context_codes(tokens: IntArray, order: int, vocabulary: int) -> IntArray:
    """One integer for each run of ``order`` tokens: its digits in base ``vocabulary``, oldest first.

    Returns
    -------
    int64 array, shape (len(tokens) - order + 1,)
    """
    codes = np.zeros(len(tokens) - order + 1, dtype=np.int64)
    for position in range(order):
        codes = (
            codes * vocabulary + tokens[position : len(tokens) - order + 1 + position]
        )
    return codes


@dataclass(frozen=True)
class CountTable:
    """Counts of codes: sorted distinct codes and how often each was seen."""

    codes: IntArray
    counts: IntArray

    @classmethod
    def of(cls, codes: IntArray) -> "CountTable":
        return cls(*np.unique(codes, return_counts=True))

    def look_up(self, codes: IntArray) -> IntArray:
        """Counts of the given codes, 0 where a code was never seen."""
        position = np.minimum(np.searchsorted(self.codes, codes), len(self.codes) - 1)
        return np.where(self.codes[position] == codes, self.counts[position], 0)

    def in_range(self, first: int, end: int) -> tuple[IntArray, IntArray]:
        """The codes seen in first..end-1, counted from ``first``, and their counts."""
        begin, stop = np.searchsorted(self.codes, [first, end])
        return self.codes[begin:stop] - first, self.counts[begin:stop]


class CountModel:
    """Count model of a given order: the next token depends on the last ``order`` tokens.

    With c(h, x) the count of token x after context h, h' the context one token shorter and m the
    pseudo-count,

    p(x | h) = (c(h, x) + m p(x | h')) / (c(h) + m),   and the law below order 0 is uniform.

    Parameters
    ----------
    tokens : int64 array, shape (n,)
        The training text, values in 0..vocabulary-1.
    order : int, >= 0
    vocabulary : int, >= 1
    pseudo_count : float, > 0
        m in the formula above.

    Raises
    ------
    ValueError
        If a parameter is outside its range, or codes of ``order + 1`` tokens do not fit into 63 bits.
    """

    def __init__(
        self, tokens: IntArray, order: int, vocabulary: int, pseudo_count: float = 5.0
    ):
        if order < 0:
            raise ValueError(f"order: must be >= 0, got {order}")
        if not pseudo_count > 0:
            raise ValueError(f"pseudo_count: must be > 0, got {pseudo_count}")
        if vocabulary < 1 or vocabulary ** (order + 1) >= 2**63:
            raise ValueError(
                f"vocabulary: {vocabulary} ** {order + 1} does not lie in 1..2**63"
            )
        if len(tokens) <= order or tokens.min() < 0 or tokens.max() >= vocabulary:
            raise ValueError(
                "tokens: needs more than `order` tokens, all in 0..vocabulary-1"
            )
        self.order, self.vocabulary, self.pseudo_count = order, vocabulary, pseudo_count
        self.followed = [
            CountTable.of(context_codes(tokens, length + 1, vocabulary))
            for length in range(order + 1)
        ]
        self.contexts = [
            CountTable.of(context_codes(tokens[:-1], length, vocabulary))
            for length in range(order + 1)
        ]

    def of_order(self, order: int) -> "CountModel":
        """The model of a shorter order from the same text; it shares this one's counts.

        Raises
        ------
        ValueError
            If ``order`` is not in 0..this model's order.
        """
        if not 0 <= order <= self.order:
            raise ValueError(f"order: {order} is not in 0..{self.order}")
        shorter = copy(self)
        shorter.order = order
        return shorter

    def probabilities(self, tokens: IntArray) -> FloatArray:
        """p of each token of a text given the ``order`` tokens before it, from the position ``order`` on.

        Returns
        -------
        float64 array, shape (len(tokens) - order,)
        """
        law = np.full(len(tokens) - self.order, 1.0 / self.vocabulary)
        for length in range(self.order + 1):
            begin = self.order - length
            with_token = context_codes(tokens, length + 1, self.vocabulary)[begin:]
            law = self.followed[length].look_up(with_token) + self.pseudo_count * law
            seen = self.contexts[length].look_up(with_token // self.vocabulary)
            law /= seen + self.pseudo_count
        return law

    def law(self, history: IntArray) -> FloatArray:
        """Law of the next token, shape (vocabulary,); a history shorter than ``order`` uses what it has.

        Raises
        ------
        ValueError
            If a token of ``history`` lies outside the vocabulary.
        """
        if len(history) and not 0 <= min(history) <= max(history) < self.vocabulary:
            raise ValueError(f"history: has tokens outside 0..{self.vocabulary - 1}")
        law = np.full(self.vocabulary, 1.0 / self.vocabulary)
        for length in range(min(self.order, len(history)) + 1):
            recent = np.asarray(history[len(history) - length :], dtype=np.int64)
            context = context_codes(recent, length, self.vocabulary)[0]
            tokens, counts = self.followed[length].in_range(
                context * self.vocabulary, (context + 1) * self.vocabulary
            )
            law *= self.pseudo_count
            law[tokens] += counts
            law /= self.contexts[length].look_up(context) + self.pseudo_count
        return law

    def laws(self, tokens: TokenRows, last: int) -> FloatArray:
        """The model as a next-token model for decoding.

        Parameters
        ----------
        tokens : int64 array, shape (B, T), or a list of B such rows of any lengths
        last : int
            1..the shortest row's length.

        Returns
        -------
        float64 array, shape (B, last, vocabulary)
            Laws of the next token after each of the ``last`` positions at the end of each row.

        Raises
        ------
        ValueError
            If a token lies outside the vocabulary, or ``last`` outside its range.
        """
        rows = as_token_rows(tokens, last, vocabulary=self.vocabulary)
        return np.array(
            [
                [self.law(row[: len(row) - after]) for after in reversed(range(last))]
                for row in rows
            ]
        )

    def bits_per_token(self, tokens: IntArray) -> float:
        """Mean of -log2 p over a text."""
        return float(-np.log2(self.probabilities(tokens)).mean())
