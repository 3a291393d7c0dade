"""Lewis weights: the fixed point that defines them, for every p, and what they are invariant to."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from matrices import (
    BAD_EXPONENTS,
    BAD_MATRICES,
    ZERO_ROWS,
    awkward_matrix,
    random_matrix,
)

from samplebook.subsets import leverage_scores, lewis, lewis_weights, orthonormal_basis

FAST = settings(derandomize=True, deadline=None, max_examples=40, database=None)
EXPONENTS = st.sampled_from([1, 1.3, 1.9, 2, 2.5, 3, 4, 5, 8, 12])


@FAST
@given(st.integers(0, 10**6), st.integers(2, 6), EXPONENTS, st.booleans())
def test_they_are_the_leverage_scores_of_the_matrix_they_reweight(seed, d, p, heavy):
    A = random_matrix(seed, 40, d, heavy=heavy)
    weights = lewis_weights(A, p)
    reweighted = weights[:, None] ** (1 / 2 - 1 / p) * A
    np.testing.assert_allclose(
        leverage_scores(reweighted), weights, rtol=1e-8, atol=1e-12
    )
    assert weights.sum() == pytest.approx(d, abs=1e-10)
    assert 0 < weights.min() <= weights.max() <= 1 + 1e-12


@pytest.mark.parametrize("block", [1, 7, 20, 100])
@pytest.mark.parametrize("p", [1, 1.5, 4])
def test_quadratic_forms_by_blocks_of_rows(block, p, monkeypatch):
    monkeypatch.setattr(lewis, "BLOCK_ROWS", block)
    Q = orthonormal_basis(random_matrix(0, 20, 3))
    weights = np.random.default_rng(1).random(20)
    gram = Q.T @ np.diag(weights ** (1 - 2 / p)) @ Q
    np.testing.assert_allclose(
        lewis.reweighted_gram(Q, weights ** (1 - 2 / p)), gram, rtol=1e-12
    )
    expected = np.diag(Q @ np.linalg.inv(gram) @ Q.T)
    np.testing.assert_allclose(
        lewis.quadratic_forms(Q, weights, p), expected, rtol=1e-10
    )


@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_the_step_by_its_formula(library, monkeypatch):
    weights, forms = np.array([0.25, 1e-300]), np.array([0.5, 1e-200])
    if library == "torch":
        weights, forms = torch.tensor(weights), torch.tensor(forms)
        monkeypatch.setattr(torch.Tensor, "__array__", None)  # it stays on its device
    step = {p: lewis.lewis_step(weights, forms, p) for p in (1, 2, 2.5, 4)}
    assert step[1].tolist() == pytest.approx([0.5**0.5, 1e-100], rel=1e-12)
    assert step[2].tolist() == forms.tolist()
    assert step[2.5].tolist() == pytest.approx(
        [0.25**0.2 * 0.5, 1e-260], rel=1e-12, abs=0
    )
    smallest = np.finfo(np.float64).tiny  # in place of 1e-350
    assert step[4].tolist() == pytest.approx([0.25, smallest], rel=1e-12, abs=0)


@pytest.mark.parametrize("p", [8, 12, 30, 100])
def test_large_exponents_converge(p):
    """A damping by 1/2, the geometric mean of old and new, does not converge from p = 8 on."""
    weights = lewis_weights(random_matrix(3, 30, 3), p)
    assert weights.sum() == pytest.approx(3, abs=1e-9)


def test_p_2_gives_leverage_scores():
    A = random_matrix(0, 30, 4)
    np.testing.assert_array_equal(lewis_weights(A, 2), leverage_scores(A))


@pytest.mark.parametrize("p", [1, 1.5, 3, 4, 6])
def test_only_the_column_space_matters(p):
    A = random_matrix(1, 40, 4, heavy=True)
    mixing = random_matrix(2, 4, 4) * 10.0 ** np.arange(4)
    expected = lewis_weights(A, p)
    np.testing.assert_allclose(lewis_weights(A @ mixing, p), expected, atol=1e-8)
    doubled = np.column_stack([A, A[:, :2]])
    np.testing.assert_allclose(lewis_weights(doubled, p), expected, atol=1e-10)


@pytest.mark.parametrize("p", [1, 1.5, 3, 4, 6])
def test_a_row_cut_into_copies_shares_its_weight(p):
    """k copies of a row, each times k^(-1/p), leave every norm as it was."""
    A = random_matrix(3, 20, 3)
    cut = np.concatenate([A[:1] * 4 ** (-1 / p)] * 4 + [A[1:]])
    weights, expected = lewis_weights(cut, p), lewis_weights(A, p)
    np.testing.assert_allclose(weights[:4], expected[0] / 4, rtol=1e-10)
    np.testing.assert_allclose(weights[4:], expected[1:], rtol=1e-10)


@pytest.mark.parametrize("p", [1, 1.5, 2, 4])
def test_low_rank_and_zero_rows(p):
    weights = lewis_weights(awkward_matrix(), p)
    assert (np.flatnonzero(weights == 0) == ZERO_ROWS).all()
    assert weights.sum() == pytest.approx(3, abs=1e-10)
    np.testing.assert_allclose(lewis_weights(np.eye(3), p), 1, rtol=1e-12)
    np.testing.assert_allclose(
        lewis_weights([[3.0], [-4.0]], p), np.array([3, 4]) ** p / (3**p + 4**p)
    )


def test_too_few_iterations_raise():
    A = random_matrix(0, 30, 4)
    with pytest.raises(RuntimeError, match="p = 3 changed by .* in iteration 2"):
        lewis_weights(A, 3, max_iterations=2)


@pytest.mark.parametrize("kind", BAD_MATRICES)
def test_bad_matrices(kind):
    A, message = BAD_MATRICES[kind]
    with pytest.raises(ValueError, match=message):
        lewis_weights(A, 1)


@pytest.mark.parametrize("p", BAD_EXPONENTS)
def test_bad_exponents(p):
    with pytest.raises(ValueError, match="p: must be"):
        lewis_weights(np.eye(2), p)


def test_bad_settings():
    for tolerance in (0, -1, float("nan"), "x"):
        with pytest.raises(ValueError, match="tolerance: must be"):
            lewis_weights(np.eye(2), 1, tolerance=tolerance)
    for count in (0, 1.5, True):
        with pytest.raises(ValueError, match="max_iterations: must be"):
            lewis_weights(np.eye(2), 1, max_iterations=count)


@pytest.mark.parametrize("p", [50, 100])
def test_weights_too_small_for_a_float_are_floored(p):
    A = random_matrix(6, 20, 3)
    A[0] *= 1e-8
    weights = lewis_weights(A, p)
    assert 0 < weights[0] < 1e-300
    np.testing.assert_allclose(weights[1:], lewis_weights(A[1:], p), rtol=1e-9)
