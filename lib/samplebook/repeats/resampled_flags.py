"""What resampling with a weak check scores on recorded samples: exact, and by shuffling.

Of each task n samples are recorded with two flags: whether a weak check accepts the sample, and whether it is
right (a strong check, taken as the truth). K of them, drawn without replacement, are looked at in random
order; the first that the weak check accepts is returned.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samplebook.core.checks import as_count, as_generator, as_mask
from samplebook.repeats.coverage import as_integers, estimate_pass_at_k
from samplebook.repeats.imperfect_verifier import as_false_positive_value

FloatArray = NDArray[np.float64]


def as_flags(accepted: Any, right: Any) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Both tables of flags as bool arrays (M, n), or ``ValueError``."""
    weak = as_mask(accepted, "accepted")
    return weak, as_mask(right, "right", shape=weak.shape)


def precision(accepted: ArrayLike, right: ArrayLike) -> FloatArray:
    """The share of right samples among the accepted ones of each task (M,); NaN where none is accepted.

    Parameters
    ----------
    accepted, right : array-like of bool, shape (M, n)

    Raises
    ------
    ValueError
        If one is no table of truth values, or the shapes differ.
    """
    weak, strong = as_flags(accepted, right)
    count = weak.sum(axis=1)
    with np.errstate(invalid="ignore"):
        return np.asarray((weak & strong).sum(axis=1) / count)


def resampling_score(
    accepted: ArrayLike,
    right: ArrayLike,
    attempts: ArrayLike,
    *,
    false_positive_value: float,
) -> FloatArray:
    """The mean score over all orders of the samples, exactly.

    In a random order the first accepted sample is uniform among the accepted ones, whatever its place. So the
    score of a task is pass@K of the weak check, as :func:`estimate_pass_at_k` has it, times
    rho + (1 - rho) V_fp, with the precision rho.

    Parameters
    ----------
    accepted, right : array-like of bool, shape (M, n)
    attempts : int or array-like of int, shape (K,)
        From 0 to n.
    false_positive_value : float, at most 1
        V_fp.

    Returns
    -------
    float64 array, shape (M, K), or (M,) for one budget
        Their mean over the tasks is the score of the collection.

    Raises
    ------
    ValueError
        If flags are no tables of truth values of one shape, or an argument is outside its range.
    """
    weak, strong = as_flags(accepted, right)
    V_fp = as_false_positive_value(false_positive_value)
    K = as_integers(attempts, "attempts", minimum=0)
    if K.max() > weak.shape[1]:
        raise ValueError(
            f"attempts: {K.max()} is more than the {weak.shape[1]} samples"
        )
    rho = np.nan_to_num(precision(weak, strong))
    worth = np.expand_dims(rho + (1 - rho) * V_fp, tuple(range(-K.ndim, 0)))
    some = estimate_pass_at_k(weak.sum(axis=1), weak.shape[1], np.maximum(K, 1))
    return np.asarray(np.where(K > 0, some * worth, 0.0))


def shuffled_scores(
    accepted: ArrayLike,
    right: ArrayLike,
    attempts: int,
    shuffles: int,
    *,
    false_positive_value: float,
    rng: np.random.Generator,
) -> FloatArray:
    """Mean scores (shuffles,) of the collection, each in a random order of every task's samples.

    Parameters
    ----------
    accepted, right : array-like of bool, shape (M, n)
    attempts : int
        K, from 0 to n.
    shuffles : int
    false_positive_value : float, at most 1
    rng : numpy.random.Generator

    Raises
    ------
    ValueError
        If flags are no tables of truth values of one shape, or an argument is outside its range.
    """
    weak, strong = as_flags(accepted, right)
    V_fp = as_false_positive_value(false_positive_value)
    K = as_count(attempts, "attempts", minimum=0)
    if weak.shape[1] < K:
        raise ValueError(f"attempts: {K} is more than the {weak.shape[1]} samples")
    rng = as_generator(rng)
    worth = np.where(strong, 1.0, V_fp)
    scores = np.zeros(as_count(shuffles, "shuffles"))
    tasks = np.arange(len(weak))
    for number in range(scores.size if K else 0):
        order = rng.permuted(
            np.broadcast_to(np.arange(weak.shape[1]), weak.shape), axis=1
        )[:, :K]
        looked_at = np.take_along_axis(weak, order, axis=1)
        first = order[tasks, looked_at.argmax(axis=1)]
        returned = looked_at.any(axis=1)
        scores[number] = np.where(returned, worth[tasks, first], 0.0).mean()
    return scores
