"""l_p sensitivities: each row's largest share of ||Ax||_p^p.

    s_i = max over x of |a_i x|^p / ||Ax||_p^p,    S = sum_i s_i.

By homogeneity and norm duality this is a convex program, in three forms (1/p + 1/q = 1):

    s_i^(1/p) = max {a_i x : ||Ax||_p <= 1} = min {||y||_q : A^T y = a_i},
    1 / s_i   = min {||Ax||_p^p : a_i x = 1}.

``lp_sensitivities`` solves it for every row, ``sensitivity_bounds`` brackets all scores at the price of a few
Gram matrices. Woodruff and Yasuda ("Sharper bounds for l_p sensitivity sampling", 2023) show that about
S^(2 - 2/p) rows sampled by sensitivities are enough for p > 2. Their second version withdraws the bound
S^(2/p) for p < 2 from its list of new results: d^(1 - p/2) S rows (Chen and Derezinski, 2021) were known to
be enough, and that is never more.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samplebook.core.arrays import Array
from samplebook.core.checks import (
    as_choice,
    as_count,
    as_exponent,
    as_indices,
    as_matrix,
    as_number,
)
from samplebook.subsets.leverage import orthonormal_basis, squared_row_norms
from samplebook.subsets.lewis import lewis_step, quadratic_forms
from samplebook.subsets.norm_ratios import (
    BLOCK_ENTRIES,
    outer_products,
    weighted_grams,
)

METHODS = ("exact", "cvxpy", "upper")
"""How sensitivities are computed, by name."""
SMALLEST_GAP = 1e-10
"""Relative duality gap at which Newton's method stops."""
LARGEST_GAP = 1e-7
"""Relative duality gap above which its result is refused."""
MOST_STEPS = 300
"""Most Newton steps."""
MOST_HALVINGS = 30
"""Most halvings of a Newton step."""
ROUNDING = 1e-14
"""Relative rise of a sum that may be rounding."""
SMALLEST_WEIGHT = 1e-8
"""Floor of the Hessian's weights, beside a largest one of 1."""


def lp_sensitivities(
    A: ArrayLike, p: float, *, method: str = "exact", rows: ArrayLike | None = None
) -> NDArray[np.float64]:
    """l_p sensitivities of the rows of A.

    Parameters
    ----------
    A : array-like of shape (n, d)
        Any finite real matrix but 0. Its rank r replaces d; a zero row has sensitivity 0.
    p : float
        Exponent of the norm, >= 1.
    method : {"exact", "cvxpy", "upper"}
        "exact": for p = 1 a linear program a row (HiGHS, through highspy), for p = 2 the leverage scores,
        else Newton's method on the third form above (p > 2) or on the second (1 < p < 2). Each score then
        comes with a primal and a dual point whose values differ by less than 1e-7 of it, mostly 1e-10.
        "cvxpy": the first form, solved a row at a time by a general solver: slow, to check the others. It
        takes a fraction near p for p, which leaves errors of 1e-4 where p is no simple fraction.
        "upper": the upper bound of :func:`sensitivity_bounds`, at most r^|1 - p/2| times the score.
    rows : array-like of int, shape (k,), optional
        Compute the scores of these rows only.

    Returns
    -------
    float64 array of shape (n,), or (k,) if ``rows`` is given
        In [0, 1].

    Raises
    ------
    ValueError
        If A is no finite real matrix, or is zero; if p < 1; if ``method`` is none of the three, or a row
        number is outside 0..n - 1.
    RuntimeError
        If a program was not solved to the stated gap. That can happen for p below 1.01 or around 100.

    Notes
    -----
    Newton's method takes some tens of steps, whatever n and d are. A step forms and solves one system of size
    d for each of the k rows: time O(k (n d^2 + d^3)), so O(n^2 d^2 + n d^3) for all rows. Memory O(n d^2 + k
    n), where k n is cut off at a million. For p = 1 the time is the simplex method's, for which no useful
    bound is known; the book's page on performance has its measured growth.
    """
    A = as_matrix(A, "A")
    p = as_exponent(p)
    method = as_choice(method, "method", METHODS)
    chosen = (
        np.arange(len(A)) if rows is None else as_indices(rows, "rows", size=len(A))
    )
    if method == "upper":
        return sensitivity_bounds(A, p)[1][chosen]
    Q = orthonormal_basis(A)
    if method == "cvxpy":
        solve: Any = general_programs
    elif p == 2:
        return squared_row_norms(Q)[chosen]
    else:
        solve = linear_programs if p == 1 else newton_programs
    lengths = np.sqrt(squared_row_norms(Q[chosen]))
    nonzero = lengths > 0
    directions = Q[chosen[nonzero]] / lengths[nonzero, None]
    scores = np.zeros(len(chosen))
    if nonzero.any():
        scores[nonzero] = (lengths[nonzero] * solve(Q, directions, p)) ** p
    return np.minimum(scores, 1.0)


def linear_programs(
    Q: NDArray[np.float64], directions: NDArray[np.float64], p: float = 1.0
) -> NDArray[np.float64]:
    """max {u x : ||Qx||_1 <= 1} for each direction u (k, r) of length 1, by linear programs, shape (k,).

    The dual, scaled by its optimum 1/lambda, has r equations and values of order 1:

        max lambda  such that  Q^T z = lambda u,  -1 <= z <= 1.

    From one direction to the next only the column of lambda changes, so the solver keeps the model and
    starts from its last basis. Now and then that basis is singular for the new column: then it starts afresh.
    """
    import highspy

    solver = equality_program(np.column_stack([Q.T, directions[0]]))
    num_points, rank = Q.shape
    optima = np.empty(len(directions))
    for i, direction in enumerate(directions):
        for j in range(rank):
            solver.changeCoeff(j, num_points, -direction[j])
        solver.run()
        if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            solver.clearSolver()
            solver.run()
        if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            raise RuntimeError(f"HiGHS stopped with {solver.getModelStatus()}")
        optima[i] = 1 / solver.getObjectiveValue()
    return optima


def equality_program(columns: NDArray[np.float64]) -> Any:
    """A HiGHS model: max v_n such that ``columns`` v = 0, |v_j| <= 1 for j < n, 0 <= v_n."""
    import highspy

    num_equations, num_variables = columns.shape
    bounds = np.append(np.ones(num_variables - 1), highspy.kHighsInf)
    program = highspy.HighsLp()
    program.num_col_, program.num_row_ = num_variables, num_equations
    program.sense_ = highspy.ObjSense.kMaximize
    program.col_cost_ = np.eye(num_variables)[-1]
    program.col_lower_, program.col_upper_ = np.append(-bounds[:-1], 0), bounds
    program.row_lower_ = program.row_upper_ = np.zeros(num_equations)
    program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    program.a_matrix_.start_ = np.arange(num_variables + 1) * num_equations
    program.a_matrix_.index_ = np.tile(np.arange(num_equations), num_variables)
    program.a_matrix_.value_ = columns.T.ravel()
    solver: Any = highspy.Highs()  # type: ignore[no-untyped-call]
    options: dict[str, Any] = {
        "output_flag": False,
        "threads": 1,
        "presolve": "off",
        "primal_feasibility_tolerance": 1e-10,
        "dual_feasibility_tolerance": 1e-10,
    }
    for option, value in options.items():
        solver.setOptionValue(option, value)
    solver.passModel(program)
    return solver


def general_programs(
    Q: NDArray[np.float64], directions: NDArray[np.float64], p: float
) -> NDArray[np.float64]:
    """max {u x : ||Qx||_p <= 1} for each direction u (k, r), by cvxpy, shape (k,)."""
    import cvxpy

    cp: Any = cvxpy  # it types few of its names
    x, u = cp.Variable(Q.shape[1]), cp.Parameter(Q.shape[1])
    program = cp.Problem(cp.Maximize(u @ x), [cp.norm(Q @ x, p) <= 1])
    optima = np.empty(len(directions))
    for i, direction in enumerate(directions):
        u.value = direction
        optima[i] = program.solve(solver=cp.CLARABEL)
        if program.status != cp.OPTIMAL:
            raise RuntimeError(f"Clarabel stopped with {program.status!r}")
    return optima


def newton_programs(
    Q: NDArray[np.float64], directions: NDArray[np.float64], p: float
) -> NDArray[np.float64]:
    """max {u x : ||Qx||_p <= 1} for each direction u (k, r), by Newton's method in batches, shape (k,).

    Raises
    ------
    RuntimeError
        If a relative duality gap of the p-th power stays above 1e-7.
    """
    products = outer_products(Q)
    size = max(1, BLOCK_ENTRIES // len(Q))
    batches = [
        newton_batch(Q, products, directions[start : start + size], p)
        for start in range(0, len(directions), size)
    ]
    optima, gaps = np.concatenate(batches, axis=1)
    if gaps.max() > LARGEST_GAP:
        raise RuntimeError(
            f"Newton's method left a duality gap of {gaps.max():.1e} for p = {p:g}, more than "
            f'{LARGEST_GAP:g}: method="cvxpy" may do better'
        )
    return optima


def largest_entries(z: NDArray[np.float64]) -> NDArray[np.float64]:
    """max_j |z_j| of each row of z (k, n), shape (k, 1)."""
    return abs(z).max(axis=1, keepdims=True)


def norms(z: NDArray[np.float64], exponent: float) -> NDArray[np.float64]:
    """||z||_exponent of each row of z (k, n), shape (k,); large exponents don't underflow."""
    scale = largest_entries(z)
    sums = (abs(z / scale) ** exponent).sum(axis=1)
    return scale[:, 0] * sums ** (1 / exponent)


def newton_batch(
    Q: NDArray[np.float64],
    products: NDArray[np.float64],
    directions: NDArray[np.float64],
    p: float,
) -> NDArray[np.float64]:
    """Lower bounds of the optima of :func:`newton_programs` and the gaps of their p-th powers, shape (2, k).

    The variable is z = Qx with ux = 1 for p > 2, and z = y with Q^T y = u for p < 2. Either way the norm of z
    with exponent e = max(p, q) > 2 is minimised over an affine set, which is smooth. The multipliers of each
    step give a feasible point of the other form; 1 over its norm bounds the minimum from below.

    Parameters
    ----------
    Q : array of shape (n, r)
    products : array of shape (n, r^2)
        q_i q_i^T for each row.
    directions : array of shape (k, r)
    """
    exponent = max(p, p / (p - 1))
    z = directions @ Q.T
    smallest, bound = np.zeros((2, len(z)))
    active = np.arange(len(z))
    for _ in range(MOST_STEPS):
        steps, dual = newton_steps(Q, products, directions[active], z[active], p)
        smallest[active] = norms(z[active], exponent)
        bound[active] = np.maximum(
            bound[active], 1 / norms(dual, exponent / (exponent - 1))
        )
        wide = 1 - (bound[active] / smallest[active]) ** p > SMALLEST_GAP
        active, steps = active[wide], steps[wide]
        factors = step_factors(z[active], steps, exponent)
        z[active] += factors[:, None] * steps
        active = active[factors > 0]
        if not active.size:
            break
    optima = 1 / smallest if p > 2 else bound
    return np.stack([optima, 1 - (bound / smallest) ** p])


def newton_steps(
    Q: NDArray[np.float64],
    products: NDArray[np.float64],
    directions: NDArray[np.float64],
    z: NDArray[np.float64],
    p: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Newton's steps for ||z||_e, and points of the other form for the norm with 1/e + 1/e' = 1, each (k, n).

    The gradient is e |z|^(e - 2) z, the Hessian e (e - 1) |z|^(e - 2). Where |z| is nearly 0, a floor D of
    the Hessian's weights keeps the equations regular. So the step is 1 / (e - 1) times the projection of -t
    on the set's directions, orthogonal for the weights D, where D t is the gradient. With G = Q^T D Q, or
    Q^T D^(-1) Q for p < 2, each needs one system of size r.

    - p > 2: the directions are Qv with uv = 0. What remains, D (t + step), has Q^T D (t + step) = c u.
    - p < 2: the directions are v with Q^T v = 0. What remains, D (t + step), is some Qx.

    Either one, divided by c or by ux, is feasible for the other form.
    """
    exponent = max(p, p / (p - 1))
    weights = (abs(z) / largest_entries(z)) ** (exponent - 2)
    D = np.maximum(weights, SMALLEST_WEIGHT)
    t = z * weights / D
    if p > 2:
        right_sides = np.stack([directions, (D * t) @ Q], axis=2)
        grams = weighted_grams(D, products)
        solutions = np.linalg.solve(grams, right_sides)
        x, fit = solutions[:, :, 0], solutions[:, :, 1]
        c = row_products(directions, fit) / row_products(directions, x)
        steps = (c * x - fit) @ Q.T
        dual = D * (t + steps) / c
    else:
        grams = weighted_grams(1 / D, products)
        x = np.linalg.solve(grams, (t @ Q)[:, :, None])[:, :, 0]
        fit = x @ Q.T
        steps = fit / D - t
        dual = fit / row_products(directions, x)
    return steps / (exponent - 1), dual


def row_products(
    left: NDArray[np.floating[Any]], right: NDArray[np.floating[Any]]
) -> NDArray[np.floating[Any]]:
    """Inner products of the rows of two matrices (k, r), shape (k, 1)."""
    return np.einsum("kj,kj->k", left, right)[:, None]


def step_factors(
    z: NDArray[np.float64], steps: NDArray[np.float64], exponent: float
) -> NDArray[np.float64]:
    """The largest of 1, 1/2, 1/4 .. by which a step (k, n) doesn't raise ||z||_exponent, or 0, shape (k,)."""
    scale = largest_entries(z)
    z, steps = z / scale, steps / scale
    before = (abs(z) ** exponent).sum(axis=1) * (1 + ROUNDING)
    factors = np.zeros(len(z))
    open_rows = np.arange(len(z))
    for halvings in range(MOST_HALVINGS):
        factor = 0.5**halvings
        moved = z[open_rows] + factor * steps[open_rows]
        allowed = (abs(moved) ** exponent).sum(axis=1) <= before[open_rows]
        factors[open_rows[allowed]] = factor
        open_rows = open_rows[~allowed]
        if not open_rows.size:
            break
    return factors


def sensitivity_bounds(
    A: ArrayLike, p: float, *, slack: float = 0.01, max_iterations: int = 30
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Proven lower and upper bounds of all l_p sensitivities, by a few steps towards the Lewis weights.

    They hold for every w > 0 (n,), converged or not. With h_i = a_i (A^T W^(1 - 2/p) A)^(-1) a_i^T, let

        v_i = h_i^(p/2),    kappa = max_j (v_j / w_j)^|1 - 2/p|,    c = (sum_j w_j)^|1 - p/2|.

    Then v_i / c <= s_i <= kappa v_i for p <= 2, and v_i / kappa <= s_i <= c v_i for p >= 2. The Lewis weights
    have v = w, so kappa = 1 and c = r^|1 - p/2|.

    Proof. Let ||x||_w^2 = sum_j w_j^(1 - 2/p) (a_j x)^2. By Cauchy and Schwarz (a_j x)^2 <= h_j ||x||_w^2,
    and for x = (A^T W^(1 - 2/p) A)^(-1) a_i this is an equality at j = i, with ||x||_w^2 = h_i.

    - p >= 2, upper: Hoelder gives ||x||_w^2 <= (sum_j w_j)^(1 - 2/p) ||Ax||_p^2, so |a_i x|^p <= c v_i
      ||Ax||_p^p. Lower: at that x, |a_j x|^p <= (h_j h_i)^(p/2 - 1) (a_j x)^2, and h_j^(p/2 - 1) <= kappa
      w_j^(1 - 2/p), so ||Ax||_p^p <= kappa h_i^(p/2 - 1) ||x||_w^2 = kappa v_i, while |a_i x|^p = v_i^2.
    - p <= 2, upper: ||x||_w^2 <= sum_j w_j^(1 - 2/p) (h_j ||x||_w^2)^(1 - p/2) |a_j x|^p <= kappa
      ||x||_w^(2 - p) ||Ax||_p^p, so |a_i x|^p <= v_i ||x||_w^p <= kappa v_i ||Ax||_p^p. Lower: Hoelder gives
      ||Ax||_p^p <= c ||x||_w^p, which is c v_i at that x, while |a_i x|^p = v_i^2.

    Parameters
    ----------
    A : array-like of shape (n, d)
        Any finite real matrix but 0, of rank r. A zero row has both bounds 0.
    p : float
        Exponent of the norm, >= 1.
    slack : float
        The iteration stops as soon as upper / lower is at most (1 + slack) r^|1 - p/2|, before the upper
        bounds are cut at 1.
    max_iterations : int
        Most steps, >= 1. With few of them the bounds are wider, and still proven.

    Returns
    -------
    lower, upper : float64 arrays of shape (n,)
        In [0, 1]; lower <= s <= upper up to rounding (some 1e-12 of the value).

    Raises
    ------
    ValueError
        If A is no finite real matrix, or is zero; if p < 1, ``slack`` < 0 or ``max_iterations`` < 1.
    """
    A = as_matrix(A, "A")
    p = as_exponent(p)
    if not as_number(slack, "slack") >= 0:
        raise ValueError(f"slack: must not be negative, got {slack:g}")
    max_iterations = as_count(max_iterations, "max_iterations")
    Q = orthonormal_basis(A)
    used = squared_row_norms(Q) > 0
    bounds = np.zeros((2, len(Q)))
    bounds[:, used] = lewis_bounds(
        Q if used.all() else Q[used], p, slack, max_iterations
    )
    return bounds[0], np.minimum(bounds[1], 1.0)


def lewis_bounds(
    Q: NDArray[np.float64], p: float, slack: float, max_iterations: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The bounds of :func:`sensitivity_bounds` for an orthonormal Q (n, r) without zero rows."""
    rank = Q.shape[1]
    narrowest = (1 + slack) * rank ** abs(1 - p / 2)
    weights = np.full(len(Q), rank / len(Q))
    forms = quadratic_forms(Q, weights, p)
    for _ in range(max_iterations - 1):
        low, high = bound_factors(weights, forms, p)
        if high <= narrowest * low:
            break
        weights = lewis_step(weights, forms, p)
        forms = quadratic_forms(Q, weights, p)
    low, high = bound_factors(weights, forms, p)
    v = forms ** (p / 2)
    return low * v, high * v


def bound_factors(weights: Array, forms: Array, p: float) -> tuple[float, float]:
    """What v = h^(p/2) is multiplied by in the lower and the upper bounds of :func:`sensitivity_bounds`.

    Parameters
    ----------
    weights, forms : float64 arrays or tensors of shape (n,)
        Any w > 0, and the quadratic forms h at it.
    """
    kappa = float((forms ** (p / 2) / weights).max()) ** abs(1 - 2 / p)
    c = float(weights.sum()) ** abs(1 - p / 2)
    return (1 / c, kappa) if p <= 2 else (1 / kappa, c)


def total_sensitivity(A: ArrayLike, p: float, *, method: str = "exact") -> float:
    """S = sum_i s_i, or the sum of the upper bounds; see :func:`lp_sensitivities`.

    Between r^(p/2) and r for p <= 2, and between r and r^(p/2) for p >= 2, where r is the rank of A.
    """
    return float(lp_sensitivities(A, p, method=method).sum())
