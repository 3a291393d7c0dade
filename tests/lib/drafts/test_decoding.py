"""Decoding is lossless as a whole, and counts what it emits."""

from itertools import product

import numpy as np
import pytest
import torch
from branch_walker import exact_law

from samplebook.core.statistics import goodness_of_fit
from samplebook.drafts import METHODS, decode_autoregressively, speculative_decode

FALSE_ALARM = 1e-6


def markov_model(transitions):
    """A first-order model: the law after a token is that token's row of ``transitions``."""
    return lambda tokens, last: transitions[tokens[:, -last:]]


def joint_law(transitions, start, length):
    """Probability of every sequence of ``length`` tokens after ``start``."""
    law = {}
    for sequence in product(range(len(transitions)), repeat=length):
        steps = zip((start, *sequence), sequence, strict=False)
        law[sequence] = float(np.prod([transitions[a, b] for a, b in steps]))
    return law


def models(vocabulary, seed=0):
    """A random Markov target, and a draft halfway between it and another."""
    rng = np.random.default_rng(seed)
    target, other = rng.dirichlet(np.ones(vocabulary), size=(2, vocabulary))
    return target, (target + other) / 2


@pytest.mark.parametrize(
    ("method", "num_drafts", "draft_length", "num_tokens"),
    [
        ("single", 1, 2, 3),
        ("kseq", 2, 1, 2),
        ("rrs", 2, 1, 2),
        ("naive", 2, 1, 2),
        ("optimal", 2, 1, 2),
    ],
)
def test_the_decoder_emits_the_exact_joint_law(
    method, num_drafts, draft_length, num_tokens
):
    """Every branch of ``speculative_decode`` for two tokens, drafts and their draws included."""
    target, draft = models(2)

    def program(rng):
        decoding = speculative_decode(
            markov_model(target), markov_model(draft), [0],
            num_tokens=num_tokens, num_drafts=num_drafts, draft_length=draft_length, method=method, rng=rng,
        )  # fmt: skip
        return tuple(decoding.tokens.tolist())

    law = exact_law(program, probes=3)
    expected = joint_law(target, 0, num_tokens)
    assert law.keys() == expected.keys()
    for sequence, probability in expected.items():
        assert law[sequence] == pytest.approx(probability, abs=1e-12)


@pytest.mark.parametrize(
    ("num_drafts", "method"),
    [(1, "single"), (1, "kseq"), (2, "kseq"), (4, "kseq"), (4, "rrs")],
)
def test_the_first_three_tokens_fit_the_joint_law(num_drafts, method):
    """A chi-square over the 64 sequences of three tokens; a right decoder fails once in a million seeds."""
    target, draft = models(4)
    rng = np.random.default_rng(1)
    counts = np.zeros((4, 4, 4), dtype=int)
    for _ in range(800):
        decoding = speculative_decode(
            markov_model(target), markov_model(draft), [0],
            num_tokens=4, num_drafts=num_drafts, draft_length=3, method=method, rng=rng,
        )  # fmt: skip
        counts[tuple(decoding.tokens[:3])] += 1
    expected = np.reshape(list(joint_law(target, 0, 3).values()), counts.shape)
    assert goodness_of_fit(counts.ravel(), expected.ravel()) > FALSE_ALARM


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("num_tokens", [1, 2, 17])
def test_counts_are_of_what_was_emitted(method, num_tokens):
    target, draft = models(5)
    decoding = speculative_decode(
        markov_model(target), markov_model(draft), [1, 2],
        num_tokens=num_tokens, num_drafts=1 if method == "single" else 2, draft_length=4, method=method,
        rng=np.random.default_rng(0),
    )  # fmt: skip
    assert decoding.tokens.shape == (num_tokens,)
    assert decoding.tokens.dtype == np.int64
    assert decoding.emitted_per_call.sum() == num_tokens
    assert (decoding.emitted_per_call >= 1).all()
    assert (decoding.emitted_per_call <= decoding.drafted_per_call + 1).all()
    assert (
        decoding.target_calls
        == len(decoding.emitted_per_call)
        == len(decoding.drafted_per_call)
    )
    assert decoding.block_efficiency == num_tokens / decoding.target_calls


def test_equal_models_emit_whole_blocks():
    target, _ = models(3)
    model = markov_model(target)
    decoding = speculative_decode(
        model,
        model,
        [0],
        num_tokens=20,
        num_drafts=3,
        draft_length=4,
        method="kseq",
        rng=np.random.default_rng(0),
    )
    assert decoding.emitted_per_call.tolist() == [5, 5, 5, 5]


def test_models_see_the_context_and_no_more_than_is_needed():
    """Rows hold the prompt, what was emitted and distinct drafts; texts never outgrow prompt + num_tokens."""
    target, draft = models(3)
    seen = []

    def watched(name, transitions):
        def laws(tokens, last):
            seen.append((name, tokens.copy(), last))
            return markov_model(transitions)(tokens, last)

        return laws

    decoding = speculative_decode(
        watched("target", target), watched("draft", draft), [2, 0],
        num_tokens=9, num_drafts=4, draft_length=3, method="kseq", rng=np.random.default_rng(0),
    )  # fmt: skip
    text = [2, 0, *decoding.tokens]
    length = 2
    lengths = iter(decoding.emitted_per_call)
    for name, tokens, last in seen:
        assert tokens.dtype == np.int64
        assert tokens.shape[1] <= 2 + 9 - 1
        assert (tokens[:, :length] == text[:length]).all()
        assert len(np.unique(tokens, axis=0)) == len(tokens) <= 4
        if name == "target":
            assert last == tokens.shape[1] - length + 1
            length += next(lengths)
        else:
            assert last == 1


def test_models_in_single_precision_and_in_torch():
    target, draft = (torch.tensor(law, dtype=torch.float32) for law in models(4))
    for rng in (np.random.default_rng(0), torch.Generator().manual_seed(0)):
        decoding = speculative_decode(
            lambda tokens, last: target[torch.tensor(tokens[:, -last:])],
            lambda tokens, last: draft[torch.tensor(tokens[:, -last:])],
            torch.tensor([0]), num_tokens=6, num_drafts=2, draft_length=2, method="kseq", rng=rng,
        )  # fmt: skip
        assert len(decoding.tokens) == 6


def test_one_token_a_call():
    target, _ = models(3)
    decoding = decode_autoregressively(
        markov_model(target), [0], num_tokens=2_000, rng=np.random.default_rng(0)
    )
    assert decoding.target_calls == 2_000
    assert decoding.block_efficiency == 1
    previous = np.concatenate([[0], decoding.tokens[:-1]])
    for token in range(3):
        counts = np.bincount(decoding.tokens[previous == token], minlength=3)
        assert goodness_of_fit(counts, target[token]) > FALSE_ALARM


def uniform_model(tokens, last):
    return np.full((len(tokens), last, 3), 1 / 3)


BAD_CALLS = {
    "empty prompt": ({"prompt": []}, "prompt: empty"),
    "prompt outside": (
        {"prompt": [0, 7], "draft_model": uniform_model},
        "prompt: token 7 is outside .*0..2",
    ),
    "prompt of fractions": ({"prompt": [0.5]}, "prompt: must be integers"),
    "prompt of rows": ({"prompt": [[0], [1]]}, r"prompt: must have shape \(T,\)"),
    "no tokens": ({"num_tokens": 0}, "num_tokens: must be at least 1"),
    "no drafts": ({"num_drafts": 0}, "num_drafts: must be at least 1"),
    "no length": ({"draft_length": 0}, "draft_length: must be at least 1"),
    "single with two": (
        {"method": "single"},
        "num_drafts: method 'single' takes 1 draft, got 2",
    ),
    "unknown method": ({"method": "best"}, "method: must be one of"),
    "no generator": ({"rng": None}, "rng: must have a method random"),
    "draft of another size": (
        {"draft_model": markov_model(models(4)[0])},
        "draft_model: has 4 tokens, target_model has 3",
    ),
    "no laws": (
        {"target_model": lambda tokens, last: np.zeros((len(tokens), last, 3))},
        "target_model: sums to 0",
    ),
    "a flat answer": (
        {"draft_model": lambda tokens, last: np.full(3, 1 / 3)},
        r"draft_model: gave laws of shape \(3,\)",
    ),
    "half precision": (
        {
            "draft_model": lambda tokens, last: np.full(
                (len(tokens), last, 3), 1 / 3, dtype=np.float16
            )
        },
        "draft_model: float16 is too coarse",
    ),
}


@pytest.mark.parametrize("kind", BAD_CALLS)
def test_bad_calls(kind):
    target, draft = (markov_model(law) for law in models(3))
    arguments = {
        "target_model": target, "draft_model": draft, "prompt": [0], "num_tokens": 5, "num_drafts": 2,
        "draft_length": 2, "method": "kseq", "rng": np.random.default_rng(0),
    }  # fmt: skip
    changed, message = BAD_CALLS[kind]
    with pytest.raises(ValueError, match=message):
        speculative_decode(**(arguments | changed))
