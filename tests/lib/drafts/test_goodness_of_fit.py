"""Losslessness at V = 1,000: what ``select_token`` emits, one position at a time and in batches, fits the
target.

Seeds are fixed. A right program would fail any one of these tests with probability 1e-6 over seeds.
"""

import numpy as np
import pytest
import torch

from samplebook.core.statistics import goodness_of_fit
from samplebook.drafts import METHODS, k_sequential, select_token

FALSE_ALARM = 1e-6
VOCABULARY = 1_000
IN_BATCH = [method for method in METHODS if METHODS[method].select_batch]


def draws(method, size, seed):
    """Laws, and drafts (size, k) from the draft law."""
    rng = np.random.default_rng(seed)
    target, draft = rng.dirichlet(np.full(VOCABULARY, 0.5), size=2)
    num_drafts = {"single": 1, "optimal": 1}.get(method, 3)
    return target, draft, rng.choice(VOCABULARY, p=draft, size=(size, num_drafts)), rng


def p_value(tokens, target):
    return goodness_of_fit(np.bincount(tokens, minlength=VOCABULARY), target)


def batch_p_value(method, size=20_000, chunk=1_000):
    target, draft, drafts, rng = draws(method, size, seed=1)
    laws = [np.broadcast_to(law, (chunk, VOCABULARY)) for law in (target, draft)]
    tokens = [
        select_token(*laws, rows, method=method, rng=rng, validate=False)[0]
        for rows in np.split(drafts, size // chunk)
    ]
    return p_value(np.concatenate(tokens), target)


@pytest.mark.parametrize("method", METHODS)
def test_one_position_at_a_time(method):
    target, draft, drafts, rng = draws(method, 2_000, seed=0)
    tokens = [
        select_token(target, draft, row, method=method, rng=rng)[0] for row in drafts
    ]
    assert p_value(tokens, target) > FALSE_ALARM


@pytest.mark.parametrize("method", IN_BATCH)
def test_batch_of_arrays(method):
    assert batch_p_value(method) > FALSE_ALARM


@pytest.mark.parametrize("method", IN_BATCH)
def test_batch_of_single_precision_tensors(method):
    target, draft, drafts, _ = draws(method, 10_000, seed=2)
    generator = torch.Generator().manual_seed(0)
    laws = [
        torch.tensor(law, dtype=torch.float32).expand(1_000, -1)
        for law in (target, draft)
    ]
    tokens = torch.cat(
        [
            select_token(*laws, rows, method=method, rng=generator)[0]
            for rows in torch.tensor(drafts).split(1_000)
        ]
    )
    assert p_value(tokens.numpy(), target) > FALSE_ALARM


def test_the_fit_finds_a_division_factor_that_is_too_small(monkeypatch):
    monkeypatch.setattr(
        k_sequential,
        "smallest_valid_factor",
        lambda target, draft, num_drafts: np.ones(len(target)),
    )
    assert batch_p_value("kseq") < FALSE_ALARM
