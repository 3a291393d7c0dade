"""Least absolute deviations: the regression that a sample of rows makes cheap for p = 1."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samplebook.core.checks import as_exponent, as_matrix, as_nonnegative, as_vector


def least_absolute_deviations(
    A: ArrayLike, b: ArrayLike, weights: ArrayLike | None = None
) -> NDArray[np.float64]:
    """A minimiser of sum_i w_i |a_i x - b_i|, by a linear program (SciPy's HiGHS).

    The dual program is solved: max b^T z over A^T z = 0, |z_i| <= w_i. It has one equation a column, and x
    is the vector of its multipliers. The solver's tolerances are absolute, so the columns of A, b and w are
    first divided by their largest entries.

    Parameters
    ----------
    A : array-like of shape (n, d)
    b : array-like of shape (n,)
    weights : array-like of shape (n,), optional
        Not negative, not all 0; 1 by default. For a sample of rows they are the weights of
        :func:`~samplebook.subsets.sample_rows` for p = 1.

    Returns
    -------
    float64 array of shape (d,)
        One minimiser; there can be many.

    Raises
    ------
    ValueError
        If A or b is not finite and real, the sizes differ, a weight is negative or all are 0.
    RuntimeError
        If the solver fails.
    """
    from scipy.optimize import linprog

    A = as_matrix(A, "A")
    b = as_vector(b, "b", length=len(A))
    bound = (
        np.ones(len(A))
        if weights is None
        else as_nonnegative(weights, "weights", length=len(A))
    )
    bound = bound / bound.max()
    column_units, unit = largest_entry(A), largest_entry(b)
    result = linprog(
        -b / unit,
        A_eq=(A / column_units).T,
        b_eq=np.zeros(A.shape[1]),
        bounds=np.column_stack([-bound, bound]),
        method="highs",
    )
    if result.status != 0:
        raise RuntimeError(f"HiGHS stopped: {result.message}")
    return -result.eqlin.marginals / column_units * unit


def largest_entry(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The largest absolute value along the first axis; 1 where all are 0."""
    largest = abs(values).max(axis=0)
    return np.where(largest > 0, largest, 1.0)


def regression_cost(A: ArrayLike, b: ArrayLike, x: ArrayLike, *, p: float) -> float:
    """||Ax - b||_p^p.

    Raises
    ------
    ValueError
        If an argument is not finite and real, the sizes differ, or p < 1.
    """
    A = as_matrix(A, "A")
    residuals = A @ as_vector(x, "x", length=A.shape[1]) - as_vector(
        b, "b", length=len(A)
    )
    return float((abs(residuals) ** as_exponent(p)).sum())
