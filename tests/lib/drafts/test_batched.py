"""The batched ``select_token`` has the law of the unbatched one in every row."""

import numpy as np
import pytest
import torch
from branch_walker import Replay
from problems import IN_BATCH, PROBLEMS, drafts_taken, random_problem
from torch.utils._python_dispatch import TorchDispatchMode

from samplebook.core.statistics import goodness_of_fit
from samplebook.drafts import draw_drafts, select_token

FALSE_ALARM = 1e-6
FOUR_TOKENS = [pair for pair in PROBLEMS.values() if len(pair[0]) == 4] + [
    random_problem(np.random.default_rng(seed), 4, 1.0) for seed in range(3)
]


@pytest.mark.parametrize("library", ["numpy", "torch float64", "torch float32"])
@pytest.mark.parametrize("name", IN_BATCH)
def test_rows_of_different_laws_each_fit_their_target(name, library):
    """6 problems, 5,000 rows of each in one batch, shuffled."""
    rng = np.random.default_rng(0)
    kinds = rng.permutation(np.repeat(np.arange(len(FOUR_TOKENS)), 5_000))
    targets, laws = (
        np.array([pair[side] for pair in FOUR_TOKENS])[kinds] for side in (0, 1)
    )
    way = IN_BATCH[name]
    few = way["method"] == "greedy" or not way["replacement"]
    k = drafts_taken(way, 2 if few else 3)
    drafts = draw_drafts(laws, k, **way, rng=rng)
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
        np.asarray(x) for x in select_token(*arguments, **way, rng=generator)
    )
    assert tokens.dtype == np.int64
    assert tokens.shape == accepted.shape == kinds.shape
    np.testing.assert_array_equal(accepted, (drafts == tokens[:, None]).any(axis=1))
    for kind, (target, _) in enumerate(FOUR_TOKENS):
        counts = np.bincount(tokens[kinds == kind], minlength=4)
        assert goodness_of_fit(counts, target) > FALSE_ALARM


@pytest.mark.parametrize("name", IN_BATCH)
def test_one_seed_gives_one_answer(name):
    target, draft = random_problem(np.random.default_rng(0), 6, 1.0)
    way = IN_BATCH[name]
    rows = np.tile(target, (9, 1)), np.tile(draft, (9, 1))

    def run():
        rng = np.random.default_rng(7)
        drafts = draw_drafts(rows[1], drafts_taken(way, 2), **way, rng=rng)
        return drafts, select_token(*rows, drafts, **way, rng=rng)[0]

    for first, second in zip(run(), run(), strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("name", IN_BATCH)
def test_unchecked_calls_give_what_checked_calls_give(name):
    targets, laws = np.random.default_rng(0).dirichlet(np.ones(5), size=(2, 50))
    drafts = np.full((50, 1), 3)
    checked = select_token(
        targets, laws, drafts, **IN_BATCH[name], rng=np.random.default_rng(1)
    )
    unchecked = select_token(
        targets,
        laws,
        drafts,
        **IN_BATCH[name],
        rng=np.random.default_rng(1),
        validate=False,
    )
    np.testing.assert_array_equal(checked, unchecked)


@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize("vocabulary", [4, 40, 600])
@pytest.mark.parametrize("name", IN_BATCH)
def test_the_same_numbers_give_the_token_of_the_unbatched_rule(
    name, vocabulary, library
):
    """The batch draws numbers for all tests, then one each for the draw; each row is replayed by itself."""
    rng = np.random.default_rng(vocabulary)
    targets, laws = rng.dirichlet(np.full(vocabulary, 0.5), size=(2, 120))
    way = IN_BATCH[name]
    drafts = draw_drafts(laws, drafts_taken(way, 3), **way, rng=rng)
    tests = {"naive": 0, "greedy": 1}.get(way["method"], drafts.shape[1])
    shapes = [(len(drafts), tests), (len(drafts), 1)]
    if library == "numpy":
        source, again = np.random.default_rng(1), np.random.default_rng(1)
        arguments = targets, laws, drafts
        numbers = np.concatenate([again.random(shape) for shape in shapes], axis=1)
    else:
        source, again = (torch.Generator().manual_seed(1) for _ in range(2))
        arguments = [torch.tensor(x) for x in (targets, laws, drafts)]
        numbers = np.concatenate(
            [torch.rand(x, generator=again, dtype=torch.float64) for x in shapes], 1
        )
    tokens, accepted = select_token(*arguments, **way, rng=source)
    one_by_one = [
        select_token(*row, **way, rng=Replay(row_numbers))
        for *row, row_numbers in zip(targets, laws, drafts, numbers, strict=True)
    ]
    if vocabulary == 4:  # both outcomes occur
        assert 0 < np.asarray(accepted).sum() < len(drafts)
    np.testing.assert_array_equal(
        np.stack([np.asarray(tokens), np.asarray(accepted)], axis=1), one_by_one
    )


class CountedOperations(TorchDispatchMode):
    """Counts the operations that torch carries out."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        self.count += 1
        return operation(*args, **(kwargs or {}))


def operations(way, rows, vocabulary, num_drafts):
    """Number of torch operations of one unchecked selection, for float32 laws."""
    rng = torch.Generator().manual_seed(0)
    targets, laws = torch.rand(2, rows, vocabulary, generator=rng).softmax(-1)
    drafts = draw_drafts(laws, num_drafts, **way, rng=rng)
    with CountedOperations() as counted:
        select_token(targets, laws, drafts, **way, rng=rng, validate=False)
    return counted.count


@pytest.mark.parametrize("name", IN_BATCH)
def test_the_number_of_operations_depends_on_neither_rows_nor_vocabulary(name):
    way = IN_BATCH[name]
    counts = {
        operations(way, rows, vocabulary, drafts_taken(way, 3))
        for rows, vocabulary in [(1, 300), (9, 300), (2, 1024), (3, 5000), (40, 5000)]
    }
    assert len(counts) == 1


def test_counted_operations_do_grow_with_the_tests_that_depend_on_each_other():
    few, many = (operations(IN_BATCH["rrs"], 2, 300, k) for k in (2, 4))
    assert few < many


@pytest.mark.parametrize("name", ["single", "rrs"])
def test_compiling_changes_no_token(name):
    """Traced without a compiler, which need not be there."""
    way, rng = IN_BATCH[name], torch.Generator().manual_seed(0)
    targets, laws = torch.rand(2, 50, 700, generator=rng).softmax(-1)
    drafts = draw_drafts(laws, drafts_taken(way, 3), **way, rng=rng)
    tokens = [
        select(
            targets,
            laws,
            drafts,
            **way,
            rng=torch.Generator().manual_seed(1),
            validate=False,
        )[0]
        for select in (select_token, torch.compile(select_token, backend="eager"))
    ]
    assert (tokens[0] == tokens[1]).all()


@pytest.mark.parametrize("name", IN_BATCH)
def test_where_nothing_is_left_the_token_comes_from_the_target(name):
    """A target that falls short of the draft law everywhere stands for one that rounding made so."""
    rng = np.random.default_rng(0)
    laws = rng.dirichlet(np.full(600, 0.5), size=200)
    laws[:, 0] = 0
    way = IN_BATCH[name]
    drafts = draw_drafts(
        laws / laws.sum(axis=1, keepdims=True), drafts_taken(way, 3), **way, rng=rng
    )
    short = laws / 4
    short[:, 300:] = 0
    tokens, accepted = select_token(short, laws, drafts, **way, rng=rng, validate=False)
    assert not accepted.all()
    assert (np.take_along_axis(short, tokens[:, None], axis=1) > 0).all()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", IN_BATCH)
def test_tensors_stay_on_the_gpu(name):
    rows = torch.full((8, 600), 1 / 600, device="cuda")
    way, generator = IN_BATCH[name], torch.Generator(device="cuda").manual_seed(0)
    drafts = draw_drafts(rows, 1, **way, rng=generator)
    tokens, accepted = select_token(rows, rows, drafts, **way, rng=generator)
    assert tokens.device.type == accepted.device.type == "cuda"
