"""A transformer with kept keys and values gives the laws of one that reads everything again."""

import numpy as np
import pytest
import torch

from samplebook.data import cached_laws
from samplebook.data.cached_laws import CachedLaws
from samplebook.drafts import decode_autoregressively, speculative_decode

ROUNDING = 1e-5


@torch.inference_mode()
def laws_read_anew(model, rows, last):
    states = [
        model(torch.from_numpy(np.asarray(row)[None])).last_hidden_state[0, -last:]
        for row in rows
    ]
    return (torch.stack(states) @ model.embed_tokens.weight.T).softmax(-1).numpy()


def beginnings(rows):
    """The distinct beginnings of some rows, each a node of their trie."""
    return {
        tuple(row[:end]) for row in map(list, rows) for end in range(1, len(row) + 1)
    }


def random_calls(rng, vocabulary, count):
    """Calls like those of decoding, and worse: trees after texts that grow, shrink, slide and change."""
    texts = [rng.integers(vocabulary, size=size) for size in (5, 9)]
    for _ in range(count):
        rows = [
            np.append(text, rng.integers(2, size=rng.integers(1, 5)))
            for text in texts
            for _ in range(rng.integers(1, 5))
        ]
        shortest = min(map(len, rows))
        yield (
            rows,
            int(rng.integers(1, rng.choice([2, 4, shortest + 1], p=[0.6, 0.3, 0.1]))),
        )
        texts = [rows[i] for i in rng.integers(len(rows), size=2)]
        texts = [text[: max(1, min(20, len(text) - rng.integers(4)))] for text in texts]
        if rng.random() < 0.2:
            texts[0] = texts[0][1:] if len(texts[0]) > 1 else texts[1]


@pytest.mark.parametrize("at_once", [256, 3])
def test_every_call_of_a_random_walk_agrees(toy_llama, monkeypatch, at_once):
    """Laws are right, and what is read is what the last call did not have, and what is asked for."""
    monkeypatch.setattr(cached_laws, "READ_AT_ONCE", at_once)
    laws, rng = CachedLaws(toy_llama), np.random.default_rng(0)
    read, positions = set(), 0
    for number, (rows, last) in enumerate(
        random_calls(rng, toy_llama.config.vocab_size, 100), start=1
    ):
        np.testing.assert_allclose(
            laws(rows, last), laws_read_anew(toy_llama, rows, last), atol=ROUNDING
        )
        asked = {
            tuple(row[: len(row) - after]) for row in rows for after in range(last)
        }
        positions += len((beginnings(rows) - read) | asked)
        read = beginnings(rows)
        assert (laws.positions_read, laws.calls) == (positions, number)


def test_rows_of_equal_length_can_be_an_array(toy_llama):
    tokens = np.array([[1, 2, 3, 4], [1, 2, 5, 6], [1, 2, 3, 4]])
    laws = CachedLaws(toy_llama)
    of_array = laws(tokens, 2)
    assert of_array.shape == (3, 2, toy_llama.config.vocab_size)
    assert laws.positions_read == 6
    np.testing.assert_allclose(
        of_array, laws_read_anew(toy_llama, tokens, 2), atol=ROUNDING
    )
    np.testing.assert_array_equal(CachedLaws(toy_llama)(list(tokens), 2), of_array)


def test_another_text_is_read_from_its_beginning(toy_llama):
    laws = CachedLaws(toy_llama)
    laws(np.array([[1, 2, 3, 4]]), 1)
    tokens = np.array([[5, 2, 3, 4, 6]])
    np.testing.assert_allclose(
        laws(tokens, 1), laws_read_anew(toy_llama, tokens, 1), atol=ROUNDING
    )
    assert laws.positions_read == 4 + 5


class Watched:
    """A cached model that notes, for each call, its rows, ``last``, and the positions it read."""

    def __init__(self, model):
        self.laws, self.calls = CachedLaws(model), []

    def __call__(self, tokens, last):
        before = self.laws.positions_read
        laws = self.laws(tokens, last)
        self.calls.append((list(tokens), last, self.laws.positions_read - before))
        return laws


@pytest.mark.parametrize(
    "drafting",
    [
        {"method": "single", "num_drafts": 1, "draft_length": 3},
        {"method": "kseq", "num_drafts": 4, "draft_length": 3},
        {"method": "kseq", "branching": (3, 2, 1)},
        {"method": "rrs", "branching": (2, 2, 2), "replacement": False},
        {"method": "greedy", "branching": (3, 1)},
    ],
)
@pytest.mark.parametrize("prompts", [[[1, 2, 3, 4, 5]], [[1, 2, 3, 4, 5], [7, 7], [9]]])
def test_decoding_reads_no_accepted_token_twice(toy_llama, drafting, prompts):
    """Each model reads every beginning of a text at most once in all.

    A round of the target reads the drafted nodes, and one emitted token besides, for each text.
    """
    target, draft = Watched(toy_llama), Watched(toy_llama)
    decodings = speculative_decode(
        target, draft, prompts, num_tokens=25, rng=np.random.default_rng(0), **drafting
    )
    assert all(len(decoding.tokens) == 25 for decoding in decodings)
    assert max(decoding.block_efficiency for decoding in decodings) > 1.2
    for model in (target, draft):
        read, kept = set(), set()
        for rows, _, positions in model.calls:
            new = beginnings(rows) - kept
            assert positions == len(new)
            assert not new & read
            kept, read = beginnings(rows), read | new
    for rows, last, positions in target.calls[1:]:
        texts = {tuple(row[: len(row) - last + 1]) for row in rows}
        drafted = beginnings(rows) - beginnings(texts)
        assert positions == len(drafted) + len(texts)


def test_one_token_a_call_reads_one_position(toy_llama):
    laws = CachedLaws(toy_llama)
    decode_autoregressively(
        laws, [1, 2, 3], num_tokens=10, rng=np.random.default_rng(0)
    )
    assert (laws.positions_read, laws.calls) == (3 + 9, 10)


def test_the_text_is_the_one_without_a_cache(toy_llama):
    """With equal numbers drawn, whatever is read or kept."""

    def decode(model):
        return speculative_decode(
            model, model, [[1, 2, 3], [4]],
            num_tokens=20, branching=(2, 2), method="rrs", rng=np.random.default_rng(1),
        )  # fmt: skip

    anew = decode(lambda rows, last: laws_read_anew(toy_llama, rows, last))
    for ours, expected in zip(decode(CachedLaws(toy_llama)), anew, strict=True):
        np.testing.assert_array_equal(ours.tokens, expected.tokens)


@pytest.mark.parametrize(
    ("rows", "last", "name"),
    [
        ([[1, 2, 1]], 4, "last"),
        ([[1, 2, 1], [1]], 2, "last"),
        ([[1, 2, 99]], 1, "tokens"),
        ([], 1, "tokens"),
        (np.array([1, 2]), 1, "tokens"),
    ],
)
def test_wrong_calls_are_named(toy_llama, rows, last, name):
    with pytest.raises(ValueError, match=name):
        CachedLaws(toy_llama)(rows, last)
