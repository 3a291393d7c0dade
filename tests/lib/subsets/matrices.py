"""Matrices on which scores and samples are tested."""

import numpy as np


def random_matrix(seed, num_rows, num_columns, *, heavy=False):
    """Gaussian entries; with ``heavy``, each row times a Student t number of 1.2 degrees of freedom."""
    rng = np.random.default_rng(seed)
    matrix = rng.standard_normal((num_rows, num_columns))
    return matrix * rng.standard_t(1.2, size=(num_rows, 1)) if heavy else matrix


def awkward_matrix(seed=0):
    """Rank 3 in 5 columns of very different units: a zero column, a combination, zero rows, parallel rows."""
    basis = random_matrix(seed, 24, 3)
    basis[[0, 11]] = 0
    basis[5] = -2 * basis[4]
    basis[7] = basis[6]
    return np.column_stack(
        [
            1e9 * basis[:, 0],
            basis[:, 1],
            np.zeros(24),
            1e-9 * basis[:, 2],
            basis @ [1, 2, 3],
        ]
    )


ZERO_ROWS = [0, 11]
"""The zero rows of :func:`awkward_matrix`."""

BAD_MATRICES = {
    "not a number": ([[1.0, float("nan")]], "A: has nan at .0, 1., must be finite"),
    "infinite": ([[1.0], [float("inf")]], "A: has inf"),
    "zero": (np.zeros((3, 2)), "A: is zero"),
    "a vector": ([1.0, 2.0], r"A: must be a matrix \(n, d\), got shape \(2,\)"),
    "no rows": (np.empty((0, 3)), "A: empty"),
    "no columns": (np.empty((3, 0)), "A: empty"),
    "complex": ([[1j]], "A: must be real numbers"),
    "text": ([["a"]], "A: must be real numbers"),
}
"""What is no matrix, and what the message says."""

BAD_EXPONENTS = [0.999, 0, -1, float("nan"), float("inf"), "1", None, True]
