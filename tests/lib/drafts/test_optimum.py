"""The optimum: linear program, closed form, and independent ways agree."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import (
    optimum_by_all_cuts,
    optimum_by_full_program,
    optimum_by_integer_flow,
)
from problems import PROBLEMS, random_problem

from samplebook.drafts import (
    METHODS,
    acceptance_rate,
    division_factor,
    optimal_acceptance,
    transport_program,
)

FAST = settings(derandomize=True, deadline=None, max_examples=60, database=None)


@st.composite
def integer_laws(draw, most_tokens: int = 5):
    """Two lists of integers with one sum: laws with many ties and zeros."""
    size = draw(st.integers(1, most_tokens))
    target, draft = (
        draw(st.lists(st.integers(0, 6), min_size=size, max_size=size))
        for _ in range(2)
    )
    target[0] += max(0, sum(draft) - sum(target)) + (sum(draft) == 0)
    draft[draw(st.integers(0, size - 1))] += max(0, sum(target) - sum(draft))
    return target, draft


@pytest.mark.parametrize("num_drafts", [1, 2, 3])
@pytest.mark.parametrize("name", PROBLEMS)
def test_program_closed_form_and_independent_ways_agree_on_degenerate_laws(
    name, num_drafts
):
    target, draft = PROBLEMS[name]
    value = optimal_acceptance(target, draft, num_drafts)
    assert value == pytest.approx(
        transport_program(target, draft, num_drafts).acceptance, abs=1e-9
    )
    assert value == pytest.approx(
        optimum_by_all_cuts(target, draft, num_drafts), abs=1e-12
    )
    assert value == pytest.approx(
        optimum_by_full_program(target, draft, num_drafts), abs=1e-7
    )


@pytest.mark.parametrize(
    ("vocabulary", "num_drafts"), [(30, 3), (30, 2), (30, 1), (12, 3), (7, 3)]
)
@pytest.mark.parametrize(
    "kind",
    ["plain", "peaked", "zeros", "tied", "one-hot target", "one-hot draft", "disjoint"],
)
def test_program_and_closed_form_agree_up_to_thirty_tokens(
    vocabulary, num_drafts, kind
):
    rng = np.random.default_rng(vocabulary + num_drafts)
    target, draft = random_problem(rng, vocabulary, 0.1 if kind == "peaked" else 1.0)
    if kind == "zeros":
        target[rng.random(vocabulary) < 0.4] = 0
        draft[rng.random(vocabulary) < 0.4] = 0
    if kind == "tied":
        target = draft * rng.choice([0.5, 1.0, 4.0], size=vocabulary)
    if kind.startswith("one-hot"):
        (target if kind.endswith("target") else draft)[:] = np.eye(vocabulary)[3]
    if kind == "disjoint":
        target[: vocabulary // 2], draft[vocabulary // 2 :] = 0, 0
    target, draft = target / target.sum(), draft / draft.sum()
    program = transport_program(target, draft, num_drafts).acceptance
    assert program == pytest.approx(
        optimal_acceptance(target, draft, num_drafts), abs=1e-9
    )


@FAST
@given(integer_laws(), st.integers(1, 3))
def test_closed_form_is_the_smallest_cut_and_the_largest_flow(laws, num_drafts):
    target, draft = laws
    flow = optimum_by_integer_flow(target, draft, num_drafts)
    in_fractions = [[Fraction(mass, sum(law)) for mass in law] for law in laws]
    assert flow == optimum_by_all_cuts(*in_fractions, num_drafts)
    target, draft = (np.array(law) / sum(law) for law in laws)
    assert optimal_acceptance(target, draft, num_drafts) == pytest.approx(
        float(flow), abs=1e-12
    )
    assert transport_program(target, draft, num_drafts).acceptance == pytest.approx(
        float(flow), abs=1e-9
    )


def test_a_strict_gap_in_exact_fractions():
    target, draft = [Fraction(4, 9), Fraction(5, 9)], [Fraction(2, 3), Fraction(1, 3)]
    factor = Fraction(4, 3)
    beta = sum(min(q, p / factor) for p, q in zip(target, draft, strict=True))
    assert 1 - (1 - beta) ** 2 == factor * beta == Fraction(8, 9)
    assert optimum_by_all_cuts(target, draft, 2) == 1
    laws = [float(p) for p in target], [float(q) for q in draft]
    assert division_factor(*laws, 2) == pytest.approx(4 / 3, abs=2e-12)
    assert acceptance_rate(*laws, 2, method="kseq") == pytest.approx(8 / 9, abs=2e-12)
    assert optimal_acceptance(*laws, 2) == pytest.approx(1, abs=1e-15)


def test_one_hot_target_under_uniform_drafts():
    assert optimal_acceptance(np.eye(5)[0], np.full(5, 0.2), 3) == pytest.approx(
        1 - 0.8**3, abs=1e-15
    )


@FAST
@given(
    st.integers(2, 40),
    st.integers(1, 9),
    st.sampled_from([0.1, 1.0, 5.0]),
    st.integers(0, 10**6),
)
def test_every_method_keeps_its_bounds(vocabulary, num_drafts, concentration, seed):
    target, draft = random_problem(
        np.random.default_rng(seed), vocabulary, concentration
    )
    optimum = optimal_acceptance(target, draft, num_drafts)
    kseq = acceptance_rate(target, draft, num_drafts, method="kseq")
    assert kseq >= (1 - (1 - 1 / num_drafts) ** num_drafts) * optimum - 1e-12
    single = acceptance_rate(target, draft, 1, method="single")
    assert single == pytest.approx(1 - abs(target - draft).sum() / 2, abs=1e-12)
    for method in METHODS.keys() - {"single", "greedy"}:
        rate = acceptance_rate(target, draft, num_drafts, method=method)
        assert -1e-12 <= rate <= optimum + 1e-12
        assert method == "naive" or rate >= single - 1e-12
    assert optimum <= np.minimum(num_drafts * draft, target).sum() + 1e-12
    assert optimum <= optimal_acceptance(target, draft, num_drafts + 1) + 1e-12


def test_the_flow_keeps_to_its_capacities_and_lies_on_drafted_tokens():
    target, draft = random_problem(np.random.default_rng(0), 6, 1.0)
    plan = transport_program(target, draft, 3)
    flow = plan.flow.toarray()
    assert flow.min() >= 0
    assert (flow.sum(axis=1) <= plan.multiset_mass + 1e-16).all()
    assert (flow.sum(axis=0) <= target + 1e-16).all()
    assert plan.multiset_mass.sum() == pytest.approx(1, abs=1e-14)
    for drafts, row in zip(plan.multisets, flow, strict=True):
        assert set(np.flatnonzero(row)) <= set(drafts)


def test_draft_tuples_past_the_limit_are_refused():
    target = np.full(32, 1 / 32)
    with pytest.raises(ValueError, match=r"num_drafts: V\*\*k = 32\*\*3"):
        transport_program(target, target, 3)
    with pytest.raises(ValueError, match=r"drafts: \[1, 1\] cannot be drawn"):
        transport_program([0.5, 0.5], [1.0, 0.0], 2).law_given([1, 1])
