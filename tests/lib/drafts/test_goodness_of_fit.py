"""Losslessness at V = 1,000: what ``select_token`` emits, one position at a time and in batches, fits the
target.

Seeds are fixed. A right program would fail any one of these tests with probability 1e-6 over seeds.
"""

import numpy as np
import pytest
import torch
from problems import IN_BATCH, WAYS, drafts_taken

from samplebook.core.statistics import goodness_of_fit
from samplebook.drafts import draw_drafts, k_sequential, select_token

FALSE_ALARM = 1e-6
VOCABULARY = 1_000


def laws_and_drafts(way, size, seed):
    """Laws (V,), and drafts (size, k) that the library drew."""
    rng = np.random.default_rng(seed)
    target, draft = rng.dirichlet(np.full(VOCABULARY, 0.5), size=2)
    k = 1 if way["method"] == "optimal" else drafts_taken(way, 3)
    drafts = [draw_drafts(draft, k, **way, rng=rng) for _ in range(size)]
    return target, draft, np.array(drafts), rng


def p_value(tokens, target):
    return goodness_of_fit(np.bincount(tokens, minlength=VOCABULARY), target)


def batch_p_value(way, size=20_000, chunk=1_000):
    target, draft, drafts, rng = laws_and_drafts(way, size, seed=1)
    laws = [np.broadcast_to(law, (chunk, VOCABULARY)) for law in (target, draft)]
    tokens = [
        select_token(*laws, rows, **way, rng=rng, validate=False)[0]
        for rows in np.split(drafts, size // chunk)
    ]
    return p_value(np.concatenate(tokens), target)


@pytest.mark.parametrize("name", WAYS)
def test_one_position_at_a_time(name):
    target, draft, drafts, rng = laws_and_drafts(WAYS[name], 2_000, seed=0)
    tokens = [
        select_token(target, draft, row, **WAYS[name], rng=rng)[0] for row in drafts
    ]
    assert p_value(tokens, target) > FALSE_ALARM


@pytest.mark.parametrize("name", IN_BATCH)
def test_batch_of_arrays(name):
    assert batch_p_value(IN_BATCH[name]) > FALSE_ALARM


@pytest.mark.parametrize("name", IN_BATCH)
def test_batch_of_single_precision_tensors(name):
    """Drafts as well come from the batched form here."""
    target, draft = np.random.default_rng(2).dirichlet(np.full(VOCABULARY, 0.5), size=2)
    way, generator = IN_BATCH[name], torch.Generator().manual_seed(0)
    laws = [
        torch.tensor(law, dtype=torch.float32).expand(1_000, -1)
        for law in (target, draft)
    ]
    tokens = []
    for _ in range(10):
        drafts = draw_drafts(laws[1], drafts_taken(way, 3), **way, rng=generator)
        tokens.append(select_token(*laws, drafts, **way, rng=generator)[0])
    assert p_value(torch.cat(tokens).numpy(), target) > FALSE_ALARM


def test_the_fit_finds_a_division_factor_that_is_too_small(monkeypatch):
    monkeypatch.setattr(
        k_sequential,
        "smallest_valid_factor",
        lambda target, draft, num_drafts: np.ones(len(target)),
    )
    assert batch_p_value(WAYS["kseq"]) < FALSE_ALARM
