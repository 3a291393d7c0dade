"""Choosing few: scores, regressions and fits beside solvers and general packages."""

from typing import Any

import numpy as np

from harness.duels import Duel
from samplebook.subsets import (
    least_absolute_deviations,
    leverage_scores,
    lewis_weights,
    lp_sensitivities,
    weighted_least_squares,
)

SCORED = 10
"""Rows whose sensitivities are computed."""


def gaussian(rows: int, columns: int) -> Any:
    return np.random.default_rng(0).standard_normal((rows, columns))


def leverage_beside_numpy() -> Duel:
    A = gaussian(20_000, 50)
    return Duel(
        part="subsets",
        function="samplebook.subsets.leverage_scores",
        work="20,000 x 50 matrix",
        other="NumPy, QR",
        ours=lambda: leverage_scores(A),
        theirs=lambda: (np.linalg.qr(A)[0] ** 2).sum(axis=1),
        tolerance=1e-12,
    )


def lewis_with_cvxpy(A: Any) -> Any:
    """Lewis weights for p = 4 by the program that they solve: u = w^(1/2) has the least
    - log det(A^T U A) + |u|^2 / 2."""
    import cvxpy

    cp: Any = cvxpy
    u = cp.Variable(len(A), nonneg=True)
    gram = A.T @ cp.diag(u) @ A
    cp.Problem(cp.Minimize(cp.sum_squares(u) / 2 - cp.log_det(gram))).solve(
        solver=cp.CLARABEL
    )
    return u.value**2


def lewis_beside_cvxpy() -> Duel:
    A = gaussian(100, 4)
    return Duel(
        part="subsets",
        function="samplebook.subsets.lewis_weights",
        work="p = 4, 100 x 4 matrix",
        other="cvxpy, Clarabel",
        ours=lambda: lewis_weights(A, 4),
        theirs=lambda: lewis_with_cvxpy(A),
        tolerance=1e-4,
        rounds=3,
    )


def sensitivities_with_cvxpy(A: Any, p: float) -> Any:
    """max |a_i x|^p for ||Ax||_p <= 1, one program for all rows, with a_i as its parameter."""
    import cvxpy

    cp: Any = cvxpy
    x, row = cp.Variable(A.shape[1]), cp.Parameter(A.shape[1])
    program = cp.Problem(cp.Maximize(row @ x), [cp.norm(A @ x, p) <= 1])
    found = []
    for row.value in A[:SCORED]:
        found.append(program.solve(solver=cp.CLARABEL) ** p)
    return np.array(found)


def sensitivities_beside_cvxpy(p: float) -> Duel:
    A = gaussian(500, 5)
    return Duel(
        part="subsets",
        function="samplebook.subsets.lp_sensitivities",
        work=f"p = {p:g}, {SCORED} rows of a 500 x 5 matrix",
        other="cvxpy, Clarabel",
        ours=lambda: lp_sensitivities(A, p, rows=range(SCORED)),
        theirs=lambda: sensitivities_with_cvxpy(A, p),
        tolerance=1e-6,
        rounds=3,
    )


def sensitivities_p4_beside_cvxpy() -> Duel:
    return sensitivities_beside_cvxpy(4)


def sensitivities_p32_beside_cvxpy() -> Duel:
    return sensitivities_beside_cvxpy(1.5)


def sensitivities_with_linprog(A: Any) -> Any:
    """For p = 1: max a_i x for -t <= Ax <= t and sum t <= 1, one program a row."""
    from scipy.optimize import linprog
    from scipy.sparse import csr_array, eye_array, hstack, vstack

    n, d = A.shape
    identity = eye_array(n)
    total = csr_array(np.append(np.zeros(d), np.ones(n))[None])
    limits = vstack(
        [hstack([A, -identity]), hstack([-A, -identity]), total], format="csr"
    )
    return np.array(
        [
            -linprog(
                -np.append(row, np.zeros(n)),
                A_ub=limits,
                b_ub=np.append(np.zeros(2 * n), 1.0),
                bounds=(None, None),
                method="highs",
            ).fun
            for row in A[:SCORED]
        ]
    )


def sensitivities_p1_beside_linprog() -> Duel:
    A = gaussian(500, 5)
    return Duel(
        part="subsets",
        function="samplebook.subsets.lp_sensitivities",
        work=f"p = 1, {SCORED} rows of a 500 x 5 matrix",
        other="SciPy, linprog",
        ours=lambda: lp_sensitivities(A, 1, rows=range(SCORED)),
        theirs=lambda: sensitivities_with_linprog(A),
        tolerance=1e-8,
        rounds=3,
    )


def absolute_deviations_beside_scikit_learn() -> Duel:
    from sklearn.linear_model import QuantileRegressor

    A = gaussian(1_000, 10)
    b = A.sum(axis=1) + np.random.default_rng(1).standard_t(2, size=len(A))
    median = QuantileRegressor(quantile=0.5, alpha=0, fit_intercept=False)
    return Duel(
        part="subsets",
        function="samplebook.subsets.least_absolute_deviations",
        work="1,000 x 10 matrix",
        other="scikit-learn, QuantileRegressor",
        ours=lambda: least_absolute_deviations(A, b),
        theirs=lambda: median.fit(A, b).coef_,
        tolerance=1e-7,
        rounds=5,
    )


def fit() -> tuple[Any, Any, Any]:
    """Basis values (n, m), values (n,) and weights (n,) of a weighted fit."""
    rng = np.random.default_rng(1)
    basis = gaussian(10_000, 50)
    values = basis.sum(axis=1) + rng.standard_normal(len(basis))
    return basis, values, rng.uniform(0.5, 2, size=len(basis))


def least_squares_beside_numpy() -> Duel:
    basis, values, weights = fit()

    def theirs() -> Any:
        root = np.sqrt(weights)
        return np.linalg.lstsq(root[:, None] * basis, root * values)[0]

    return Duel(
        part="subsets",
        function="samplebook.subsets.weighted_least_squares",
        work="10,000 points, 50 coefficients",
        other="NumPy, lstsq",
        ours=lambda: weighted_least_squares(basis, values, weights),
        theirs=theirs,
        tolerance=1e-12,
    )


def least_squares_beside_scikit_learn() -> Duel:
    from sklearn.linear_model import LinearRegression

    basis, values, weights = fit()
    regression = LinearRegression(fit_intercept=False)
    return Duel(
        part="subsets",
        function="samplebook.subsets.weighted_least_squares",
        work="10,000 points, 50 coefficients",
        other="scikit-learn, LinearRegression",
        ours=lambda: weighted_least_squares(basis, values, weights),
        theirs=lambda: regression.fit(basis, values, sample_weight=weights).coef_,
        tolerance=1e-12,
    )


DUELS = (
    leverage_beside_numpy,
    lewis_beside_cvxpy,
    sensitivities_p4_beside_cvxpy,
    sensitivities_p32_beside_cvxpy,
    sensitivities_p1_beside_linprog,
    absolute_deviations_beside_scikit_learn,
    least_squares_beside_numpy,
    least_squares_beside_scikit_learn,
)
