"""What callers get wrong raises ``ValueError`` that names the argument and what was wrong."""

import numpy as np
import pytest
import torch

from samplebook.drafts import (
    acceptance_rate,
    division_factor,
    estimate_acceptance_rate,
    optimal_acceptance,
    residual_law,
    select_token,
    transport_program,
)

HALF = [0.5, 0.5]
RNG = np.random.default_rng(0)
FUNCTIONS = {
    "optimal_acceptance": optimal_acceptance,
    "acceptance_rate": lambda *arguments: acceptance_rate(*arguments, method="kseq"),
    "residual_law": lambda *arguments: residual_law(*arguments, method="rrs"),
    "division_factor": division_factor,
    "transport_program": transport_program,
    "estimate": lambda *arguments: estimate_acceptance_rate(
        *arguments, method="naive", num_samples=3, rng=RNG
    ),
    "select_token": lambda p, q, k: select_token(p, q, [0] * k, method="rrs", rng=RNG),
}

BAD_LAWS = {
    "not a number": ([0.5, float("nan")], "has nan, must be finite"),
    "infinite": ([0.5, float("inf")], "has inf, must be finite"),
    "negative": ([1.5, -0.5], "has -0.5, must not be negative"),
    "too small a sum": ([0.5, 0.4], "sums to 0.9, must be 1 within 1e-06"),
    "just outside the tolerance": ([0.5, 0.500002], "sums to 1.000002"),
    "float32 outside its tolerance": (
        np.array([0.5, 0.5002], np.float32),
        r"sums to 1\.000.*within 0\.0001",
    ),
    "half precision": (
        np.array(HALF, np.float16),
        "float16 is too coarse .* upcast the logits",
    ),
    "brain floats": (
        torch.tensor(HALF, dtype=torch.bfloat16),
        "bfloat16 is too coarse .* upcast the logits",
    ),
    "empty": ([], "empty"),
    "a number": (1.0, r"must be real numbers of shape \(..., V\)|must have shape"),
    "complex": ([0.5 + 0j, 0.5], "must be real numbers"),
    "truth values": ([True, False], "must be real numbers"),
    "text": (["a", "b"], "must be real numbers"),
    "ragged": ([[0.5, 0.5], [1.0]], "not an array of numbers"),
    "nothing": (None, "must be real numbers|must have shape"),
}


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("kind", BAD_LAWS)
def test_bad_laws(function, kind):
    law, message = BAD_LAWS[kind]
    with pytest.raises(ValueError, match=f"target: .*({message})"):
        FUNCTIONS[function](law, HALF, 2)
    with pytest.raises(ValueError, match=f"draft: .*({message}|differs from target's)"):
        FUNCTIONS[function](HALF, law, 2)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_shapes_that_differ(function):
    with pytest.raises(
        ValueError, match=r"draft: shape \(3,\) differs from target's \(2,\)"
    ):
        FUNCTIONS[function](HALF, [0.2, 0.3, 0.5], 2)


@pytest.mark.parametrize("function", sorted(FUNCTIONS.keys() - {"select_token"}))
@pytest.mark.parametrize(
    "count", [0, -1, 1.0, 2.5, True, np.True_, "2", None, np.array([1, 2])]
)
def test_bad_numbers_of_drafts(function, count):
    with pytest.raises(ValueError, match="num_drafts: must be"):
        FUNCTIONS[function](HALF, HALF, count)


@pytest.mark.parametrize("count", [2, np.int64(2), np.array(2), torch.tensor(2)])
def test_integers_of_any_make_are_numbers_of_drafts(count):
    assert optimal_acceptance(HALF, HALF, count) == 1


BAD_DRAFTS = {
    "none": ([], "drafts: empty"),
    "too large": ([0, 2], r"drafts: token 2 is outside 0..1"),
    "negative": ([-1], r"drafts: token -1 is outside 0..1"),
    "fraction": ([0.0], "drafts: must be integers, got float64"),
    "truth value": ([True], "drafts: must be integers, got bool"),
    "a number": (0, r"drafts: must have shape \(k,\)"),
    "a table": ([[0], [1]], r"drafts: must have shape \(k,\)"),
}


@pytest.mark.parametrize("kind", BAD_DRAFTS)
def test_bad_drafts(kind):
    drafts, message = BAD_DRAFTS[kind]
    with pytest.raises(ValueError, match=message):
        select_token(HALF, HALF, drafts, method="kseq", rng=RNG)
    if kind not in ("none", "a number", "a table"):
        for laws, rng in (
            (np.array([HALF]), RNG),
            (torch.tensor([HALF]), torch.Generator()),
        ):
            with pytest.raises(ValueError, match=message):
                select_token(laws, laws, [drafts], method="kseq", rng=rng)


def test_a_draft_that_the_draft_law_cannot_draw():
    with pytest.raises(
        ValueError, match=r"drafts: token 1 at \(2,\) has draft probability 0"
    ):
        select_token(HALF, [1.0, 0.0], [0, 0, 1], method="rrs", rng=RNG)
    with pytest.raises(
        ValueError, match=r"drafts: token 1 at \(1, 0\) has draft probability 0"
    ):
        select_token(
            [HALF, HALF], [HALF, [1.0, 0.0]], [[1], [1]], method="rrs", rng=RNG
        )


def test_the_row_of_a_batch_is_named():
    with pytest.raises(ValueError, match="target: sums to 0.75 in row 1"):
        optimal_acceptance([HALF, [0.5, 0.25]], [HALF, HALF], 2)
    with pytest.raises(ValueError, match=r"draft: has nan in row \(0, 1\)"):
        optimal_acceptance([[HALF, HALF]], [[HALF, [float("nan"), 1]]], 2)


def test_methods_and_what_they_take():
    with pytest.raises(
        ValueError,
        match="method: must be one of 'single', 'naive', 'kseq', 'rrs', 'greedy', 'optimal', got 'x'",
    ):
        acceptance_rate(HALF, HALF, 2, method="x")
    with pytest.raises(ValueError, match="method: must be one of"):
        select_token(HALF, HALF, [0], method=None, rng=RNG)
    with pytest.raises(
        ValueError, match="num_drafts: method 'single' takes at most 1, got 2"
    ):
        acceptance_rate(HALF, HALF, 2, method="single")
    with pytest.raises(
        ValueError, match="num_drafts: method 'single' takes at most 1, got 2"
    ):
        select_token(HALF, HALF, [0, 1], method="single", rng=RNG)
    with pytest.raises(
        ValueError, match="method: 'optimal' solves a program for each position"
    ):
        select_token([HALF], [HALF], [[0, 1]], method="optimal", rng=RNG)
    with pytest.raises(
        ValueError, match="method: 'naive' does not test drafts in turn"
    ):
        residual_law(HALF, HALF, 2, method="naive")
    law = np.full(200, 1 / 200)
    with pytest.raises(
        ValueError, match=r"num_drafts: V\*\*k = 200\*\*2 draft tuples exceed 30,000"
    ):
        select_token(law, law, [0, 1], method="optimal", rng=RNG)


def test_generators_that_do_not_fit():
    rows = np.array([HALF])
    with pytest.raises(ValueError, match="rng: must have a method random"):
        select_token(HALF, HALF, [0], method="kseq", rng=0)
    with pytest.raises(
        ValueError, match="rng: a batch of NumPy arrays needs a numpy.random.Generator"
    ):
        select_token(rows, rows, [[0]], method="kseq", rng=torch.Generator())
    with pytest.raises(
        ValueError, match="rng: a batch of tensors needs a torch.Generator"
    ):
        select_token(
            torch.tensor(rows), torch.tensor(rows), [[0]], method="kseq", rng=RNG
        )


def test_arrays_and_tensors_do_not_mix():
    with pytest.raises(ValueError, match="draft: target and draft must both be"):
        optimal_acceptance(torch.tensor(HALF), np.array(HALF), 2)


def test_batches_of_drafts_must_fit_the_laws():
    rows = np.array([HALF, HALF])
    with pytest.raises(
        ValueError, match=r"drafts: must have shape \(2, k\), got \(3, 1\)"
    ):
        select_token(rows, rows, [[0], [0], [0]], method="kseq", rng=RNG)
    with pytest.raises(ValueError, match=r"target: must have shape \(V,\) or \(B, V\)"):
        select_token(rows[None], rows[None], [[[0]]], method="kseq", rng=RNG)


def test_what_is_slightly_off_is_renormalised():
    single_precision = np.array([0.1] * 10, np.float32) * np.float32(1.00005)
    assert optimal_acceptance(single_precision, single_precision, 2) == pytest.approx(
        1, abs=1e-12
    )
    assert acceptance_rate(
        [0.5, 0.5 + 5e-7], HALF, 1, method="single"
    ) == pytest.approx(1, abs=1e-6)
    assert optimal_acceptance([1, 0], [0, 1], 2) == 0
