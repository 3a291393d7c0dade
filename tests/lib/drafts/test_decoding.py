"""Decoding is lossless as a whole, and counts what it emits."""

from dataclasses import fields
from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from branch_walker import exact_law, exact_law_by_choices, walked

from samplebook.core.drawing import draw_token
from samplebook.core.statistics import goodness_of_fit
from samplebook.drafts import (
    METHODS,
    decode_autoregressively,
    process_laws,
    speculative_decode,
)
from samplebook.drafts.verification import method_named

FALSE_ALARM = 1e-6
DECODING = "samplebook.drafts.decoding"


def markov_model(transitions):
    """A first-order model: the law after a token is that token's row of ``transitions``."""
    return lambda tokens, last: transitions[np.stack([row[-last:] for row in tokens])]


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


@pytest.fixture
def exact_decoding_law(monkeypatch):
    """The law of ``result(decoding)`` over all that ``speculative_decode`` can draw."""

    def walked_method(*arguments):
        method = method_named(*arguments)
        return SimpleNamespace(
            draw=walked(method.draw, probes=3), select=walked(method.select)
        )

    monkeypatch.setattr(f"{DECODING}.method_named", walked_method)
    monkeypatch.setattr(f"{DECODING}.draw_token", walked(draw_token))

    def law(result, target, draft, prompt, **arguments):
        arguments = {"num_drafts": None, "draft_length": None} | arguments
        return exact_law_by_choices(
            lambda rng: result(
                speculative_decode(
                    markov_model(target),
                    markov_model(draft),
                    prompt,
                    rng=rng,
                    **arguments,
                )
            )
        )

    return law


def text(result):
    return tuple(result.tokens.tolist())


def assert_same_law(law, expected):
    assert law.keys() == expected.keys()
    for sequence, probability in expected.items():
        assert law[sequence] == pytest.approx(probability, abs=1e-11)


DISTINCT = [("greedy", True), ("greedy", False), ("rrs", False), ("optimal", False)]
INDEPENDENT = [("naive", True), ("kseq", True), ("rrs", True), ("optimal", True)]


@pytest.mark.parametrize(
    ("method", "replacement", "drafting"),
    [
        (*method, drafting)
        for methods, draftings in (
            (
                INDEPENDENT,
                [{"num_drafts": 2, "draft_length": 2}, {"branching": (2, 2)}],
            ),
            (DISTINCT, [{"num_drafts": 3, "draft_length": 2}, {"branching": (2, 2)}]),
        )
        for method, drafting in product(methods, draftings)
    ],
)
def test_three_tokens_have_the_exact_joint_law(
    exact_decoding_law, method, replacement, drafting
):
    """``(2, 2)`` is a tree; of three drafts without replacement there are only two."""
    target, draft = models(2)
    law = exact_decoding_law(
        text, target, draft, [0],
        num_tokens=3, method=method, replacement=replacement, **drafting,
    )  # fmt: skip
    assert_same_law(law, joint_law(target, 0, 3))


@pytest.mark.parametrize("method", ["kseq", "greedy"])
def test_texts_end_with_a_stop_token(exact_decoding_law, method):
    """The law of texts that end with the first 1, or after three tokens; counts agree with them."""
    target, draft = models(2)
    counted = []

    def ended(result):
        counted.append(result.emitted_per_call.sum() == len(result.tokens))
        return text(result)

    law = exact_decoding_law(
        ended, target, draft, [0],
        num_tokens=3, method=method, num_drafts=2, draft_length=2, stop_tokens=[1],
    )  # fmt: skip
    stay, leave = target[0]
    assert_same_law(
        law,
        {
            (1,): leave,
            (0, 1): stay * leave,
            (0, 0, 1): stay**2 * leave,
            (0, 0, 0): stay**3,
        },
    )
    assert all(counted)


@pytest.mark.parametrize(("method", "replacement"), [("kseq", True), ("rrs", False)])
@pytest.mark.parametrize(
    "processing",
    [
        {"temperature": 0.5},
        {"top_k": 2},
        {"top_p": 0.75},
        {"temperature": 1.5, "top_k": 2, "top_p": 0.6},
    ],
)
def test_the_output_has_the_law_of_the_processed_target(
    exact_decoding_law, method, replacement, processing
):
    target, draft = models(3)
    law = exact_decoding_law(
        text, target, draft, [0],
        num_tokens=2, method=method, replacement=replacement, branching=(2, 1), **processing,
    )  # fmt: skip
    expected = joint_law(process_laws(target, **processing), 0, 2)
    assert_same_law(law, {key: mass for key, mass in expected.items() if mass > 0})


def test_prompts_of_a_batch_are_independent(exact_decoding_law):
    """Prompts of unequal lengths, one of which may stop early, have the product of their own laws."""
    target, draft = models(2)
    law = exact_decoding_law(
        lambda decodings: tuple(map(text, decodings)), target, draft, [[0], [0, 1]],
        num_tokens=2, method="rrs", num_drafts=2, draft_length=1,
    )  # fmt: skip
    first, second = (joint_law(target, start, 2) for start in (0, 1))
    assert_same_law(
        law, {(a, b): first[a] * second[b] for a, b in product(first, second)}
    )


def test_a_batch_of_one_prompt_is_that_prompt():
    target, draft = map(markov_model, models(4))

    def decode(prompt):
        return speculative_decode(
            target, draft, prompt,
            num_tokens=20, branching=(2, 2), method="kseq", rng=np.random.default_rng(0),
        )  # fmt: skip

    alone, (of_batch,) = decode([1, 2]), decode([[1, 2]])
    for field in fields(alone):
        np.testing.assert_array_equal(
            getattr(alone, field.name), getattr(of_batch, field.name)
        )


@pytest.mark.parametrize("stop_tokens", [(), (3,)])
def test_prompts_of_a_batch_advance_together(stop_tokens):
    """Each call reads all unfinished texts, and none beyond its end by more than what others still want."""
    target, draft = map(markov_model, models(4))
    read = []

    def watched(tokens, last):
        read.append(len(tokens))
        return target(tokens, last)

    prompts = [np.array([0, 1, 2]), np.array([1]), np.array([2, 0])]
    decodings = speculative_decode(
        watched, draft, prompts,
        num_tokens=15, num_drafts=1, draft_length=3, method="single", stop_tokens=stop_tokens,
        rng=np.random.default_rng(2),
    )  # fmt: skip
    calls = [decoding.target_calls for decoding in decodings]
    assert len(set(calls)) > 1
    assert read == [sum(count > call for count in calls) for call in range(max(calls))]
    for call in range(max(calls)):
        unfinished = [one for one in decodings if one.target_calls > call]
        wanted = max(15 - one.emitted_per_call[:call].sum() for one in unfinished)
        assert {one.drafted_per_call[call] for one in unfinished} == {
            min(3, wanted - 1)
        }
    for one in decodings:
        assert len(one.tokens) == 15 or one.tokens[-1] in stop_tokens
        assert not set(one.tokens[:-1].tolist()) & set(stop_tokens)
        assert one.emitted_per_call.sum() == len(one.tokens)
        assert (one.emitted_per_call <= one.drafted_per_call + 1).all()


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


@pytest.mark.parametrize("processing", [{}, {"temperature": 0.4, "top_k": 2}])
def test_equal_models_emit_whole_blocks(processing):
    target, _ = models(3)
    model = markov_model(target)
    decoding = speculative_decode(
        model, model, [0],
        num_tokens=20, num_drafts=3, draft_length=4, method="kseq", rng=np.random.default_rng(0),
        **processing,
    )  # fmt: skip
    assert decoding.emitted_per_call.tolist() == [5, 5, 5, 5]


@pytest.mark.parametrize(
    "drafting", [{"num_drafts": 4, "draft_length": 3}, {"branching": (2, 1, 2)}]
)
def test_models_see_the_context_and_no_more_than_is_needed(drafting):
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
        num_tokens=9, method="kseq", rng=np.random.default_rng(0), **drafting,
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


TREE = {"num_drafts": None, "draft_length": None}
BAD_CALLS = {
    "empty prompt": ({"prompt": []}, "prompt: empty"),
    "prompt outside": (
        {"prompt": [0, 7], "draft_model": uniform_model},
        "prompt: token 7 is outside .*0..2",
    ),
    "prompt of fractions": ({"prompt": [0.5]}, "prompt: must be integers"),
    "prompt of tables": (
        {"prompt": [[0], [[1]]]},
        r"prompt\[1\]: must have shape \(T,\), got \(1, 1\)",
    ),
    "no prompts": ({"prompt": np.empty((0, 3), dtype=int)}, "prompt: empty"),
    "an empty prompt of a batch": ({"prompt": [[0], []]}, r"prompt\[1\]: empty"),
    "tree and parallel": ({"branching": (2, 2)}, "branching: replaces"),
    "neither tree nor length": ({"draft_length": None}, "branching: give either"),
    "a tree that is a number": ({**TREE, "branching": 2}, "branching: must be a seq"),
    "a tree without levels": ({**TREE, "branching": ()}, "branching: must be a seq"),
    "a barren tree": ({**TREE, "branching": (2, 0)}, "branching: must be at least 1"),
    "a single tree": (
        {**TREE, "branching": (2, 2), "method": "single"},
        "num_drafts: method 'single' takes at most 1, got 4",
    ),
    "not without replacement": ({"replacement": False}, "replacement: method 'kseq'"),
    "replacement of no kind": ({"replacement": None}, "replacement: must be True"),
    "stop tokens that are one": ({"stop_tokens": 1}, "stop_tokens: must have shape"),
    "negative stop token": ({"stop_tokens": [-1]}, "stop_tokens: token -1"),
    "cold": ({"temperature": 0.0}, "temperature: must be finite and > 0"),
    "no top": ({"top_k": 0}, "top_k: must be at least 1"),
    "more than all": ({"top_p": 1.5}, "top_p: must be > 0 and at most 1"),
    "no tokens": ({"num_tokens": 0}, "num_tokens: must be at least 1"),
    "no drafts": ({"num_drafts": 0}, "num_drafts: must be at least 1"),
    "no length": ({"draft_length": 0}, "draft_length: must be at least 1"),
    "single with two": (
        {"method": "single"},
        "num_drafts: method 'single' takes at most 1, got 2",
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
