"""Drafts without replacement: the race, the optimum, and both against enumeration and linear programs."""

import time
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import (
    masses_without_replacement,
    optimum_of_cuts,
    optimum_of_flow,
)
from problems import PROBLEMS, random_problem
from test_optimum import integer_laws

from samplebook.drafts import (
    acceptance_rate,
    exponential_race,
    optimal_acceptance,
    optimal_acceptance_curve,
    transport_program,
)

EXACT = settings(derandomize=True, deadline=None, max_examples=60, database=None)
SECONDS_ALLOWED = 2.0


def inside_prefixes(draft, num_drafts):
    """P(the drafts lie among the first m tokens) for each m, by adding up tuples."""
    masses = masses_without_replacement([Fraction(q) for q in draft], num_drafts)
    return [
        float(sum(mass for drafts, mass in masses.items() if max(drafts) < m))
        for m in range(1, len(draft) + 1)
    ]


@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize(
    ("count", "expected"), [(0, [16, 8]), (1, [8, 3]), (2, [4, 3])]
)
def test_mass_outside_the_largest_tokens(library, count, expected):
    """Of laws in sixteenths. The second one knows two tokens, and one of them is always left."""
    law = np.array([[[4.0, 8, 1, 3]], [[0.0, 3, 5, 0]]]) / 16
    law = torch.tensor(law) if library == "torch" else law
    left = exponential_race.left_by_largest(law, count)
    assert type(left) is type(law)
    assert (16 * left).tolist() == [[expected[0]], [expected[1]]]


@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize("time_now", [0.3, 4.0, 7.0])
def test_a_node_of_the_integral_by_its_definition(library, time_now, monkeypatch):
    """exp(-t) e_j(exp(q t) - 1) over each prefix by subsets; clocks with q t > 1 have rung for certain."""
    monkeypatch.setattr(exponential_race, "CERTAIN", 1.0)
    laws = np.random.default_rng(0).dirichlet(np.ones(5), size=(2, 3))
    missing = np.ones((4, 2, 3, 5))
    expected = missing.copy()
    for place in np.ndindex(2, 3):
        law = laws[place]
        rung = law * time_now > 1
        weight = 0.5 * np.exp(-time_now * law[~rung].sum())
        for m in range(1, 6):
            if not rung[m:].any():
                odds = np.expm1(time_now * law[:m])[~rung[:m]]
                for j in range(rung.sum(), 4):
                    chosen = combinations(odds, j - rung.sum())
                    expected[(j, *place, m - 1)] += weight * sum(map(np.prod, chosen))
    if library == "torch":
        missing, laws = torch.tensor(missing), torch.tensor(laws)
    exponential_race.add_node(missing, laws, time_now, 0.5)
    np.testing.assert_allclose(np.asarray(missing), expected, rtol=1e-12)
    if time_now == 7.0:
        assert (expected[0] == 1).any()  # a clock has rung there


PEAKED = {
    "one token and dust": [1 - 3e-13, 1e-13, 1e-13, 1e-13],
    "dust first": [1e-13, 2e-13, 1 - 3e-13],
    "far below rounding": [1 - 2.0**-40, 1e-60, 2.0**-40],
    "two scales of dust": [0.5, 0.5 - 1e-9, 1e-9, 1e-20],
    "a geometric law": [2.0**-i for i in (1, 2, 3, 4, 5, 6, 6)],
}


@pytest.mark.parametrize("num_drafts", [1, 2, 3, 4])
@pytest.mark.parametrize("law", [*PEAKED, 0.05, 0.3, 1.0, 3.0])
def test_the_race_gives_the_chance_that_all_drafts_lie_in_a_prefix(law, num_drafts):
    draft = (
        np.array(PEAKED[law])
        if law in PEAKED
        else np.random.default_rng(0).dirichlet(np.full(6, law))
    )
    for order in (draft, np.sort(draft), -np.sort(-draft)):
        inside = exponential_race.all_inside_prefixes(order, num_drafts)
        for n in range(1, num_drafts + 1):
            np.testing.assert_allclose(
                inside[n - 1], inside_prefixes(order, n), rtol=0, atol=1e-12
            )


@pytest.mark.parametrize("num_drafts", [1, 2, 3])
@pytest.mark.parametrize("name", PROBLEMS)
def test_race_program_cuts_and_flow_agree_on_degenerate_laws(name, num_drafts):
    target, draft = PROBLEMS[name]
    masses = masses_without_replacement(draft, num_drafts)
    value = optimal_acceptance(target, draft, num_drafts, replacement=False)
    assert value == pytest.approx(optimum_of_cuts(target, masses), abs=1e-12)
    assert value == pytest.approx(optimum_of_flow(target, masses), abs=1e-9)
    program = transport_program(target, draft, num_drafts, replacement=False)
    assert value == pytest.approx(program.acceptance, abs=1e-9)


@EXACT
@given(integer_laws(), st.integers(1, 4))
def test_the_race_finds_the_smallest_of_all_cuts(laws, num_drafts):
    """Laws with many ties and zeros; all cuts in fractions, not prefixes only."""
    target, draft = ([Fraction(mass, sum(law)) for mass in law] for law in laws)
    exact = optimum_of_cuts(target, masses_without_replacement(draft, num_drafts))
    target, draft = (np.array(law, dtype=float) for law in (target, draft))
    value = optimal_acceptance(target, draft, num_drafts, replacement=False)
    assert value == pytest.approx(float(exact), abs=1e-12)


@EXACT
@given(
    st.integers(2, 60),
    st.integers(1, 8),
    st.sampled_from([0.02, 0.1, 1.0, 5.0]),
    st.integers(0, 10**6),
)
def test_bounds_of_drafts_without_replacement(vocabulary, most, concentration, seed):
    """Never below i.i.d. drafts (no counter-example is known); rising in k; at most 1."""
    target, draft = random_problem(
        np.random.default_rng(seed), vocabulary, concentration
    )
    curve = optimal_acceptance_curve(target, draft, most, replacement=False)
    independent = optimal_acceptance_curve(target, draft, most)
    assert curve[0] == pytest.approx(independent[0], abs=1e-11)
    assert (curve >= independent - 1e-11).all()
    assert (np.diff(curve) >= -1e-11).all()
    assert curve[-1] <= 1
    one = optimal_acceptance(target, draft, most, replacement=False)
    assert one == pytest.approx(curve[-1], abs=1e-11)
    if vocabulary <= 8 and most <= 4:
        rrs = acceptance_rate(target, draft, most, method="rrs", replacement=False)
        assert rrs <= curve[-1] + 1e-11


def test_uniform_drafts_for_a_one_hot_target():
    """k of V tokens, each as likely: the wanted one is among them with probability k / V."""
    curve = optimal_acceptance_curve(
        np.eye(20)[3], np.full(20, 1 / 20), 14, replacement=False
    )
    np.testing.assert_allclose(curve, np.arange(1, 15) / 20, rtol=0, atol=1e-12)


def test_all_tokens_drafted():
    """k at least the number of tokens with draft mass: accepted unless the target wants another one."""
    target, draft = [0.1, 0.2, 0.3, 0.4], [0.5, 0.0, 0.25, 0.25]
    for k in (3, 4, 7):
        value = optimal_acceptance(target, draft, k, replacement=False)
        assert value == pytest.approx(0.8, abs=1e-12)


def test_batches_and_tensors():
    targets, laws = np.random.default_rng(0).dirichlet(np.full(30, 0.2), size=(2, 2, 3))
    curves = optimal_acceptance_curve(targets, laws, 4, replacement=False)
    assert curves.shape == (2, 3, 4)
    for index in np.ndindex(2, 3):
        one = optimal_acceptance_curve(
            targets[index], laws[index], 4, replacement=False
        )
        np.testing.assert_allclose(curves[index], one, rtol=0, atol=1e-12)
    tensors = optimal_acceptance_curve(
        torch.tensor(targets), torch.tensor(laws), 4, replacement=False
    )
    np.testing.assert_allclose(tensors.numpy(), curves, rtol=0, atol=1e-12)


def test_more_drafts_than_the_race_takes():
    law = np.full(20, 1 / 20)
    with pytest.raises(ValueError, match="num_drafts: .*'optimal' takes at most 14"):
        optimal_acceptance(law, law, 15, replacement=False)
    with pytest.raises(ValueError, match="num_drafts: .*'optimal' takes at most 14"):
        optimal_acceptance_curve(law, law, 15, replacement=False)
    with pytest.raises(ValueError, match="most_drafts: must be at least 1"):
        optimal_acceptance_curve(law, law, 0)


@pytest.mark.parametrize("power", [1.0, 2.0, 0.5])
def test_a_real_vocabulary_in_two_seconds(power):
    """V = 72,546, n = 4; the best of three runs, so that other work on the machine does not decide."""
    laws = np.random.default_rng(0).dirichlet(np.full(72_546, 0.1), size=2) ** power
    target, draft = laws / laws.sum(axis=1, keepdims=True)
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        curve = optimal_acceptance_curve(target, draft, 4, replacement=False)
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < SECONDS_ALLOWED
    assert curve[0] == pytest.approx(np.minimum(target, draft).sum(), abs=1e-10)
    assert (np.diff(curve) > 0).all()
