"""SMOTE: new minority examples between old ones (Chawla, Bowyer, Hall and Kegelmeyer, 2002).

A new point lies between a minority point x_i, its base, and a partner x_j, drawn uniformly from the k nearest
minority neighbours of x_i. The paper describes the place in two ways that differ:

=======  ==========================  =========================================================
variant  new point                   where the paper has it
=======  ==========================  =========================================================
line     x_i + u (x_j - x_i)         its text and figures: one u for all features
box      x_ia + u_a (x_ja - x_ia)    its pseudo-code: a fresh u_a for every feature a
=======  ==========================  =========================================================

Every u is uniform on [0, 1). The functions here take the minority points alone: what the majority does has no
say in SMOTE. Distances are Euclidean, so features should have comparable scales.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samplebook.core.checks import (
    as_choice,
    as_count,
    as_generator,
    as_indices,
    as_matrix,
    as_number,
)

Numbers = NDArray[np.float64]
Indices = NDArray[np.int64]
VARIANTS = ("line", "box")
"""One u for all features, or one for each."""


@dataclass(frozen=True)
class SyntheticPoints:
    """New points, and how each came about.

    Attributes
    ----------
    points : float64 array, shape (n, d)
    bases : int64 array, shape (n,)
        The minority point from which each new point starts, rising.
    partners : int64 array, shape (n,)
        The neighbour of the base towards which it goes.
    fractions : float64 array, shape (n, 1) or (n, d)
        How far it goes: the u of the line variant, or every feature's u of the box variant; in [0, 1).
    """

    points: Numbers
    bases: Indices
    partners: Indices
    fractions: Numbers


def sample_smote(
    points: ArrayLike,
    count: int,
    *,
    num_neighbours: int = 5,
    variant: str = "line",
    rng: np.random.Generator,
) -> SyntheticPoints:
    """Draw new minority points by SMOTE.

    Parameters
    ----------
    points : array-like of shape (m, d)
        The minority points, m >= 2; features of comparable scales.
    count : int
        How many new points. Each point is a base as often as any other, up to one; see :func:`even_bases`.
        :func:`count_of_amount` gives the number for the paper's N percent.
    num_neighbours : int
        k, from 1 to m - 1; 5 in the paper.
    variant : str
        ``"line"`` or ``"box"``, see above.
    rng : numpy.random.Generator

    Raises
    ------
    ValueError
        If ``points`` is no finite real matrix with two rows, ``count`` < 1, k is not in 1..m - 1, the variant
        is not known, or ``rng`` is no generator.
    """
    points = as_minority(points)
    rng = as_generator(rng)
    variant = as_choice(variant, "variant", VARIANTS)
    neighbours = minority_neighbours(points, num_neighbours)
    bases = even_bases(len(points), count, rng=rng)
    partners = draw_partners(neighbours, bases, rng=rng)
    width = points.shape[1] if variant == "box" else 1
    fractions = rng.random((len(bases), width))
    return SyntheticPoints(
        points=interpolate(points, bases, partners, fractions),
        bases=bases,
        partners=partners,
        fractions=fractions,
    )


def as_minority(points: ArrayLike) -> Numbers:
    """``points`` as a finite float64 matrix (m, d) with m >= 2, or ``ValueError``."""
    matrix = as_matrix(points, "points")
    if len(matrix) < 2:
        raise ValueError("points: one point has no neighbour, needs at least 2")
    return matrix


def minority_neighbours(points: ArrayLike, num_neighbours: int) -> Indices:
    """The k nearest neighbours of every point among the others.

    A point is left out of its own list by its number, not because it comes first: a twin lies at distance 0
    as well. The points are centred before scikit-learn searches, since its fast distances
    |x|^2 - 2 x'y + |y|^2 lose all digits far from the origin.

    Parameters
    ----------
    points : array-like of shape (m, d)
        m >= 2.
    num_neighbours : int
        k, from 1 to m - 1.

    Returns
    -------
    int64 array of shape (m, k)
        Nearest first; of equally near ones any.

    Raises
    ------
    ValueError
        If ``points`` is no finite real matrix with two rows, or k is not in 1..m - 1.
    """
    from sklearn.neighbors import NearestNeighbors

    points = as_minority(points)
    if as_count(num_neighbours, "num_neighbours") >= len(points):
        raise ValueError(
            f"num_neighbours: must be below the number of points, {len(points)}, got {num_neighbours}"
        )
    centred = points - points.mean(axis=0)
    search = NearestNeighbors(n_neighbors=num_neighbours).fit(centred)
    return np.asarray(search.kneighbors(return_distance=False), dtype=np.int64)


def count_of_amount(num_points: int, amount: float) -> int:
    """How many new points the paper's amount of N percent means for m minority points.

    A multiple of 100 gives N / 100 for every point. Below 100 it gives one for each of floor(m N / 100)
    points. The paper's pseudo-code cuts other amounts down to a multiple; here they are an error.

    Parameters
    ----------
    num_points : int
        m >= 1.
    amount : float
        N > 0: below 100, or a multiple of it.

    Raises
    ------
    ValueError
        If an argument is out of range, or the amount is too small for a single point.
    """
    num_points = as_count(num_points, "num_points")
    amount = as_number(amount, "amount")
    if not 0 < amount < np.inf or (amount > 100 and amount % 100):
        raise ValueError(
            f"amount: must be between 0 and 100 or a multiple of 100, got {amount:g}"
        )
    count = int(num_points * amount // 100)
    if count == 0:
        raise ValueError(
            f"amount: {amount:g} percent of {num_points} points is less than one"
        )
    return count


def even_bases(num_points: int, count: int, *, rng: np.random.Generator) -> Indices:
    """``count`` bases among m points, as evenly as can be.

    Every point is a base floor(count / m) times, and the rest goes to as many different points, drawn without
    replacement. So N percent of SMOTE gives N / 100 new points for *each* point, as the paper has it.

    Parameters
    ----------
    num_points : int
        m >= 1.
    count : int
        At least 1.
    rng : numpy.random.Generator
        Not used where ``count`` is a multiple of m.

    Returns
    -------
    int64 array of shape (count,)
        Rising, in 0..m - 1.

    Raises
    ------
    ValueError
        If an argument is out of range, or ``rng`` is no generator.
    """
    rng = as_generator(rng)
    rounds, rest = divmod(as_count(count, "count"), as_count(num_points, "num_points"))
    times = np.full(num_points, rounds)
    if rest:
        times[rng.permutation(num_points)[:rest]] += 1
    return np.repeat(np.arange(num_points), times)


def draw_partners(
    neighbours: Indices, bases: Indices, *, rng: np.random.Generator
) -> Indices:
    """A partner for each base, uniform among its neighbours.

    Parameters
    ----------
    neighbours : int64 array, shape (m, k)
    bases : int64 array, shape (n,)
    rng : numpy.random.Generator
    """
    places = rng.integers(neighbours.shape[1], size=len(bases))
    return neighbours[bases, places]


def interpolate(
    points: Numbers, bases: Indices, partners: Indices, fractions: Numbers
) -> Numbers:
    """x_i + u (x_j - x_i), shape (n, d), for bases i and partners j (n,) and fractions u (n, 1) or (n, d).

    Written so that a feature in which base and partner agree keeps its value to the last bit.
    """
    start = points[bases]
    return start + fractions * (points[partners] - start)


def synthetic_moments(
    points: ArrayLike, neighbours: ArrayLike, *, variant: str = "line"
) -> tuple[Numbers, Numbers]:
    """Mean and covariance of a new point, exactly, given the minority points and their neighbours.

    The base i is uniform, the partner j uniform in its list. With E (1-u)^2 = E u^2 = 1/3 and
    E u (1-u) = 1/6 the second moment is E[x_i x_i' + x_j x_j'] / 3 + E[x_i x_j' + x_j x_i'] / 6 on the line.
    In the box two features have independent u: off the diagonal both factors are 1/4.

    Parameters
    ----------
    points : array-like of shape (m, d)
        m >= 2.
    neighbours : array-like of int, shape (m, k)
        As :func:`minority_neighbours` gives them.
    variant : str
        ``"line"`` or ``"box"``.

    Returns
    -------
    mean : float64 array, shape (d,)
        Where a point is a neighbour of many, the mean leans towards it.
    covariance : float64 array, shape (d, d)

    Raises
    ------
    ValueError
        If ``points`` is no finite real matrix with two rows, ``neighbours`` has not m rows of point numbers,
        or the variant is not known.
    """
    points = as_minority(points)
    variant = as_choice(variant, "variant", VARIANTS)
    lists = as_neighbour_lists(neighbours, len(points))
    centre = points.mean(axis=0)
    base = points - centre
    partner = base[lists].mean(axis=1)
    popularity = np.bincount(lists.ravel(), minlength=len(base)) / lists.shape[1]
    squares = base.T @ (base * (1 + popularity)[:, None]) / len(base)
    products = base.T @ partner / len(base)
    products = products + products.T
    second = squares / 3 + products / 6
    if variant == "box":
        diagonal = second.diagonal().copy()
        second = (squares + products) / 4
        np.fill_diagonal(second, diagonal)
    mean = partner.mean(axis=0) / 2
    return centre + mean, second - np.outer(mean, mean)


def as_neighbour_lists(neighbours: ArrayLike, num_points: int) -> Indices:
    """``neighbours`` as an int64 matrix (m, k) of numbers in 0..m - 1, or ``ValueError``."""
    lists = np.asarray(neighbours)
    if lists.ndim != 2 or len(lists) != num_points:
        raise ValueError(
            f"neighbours: must have shape ({num_points}, k), got {lists.shape}"
        )
    flat = as_indices(lists.ravel(), "neighbours", size=num_points)
    return flat.reshape(lists.shape)
