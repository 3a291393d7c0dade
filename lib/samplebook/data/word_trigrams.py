"""The word trigram model that ships in ``pocketsphinx``: three orders of one model, exact laws.

About 72,500 words of American English. Orders 1, 2 and 3 share one vocabulary, so a low order is a
ready draft for a high one, and every next-word law can be written down exactly.

The file is a trie keyed by the word first and its history after, newest first: (word), (word, previous),
(word, previous, before). Entries of one level lie in a bit-packed table; a parent's children are the run
between its ``next`` pointer and that of its right neighbour. The reader below unpacks the tables with NumPy.
It runs none of the package's code.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samplebook.data.packages import installed_folder

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

MAGIC = b"Trie Language Model"
LOG_BASE = np.log(1.0001)  # float64; the file's logarithms have base 1.0001
QUANTUM_BITS = 16  # probabilities and back-off weights are 16-bit indices into tables
UNIGRAM = np.dtype([("log_prob", "<f4"), ("log_backoff", "<f4"), ("next", "<u4")])
SENTENCE_START = "<s>"


@dataclass(frozen=True)
class NGramTable:
    """All n-grams of one order, sorted by their history.

    Attributes
    ----------
    history : int64 array, shape (n,), ascending
        ``previous`` for bigrams, ``before * V + previous`` for trigrams.
    word : int64 array, shape (n,)
    log_prob : float64 array, shape (n,)
        Natural logarithms.
    log_backoff : float64 array, shape (n,)
        Back-off weight of the n-gram as a history; zeros in the highest order.
    """

    history: IntArray
    word: IntArray
    log_prob: FloatArray
    log_backoff: FloatArray

    def rows(self, history: int) -> slice:
        """The n-grams whose history is the given one."""
        begin, end = np.searchsorted(self.history, [history, history + 1])
        return slice(int(begin), int(end))


def unpack_bits(
    data: NDArray[np.uint8], count: int, row_bits: int, offset: int, bits: int
) -> IntArray:
    """Column of a bit-packed table: ``bits`` (<= 25) bits at ``offset`` of each ``row_bits``-wide row."""
    start = np.arange(count, dtype=np.int64) * row_bits + offset
    byte = start >> 3
    four_bytes = sum(data[byte + i].astype(np.int64) << (8 * i) for i in range(4))
    return (four_bytes >> (start & 7)) & ((1 << bits) - 1)


@dataclass(frozen=True)
class WordTrigrams:
    """Next-word laws of orders 1, 2 and 3 over one vocabulary of V words.

    Attributes
    ----------
    words : tuple of str
        The vocabulary; a word's number is its position.
    log_unigram, log_unigram_backoff : float64 array, shape (V,)
    bigrams, trigrams : NGramTable
    """

    words: tuple[str, ...]
    log_unigram: FloatArray
    log_unigram_backoff: FloatArray
    bigrams: NGramTable
    trigrams: NGramTable

    @cached_property
    def number(self) -> dict[str, int]:
        """Number of each word."""
        return {word: position for position, word in enumerate(self.words)}

    @cached_property
    def unigram_law(self) -> FloatArray:
        """The law of order 1, shape (V,). The sentence start has probability 0: it never follows a word."""
        law = np.exp(self.log_unigram)
        law[self.number[SENTENCE_START]] = 0.0
        return law / law.sum()

    def encode(self, text: str) -> IntArray:
        """Word numbers of a text: lower case, words outside the vocabulary dropped, punctuation ignored."""
        found = re.findall(r"[a-z]+(?:'[a-z]+)?", text.lower().replace("’", "'"))
        return np.array(
            [self.number[word] for word in found if word in self.number], dtype=np.int64
        )

    def decode(self, tokens: Sequence[int] | IntArray) -> str:
        """The words joined by blanks."""
        return " ".join(self.words[token] for token in tokens)

    def unnormalised_law(
        self, history: Sequence[int] | IntArray, order: int
    ) -> FloatArray:
        """Back-off probabilities as the file gives them, shape (V,); they sum to 1 up to quantisation.

        Katz back-off: a stored n-gram gives its own probability; any other word gets the back-off weight
        of the history times the probability of the next lower order.
        """
        if order == 1 or len(history) == 0:
            return np.exp(self.log_unigram)
        if order == 2 or len(history) == 1:
            previous = int(history[-1])
            law = np.exp(self.log_unigram + self.log_unigram_backoff[previous])
            rows = self.bigrams.rows(previous)
            law[self.bigrams.word[rows]] = np.exp(self.bigrams.log_prob[rows])
            return law
        before, previous = int(history[-2]), int(history[-1])
        law = self.unnormalised_law(history, 2)
        seen = self.bigrams.rows(
            before
        )  # the bigram (before, previous) is the history of the trigram
        position = np.searchsorted(self.bigrams.word[seen], previous)
        if (
            position < seen.stop - seen.start
            and self.bigrams.word[seen][position] == previous
        ):
            law = law * np.exp(self.bigrams.log_backoff[seen][position])
        rows = self.trigrams.rows(before * len(self.words) + previous)
        law[self.trigrams.word[rows]] = np.exp(self.trigrams.log_prob[rows])
        return law

    def law(self, history: Sequence[int] | IntArray, order: int) -> FloatArray:
        """Law of the next word after ``history``, renormalised, without the sentence start.

        Parameters
        ----------
        history : sequence of word numbers
            Oldest first; only the last ``order - 1`` count, and fewer are enough.
        order : {1, 2, 3}

        Returns
        -------
        float64 array, shape (V,), sum 1

        Raises
        ------
        ValueError
            If ``order`` is not 1, 2 or 3, or a word number is outside 0..V-1.
        """
        if order not in (1, 2, 3):
            raise ValueError(f"order: must be 1, 2 or 3, got {order}")
        relevant = np.asarray(history, dtype=np.int64)[
            max(0, len(history) - order + 1) :
        ]
        if relevant.size and not (
            relevant.min() >= 0 and relevant.max() < len(self.words)
        ):
            raise ValueError(
                f"history: word numbers must lie in 0..{len(self.words) - 1}"
            )
        if relevant.size == 0:
            return self.unigram_law.copy()
        law = self.unnormalised_law(relevant, order)
        law[self.number[SENTENCE_START]] = 0.0
        return law / law.sum()

    def next_word_laws(self, order: int) -> Callable[[IntArray, int], FloatArray]:
        """The model of the given order as a next-token model for decoding.

        Returns
        -------
        callable ``laws(tokens, last)``
            ``tokens``: int64 array, shape (B, T); the result has shape (B, last, V) and holds the law of
            the next word after each of the last ``last`` positions of each row.
        """

        def laws(tokens: IntArray, last: int) -> FloatArray:
            length = tokens.shape[1]
            ends = range(length - last + 1, length + 1)
            return np.array(
                [[self.law(row[:end], order) for end in ends] for row in tokens]
            )

        return laws


def required_bits(largest: int) -> int:
    """Bits that hold the numbers 0..largest."""
    return largest.bit_length()


class Reader:
    """Takes arrays off the front of a file's bytes."""

    def __init__(self, data: NDArray[np.uint8]):
        self.data, self.position = data, 0

    def take(self, dtype: Any, count: int) -> NDArray[Any]:
        """The next ``count`` entries of a type."""
        begin = self.position
        self.position += count * np.dtype(dtype).itemsize
        return self.data[begin : self.position].view(dtype)

    def take_packed(self, rows: int, row_bits: int) -> NDArray[np.uint8]:
        """A bit-packed table; the file keeps one row and eight bytes more than it needs."""
        return self.take(np.uint8, ((1 + rows) * row_bits + 7) // 8 + 8)


def read_trie(path: Path) -> WordTrigrams:
    """Unpack a trie language model of order 3.

    Raises
    ------
    ValueError
        If the file is not such a model.
    """
    data = np.fromfile(path, dtype=np.uint8)
    if bytes(data[: len(MAGIC) + 1]) != MAGIC + b"\x03":
        raise ValueError(f"{path.name}: not a trie language model of order 3")
    reader = Reader(data[len(MAGIC) + 1 :])
    size, num_bigrams, num_trigrams = reader.take("<u4", 3).tolist()
    reader.take("<u4", 1)  # a constant
    bigram_prob, bigram_backoff, trigram_prob = (
        reader.take("<f4", 1 << QUANTUM_BITS) * LOG_BASE for _ in range(3)
    )
    unigrams = reader.take(UNIGRAM, size + 1)
    word_bits, next_bits = required_bits(size), required_bits(num_trigrams)

    # bigrams: (previous, back-off, probability, first trigram), grouped by word
    row_bits = word_bits + 2 * QUANTUM_BITS + next_bits
    table = reader.take_packed(num_bigrams, row_bits)
    first_bigram = unigrams["next"].astype(np.int64)
    rows = int(first_bigram[-1])  # the file's head may count a few rows too many
    previous = unpack_bits(table, rows, row_bits, 0, word_bits)
    backoff = unpack_bits(table, rows, row_bits, word_bits, QUANTUM_BITS)
    prob = unpack_bits(table, rows, row_bits, word_bits + QUANTUM_BITS, QUANTUM_BITS)
    first_trigram = unpack_bits(
        table, rows + 1, row_bits, word_bits + 2 * QUANTUM_BITS, next_bits
    )
    word = np.repeat(np.arange(size), np.diff(first_bigram))
    bigrams = sorted_table(previous, word, bigram_prob[prob], bigram_backoff[backoff])

    # trigrams: (before, probability), grouped by bigram
    row_bits = word_bits + QUANTUM_BITS
    table = reader.take_packed(num_trigrams, row_bits)
    bigram = np.repeat(np.arange(rows), np.diff(first_trigram))
    rows = int(first_trigram[-1])
    before = unpack_bits(table, rows, row_bits, 0, word_bits)
    prob = unpack_bits(table, rows, row_bits, word_bits, QUANTUM_BITS)
    history = before * size + previous[bigram]
    trigrams = sorted_table(history, word[bigram], trigram_prob[prob], np.zeros(rows))

    letters = bytes(reader.take(np.uint8, int(reader.take("<i4", 1)[0]))).decode()
    return WordTrigrams(
        words=tuple(letters.split("\0")[:-1]),
        log_unigram=unigrams["log_prob"][:-1] * LOG_BASE,
        log_unigram_backoff=unigrams["log_backoff"][:-1] * LOG_BASE,
        bigrams=bigrams,
        trigrams=trigrams,
    )


def sorted_table(
    history: IntArray, word: IntArray, log_prob: FloatArray, log_backoff: FloatArray
) -> NGramTable:
    """Sort n-grams by history, then by word."""
    order = np.argsort(history * (int(word.max()) + 1) + word)
    return NGramTable(history[order], word[order], log_prob[order], log_backoff[order])


def load_word_trigrams() -> WordTrigrams:
    """The trigram family in ``pocketsphinx`` (BSD licence); about a second.

    Raises
    ------
    DataPackageMissingError
        If ``pocketsphinx`` is not installed.
    """
    return read_trie(installed_folder("pocketsphinx") / "model/en-us/en-us.lm.bin")
