"""Resampling until a verifier accepts, when the verifier errs: values, beliefs, ceilings, the best budget.

Samples are drawn one at a time. The first one that the verifier accepts is returned; after K rejections
nothing is. A task has a hidden type t with probability pi_t. In one attempt at it a right sample is accepted
with probability A_t, a wrong one with probability Phi_t, and beta_t = 1 - A_t - Phi_t is what is rejected.
A right sample that is returned is worth 1, nothing 0, a wrong one V_fp, which is at most 1, usually negative.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samplebook.core.checks import (
    as_count,
    as_generator,
    as_number_in_range,
    as_probabilities,
    as_unit_interval,
)
from samplebook.repeats.coverage import as_integers

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
ROUNDING = 1e-12
"""How far A + Phi may exceed 1, and how near two rejection rates or values may be and still count as one."""
SMALLEST_RATE = 1e-15
"""A rejection rate below it is what rounding leaves of 0."""
MOST_ATTEMPTS_COMPARED = 10_000_000


@dataclass(frozen=True)
class TaskTypes:
    """Types of tasks, and what one attempt at a task of each type leads to.

    Parameters
    ----------
    prior : array-like of float, shape (T,)
        pi, the probability of each type; a law.
    correct_accept : array-like of float, shape (T,)
        A, in [0, 1].
    false_accept : array-like of float, shape (T,)
        Phi, in [0, 1], with A + Phi at most 1.

    Raises
    ------
    ValueError
        If the prior is no law, an entry is outside its range, or lengths differ.
    """

    prior: FloatArray
    correct_accept: FloatArray
    false_accept: FloatArray

    def __post_init__(self) -> None:
        prior = as_probabilities(self.prior, "prior")
        if prior.ndim != 1:
            raise ValueError(f"prior: must have shape (T,), got {prior.shape}")
        object.__setattr__(self, "prior", prior)
        for name in ("correct_accept", "false_accept"):
            values = as_unit_interval(getattr(self, name), name)
            if values.shape != prior.shape:
                raise ValueError(
                    f"{name}: shape {values.shape} differs from prior's {prior.shape}"
                )
            object.__setattr__(self, name, values)
        accepted = self.correct_accept + self.false_accept
        if accepted.max() > 1 + ROUNDING:
            raise ValueError(
                f"false_accept: with correct_accept it sums to {accepted.max():g}, must be at most 1"
            )

    @classmethod
    def with_verifier(
        cls,
        correct: ArrayLike,
        *,
        soundness: ArrayLike,
        completeness: ArrayLike = 1.0,
        prior: ArrayLike | None = None,
    ) -> "TaskTypes":
        """Types with A = c r and Phi = (1 - s)(1 - r).

        Parameters
        ----------
        correct : array-like of float, shape (T,), or one number
            r, the probability that one sample is right.
        soundness : float, or array-like of shape (T,)
            s, the probability that a wrong sample is rejected.
        completeness : float, or array-like of shape (T,)
            c, the probability that a right sample is accepted.
        prior : array-like of float, shape (T,), optional
            By default all types are equally probable.

        Raises
        ------
        ValueError
            If a probability is outside [0, 1], or shapes do not go together.
        """
        r = np.atleast_1d(as_unit_interval(correct, "correct"))
        s = as_unit_interval(soundness, "soundness")
        c = as_unit_interval(completeness, "completeness")
        for name, values in (("soundness", s), ("completeness", c)):
            if values.ndim and values.shape != r.shape:
                raise ValueError(
                    f"{name}: shape {values.shape} differs from correct's {r.shape}"
                )
        if prior is None:
            prior = np.full(r.shape, 1 / r.size)
        return cls(np.asarray(prior), c * r, (1 - s) * (1 - r))

    @property
    def reject(self) -> FloatArray:
        """beta = 1 - A - Phi (T,), the probability that one attempt is rejected."""
        beta = 1 - self.correct_accept - self.false_accept
        return np.where(beta < SMALLEST_RATE, 0.0, beta)


def as_false_positive_value(value: float) -> float:
    """V_fp as a float, or ``ValueError`` unless it is a finite number of at most 1."""
    return as_number_in_range(
        value, "false_positive_value", above=-np.inf, at_most=1.0, below=np.inf
    )


def expected_attempts(types: TaskTypes, attempts: ArrayLike) -> FloatArray:
    """(1 - beta^K) / (1 - beta): how many samples are drawn on average; K where nothing is ever accepted.

    Parameters
    ----------
    types : TaskTypes
    attempts : int or array-like of int, shape (...)
        K >= 0.

    Returns
    -------
    float64 array, shape (..., T)

    Raises
    ------
    ValueError
        If a K is no integer, or negative.
    """
    K = as_integers(attempts, "attempts", minimum=0)[..., None]
    accepted = np.where(
        types.reject == 0, 1.0, types.correct_accept + types.false_accept
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        some_accepted = -np.expm1(K * np.log1p(-accepted)) / accepted
    limits = np.where(accepted == 1, np.minimum(K, 1), K)
    regular = (accepted > 0) & (accepted < 1)
    return np.where(regular, some_accepted, limits).astype(np.float64)


def value(
    types: TaskTypes, attempts: ArrayLike, *, false_positive_value: float
) -> FloatArray:
    """V(K) = sum_t pi_t (A_t + V_fp Phi_t) (1 - beta_t^K) / (1 - beta_t), the mean worth of what is returned.

    In words: what one attempt is worth, times the attempts that are made (Wald's identity).

    Parameters
    ----------
    types : TaskTypes
    attempts : int or array-like of int, shape (...)
        K >= 0; V(0) = 0.
    false_positive_value : float, at most 1
        V_fp.

    Returns
    -------
    float64 array, shape (...)

    Raises
    ------
    ValueError
        If a K is no integer or negative, or ``false_positive_value`` is not finite or above 1.
    """
    weights = attempt_values(types, false_positive_value)
    return np.asarray(expected_attempts(types, attempts) @ weights)


def attempt_values(types: TaskTypes, false_positive_value: float) -> FloatArray:
    """pi_t (A_t + V_fp Phi_t), what the first attempt is worth through each type (T,)."""
    V_fp = as_false_positive_value(false_positive_value)
    return types.prior * (types.correct_accept + V_fp * types.false_accept)


@dataclass(frozen=True)
class Endings:
    """How resampling ends: probabilities that sum to 1, each an array of the shape of the budgets."""

    correct: FloatArray
    wrong: FloatArray
    none: FloatArray


def endings(types: TaskTypes, attempts: ArrayLike) -> Endings:
    """Probabilities that K attempts end in a right sample, in a wrong one, or in nothing.

    Raises
    ------
    ValueError
        If a K is no integer, or negative.
    """
    mean_attempts = expected_attempts(types, attempts)
    K = as_integers(attempts, "attempts", minimum=0)[..., None]
    return Endings(
        correct=np.asarray(mean_attempts @ (types.prior * types.correct_accept)),
        wrong=np.asarray(mean_attempts @ (types.prior * types.false_accept)),
        none=np.asarray(types.reject**K @ types.prior),
    )


def beliefs(types: TaskTypes, attempt: ArrayLike) -> FloatArray:
    """P(type | the first k - 1 attempts were rejected), proportional to pi_t beta_t^(k-1).

    Parameters
    ----------
    types : TaskTypes
    attempt : int or array-like of int, shape (...)
        k >= 1.

    Returns
    -------
    float64 array, shape (..., T)

    Raises
    ------
    ValueError
        If a k is no integer >= 1, or k - 1 rejections are impossible.
    """
    k = as_integers(attempt, "attempt", minimum=1)[..., None]
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(types.prior) + np.where(k > 1, (k - 1) * np.log(types.reject), 0)
    largest = logs.max(axis=-1, keepdims=True)
    if np.isneginf(largest).any():
        raise ValueError("attempt: is never made, one of the earlier ones is accepted")
    weights = np.exp(logs - largest)
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


def marginal_value(
    types: TaskTypes, attempt: ArrayLike, *, false_positive_value: float
) -> FloatArray:
    """V(k) - V(k-1) = sum_t pi_t beta_t^(k-1) (A_t + V_fp Phi_t), what the k-th attempt adds.

    It is the probability that the attempt is made, times its worth under the beliefs at that time.

    Parameters
    ----------
    types : TaskTypes
    attempt : int or array-like of int, shape (...)
        k >= 1.
    false_positive_value : float, at most 1
        V_fp.

    Returns
    -------
    float64 array, shape (...)

    Raises
    ------
    ValueError
        If a k is no integer >= 1, or ``false_positive_value`` is not finite or above 1.
    """
    k = as_integers(attempt, "attempt", minimum=1)[..., None]
    weights = attempt_values(types, false_positive_value)
    return np.asarray(types.reject ** (k - 1) @ weights)


def ceiling(types: TaskTypes, *, false_positive_value: float = 0.0) -> float:
    """lim V(K) for K to infinity; with V_fp = 0 it is the largest accuracy that resampling reaches.

    sum_t pi_t (A_t + V_fp Phi_t) / (1 - beta_t), without the types whose samples are never accepted.

    Raises
    ------
    ValueError
        If ``false_positive_value`` is not finite or above 1.
    """
    weights = attempt_values(types, false_positive_value)
    accepted = types.correct_accept + types.false_accept
    ever = accepted > 0
    return float((weights[ever] / accepted[ever]).sum())


def best_attempts(types: TaskTypes, *, false_positive_value: float) -> float:
    """K*, the smallest budget of the largest V(K); infinity where V comes nearest to its supremum there.

    The marginal value is a sum of exponentials. From some attempt on, the one with the largest beta has the
    sign of them all; up to there all budgets are compared.

    Raises
    ------
    ValueError
        If ``false_positive_value`` is not finite or above 1.
    RuntimeError
        If more than ten million budgets would have to be compared: two rejection rates are too near.
    """
    beta, weight = merged_exponentials(
        types.reject, attempt_values(types, false_positive_value)
    )
    if not weight.size or beta[-1] == 0:
        return float(weight.sum() > 0)
    last = attempts_until_settled(beta, weight)
    if last > MOST_ATTEMPTS_COMPARED:
        raise RuntimeError(f"{last:g} budgets would have to be compared")
    values = value(
        types, np.arange(int(last) + 1), false_positive_value=false_positive_value
    )
    best = int(values.argmax())
    limit = ceiling(types, false_positive_value=false_positive_value)
    rises_for_ever = weight[-1] > 0 and limit >= values[best] - ROUNDING
    return np.inf if rises_for_ever else float(best)


def merged_exponentials(
    beta: FloatArray, weight: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Distinct rates in rising order with their summed weights, without those of weight 0."""
    order = np.argsort(beta)
    beta, weight = beta[order], weight[order]
    first = np.flatnonzero(np.diff(beta, prepend=-1.0) > ROUNDING)
    sums = np.add.reduceat(weight, first)
    return beta[first][sums != 0], sums[sums != 0]


def attempts_until_settled(beta: FloatArray, weight: FloatArray) -> float:
    """An attempt from which on the marginal value has the sign of the last weight.

    |w_T| beta_T^(k-1) exceeds the sum of the other |w_t| beta_t^(k-1) once (beta_T / beta_(T-1))^(k-1)
    exceeds the ratio of their absolute sums.
    """
    if beta.size == 1 or beta[-2] == 0:
        return 2.0
    ratio = abs(weight[:-1]).sum() / abs(weight[-1])
    return float(2 + max(0.0, np.ceil(np.log(ratio) / np.log(beta[-1] / beta[-2]))))


def simulate(
    types: TaskTypes, attempts: int, tasks: int, *, rng: np.random.Generator
) -> tuple[IntArray, IntArray]:
    """Play the protocol: draw a type for each task, then attempts until one is accepted.

    Parameters
    ----------
    types : TaskTypes
    attempts : int
        K >= 0.
    tasks : int
        N >= 1.
    rng : numpy.random.Generator

    Returns
    -------
    ending : int64 array, shape (N,)
        1 for a right sample, -1 for a wrong one, 0 for nothing.
    used : int64 array, shape (N,)
        How many attempts were made.

    Raises
    ------
    ValueError
        If an argument is outside its range.
    """
    K, N = as_count(attempts, "attempts", minimum=0), as_count(tasks, "tasks")
    rng = as_generator(rng)
    kind = rng.choice(types.prior.size, size=N, p=types.prior)
    right = types.correct_accept[kind]
    accepted = right + types.false_accept[kind]
    ending, used = np.zeros((2, N), dtype=np.int64)
    going_on = np.arange(N)
    for _ in range(K):
        used[going_on] += 1
        level = rng.random(going_on.size)
        ending[going_on[level < accepted[going_on]]] = -1
        ending[going_on[level < right[going_on]]] = 1
        going_on = going_on[level >= accepted[going_on]]
    return ending, used


def posterior_weighted_value(
    types: TaskTypes, attempts: int, *, false_positive_value: float
) -> FloatArray:
    """The curve (K + 1,) of the authors' notebook, for comparison with :func:`value`; it is not V(0..K).

    With beliefs q_t before attempt k the notebook adds sum_t q_t (A_t + V_fp Phi_t) times
    sum_t q_t beta_t^(k-1). The second factor should be the probability that the attempt is made,
    sum_t pi_t beta_t^(k-1): the rejections are in q already, and count twice.

    Raises
    ------
    ValueError
        If ``attempts`` is no integer >= 1, or ``false_positive_value`` is not finite or above 1.
    """
    V_fp = as_false_positive_value(false_positive_value)
    k = np.arange(1, as_count(attempts, "attempts") + 1)
    q = beliefs(types, k)
    worth = q @ (types.correct_accept + V_fp * types.false_accept)
    reached = (q * types.reject ** (k[:, None] - 1)).sum(axis=1)
    return np.concatenate([[0.0], np.cumsum(worth * reached)])
