"""Leverage scores: definition, invariance, rank, and the factor of the sketched ones."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matrices import BAD_MATRICES, ZERO_ROWS, awkward_matrix, random_matrix

from samplebook.subsets import (
    leverage_scores,
    orthonormal_basis,
    sketched_leverage_scores,
)
from samplebook.subsets.leverage import (
    independent_directions,
    scaled_columns,
    sketch_size,
    squared_row_norms,
)

FAST = settings(derandomize=True, deadline=None, max_examples=40, database=None)
SEEDS = st.integers(0, 10**6)


@FAST
@given(SEEDS, st.integers(1, 30), st.integers(1, 8), st.booleans())
def test_the_definition(seed, num_rows, num_columns, heavy):
    A = random_matrix(seed, num_rows, num_columns, heavy=heavy)
    scores = leverage_scores(A)
    hat_matrix = A @ np.linalg.pinv(A)
    np.testing.assert_allclose(scores, np.diag(hat_matrix), atol=1e-9)
    assert scores.sum() == pytest.approx(min(num_rows, num_columns), abs=1e-12)
    assert scores.max() <= 1


@FAST
@given(SEEDS, st.integers(2, 6))
def test_only_the_column_space_matters(seed, num_columns):
    A = random_matrix(seed, 20, num_columns)
    mixing = np.random.default_rng(seed + 1).standard_normal((num_columns, num_columns))
    units = 10.0 ** np.arange(num_columns) ** 2
    expected = leverage_scores(A)
    np.testing.assert_allclose(leverage_scores(A * units), expected, atol=1e-12)
    np.testing.assert_allclose(leverage_scores(A @ mixing), expected, atol=1e-8)
    np.testing.assert_allclose(
        leverage_scores(np.column_stack([A, A])), expected, atol=1e-12
    )


def test_no_direction_has_a_larger_share():
    A = random_matrix(0, 12, 3)
    x = np.random.default_rng(1).standard_normal((3, 100_000))
    squares = (A @ x) ** 2
    largest = (squares / squares.sum(axis=0)).max(axis=1)
    scores = leverage_scores(A)
    assert (largest <= scores + 1e-12).all()
    assert (largest >= 0.99 * scores).all()


def test_low_rank_zero_rows_and_units():
    A = awkward_matrix()
    Q = orthonormal_basis(A)
    assert Q.shape == (24, 3)
    np.testing.assert_allclose(Q.T @ Q, np.eye(3), atol=1e-13)
    scaled = A / np.where(A.any(axis=0), abs(A).max(axis=0), 1)
    np.testing.assert_allclose(Q @ (Q.T @ scaled), scaled, atol=1e-13)
    scores = leverage_scores(A)
    assert (np.flatnonzero(scores == 0) == ZERO_ROWS).all()
    assert scores.sum() == pytest.approx(3, abs=1e-12)
    assert scores[6] == pytest.approx(scores[7], abs=1e-14)
    assert scores[5] == pytest.approx(4 * scores[4], abs=1e-14)


def test_huge_and_tiny_entries():
    A = random_matrix(0, 9, 2)
    for factor in (1e300, 1e-300):
        np.testing.assert_allclose(
            leverage_scores(factor * A), leverage_scores(A), atol=1e-13
        )


def test_columns_are_divided_by_their_largest_entry():
    A = np.array([[0.0, -4.0, 3.0, 0.5], [0.0, -2.0, -6.0, 0.25]])
    expected = [[-1.0, 0.5, 1.0], [-0.5, -1.0, 0.5]]
    np.testing.assert_array_equal(scaled_columns(A), expected)
    message = "^A: is zero, so its column space has no direction$"
    with pytest.raises(ValueError, match=message):
        scaled_columns(np.zeros((3, 2)))


@pytest.mark.parametrize(("ratio", "rank"), [(0.7e-12, 1), (1.4e-12, 2), (1.0, 2)])
@pytest.mark.parametrize("unit", [1.0, 1e-14, 1e6])
def test_the_rank_counts_directions_whatever_the_units(ratio, rank, unit):
    """Columns (1, ratio) and (1, -ratio), in two units: their singular values are as 1 to ratio."""
    R = np.array([[1.0, unit], [ratio, -ratio * unit]])
    directions = independent_directions(R)
    assert directions.shape == (2, rank)
    np.testing.assert_allclose(directions.T @ directions, np.eye(rank), atol=1e-15)
    if rank == 1:
        np.testing.assert_allclose(abs(directions[:, 0]), [1, 0], atol=1e-11)


def test_rounding_does_not_lift_a_score_above_one():
    rows = np.array([[1.0, 1e-7], [0.0, 0.5]])
    assert squared_row_norms(rows).tolist() == [1, 0.25]


def test_sketched_scores_keep_to_their_factor():
    """Over 30 seeds the bound may fail for one with probability 0.01 each: 4 failures, 3e-4."""
    A = random_matrix(0, 40_000, 3, heavy=True)
    A[0] = 0
    exact = leverage_scores(A)[1:]
    failures = 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        scores = sketched_leverage_scores(A, rng=rng, distortion=0.4)
        assert scores[0] == 0
        ratios = scores[1:] / exact
        assert (ratios != 1).any()
        failures += not 1 / 1.4 <= ratios.min() <= ratios.max() <= 1 / 0.6
    assert failures < 4


def test_sketches_of_low_rank_and_of_short_matrices():
    A = np.repeat(awkward_matrix(), 2_000, axis=0)
    rng = np.random.default_rng(0)
    scores = sketched_leverage_scores(A, rng=rng)
    ratios = scores[scores > 0] / leverage_scores(A)[scores > 0]
    assert 1 / 1.5 <= ratios.min() <= ratios.max() <= 2
    short = random_matrix(1, 50, 4)
    assert sketch_size(4, 0.5, 0.01) > 50
    np.testing.assert_array_equal(
        sketched_leverage_scores(short, rng=rng), leverage_scores(short)
    )


@pytest.mark.parametrize("kind", BAD_MATRICES)
def test_bad_matrices(kind):
    A, message = BAD_MATRICES[kind]
    for function in (leverage_scores, orthonormal_basis):
        with pytest.raises(ValueError, match=message):
            function(A)
    with pytest.raises(ValueError, match=message):
        sketched_leverage_scores(A, rng=np.random.default_rng(0))


@pytest.mark.parametrize("name", ["distortion", "failure"])
@pytest.mark.parametrize("value", [0, 1, -0.1, float("nan"), "x"])
def test_bad_settings_of_the_sketch(name, value):
    with pytest.raises(ValueError, match=f"{name}: must be"):
        sketched_leverage_scores(
            np.eye(2), rng=np.random.default_rng(0), **{name: value}
        )
    with pytest.raises(ValueError, match="rng: must be a numpy.random.Generator"):
        sketched_leverage_scores(np.eye(2), rng=0)


def test_a_sketch_in_which_a_column_cancels_is_finite():
    A = np.ones((5000, 2))
    A[:, 1] = 0
    A[[5, 9], 1] = 1
    for seed in range(200):
        scores = sketched_leverage_scores(
            A, rng=np.random.default_rng(seed), distortion=0.9, failure=0.9
        )
        assert np.isfinite(scores).all()


@pytest.mark.parametrize("dtype", ["bfloat16", "float32", "int64"])
def test_tensors_are_taken(dtype):
    torch = pytest.importorskip("torch")
    A = torch.ones((4, 1), dtype=getattr(torch, dtype))
    np.testing.assert_allclose(leverage_scores(A), 0.25, atol=1e-12)
