"""Exact acceptance of each method against its definition, in batches, in torch, and by simulation."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from problems import PROBLEMS, WAYS, drafts_taken, random_problem

from samplebook.drafts import (
    acceptance_rate,
    draw_drafts,
    estimate_acceptance_rate,
    optimal_acceptance,
    residual_law,
    select_token,
    transport_program,
)

FIVE_SIGMA = 5.0
"""A right estimate is further off than this once in 1.7 million tests."""


@pytest.mark.parametrize("name", WAYS)
def test_a_batch_and_tensors_give_what_each_row_gives(name):
    targets, drafts = np.random.default_rng(0).dirichlet(np.ones(6), size=(2, 4, 2))
    way, k = WAYS[name], drafts_taken(WAYS[name], 3)
    rates = acceptance_rate(targets, drafts, k, **way)
    for index in np.ndindex(4, 2):
        one = acceptance_rate(targets[index], drafts[index], k, **way)
        assert isinstance(one, float)
        assert rates[index] == pytest.approx(one, abs=1e-12)
    tensors = acceptance_rate(torch.tensor(targets), torch.tensor(drafts), k, **way)
    assert tensors.dtype == torch.float64
    np.testing.assert_allclose(tensors.numpy(), rates, rtol=0, atol=1e-12)
    single_precision = acceptance_rate(
        torch.tensor(targets).float(), torch.tensor(drafts).float(), k, **way
    )
    np.testing.assert_allclose(single_precision.numpy(), rates, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", PROBLEMS)
def test_recursive_rejection_follows_its_recursion(name):
    target, draft = map(np.array, PROBLEMS[name])
    rejected, law = 1.0, target
    for _ in range(3):
        accepted = np.minimum(law, draft).sum()
        rejected *= 1 - accepted
        excess = np.clip(law - draft, 0, None)
        law = excess / excess.sum() if excess.sum() > 0 else target
    rate = acceptance_rate(target, draft, 3, method="rrs")
    assert rate == pytest.approx(1 - rejected, abs=1e-15)
    np.testing.assert_allclose(
        residual_law(target, draft, 3, method="rrs"), law, atol=1e-14
    )


def test_a_reference_value_of_recursive_rejection():
    """p = (0.1, 0.5, 0.4), q = (0.6, 0.3, 0.1), k = 2 in fractions: 1 - 1/2 * (1/10 + 1/2) = 0.7."""
    assert acceptance_rate(
        [0.1, 0.5, 0.4], [0.6, 0.3, 0.1], 2, method="rrs"
    ) == pytest.approx(0.7, abs=1e-15)


def test_naive_is_exact_for_small_probabilities():
    draft = [1e-20, 1.0]
    assert acceptance_rate([1.0, 0.0], draft, 3, method="naive") == pytest.approx(
        3e-20, rel=1e-12, abs=0
    )
    assert acceptance_rate([0.0, 1.0], [0.0, 1.0], 3, method="naive") == 1


@pytest.mark.parametrize("name", WAYS)
def test_the_estimate_agrees_with_the_exact_rate(name):
    target, draft = random_problem(np.random.default_rng(3), 5, 1.0)
    way, k = WAYS[name], drafts_taken(WAYS[name], 3)
    exact = acceptance_rate(target, draft, k, **way)
    samples = 400 if way["method"] == "optimal" else 40_000
    rng = np.random.default_rng(4)
    value, error = estimate_acceptance_rate(
        target, draft, k, **way, num_samples=samples, rng=rng
    )
    of_counts = (value * (1 - value) / samples) ** 0.5
    if name == "rrs without replacement":  # adds up probabilities, not counts
        assert error < of_counts / 5
    else:
        assert error == pytest.approx(of_counts)
    assert abs(value - exact) < FIVE_SIGMA * error
    value, error = estimate_acceptance_rate(
        torch.tensor(target), torch.tensor(draft), k, **way, num_samples=samples,
        rng=torch.Generator().manual_seed(5),
    )  # fmt: skip
    assert abs(value - exact) < FIVE_SIGMA * error


def test_inputs_are_left_as_they_were():
    laws = np.array([[0.5, 0.25, 0.25], [0.25, 0.25, 0.5]])
    copy = laws.copy()
    for way in WAYS.values():
        k = drafts_taken(way, 2)
        acceptance_rate(laws[0], laws[1], k, **way)
        drafts = draw_drafts(laws[1], k, **way, rng=np.random.default_rng(0))
        select_token(*laws, drafts, **way, rng=np.random.default_rng(0))
    transport_program(laws[0], laws[1], 2)
    np.testing.assert_array_equal(laws, copy)


def test_a_real_vocabulary_with_many_drafts():
    target, draft = np.random.default_rng(6).dirichlet(np.full(128_000, 0.1), size=2)
    rates = [optimal_acceptance(target, draft, k) for k in (1, 2, 8, 64)]
    assert rates[0] == pytest.approx(np.minimum(target, draft).sum(), abs=1e-10)
    assert rates == sorted(rates)
    assert rates[-1] <= 1


def test_importing_drafts_pulls_in_nothing_heavy():
    heavy = "{'torch', 'cvxpy', 'scipy', 'yaml'}"
    code = f"import sys, samplebook.drafts; print(sorted({heavy} & set(sys.modules)))"
    path = {"PYTHONPATH": ":".join(sys.path)}
    output = subprocess.run(
        [sys.executable, "-c", code],
        env=path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert output.stdout.strip() == "[]"
