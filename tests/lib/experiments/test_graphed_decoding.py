"""The decoders emit the target's law, and their caches hold what a pass over the whole text would see.

Seeds are fixed. A right program would fail a test of the law with probability 1e-6 over seeds.
"""

import itertools

import numpy as np
import pytest
import torch
from toy_models import random_tokens, toy_model

from samplebook.core.statistics import goodness_of_fit
from samplebook.experiments import graphed_decoding, tree_verification
from samplebook.experiments.graphed_decoding import (
    AutoregressiveDecoder,
    SpeculativeDecoder,
    laws_of,
    timed_parts,
    timed_steps,
    with_graphs,
)

FALSE_ALARM = 1e-6
VOCABULARY, LENGTH = 4, 3
SETTINGS = [
    ("single", 1, 2),
    ("single", 1, 4),
    ("naive", 3, 2),
    ("kseq", 3, 2),
    ("kseq", 2, 3),
    ("rrs", 3, 2),
    ("rrs", 4, 3),
    ("greedy", 3, 2),
    ("greedy", 2, 3),
]


@pytest.fixture(scope="module")
def pair():
    return toy_model(VOCABULARY, seed=0), toy_model(VOCABULARY, layers=1, seed=1)


def speculative(pair, batch, method, num_drafts, draft_length, seed=0):
    return SpeculativeDecoder(
        *pair,
        batch=batch,
        method=method,
        num_drafts=num_drafts,
        draft_length=draft_length,
        rng=torch.Generator().manual_seed(seed),
    )


def law_of_strings(model, prompt):
    """The law of the next LENGTH tokens, all V**LENGTH strings in lexicographic order."""
    strings = torch.tensor(list(itertools.product(range(VOCABULARY), repeat=LENGTH)))
    texts = torch.cat([prompt.expand(len(strings), -1), strings], dim=1)
    laws = torch.softmax(model(texts).double(), dim=-1)[:, len(prompt) - 1 : -1]
    return laws.gather(2, strings[..., None]).prod(dim=1)[:, 0].numpy()


def p_value(decoder, model, prompt):
    """Of the first LENGTH tokens after the prompt, in all rows."""
    decoder.start(prompt.expand(decoder.batch, -1))
    for _ in range(LENGTH):
        decoder.step()
    emitted = decoder.tokens[:, len(prompt) : len(prompt) + LENGTH].numpy()
    numbers = emitted @ VOCABULARY ** np.arange(LENGTH)[::-1]
    counts = np.bincount(numbers, minlength=VOCABULARY**LENGTH)
    return goodness_of_fit(counts, law_of_strings(model, prompt))


def test_plain_decoding_emits_the_models_law(pair):
    decoder = AutoregressiveDecoder(
        pair[0], batch=4_000, rng=torch.Generator().manual_seed(0)
    )
    assert p_value(decoder, pair[0], torch.tensor([1, 3, 0])) > FALSE_ALARM


@pytest.mark.parametrize(("method", "num_drafts", "draft_length"), SETTINGS)
def test_speculative_decoding_emits_the_targets_law(
    pair, method, num_drafts, draft_length
):
    decoder = speculative(pair, 4_000, method, num_drafts, draft_length)
    assert p_value(decoder, pair[0], torch.tensor([1, 3, 0])) > FALSE_ALARM
    assert p_value(decoder, pair[1], torch.tensor([1, 3, 0])) < FALSE_ALARM


@pytest.mark.parametrize("method", tree_verification.MASKED)
def test_the_law_is_wrong_if_all_drafts_stay_active(pair, method, monkeypatch):
    """The test above can fail: drafts that left the path count as samples here."""
    right = tree_verification.drafts_sharing_paths
    monkeypatch.setattr(
        tree_verification,
        "drafts_sharing_paths",
        lambda drafts: torch.ones_like(right(drafts)),
    )
    decoder = speculative(pair, 4_000, method, 4, 3)
    assert p_value(decoder, pair[0], torch.tensor([1, 3, 0])) < FALSE_ALARM


@pytest.mark.parametrize(("method", "num_drafts", "draft_length"), SETTINGS)
def test_after_some_steps_the_laws_are_those_of_the_whole_text(
    pair, method, num_drafts, draft_length
):
    decoder = speculative(pair, 5, method, num_drafts, draft_length)
    decoder.start(random_tokens((5, 4), VOCABULARY))
    for _ in range(3):
        decoder.step()
    lengths = decoder.lengths.tolist()
    assert len(set(lengths)) > 1
    texts = decoder.tokens.clone()
    decoder.draw_drafts()
    decoder.score()
    for row, k in itertools.product(range(5), range(num_drafts)):
        text = texts[row, : lengths[row]]
        whole = torch.cat([text, decoder.drafts[row, k]])[None]
        first = len(text) - 1
        for model, laws, depth in (
            (pair[0], decoder.target_laws, draft_length),
            (pair[1], decoder.draft_laws, draft_length - 1),
        ):
            expected = laws_of(model(whole))[0, first : first + depth + 1]
            below = laws[row, 1 + k * depth : 1 + (k + 1) * depth]
            found = torch.cat([laws[row, :1], below])
            torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_lengths_and_histogram_count_the_same_tokens(pair):
    decoder = speculative(pair, 6, "rrs", 3, 2)
    prompts = random_tokens((6, 4), VOCABULARY)
    timed_steps(decoder, prompts, 5)
    emitted = (decoder.histogram * torch.arange(4)).sum(1)
    assert torch.equal(decoder.histogram.sum(1), torch.full((6,), 5))
    assert torch.equal(decoder.lengths - 4, emitted)
    assert torch.equal(decoder.tokens[:, :4], prompts)


def test_a_text_may_grow_to_the_end_of_the_context(pair):
    decoder = speculative((pair[0], pair[0]), 2, "single", 1, 3)  # accepts everything
    decoder.start(random_tokens((2, 4), VOCABULARY))
    for _ in range(5):
        decoder.step()
    assert decoder.lengths.tolist() == [decoder.context] * 2
    assert decoder.histogram[:, -1].tolist() == [5, 5]


def test_without_a_gpu_it_runs_eagerly_and_one_seed_gives_one_text(pair):
    prompts = random_tokens((2, 4), VOCABULARY)
    texts = []
    for _ in range(2):
        decoder, mode = with_graphs(
            lambda rng: AutoregressiveDecoder(pair[0], batch=2, rng=rng), prompts, 3
        )
        timed_steps(decoder, prompts, 8)
        texts.append(decoder.tokens[:, :12])
    assert torch.equal(*texts)
    if not torch.cuda.is_available():
        assert mode.startswith("eager")


class ReplayedPart:
    """Stands for a CUDA graph where there is no GPU."""

    def __init__(self, part, lengths, pool):
        self.replay = part

    def pool(self):
        return None


def test_a_decoder_whose_parts_were_replaced_still_emits_the_targets_law(
    pair, monkeypatch
):
    monkeypatch.setattr(graphed_decoding, "recorded", ReplayedPart)
    prompt = torch.tensor([1, 3, 0])
    decoder = speculative(pair, 4_000, "kseq", 3, 2)
    decoder.record_graphs(prompt.expand(4_000, -1))
    assert p_value(decoder, pair[0], prompt) > FALSE_ALARM


def test_parts_are_timed_by_name(pair):
    decoder = speculative(pair, 2, "kseq", 3, 2)
    seconds = timed_parts(decoder, random_tokens((2, 4), VOCABULARY), 2)
    assert list(seconds) == ["draft", "target", "rest"]
    assert min(seconds.values()) > 0


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize(("method", "num_drafts", "draft_length"), SETTINGS)
def test_recorded_steps_emit_the_targets_law(pair, method, num_drafts, draft_length):
    models = [
        toy_model(VOCABULARY, layers=layers, seed=seed).cuda()
        for seed, layers in enumerate((2, 1))
    ]
    prompt = torch.tensor([1, 3, 0])
    decoder, mode = with_graphs(
        lambda rng: SpeculativeDecoder(
            *models,
            batch=4_000,
            method=method,
            num_drafts=num_drafts,
            draft_length=draft_length,
            rng=rng,
        ),
        prompt.cuda().expand(4_000, -1),
        0,
    )
    assert mode == "CUDA graphs"
    decoder.start(prompt.cuda().expand(4_000, -1))
    for _ in range(LENGTH):
        decoder.step()
    emitted = decoder.tokens[:, 3 : 3 + LENGTH].cpu().numpy()
    numbers = emitted @ VOCABULARY ** np.arange(LENGTH)[::-1]
    counts = np.bincount(numbers, minlength=VOCABULARY**LENGTH)
    assert goodness_of_fit(counts, law_of_strings(pair[0], prompt)) > FALSE_ALARM
