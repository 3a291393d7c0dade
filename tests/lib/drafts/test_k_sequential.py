"""The division factor: smallest valid one, from above; and what K-SEQ does with it."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from problems import PROBLEMS, random_problem

from samplebook.drafts import (
    acceptance_rate,
    division_factor,
    k_sequential_output_law,
    residual_law,
)

FAST = settings(derandomize=True, deadline=None, max_examples=60, database=None)


def surplus(target, draft, num_drafts, factor):
    """p_acc - rho beta, by the formula: not above 0 where the factor is valid."""
    beta = np.minimum(draft, np.asarray(target) / factor).sum()
    return 1 - (1 - beta) ** num_drafts - factor * beta


@FAST
@given(
    st.integers(2, 30),
    st.integers(2, 12),
    st.sampled_from([0.1, 1.0, 5.0]),
    st.integers(0, 10**6),
)
def test_the_factor_is_valid_and_none_below_it_is(
    vocabulary, num_drafts, concentration, seed
):
    target, draft = random_problem(
        np.random.default_rng(seed), vocabulary, concentration
    )
    factor = division_factor(target, draft, num_drafts)
    assert 1 <= factor <= num_drafts
    assert surplus(target, draft, num_drafts, factor) <= 2e-13
    covered = np.minimum(factor * draft, target).sum()
    if factor > 1 + 1e-6 and covered < 1 - 1e-9:
        assert surplus(target, draft, num_drafts, factor - 1e-6) > 0


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("num_drafts", [1, 2, 3, 50])
def test_its_output_law_is_the_target_for_every_valid_factor(name, num_drafts):
    target, draft = PROBLEMS[name]
    smallest = division_factor(target, draft, num_drafts)
    for factor in (smallest, (smallest + num_drafts) / 2, num_drafts):
        law = k_sequential_output_law(target, draft, num_drafts, factor)
        np.testing.assert_allclose(law, target, rtol=0, atol=1e-14)


def test_a_factor_of_one_breaks_the_law():
    rng = np.random.default_rng(0)
    errors = []
    for _ in range(20):
        target, draft = random_problem(rng, 4, 1.0)
        errors.append(
            abs(k_sequential_output_law(target, draft, 3, 1.0) - target).sum() / 2
        )
    assert max(errors) > 0.01


def test_special_cases():
    assert division_factor([0.2, 0.8], [0.5, 0.5], 1) == 1
    assert division_factor([0.0, 1.0], [1.0, 0.0], 4) == pytest.approx(1, abs=1e-12)
    assert acceptance_rate([0.5, 0.5], [0.5, 0.5], 4, method="kseq") == pytest.approx(
        1, abs=1e-11
    )
    assert acceptance_rate([0.0, 1.0], [1.0, 0.0], 4, method="kseq") == 0
    np.testing.assert_array_equal(
        residual_law([0.0, 1.0], [1.0, 0.0], 4, method="kseq"), [0, 1]
    )


@pytest.mark.parametrize("num_drafts", [2, 4, 8, 50])
def test_equal_laws_have_the_factor_one(num_drafts):
    laws = np.random.default_rng(0).dirichlet(np.full(1_000, 0.1), size=20)
    np.testing.assert_array_equal(division_factor(laws, laws, num_drafts), 1)
    tensors = torch.tensor(laws, dtype=torch.float32)
    assert (division_factor(tensors, tensors, num_drafts) == 1).all()


@pytest.mark.parametrize("distance", [1e-3, 1e-6, 1e-12])
def test_nearly_equal_laws_have_a_factor_near_one(distance):
    target, other = np.random.default_rng(3).dirichlet(np.ones(30), size=2)
    draft = (1 - distance) * target + distance * other
    factor = division_factor(target, draft, 8)
    assert 1 <= factor <= max(target / draft) + 1e-15
    assert surplus(target, draft, 8, factor) <= 1e-15


def test_the_residual_is_the_excess_over_the_inflated_draft():
    target, draft = random_problem(np.random.default_rng(1), 8, 1.0)
    excess = np.clip(target - division_factor(target, draft, 3) * draft, 0, None)
    np.testing.assert_allclose(
        residual_law(target, draft, 3, method="kseq"), excess / excess.sum(), atol=1e-10
    )


def test_a_batch_of_laws_gives_each_its_factor():
    targets, drafts = np.random.default_rng(2).dirichlet(np.ones(5), size=(2, 3, 2))
    factors = division_factor(targets, drafts, 3)
    assert factors.shape == (3, 2)
    one_by_one = [
        division_factor(p, q, 3)
        for p, q in zip(targets.reshape(6, 5), drafts.reshape(6, 5), strict=True)
    ]
    np.testing.assert_allclose(factors.ravel(), one_by_one, rtol=0, atol=2e-12)


@pytest.mark.parametrize("factor", [0.99, 3.01, float("nan")])
def test_a_factor_outside_one_to_k_is_refused(factor):
    with pytest.raises(ValueError, match="factor: must be from 1 to num_drafts = 3"):
        k_sequential_output_law([0.5, 0.5], [0.5, 0.5], 3, factor)
