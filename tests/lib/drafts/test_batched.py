"""The batched ``select_token`` has the law of the unbatched one in every row."""

import numpy as np
import pytest
import torch
from problems import PROBLEMS, random_problem

from samplebook.core.statistics import goodness_of_fit
from samplebook.drafts import METHODS, select_token

FALSE_ALARM = 1e-6
IN_BATCH = [method for method in METHODS if METHODS[method].select_batch]
FOUR_TOKENS = [pair for pair in PROBLEMS.values() if len(pair[0]) == 4] + [
    random_problem(np.random.default_rng(seed), 4, 1.0) for seed in range(3)
]


@pytest.mark.parametrize("library", ["numpy", "torch float64", "torch float32"])
@pytest.mark.parametrize("method", IN_BATCH)
def test_rows_of_different_laws_each_fit_their_target(method, library):
    """6 problems, 5,000 rows of each in one batch, shuffled."""
    rng = np.random.default_rng(0)
    kinds = rng.permutation(np.repeat(np.arange(len(FOUR_TOKENS)), 5_000))
    targets, laws = (
        np.array([pair[side] for pair in FOUR_TOKENS])[kinds] for side in (0, 1)
    )
    k = 1 if method == "single" else 3
    drafts = np.array(
        [rng.choice(4, p=pair[1], size=(len(kinds), k)) for pair in FOUR_TOKENS]
    )
    drafts = drafts[kinds, np.arange(len(kinds))]
    arguments, generator = (targets, laws, drafts), rng
    if library != "numpy":
        dtype = getattr(torch, library.split()[1])
        arguments = (
            torch.tensor(targets, dtype=dtype),
            torch.tensor(laws, dtype=dtype),
            torch.tensor(drafts),
        )
        generator = torch.Generator().manual_seed(1)
    tokens, accepted = (
        np.asarray(x) for x in select_token(*arguments, method=method, rng=generator)
    )
    assert tokens.dtype == np.int64
    assert tokens.shape == accepted.shape == kinds.shape
    np.testing.assert_array_equal(accepted, (drafts == tokens[:, None]).any(axis=1))
    for kind, (target, _) in enumerate(FOUR_TOKENS):
        counts = np.bincount(tokens[kinds == kind], minlength=4)
        assert goodness_of_fit(counts, target) > FALSE_ALARM


@pytest.mark.parametrize("method", IN_BATCH)
def test_one_seed_gives_one_answer(method):
    target, draft = random_problem(np.random.default_rng(0), 6, 1.0)
    k = 1 if method == "single" else 2
    rows = np.tile(target, (9, 1)), np.tile(draft, (9, 1)), np.full((9, k), 2)
    first, second = (
        select_token(*rows, method=method, rng=np.random.default_rng(7))
        for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("method", IN_BATCH)
def test_unchecked_calls_give_what_checked_calls_give(method):
    targets, laws = np.random.default_rng(0).dirichlet(np.ones(5), size=(2, 50))
    drafts = np.full((50, 1), 3)
    checked = select_token(
        targets, laws, drafts, method=method, rng=np.random.default_rng(1)
    )
    unchecked = select_token(
        targets,
        laws,
        drafts,
        method=method,
        rng=np.random.default_rng(1),
        validate=False,
    )
    np.testing.assert_array_equal(checked, unchecked)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("method", IN_BATCH)
def test_tensors_stay_on_the_gpu(method):
    rows = torch.full((8, 5), 0.2, device="cuda")
    drafts = torch.zeros((8, 1), dtype=torch.int64, device="cuda")
    generator = torch.Generator(device="cuda").manual_seed(0)
    tokens, accepted = select_token(rows, rows, drafts, method=method, rng=generator)
    assert tokens.device.type == accepted.device.type == "cuda"
