"""Verification with each row's own number of active drafts, and the walk along the tree."""

import itertools

import numpy as np
import pytest
import torch

from samplebook.core.statistics import goodness_of_fit
from samplebook.drafts import k_sequential, select_token
from samplebook.drafts.masses import at_least_once
from samplebook.experiments import tree_verification
from samplebook.experiments.tree_verification import (
    drafts_sharing_paths,
    select_among_active,
    valid_factors,
    verify_tree,
)

FALSE_ALARM = 1e-6
MASKED = tree_verification.MASKED


def random_laws(rows, vocabulary, seed=0):
    rng = np.random.default_rng(seed)
    target, draft = rng.dirichlet(np.full(vocabulary, 0.7), size=(2, rows))
    return torch.tensor(target), torch.tensor(draft)


def drawn_from(laws, number, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.multinomial(laws, number, replacement=True, generator=generator)


@pytest.mark.parametrize("method", MASKED)
def test_with_all_drafts_active_it_is_the_librarys_rule(method, monkeypatch):
    monkeypatch.setattr(tree_verification, "HALVINGS", 50)
    target, draft = random_laws(400, 9)
    drafts = drawn_from(draft, 4)
    found = select_among_active(
        target,
        draft,
        drafts,
        torch.ones_like(drafts, dtype=torch.bool),
        method=method,
        rng=torch.Generator().manual_seed(5),
    )
    expected, _ = select_token(
        target, draft, drafts, method=method, rng=torch.Generator().manual_seed(5)
    )
    assert torch.equal(found, expected)


@pytest.mark.parametrize("method", MASKED)
def test_the_active_drafts_alone_decide_and_the_law_is_the_targets(method):
    """Every mask of three drafts; the inactive ones hold a token that the draft law would not give."""
    rows = 3_000
    masks = [m for m in itertools.product([False, True], repeat=3) if any(m)]
    target, draft = random_laws(1, 5, seed=3)
    for number, mask in enumerate(masks):
        active = torch.tensor(mask).expand(rows, -1)
        drafts = drawn_from(draft[0].expand(rows, -1), 3, seed=number)
        tokens = select_among_active(
            target.expand(rows, -1),
            draft.expand(rows, -1),
            torch.where(active, drafts, 0),
            active,
            method=method,
            rng=torch.Generator().manual_seed(100 + number),
        )
        counts = np.bincount(tokens.numpy(), minlength=5)
        assert goodness_of_fit(counts, target[0].numpy()) > FALSE_ALARM


def test_factors_are_valid_and_near_the_best():
    target, draft = random_laws(300, 9)
    counts = torch.arange(300) % 8 + 1
    factors = valid_factors(target, draft, counts)
    best = torch.stack(
        [
            k_sequential.smallest_valid_factor(target[i], draft[i], int(counts[i]))
            for i in range(300)
        ]
    )
    beta = torch.minimum(draft, target / factors[:, None]).sum(1)
    assert (at_least_once(beta, counts) <= factors * beta + 1e-14).all()
    assert (factors >= best - 1e-11).all()
    assert (
        factors - best <= (counts - 1) / 2**tree_verification.HALVINGS + 1e-11
    ).all()


def test_sharing_paths_written_out():
    drafts = drawn_from(torch.ones(20, 2), 12).view(20, 4, 3)
    found = drafts_sharing_paths(drafts)
    assert found.shape == (20, 4, 3, 4)
    for row, i, depth, j in itertools.product(range(20), range(4), range(3), range(4)):
        same = (
            drafts[row, i, : depth + 1].tolist() == drafts[row, j, : depth + 1].tolist()
        )
        assert found[row, i, depth, j] == same


@pytest.mark.parametrize("method", ["naive", "kseq", "rrs"])
def test_what_is_emitted_follows_a_draft_up_to_the_last_token(method):
    batch, num_drafts, length, vocabulary = 200, 3, 4, 3
    target, _ = random_laws(batch * (1 + num_drafts * length), vocabulary)
    _, draft = random_laws(batch * (1 + num_drafts * (length - 1)), vocabulary)
    drafts = drawn_from(torch.ones(batch, vocabulary), num_drafts * length)
    drafts = drafts.view(batch, num_drafts, length)
    found = verify_tree(
        target.view(batch, -1, vocabulary),
        draft.view(batch, -1, vocabulary),
        drafts,
        method=method,
        rng=torch.Generator().manual_seed(0),
    )
    assert set(found.counts.tolist()) == set(range(1, length + 2))
    for row in range(batch):
        count, path = int(found.counts[row]), int(found.path[row])
        emitted = found.tokens[row, :count].tolist()
        begins = [draft[:count] == emitted for draft in drafts[row].tolist()]
        if count <= length:
            assert not any(begins)
        assert drafts[row, path, : count - 1].tolist() == emitted[:-1]
