"""Sensitivities: three programs agree, the bounds enclose them, special cases by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matrices import (
    BAD_EXPONENTS,
    BAD_MATRICES,
    ZERO_ROWS,
    awkward_matrix,
    random_matrix,
)
from scipy.optimize import linprog

from samplebook.subsets import (
    leverage_scores,
    lewis_weights,
    lp_sensitivities,
    orthonormal_basis,
    sensitivities,
    sensitivity_bounds,
    total_sensitivity,
)
from samplebook.subsets.norm_ratios import outer_products

FAST = settings(derandomize=True, deadline=None, max_examples=40, database=None)
EXPONENTS = [1, 1.05, 1.3, 1.5, 1.9, 2, 2.1, 2.5, 3, 4, 6, 10]


def minimum_norm_dual(A, row, p):
    """min {||y||_q : A^T y = a_i}^p, by another solver than the library's."""
    if p == 1:
        n, d = A.shape
        steps = np.column_stack([np.eye(n), -np.ones(n)])
        result = linprog(
            np.append(np.zeros(n), 1),
            A_ub=np.concatenate([steps, steps - 2 * np.eye(n, n + 1)]),
            b_ub=np.zeros(2 * n),
            A_eq=np.column_stack([A.T, np.zeros(d)]),
            b_eq=A[row],
            bounds=[(None, None)] * n + [(0, None)],
        )
        return result.fun
    import cvxpy

    y = cvxpy.Variable(len(A))
    objective = cvxpy.Minimize(cvxpy.norm(y, p / (p - 1)))
    program = cvxpy.Problem(objective, [A.T @ y == A[row]])
    return program.solve(solver=cvxpy.CLARABEL) ** p


@pytest.mark.parametrize("p", [1, 1.25, 1.5, 2, 3, 4])
def test_three_programs_agree(p):
    A = random_matrix(0, 25, 4)
    rows = [0, 7, 19]
    exact = lp_sensitivities(A, p, rows=rows)
    general = lp_sensitivities(A, p, method="cvxpy", rows=rows)
    dual = [minimum_norm_dual(A, row, p) for row in rows]
    np.testing.assert_allclose(general, exact, rtol=1e-6)
    np.testing.assert_allclose(dual, exact, rtol=1e-6)
    assert (general != exact).all()  # two programs, down to the last digits


@FAST
@given(
    st.integers(0, 10**6),
    st.integers(1, 4),
    st.sampled_from(EXPONENTS),
    st.booleans(),
    st.integers(1, 4),
)
def test_bounds_enclose_exact_scores_however_few_the_steps(seed, d, p, heavy, steps):
    A = random_matrix(seed, 15, d, heavy=heavy)
    exact = lp_sensitivities(A, p)
    lower, upper = sensitivity_bounds(A, p, max_iterations=steps)
    assert (lower <= exact * (1 + 1e-7)).all()
    assert (exact <= upper * (1 + 1e-7)).all()


def bounds_after(A, p, steps):
    """The bounds after some steps towards the Lewis weights, by their definition."""
    n, d = A.shape
    w = np.full(n, d / n)
    for step in range(steps):
        gram = A.T @ np.diag(w ** (1 - 2 / p)) @ A
        h = np.diag(A @ np.linalg.inv(gram) @ A.T)
        if step < steps - 1:
            w = h ** (p / 2) if p <= 2 else w ** (1 - 2 / p) * h
    v = h ** (p / 2)
    kappa, c = (v / w).max() ** abs(1 - 2 / p), w.sum() ** abs(1 - p / 2)
    return (v / c, kappa * v) if p <= 2 else (v / kappa, c * v)


BOUNDED = [1, 1.5, 2, 2.5, 3, 5]


@pytest.mark.parametrize("p", BOUNDED)
@pytest.mark.parametrize("steps", [1, 2, 3])
def test_bounds_by_their_definition(p, steps):
    A = random_matrix(7, 12, 3, heavy=True)
    lower, upper = sensitivity_bounds(A, p, slack=0, max_iterations=steps)
    by_definition = bounds_after(A, p, steps)
    np.testing.assert_allclose(lower, by_definition[0], rtol=1e-9)
    np.testing.assert_allclose(upper, np.minimum(by_definition[1], 1), rtol=1e-9)


@pytest.mark.parametrize("p", BOUNDED)
def test_bounds_stop_at_the_slack(p):
    """Just above what the first step leaves they stop there; just below they go on."""
    A = random_matrix(7, 40, 3)
    lower, upper = bounds_after(A, p, 1)
    slack = (upper / lower)[0] / 3 ** abs(1 - p / 2) - 1
    one, two = (sensitivity_bounds(A, p, slack=0, max_iterations=k) for k in (1, 2))
    np.testing.assert_array_equal(sensitivity_bounds(A, p, slack=slack + 1e-9), one)
    if p != 2:  # there all bounds are the scores
        going_on = sensitivity_bounds(A, p, slack=slack - 1e-9, max_iterations=2)
        np.testing.assert_array_equal(going_on, two)
        assert (going_on[0] != one[0]).any()


def test_bounds_take_thirty_steps_at_most():
    A = random_matrix(7, 12, 3, heavy=True)
    found = sensitivity_bounds(A, 12, slack=0)
    for steps in (29, 30, 31):
        limited = sensitivity_bounds(A, 12, slack=0, max_iterations=steps)
        assert np.array_equal(found, limited) == (steps == 30)


def test_scores_and_bounds_stay_at_one(monkeypatch):
    assert (sensitivity_bounds(np.eye(3), 3)[1] == 1).all()
    monkeypatch.setattr(
        sensitivities, "newton_programs", lambda Q, u, p: np.full(len(u), 1 + 1e-9)
    )
    assert (lp_sensitivities(np.eye(3), 3) == 1).all()


@FAST
@given(st.integers(0, 10**6), st.integers(1, 5), st.sampled_from(EXPONENTS))
def test_bounds_come_within_the_stated_factor(seed, d, p):
    A = random_matrix(seed, 40, d, heavy=True)
    lower, upper = sensitivity_bounds(A, p)
    wide = upper < 1
    assert (upper <= 1.01 * d ** abs(1 - p / 2) * lower * (1 + 1e-12))[wide].all()


@FAST
@given(st.integers(0, 10**6), st.integers(1, 4), st.sampled_from(EXPONENTS))
def test_lewis_weights_sandwich_the_scores(seed, d, p):
    A = random_matrix(seed, 15, d)
    exact, weights = lp_sensitivities(A, p), lewis_weights(A, p)
    ends = np.sort([weights, weights * d ** (p / 2 - 1)], axis=0)
    assert (ends[0] <= exact + 1e-8).all()
    assert (exact <= ends[1] + 1e-8).all()
    total = exact.sum()
    assert min(d, d ** (p / 2)) - 1e-7 <= total <= max(d, d ** (p / 2)) + 1e-7


@pytest.mark.parametrize("p", EXPONENTS)
def test_no_direction_has_a_larger_share(p):
    A = random_matrix(3, 12, 2)
    angles = np.linspace(0, np.pi, 20_001)
    powers = abs(A @ [np.cos(angles), np.sin(angles)]) ** p
    largest = (powers / powers.sum(axis=0)).max(axis=1)
    exact = lp_sensitivities(A, p)
    assert (largest <= exact * (1 + 1e-7)).all()
    np.testing.assert_allclose(largest, exact, rtol=1e-3)


@pytest.mark.parametrize("p", EXPONENTS)
def test_by_hand(p):
    disjoint = np.kron(np.eye(3), [[1.0], [1.0], [2.0]])
    shares = np.array([1, 1, 2**p]) / (2 + 2**p)
    np.testing.assert_allclose(lp_sensitivities(disjoint, p), np.tile(shares, 3))
    np.testing.assert_allclose(lp_sensitivities(np.eye(4), p), 1)
    np.testing.assert_allclose(lp_sensitivities([[2.0], [-1.0]], p)[1], 1 / (1 + 2**p))


def test_the_cards_exercise():
    """At (1, 0) the l_1 norm is 1 + 1 + 1, at (1, 1) it is 1 + 1 + 2."""
    A = [[1, 0], [0, 1], [1, 1], [1, -1]]
    np.testing.assert_allclose(lp_sensitivities(A, 1), [1 / 3, 1 / 3, 1 / 2, 1 / 2])


@pytest.mark.parametrize("p", [1, 1.5, 2, 3, 4])
def test_only_the_column_space_matters(p):
    A = random_matrix(1, 25, 3, heavy=True)
    expected = lp_sensitivities(A, p)
    mixing = random_matrix(2, 3, 3) * [1, 1e3, 1e-3]
    np.testing.assert_allclose(lp_sensitivities(A @ mixing, p), expected, atol=1e-7)
    doubled = np.column_stack([A, A])
    np.testing.assert_allclose(lp_sensitivities(doubled, p), expected, atol=1e-9)


@pytest.mark.parametrize("method", sensitivities.METHODS)
@pytest.mark.parametrize("p", [1, 1.5, 2, 3])
def test_low_rank_and_zero_rows(p, method):
    A = awkward_matrix()
    scores = lp_sensitivities(A, p, method=method)
    assert (np.flatnonzero(scores == 0) == ZERO_ROWS).all()
    assert scores.max() <= 1
    assert scores[6] == pytest.approx(scores[7], rel=1e-6)
    lower, _ = sensitivity_bounds(A, p)
    assert (lower <= scores * (1 + 1e-7)).all()


@pytest.mark.parametrize("p", [1, 1.5, 3])
def test_rows_are_those_of_the_whole(p):
    A = awkward_matrix()
    whole = lp_sensitivities(A, p)
    part = lp_sensitivities(A, p, rows=[5, 0, 5, 23])
    np.testing.assert_allclose(part, whole[[5, 0, 5, 23]], rtol=1e-8)
    np.testing.assert_array_equal(lp_sensitivities(A, p, rows=[0]), [0])


@pytest.mark.parametrize("p", [1.5, 3])
def test_batches_change_nothing(p, monkeypatch):
    A = random_matrix(4, 30, 3)
    expected = lp_sensitivities(A, p)
    monkeypatch.setattr(sensitivities, "BLOCK_ENTRIES", 100)
    np.testing.assert_allclose(lp_sensitivities(A, p), expected, rtol=1e-9)


def test_norms_of_rows():
    z = np.array([[3.0, -4.0], [0.0, -2.0]])
    assert sensitivities.largest_entries(z).tolist() == [[4], [2]]
    assert sensitivities.norms(z, 2) == pytest.approx([5, 2], rel=1e-14)
    assert sensitivities.norms(z, 3) == pytest.approx([91 ** (1 / 3), 2], rel=1e-14)
    tiny = sensitivities.norms(np.array([[3e-3, 3e-3]]), 1000)
    assert tiny == pytest.approx([3e-3 * 2**1e-3], rel=1e-12)


def test_a_step_is_halved_until_the_norm_does_not_rise():
    """For the norm with exponent 4: 3.9^4 + 3.2^4 < 3^4 + 4^4, while 3.9 + 3.2 > 3 + 4."""
    cases = [  # z, step, factor
        ([3.0, 4.0], [0.9, -0.8], 1.0),
        ([2.0, 0.0], [-8.0, 0.0], 0.5),
        ([1.0, 0.0], [-7.9, 0.0], 0.25),
        ([1.0, 0.0], [0.1, 0.0], 0.0),
        ([1.0, 0.0], [0.0, 0.0], 1.0),
        ([1.0, 0.0], [1e-15, 0.0], 1.0),
    ]
    z, steps, factors = map(np.array, zip(*cases, strict=True))
    np.testing.assert_array_equal(sensitivities.step_factors(z, steps, 4), factors)
    np.testing.assert_array_equal(
        sensitivities.step_factors(z[:3], steps[:3], 4), factors[:3]
    )


@pytest.mark.parametrize("unit", [1.0, 1e-6])
@pytest.mark.parametrize("p", [1.5, 3])
def test_newton_steps_by_their_definition(p, unit):
    """The step keeps the constraint and solves Newton's equations; the other point is feasible."""
    Q = orthonormal_basis(random_matrix(0, 20, 3))
    u = np.array([[0.6, 0.0, 0.8], [0.0, 1.0, 0.0]])
    z = u @ Q.T  # feasible for both forms
    z += 0.1 * (np.array([[0.8, 0.0, -0.6], [1.0, 0.0, 0.0]]) @ Q.T if p > 2 else 0)
    u, z = (u / unit, z * unit) if p > 2 else (u * unit, z * unit)
    steps, dual = sensitivities.newton_steps(Q, outer_products(Q), u, z, p)
    exponent = max(p, p / (p - 1))
    left = abs(z / unit) ** (exponent - 2) * ((exponent - 1) * steps + z) / unit
    if p > 2:
        np.testing.assert_allclose(steps, (steps @ Q) @ Q.T, atol=1e-9 * unit)
        np.testing.assert_allclose((steps @ Q * u).sum(axis=1), 0, atol=1e-9)
        np.testing.assert_allclose(dual @ Q, u, rtol=1e-9, atol=1e-9 / unit)
        along = (left @ Q * u).sum(axis=1) / (u * u).sum(axis=1)
        np.testing.assert_allclose(left @ Q, along[:, None] * u, atol=1e-9)
    else:
        np.testing.assert_allclose(steps @ Q, 0, atol=1e-9 * unit)
        np.testing.assert_allclose((dual @ Q * u).sum(axis=1), 1, rtol=1e-9)
        np.testing.assert_allclose(dual, (dual @ Q) @ Q.T, atol=1e-9 / unit)
        np.testing.assert_allclose(left, (left @ Q) @ Q.T, atol=1e-9)


@pytest.mark.parametrize("p", [1.5, 3])
def test_newton_takes_few_steps(p, monkeypatch):
    """It stops as soon as the gap is closed, and its last steps are quadratic."""
    calls = []
    newton_steps = sensitivities.newton_steps

    def counted(*arguments):
        calls.append(arguments)
        return newton_steps(*arguments)

    monkeypatch.setattr(sensitivities, "newton_steps", counted)
    lp_sensitivities(random_matrix(0, 20, 3), p)
    assert len(calls) <= 12


def test_the_linear_program_by_hand():
    """max v_3 such that v_1 + v_2 = v_3 / 2, and v_1 = 4 v_3; |v_1|, |v_2| <= 1: v_3 = 1/4."""
    import highspy

    solver = sensitivities.equality_program(
        np.array([[1.0, 1.0, -0.5], [1.0, 0.0, -4.0]])
    )
    solver.run()
    assert solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
    assert solver.getObjectiveValue() == pytest.approx(0.25, rel=1e-12)
    settings_expected = {
        "output_flag": False,
        "threads": 1,
        "presolve": "off",
        "primal_feasibility_tolerance": 1e-10,
        "dual_feasibility_tolerance": 1e-10,
    }
    for name, value in settings_expected.items():
        assert solver.getOptionValue(name)[1] == value


def test_solvers_that_give_up_are_reported(monkeypatch):
    import cvxpy
    import highspy

    class GivesUp:
        def run(self): ...

        def clearSolver(self): ...  # noqa: N802

        def changeCoeff(self, *coefficient): ...  # noqa: N802

        def getModelStatus(self):  # noqa: N802
            return highspy.HighsModelStatus.kInfeasible

    monkeypatch.setattr(sensitivities, "equality_program", lambda columns: GivesUp())
    with pytest.raises(RuntimeError, match="HiGHS stopped with .*kInfeasible"):
        lp_sensitivities(np.eye(2), 1)
    monkeypatch.setattr(cvxpy.Problem, "status", "unbounded")
    with pytest.raises(RuntimeError, match="Clarabel stopped with 'unbounded'"):
        lp_sensitivities(np.eye(2), 3, method="cvxpy")


def test_linear_programs_start_afresh_where_the_last_basis_fails():
    # on this table the solver refuses to go on from the basis of some earlier row
    A = np.random.default_rng(37).standard_t(1.5, size=(300, 20))
    together = lp_sensitivities(A, 1, rows=np.arange(60))
    alone = [lp_sensitivities(A, 1, rows=[i])[0] for i in range(60)]
    np.testing.assert_allclose(together, alone, rtol=1e-8)


def test_a_basis_that_fails_is_left(monkeypatch):
    import highspy

    by_highs = sensitivities.equality_program

    class GivesUpUnlessFresh:
        """HiGHS, which reports a failure unless it starts afresh."""

        def __init__(self, columns):
            self.solver, self.fresh, self.solved = by_highs(columns), False, False

        def __getattr__(self, name):
            return getattr(self.solver, name)

        def clearSolver(self):  # noqa: N802
            self.solver.clearSolver()
            self.fresh = True

        def run(self):
            self.solver.run()
            self.fresh, self.solved = False, self.fresh

        def getModelStatus(self):  # noqa: N802
            status = highspy.HighsModelStatus
            return self.solver.getModelStatus() if self.solved else status.kUnknown

    A = random_matrix(0, 12, 3)
    expected = lp_sensitivities(A, 1)
    monkeypatch.setattr(sensitivities, "equality_program", GivesUpUnlessFresh)
    np.testing.assert_allclose(lp_sensitivities(A, 1), expected, rtol=1e-9)


def test_total_and_p_2():
    A = random_matrix(5, 30, 4)
    np.testing.assert_array_equal(lp_sensitivities(A, 2), leverage_scores(A))
    assert total_sensitivity(A, 2) == pytest.approx(4)
    for p in (1, 3):
        exact = total_sensitivity(A, p)
        assert exact == pytest.approx(lp_sensitivities(A, p).sum())
        assert exact < total_sensitivity(A, p, method="upper")


def test_gaussian_rows_come_near_their_limit():
    """For p = 1 the total tends to sqrt(pi d / 2) as n grows, from below."""
    total = total_sensitivity(random_matrix(6, 400, 3), 1)
    assert 0.88 < total / np.sqrt(np.pi * 3 / 2) < 1


def test_a_gap_that_stays_open_raises(monkeypatch):
    monkeypatch.setattr(sensitivities, "MOST_STEPS", 1)
    with pytest.raises(RuntimeError, match="duality gap of .* for p = 3"):
        lp_sensitivities(random_matrix(0, 20, 3), 3)


@pytest.mark.parametrize("kind", BAD_MATRICES)
def test_bad_matrices(kind):
    A, message = BAD_MATRICES[kind]
    for function in (lp_sensitivities, sensitivity_bounds, total_sensitivity):
        with pytest.raises(ValueError, match=message):
            function(A, 1)


@pytest.mark.parametrize("p", BAD_EXPONENTS)
def test_bad_exponents(p):
    for function in (lp_sensitivities, sensitivity_bounds, total_sensitivity):
        with pytest.raises(ValueError, match="p: must be"):
            function(np.eye(2), p)


def test_bad_settings():
    with pytest.raises(ValueError, match="method: must be one of 'exact', .*got 'x'"):
        lp_sensitivities(np.eye(2), 1, method="x")
    for rows in ([2], [-1]):
        with pytest.raises(ValueError, match=r"rows: has -?\d at 0, outside 0..1"):
            lp_sensitivities(np.eye(2), 1, rows=rows)
    for rows in (0, [0.0], [True], [[0]]):
        with pytest.raises(ValueError, match="rows: must be integers of shape"):
            lp_sensitivities(np.eye(2), 1, rows=rows)
    with pytest.raises(ValueError, match="^slack: must not be negative, got -0.1$"):
        sensitivity_bounds(np.eye(2), 1, slack=-0.1)
    with pytest.raises(ValueError, match="^slack: must be a"):
        sensitivity_bounds(np.eye(2), 1, slack="x")
    with pytest.raises(ValueError, match="max_iterations: must be at least 1"):
        sensitivity_bounds(np.eye(2), 1, max_iterations=0)


def test_bounds_of_scores_too_small_for_a_float():
    A = random_matrix(6, 20, 3)
    A[0] *= 1e-8
    lower, upper = sensitivity_bounds(A, 100)
    exact = lp_sensitivities(A, 100)
    assert (lower <= exact * (1 + 1e-9)).all()
    assert (exact <= upper * (1 + 1e-9)).all()
