"""What tests share: small spaces of functions on finitely many rows, and exact laws by enumeration."""

import itertools
import math

import numpy as np

from samplebook.subsets import FiniteSpace, gram_matrix, sampling_weights


def orthonormal(rows, columns, seed=0):
    """A random orthonormal matrix."""
    gaussian = np.random.default_rng(seed).standard_normal((rows, columns))
    return np.linalg.qr(gaussian)[0]


def sets_and_masses(Q):
    """All sets of r rows, and det(Q_S)^2 for each."""
    sets = np.array(list(itertools.combinations(range(len(Q)), Q.shape[1])))
    return sets, np.linalg.det(Q[sets]) ** 2


def tuples(rows, size):
    """All tuples of ``size`` row numbers, (rows^size, size)."""
    return np.indices((rows,) * size).reshape(size, -1).T


def volume_law(space: FiniteSpace, size, share=1.0):
    """All tuples of rows, and their probabilities under volume sampling by its definition.

    Dependent rows have probability 0, without rounding.
    """
    n, m = size, space.dimension
    points = tuples(space.size, n)
    weights = sampling_weights(space, points, christoffel_share=share)
    determinants = np.linalg.det(gram_matrix(space.basis(points), weights))
    constant = math.factorial(n - m) * n**m / math.factorial(n)
    law = constant * determinants / (space.size * weights).prod(axis=1)
    return points, np.where(law > 1e-14, law, 0.0)


def tuple_counts(samples, rows):
    """How often each tuple of :func:`tuples` was drawn, for samples (R, n)."""
    codes = np.ravel_multi_index(tuple(samples.T), (rows,) * samples.shape[1])
    return np.bincount(codes, minlength=rows ** samples.shape[1])
