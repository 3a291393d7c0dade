"""Changing the share of a class: fewer majority points, and probabilities that must be put right after it."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samplebook.core.checks import (
    as_count,
    as_generator,
    as_number_in_range,
    as_positive,
    as_unit_interval,
)


def majority_size(num_minority: int, level: float) -> int:
    """How many majority points under-sampling to a level of U percent keeps: the nearest to 100 m / U.

    The paper counts the m *original* minority points: at 200 percent there are half as many majority points
    as these.

    Parameters
    ----------
    num_minority : int
        m >= 1.
    level : float
        U > 0, at most 200 m.

    Raises
    ------
    ValueError
        If an argument is out of range, or nothing would be kept.
    """
    size = round(
        100 * as_count(num_minority, "num_minority") / as_positive(level, "level")
    )
    if size == 0:
        raise ValueError(
            f"level: {level:g} percent leaves none beside {num_minority} points"
        )
    return size


def sample_majority(
    num_majority: int, size: int, *, rng: np.random.Generator
) -> NDArray[np.int64]:
    """``size`` of M points without replacement, as rising indices (size,): random under-sampling.

    Raises
    ------
    ValueError
        If ``size`` is not in 1..M, or ``rng`` is no generator.
    """
    num_majority = as_count(num_majority, "num_majority")
    if as_count(size, "size") > num_majority:
        raise ValueError(f"size: {size} is more than the {num_majority} points")
    return np.sort(as_generator(rng).permutation(num_majority)[:size])


def correct_prior(
    probabilities: ArrayLike, *, trained: float, true: float
) -> NDArray[np.float64]:
    """Probabilities of the minority, carried from the share in training to the true one.

    If only the classes' shares changed, and not the law within a class, the odds p / (1 - p) change by the
    factor (true odds) / (odds in training).

    Parameters
    ----------
    probabilities : array-like of float
        In [0, 1], any shape: what a model that was trained at the share ``trained`` says.
    trained, true : float
        The minority's share in training and in the world, inside (0, 1).

    Returns
    -------
    float64 array of the same shape
        In [0, 1]; 0 and 1 stay, and the order stays.

    Raises
    ------
    ValueError
        If a probability or a share is out of range.
    """
    p = as_unit_interval(probabilities, "probabilities")
    trained = as_number_in_range(trained, "trained", above=0, below=1)
    true = as_number_in_range(true, "true", above=0, below=1)
    minority = p * (true * (1 - trained))
    majority = (1 - p) * (trained * (1 - true))
    return minority / (minority + majority)
