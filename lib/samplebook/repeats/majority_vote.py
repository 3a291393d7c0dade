"""Majority vote among k samples: its exact accuracy, its simulation, and the limit that no k exceeds.

An answer law is the law of one sample's final answer. The vote takes the most frequent of k independent
answers, and among equally frequent ones each with the same probability.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samplebook.core.arrays import to_numpy
from samplebook.core.checks import (
    as_count,
    as_flag,
    as_generator,
    as_indices,
    as_positive,
    as_probabilities,
)

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def as_answer_laws(
    laws: Any, correct: Any, abstaining: Any
) -> tuple[FloatArray, IntArray, int]:
    """Answer laws (M, V), the correct answer of each problem (M,), how many entries of a law cast votes."""
    law = to_numpy(as_probabilities(laws, "laws"))
    if law.ndim != 2 or law.shape[1] < 2:
        raise ValueError(f"laws: must have shape (M, V) with V >= 2, got {law.shape}")
    voting = law.shape[1] - as_flag(abstaining, "abstaining")
    answers = as_indices(correct, "correct", size=voting)
    if answers.shape != law.shape[:1]:
        raise ValueError(f"correct: must have {len(law)} entries, got {answers.size}")
    return law, answers, voting


def vote_accuracy(
    laws: ArrayLike, correct: ArrayLike, k: int, *, abstaining: bool = False
) -> FloatArray:
    """Probability that the vote among k samples gives the correct answer, exactly.

    The counts of the answers are those of independent Poisson numbers with means k p_j, given that they sum
    to k. So for each m, the correct answer's count, the others' counts have a product of power series, cut
    after x^m: the term x^m is a tie. A tie of s + 1 answers is won with probability 1 / (1 + s), which is the
    integral of t^s over [0, 1]; a Gauss rule integrates the polynomial in t exactly.

    Parameters
    ----------
    laws : array-like of float, shape (M, V)
        Law of one sample's answer, for each problem.
    correct : array-like of int, shape (M,)
        Number of the correct answer.
    k : int, >= 1
        Takes about M V^2 k^3 steps: meant for k up to a hundred or so.
    abstaining : bool
        Whether the last entry of each law stands for samples without an answer, which cast no vote. Where
        all abstain, the vote is lost.

    Returns
    -------
    float64 array, shape (M,)

    Raises
    ------
    ValueError
        If a row is no law, there are fewer than two entries, a correct answer is not among those that vote,
        or k is no integer >= 1.
    """
    from scipy.stats import poisson

    law, answers, voting = as_answer_laws(laws, correct, abstaining)
    k = as_count(k, "k")
    rows, counts = np.arange(len(law)), np.arange(k + 1)
    terms = poisson.pmf(counts, k * law[:, :, None])  # (M, V, k + 1)
    is_other = np.ones((len(law), voting), dtype=bool)
    is_other[rows, answers] = False
    others = terms[:, :voting][is_other].reshape(len(law), voting - 1, k + 1)
    no_vote = np.zeros((len(law), 1, k + 1))
    no_vote[:, 0] = terms[:, -1] if abstaining else counts == 0
    t, weight = unit_interval_rule(others.shape[1] // 2 + 1)
    wins = np.zeros(len(law))
    for m in counts[1:]:
        rest = k - m
        votes = counts_at_most(others, m, rest, t)
        ways = (votes * no_vote[..., rest::-1]).sum(axis=2)
        wins += terms[rows, answers, m] * (ways @ weight)
    return np.asarray(wins / poisson.pmf(k, k))


def unit_interval_rule(size: int) -> tuple[FloatArray, FloatArray]:
    """Nodes and weights of the Gauss rule on [0, 1], exact for polynomials of degree below 2 ``size``."""
    nodes, weights = np.polynomial.legendre.leggauss(size)
    return (nodes + 1) / 2, weights / 2


def counts_at_most(others: FloatArray, m: int, rest: int, t: FloatArray) -> FloatArray:
    """Product over answers of sum_(i < m) q_i x^i + t q_m x^m: its coefficients up to x^rest.

    ``others`` (M, answers, >= rest + 1) holds the probabilities q_i of each answer's count i. The result has
    the shape (M, len(t), rest + 1).
    """
    product = np.zeros((len(others), t.size, rest + 1))
    product[..., 0] = 1
    for answer in others.swapaxes(0, 1):
        longer = np.zeros_like(product)
        for i in range(min(m, rest) + 1):
            term = answer[:, i, None, None] * product[..., : rest + 1 - i]
            longer[..., i:] += term * t[:, None] if i == m else term
        product = longer
    return product


def simulate_vote_accuracy(
    laws: ArrayLike,
    correct: ArrayLike,
    k: int,
    *,
    repetitions: int,
    rng: np.random.Generator,
    abstaining: bool = False,
) -> FloatArray:
    """Mean over ``repetitions`` votes of the probability to win them, ties included, (M,).

    Arguments and errors as in :func:`vote_accuracy`; for k that are too large for it. Cost and memory grow
    with M V times the repetitions, whatever k is.
    """
    law, answers, voting = as_answer_laws(laws, correct, abstaining)
    size = (as_count(repetitions, "repetitions"), len(law))
    counts = as_generator(rng).multinomial(as_count(k, "k"), law, size=size)
    votes = counts[..., :voting]
    largest = votes.max(axis=2)
    ties = (votes == largest[..., None]).sum(axis=2)
    won = (votes[:, np.arange(len(law)), answers] == largest) & (largest > 0)
    return np.asarray((won / ties).mean(axis=0))


def vote_limit(
    laws: ArrayLike, correct: ArrayLike, *, abstaining: bool = False
) -> FloatArray:
    """What the vote's accuracy tends to as k grows, (M,): 1 where the correct answer is the mode, else 0.

    Where s answers are equally probable modes and the correct one is among them, 1 / s. Arguments and errors
    as in :func:`vote_accuracy`.
    """
    law, answers, voting = as_answer_laws(laws, correct, abstaining)
    votes = law[:, :voting]
    modes = (votes == votes.max(axis=1, keepdims=True)) & (votes > 0)
    won = modes[np.arange(len(law)), answers]
    return np.asarray(won / np.maximum(modes.sum(axis=1), 1))


def dirichlet_answers(
    num_problems: int,
    num_answers: int,
    *,
    correct_weight: float,
    wrong_weight: float,
    rng: np.random.Generator,
) -> FloatArray:
    """Answer laws (M, V) of made-up problems, answer 0 being correct: draws from a Dirichlet law.

    Its parameter is ``correct_weight`` for answer 0 and ``wrong_weight`` for each other. So pass rates are
    Beta(``correct_weight``, (V - 1) ``wrong_weight``), and coverage is known in closed form.

    Raises
    ------
    ValueError
        If a size is no integer >= 1 (answers: >= 2), or a weight is not > 0.
    """
    weights = np.full(
        as_count(num_answers, "num_answers", minimum=2),
        as_positive(wrong_weight, "wrong_weight"),
    )
    weights[0] = as_positive(correct_weight, "correct_weight")
    size = as_count(num_problems, "num_problems")
    return np.asarray(as_generator(rng).dirichlet(weights, size))
