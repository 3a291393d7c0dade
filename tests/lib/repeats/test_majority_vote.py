"""Majority vote: its accuracy by enumerating all answers, its limit, its speed, its simulation."""

import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta, kstest, norm

from samplebook.repeats import (
    dirichlet_answers,
    simulate_vote_accuracy,
    vote_accuracy,
    vote_limit,
)

FAST = settings(derandomize=True, deadline=None, max_examples=40, database=None)


def by_enumeration(law, correct, k, silent=None):
    """Sum over all V^k sequences of answers; the answer ``silent`` casts no vote."""
    won = 0.0
    for answers in itertools.product(range(len(law)), repeat=k):
        votes = Counter(answer for answer in answers if answer != silent)
        largest = max(votes.values(), default=0)
        winners = [answer for answer, count in votes.items() if count == largest]
        if correct in winners:
            won += np.prod([law[answer] for answer in answers]) / len(winners)
    return won


def random_laws(num_problems, num_answers, seed=0):
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.full(num_answers, 0.7), num_problems)


@pytest.mark.parametrize(
    ("num_answers", "k"), [(2, 1), (2, 7), (3, 2), (3, 6), (4, 5), (5, 4), (7, 3)]
)
def test_the_accuracy_is_that_of_all_sequences(num_answers, k):
    laws = random_laws(3, num_answers)
    correct = [0, num_answers - 1, 1]
    expected = [by_enumeration(*each, k) for each in zip(laws, correct, strict=True)]
    np.testing.assert_allclose(
        vote_accuracy(laws, correct, k), expected, rtol=0, atol=1e-12
    )


@pytest.mark.parametrize(("num_answers", "k"), [(2, 4), (3, 1), (3, 6), (4, 5)])
def test_samples_without_an_answer_cast_no_vote(num_answers, k):
    laws, correct = random_laws(4, num_answers), np.arange(4) % (num_answers - 1)
    silent = num_answers - 1
    expected = [
        by_enumeration(*each, k, silent) for each in zip(laws, correct, strict=True)
    ]
    accuracy = vote_accuracy(laws, correct, k, abstaining=True)
    np.testing.assert_allclose(accuracy, expected, rtol=0, atol=1e-12)
    simulated = simulate_vote_accuracy(
        laws,
        correct,
        k,
        repetitions=20_000,
        rng=np.random.default_rng(0),
        abstaining=True,
    )
    # a mean of 20,000 numbers in [0, 1] is off by 0.02 once in a million times
    np.testing.assert_allclose(simulated, accuracy, rtol=0, atol=0.02)
    law = [[0.2, 0.1, 0.7], [0.1, 0.2, 0.7], [0, 0, 1]]
    np.testing.assert_array_equal(
        vote_limit(law, [0, 0, 0], abstaining=True), [1, 0, 0]
    )


@FAST
@given(st.integers(0, 10**6), st.integers(2, 6), st.integers(1, 9))
def test_the_accuracies_of_all_answers_sum_to_one(seed, num_answers, k):
    law = random_laws(1, num_answers, seed)
    laws = np.repeat(law, num_answers, axis=0)
    accuracy = vote_accuracy(laws, np.arange(num_answers), k)
    assert accuracy.sum() == pytest.approx(1, abs=1e-12)
    # a more probable answer wins more often
    order = np.argsort(law[0])
    assert (np.diff(accuracy[order]) >= -1e-12).all()


@FAST
@given(st.integers(0, 10**6), st.integers(2, 6))
def test_two_votes_are_no_better_than_one(seed, num_answers):
    laws = random_laws(4, num_answers, seed)
    for k in (1, 2):
        np.testing.assert_allclose(
            vote_accuracy(laws, np.zeros(4, int), k), laws[:, 0], atol=1e-12
        )


def test_two_answers_follow_the_binomial_law():
    from scipy.stats import binom

    k = 101  # odd: no ties
    accuracy = vote_accuracy([[0.45, 0.55]], [0], k)
    assert accuracy[0] == pytest.approx(binom(k, 0.45).sf(k // 2), abs=1e-12)


def test_the_limit_is_approached_at_the_stated_speed():
    laws, correct = random_laws(40, 4, seed=3), np.zeros(40, int)
    limit = vote_limit(laws, correct)
    second, first = np.sort(laws, axis=1)[:, -2:].T
    for k in (5, 20, 60):
        gap = abs(vote_accuracy(laws, correct, k) - limit)
        bound = 3 * (1 - (np.sqrt(first) - np.sqrt(second)) ** 2) ** k
        assert (gap <= bound + 1e-12).all()


def test_equal_modes_share_the_limit():
    laws = [[0.4, 0.4, 0.2], [0.4, 0.4, 0.2], [0.25, 0.25, 0.5]]
    np.testing.assert_array_equal(vote_limit(laws, [1, 2, 2]), [0.5, 0, 1])
    assert vote_accuracy(laws[:1], [1], 60)[0] == pytest.approx(0.5, abs=1e-2)


def test_simulated_votes_have_the_exact_accuracy():
    laws, correct, repetitions = random_laws(30, 5), np.arange(30) % 5, 20_000
    exact = vote_accuracy(laws, correct, 9)
    simulated = simulate_vote_accuracy(
        laws, correct, 9, repetitions=repetitions, rng=np.random.default_rng(0)
    )
    # a vote's variance is at most that of a coin; thirty problems, rate below 1e-4
    reach = norm.isf(1e-4 / 60) * np.sqrt(exact * (1 - exact) / repetitions)
    assert (abs(simulated - exact) <= reach + 1e-3).all()


def test_made_up_problems_have_beta_pass_rates():
    laws = dirichlet_answers(
        20_000, 6, correct_weight=0.4, wrong_weight=0.3, rng=np.random.default_rng(0)
    )
    np.testing.assert_allclose(laws.sum(axis=1), 1)
    assert kstest(laws[:, 0], beta(0.4, 1.5).cdf).pvalue > 1e-4
    assert kstest(laws[:, 5], beta(0.3, 1.6).cdf).pvalue > 1e-4


RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: vote_accuracy([0.5, 0.5], [0], 3), "laws"),
        (lambda: vote_accuracy([[1.0]], [0], 3), "laws"),
        (lambda: vote_accuracy([[0.5, 0.6]], [0], 3), "laws"),
        (lambda: vote_accuracy([[0.5, 0.5]], [2], 3), "correct"),
        (lambda: vote_accuracy([[0.5, 0.5]], [0, 1], 3), "correct"),
        (lambda: vote_accuracy([[0.5, 0.5]], [0], 0), "k"),
        (lambda: vote_accuracy([[0.5, 0.5]], [1], 2, abstaining=True), "correct"),
        (lambda: vote_accuracy([[0.5, 0.5]], [0], 2, abstaining=1), "abstaining"),
        (lambda: vote_limit([[0.5, 0.5]], [0.0]), "correct"),
        (
            lambda: simulate_vote_accuracy(
                [[0.5, 0.5]], [0], 3, repetitions=0, rng=RNG
            ),
            "repetitions",
        ),
        (
            lambda: simulate_vote_accuracy(
                [[0.5, 0.5]], [0], 3, repetitions=1, rng=None
            ),
            "rng",
        ),
        (
            lambda: dirichlet_answers(3, 1, correct_weight=1, wrong_weight=1, rng=RNG),
            "num_answers",
        ),
        (
            lambda: dirichlet_answers(3, 2, correct_weight=0, wrong_weight=1, rng=RNG),
            "correct_weight",
        ),
    ],
)
def test_bad_input_is_named(call, name):
    with pytest.raises(ValueError, match=f"^{name}: "):
        call()
