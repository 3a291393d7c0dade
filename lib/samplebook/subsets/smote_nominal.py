"""SMOTE-NC: SMOTE for points with numbers and categories (Chawla, Bowyer, Hall and Kegelmeyer, 2002).

Numbers are interpolated as SMOTE does. A category cannot be: a new point takes the one that most of the
base's neighbours have.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samplebook.core.arrays import to_numpy
from samplebook.core.checks import as_array, as_generator, is_integer
from samplebook.subsets.smote import (
    Indices,
    Numbers,
    as_minority,
    draw_partners,
    even_bases,
    interpolate,
    minority_neighbours,
)


@dataclass(frozen=True)
class SyntheticMixedPoints:
    """New points with numbers and categories, and how each came about.

    Attributes
    ----------
    points : float64 array, shape (n, d)
    categories : int64 array, shape (n, q)
        Each one a value that a neighbour of the base has.
    bases, partners : int64 arrays, shape (n,)
        The minority point from which the numbers start, rising, and the neighbour towards which they go.
    fractions : float64 array, shape (n, 1)
        How far they go, in [0, 1).
    """

    points: Numbers
    categories: Indices
    bases: Indices
    partners: Indices
    fractions: Numbers


def sample_smote_nc(
    points: ArrayLike,
    categories: ArrayLike,
    count: int,
    *,
    num_neighbours: int = 5,
    rng: np.random.Generator,
) -> SyntheticMixedPoints:
    """Draw new minority points with numbers and categories by SMOTE-NC.

    Parameters
    ----------
    points : array-like of shape (m, d)
        The numbers of the minority points, m >= 2; features of comparable scales.
    categories : array-like of int, shape (m, q)
        Their categories; which integer stands for which does not matter.
    count : int
        How many new points, as in :func:`~samplebook.subsets.smote.sample_smote`.
    num_neighbours : int
        k, from 1 to m - 1.
    rng : numpy.random.Generator

    Raises
    ------
    ValueError
        As :func:`~samplebook.subsets.smote.sample_smote`, or if ``categories`` are no m rows of integers.
    """
    points = as_minority(points)
    categories = as_categories(categories, len(points))
    rng = as_generator(rng)
    coordinates = mixed_coordinates(points, categories)
    neighbours = minority_neighbours(coordinates, num_neighbours)
    bases = even_bases(len(points), count, rng=rng)
    partners = draw_partners(neighbours, bases, rng=rng)
    fractions = rng.random((len(bases), 1))
    columns = [vote(column[neighbours], bases, rng=rng) for column in categories.T]
    return SyntheticMixedPoints(
        points=interpolate(points, bases, partners, fractions),
        categories=np.column_stack(columns),
        bases=bases,
        partners=partners,
        fractions=fractions,
    )


def as_categories(values: ArrayLike, num_points: int) -> Indices:
    """``values`` as an int64 matrix (m, q) with q >= 1, or ``ValueError``."""
    array = to_numpy(as_array(values, "categories"))
    if array.ndim != 2 or len(array) != num_points or not is_integer(array):
        raise ValueError(
            f"categories: must be integers of shape ({num_points}, q), "
            f"got {array.dtype} of shape {array.shape}"
        )
    return array.astype(np.int64, copy=False)


def mixed_coordinates(points: Numbers, categories: Indices) -> Numbers:
    """Coordinates whose Euclidean distance is that of SMOTE-NC.

    Let s be the median of the numeric features' standard deviations. The squared distance is that of the
    numbers, and s^2 more for every nominal feature in which two points differ. An indicator of each category,
    times s / sqrt(2), does that: two different ones are s apart.

    Parameters
    ----------
    points : float64 array, shape (m, d)
    categories : int64 array, shape (m, q)

    Returns
    -------
    float64 array, shape (m, d + number of categories that occur)
    """
    step = np.median(points.std(axis=0)) / np.sqrt(2)
    indicators = [
        (column[:, None] == np.unique(column)) * step for column in categories.T
    ]
    return np.hstack([points, *indicators])


def vote(
    ballots: Indices, bases: Indices, *, rng: np.random.Generator
) -> NDArray[np.int64]:
    """The value that most neighbours of each base have; of equally frequent ones one at random.

    Parameters
    ----------
    ballots : int64 array, shape (m, k)
        The value of each of the k neighbours of every point.
    bases : int64 array, shape (n,)
    rng : numpy.random.Generator
        Draws n uniform numbers for each value that occurs.

    Returns
    -------
    int64 array, shape (n,)
    """
    values = np.unique(ballots)
    tallies = (ballots[:, :, None] == values).sum(axis=1)
    lots = rng.random((len(bases), len(values)))  # below 1, so they decide ties alone
    return values[(tallies[bases] + lots).argmax(axis=1)]
