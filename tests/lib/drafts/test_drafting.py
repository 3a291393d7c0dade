"""How drafts are drawn, and greedy drafts: exact laws, and the best verification of greedy drafts."""

import numpy as np
import pytest
import torch
from branch_walker import exact_law
from oracles import (
    greedy_masses,
    masses_without_replacement,
    optimum_of_cuts,
    optimum_of_flow,
)
from problems import PROBLEMS, WAYS, random_problem

from samplebook.core.statistics import goodness_of_fit
from samplebook.drafts import (
    acceptance_rate,
    draw_drafts,
    optimal_acceptance,
    select_token,
    transport_program,
)

FALSE_ALARM = 1e-6
DISTINCT = {
    "rrs without replacement": masses_without_replacement,
    "greedy": greedy_masses,
}


@pytest.mark.parametrize("way", DISTINCT)
@pytest.mark.parametrize("num_drafts", [1, 2, 3])
@pytest.mark.parametrize("name", PROBLEMS)
def test_drafts_have_their_law(name, num_drafts, way):
    """By walking every branch of the shipped draw; fewer drafts come where the law knows fewer tokens."""
    draft = np.array(PROBLEMS[name][1])
    law = exact_law(
        lambda rng: tuple(
            draw_drafts(draft, num_drafts, **WAYS[way], rng=rng).tolist()
        ),
        probes=3,
    )
    expected = DISTINCT[way](draft.tolist(), num_drafts)
    assert law.keys() == expected.keys()
    for drafts, mass in expected.items():
        assert law[drafts] == pytest.approx(mass, abs=1e-12)


@pytest.mark.parametrize("way", [*DISTINCT, "kseq"])
@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_batches_of_drafts_have_their_law(way, library):
    """20,000 rows of one law; a right program fails with probability 1e-6."""
    draft, size = np.array([0.1, 0.4, 0.2, 0.3]), 20_000
    rows = np.broadcast_to(draft, (size, 4))
    rng = np.random.default_rng(0)
    if library == "torch":
        rows, rng = torch.tensor(rows), torch.Generator().manual_seed(0)
    drafts = np.asarray(draw_drafts(rows, 2, **WAYS[way], rng=rng))
    assert drafts.shape == (size, 2)
    expected = np.outer(draft, draft)
    if way in DISTINCT:
        expected = np.zeros((4, 4))
        for pair, mass in DISTINCT[way](draft.tolist(), 2).items():
            expected[pair] = mass
    counts = np.bincount(drafts @ [4, 1], minlength=16)
    assert goodness_of_fit(counts, expected.ravel()) > FALSE_ALARM


@pytest.mark.parametrize("num_drafts", [1, 2, 3, 4])
@pytest.mark.parametrize("name", PROBLEMS)
def test_the_greedy_rule_is_the_best_verification_of_greedy_drafts(name, num_drafts):
    target, draft = PROBLEMS[name]
    masses = greedy_masses(draft, num_drafts)
    rate = acceptance_rate(target, draft, num_drafts, method="greedy")
    assert rate == pytest.approx(optimum_of_cuts(target, masses), abs=1e-12)
    assert rate == pytest.approx(optimum_of_flow(target, masses), abs=1e-9)


def test_greedy_drafts_can_be_better_and_worse_than_drafts_without_replacement():
    """Neither dominates. One draft is the same under both."""
    differences = []
    for seed in range(40):
        target, other = random_problem(np.random.default_rng(seed), 6, 0.5)
        draft = (target + other + 1 / 6) / 3
        greedy = acceptance_rate(target, draft, 3, method="greedy")
        differences.append(
            greedy - optimal_acceptance(target, draft, 3, replacement=False)
        )
        one = acceptance_rate(target, draft, 1, method="greedy")
        assert one == pytest.approx(np.minimum(target, draft).sum(), abs=1e-12)
    assert min(differences) < -0.03
    assert max(differences) > 0.03


def test_a_supermodular_set_function_that_no_sort_can_minimise():
    """Greedy drafts: the best prefix of the tokens sorted by p / q promises 1, the truth is 0.9257..."""
    target, draft = np.array([0.62, 0, 0.02, 0.36]), np.array([0.3, 0.25, 0.25, 0.2])
    masses = greedy_masses(draft.tolist(), 2)
    order = np.argsort(target / draft)
    brackets = [
        target[order[:m]].sum()
        - sum(w for x, w in masses.items() if set(x) <= set(order[:m]))
        for m in range(1, 5)
    ]
    assert 1 + min(0, *brackets) == pytest.approx(1, abs=1e-12)
    rate = acceptance_rate(target, draft, 2, method="greedy")
    assert rate == pytest.approx(optimum_of_cuts(target, masses), abs=1e-12)
    assert rate == pytest.approx(0.62 + 0.02 + 0.2 / 0.7, abs=1e-12)


def test_sets_of_drafts_hold_all_their_orders():
    target, draft = random_problem(np.random.default_rng(1), 5, 1.0)
    plan = transport_program(target, draft, 3, replacement=False)
    masses = masses_without_replacement(draft.tolist(), 3)
    for drafts, mass in zip(plan.multisets, plan.multiset_mass, strict=True):
        orders = [w for x, w in masses.items() if set(x) == set(drafts.tolist())]
        assert len(orders) == 6
        assert mass == pytest.approx(sum(orders), abs=1e-15)
    assert plan.multiset_mass.sum() == pytest.approx(1, abs=1e-14)
    with pytest.raises(ValueError, match=r"drafts: \[1, 1, 2\] cannot be drawn"):
        plan.law_given([1, 2, 1])


def test_enumerated_recursive_rejection_has_a_limit():
    law = np.full(1_500, 1 / 1_500)
    with pytest.raises(
        ValueError, match=r"num_drafts: V\*\*k = 1500\*\*2 .*estimate_acceptance_rate"
    ):
        acceptance_rate(law, law, 2, method="rrs", replacement=False)


HALF = np.array([0.5, 0.5])
SKEWED = np.array([0.2, 0.5, 0.3])
RNG = np.random.default_rng(0)


@pytest.mark.parametrize("method", ["rrs", "optimal", "greedy"])
def test_drafts_that_repeat_a_token(method):
    with pytest.raises(ValueError, match="drafts: token 1 occurs twice"):
        select_token(HALF, HALF, [1, 1], method=method, replacement=False, rng=RNG)


def test_greedy_drafts_that_are_not_the_most_probable():
    with pytest.raises(
        ValueError, match="drafts: all but the last must be the draft law's most"
    ):
        select_token(SKEWED, SKEWED, [2, 1], method="greedy", rng=RNG)
    with pytest.raises(ValueError, match="drafts: all but the last .* in row 1"):
        select_token(
            np.stack([SKEWED] * 2), np.stack([SKEWED] * 2), [[1, 0], [0, 1]],
            method="greedy", rng=RNG,
        )  # fmt: skip
    assert select_token(SKEWED, SKEWED, [1, 0], method="greedy", rng=RNG)


@pytest.mark.parametrize("method", ["naive", "kseq"])
def test_methods_that_need_independent_drafts(method):
    with pytest.raises(
        ValueError, match=f"replacement: method '{method}' needs independent drafts"
    ):
        acceptance_rate(HALF, HALF, 2, method=method, replacement=False)


@pytest.mark.parametrize("flag", [None, 0, "no"])
def test_replacement_that_is_no_flag(flag):
    with pytest.raises(ValueError, match="replacement: must be True or False"):
        optimal_acceptance(HALF, HALF, 2, replacement=flag)
    with pytest.raises(ValueError, match="replacement: must be True or False"):
        transport_program(HALF, HALF, 2, replacement=flag)


def test_draws_that_cannot_be():
    with pytest.raises(ValueError, match=r"draft: must have shape \(V,\) or \(B, V\)"):
        draw_drafts(HALF[None, None], 1, method="kseq", rng=RNG)
    with pytest.raises(
        ValueError, match="a row of draft knows 1 tokens, too few for 2"
    ):
        draw_drafts(np.array([[0.5, 0.5], [1.0, 0.0]]), 2, method="greedy", rng=RNG)
    with pytest.raises(ValueError, match="num_drafts: must be at least 1"):
        draw_drafts(HALF, 0, method="kseq", rng=RNG)
    with pytest.raises(ValueError, match="draft: sums to"):
        draw_drafts([0.5, 0.4], 1, method="kseq", rng=RNG)
