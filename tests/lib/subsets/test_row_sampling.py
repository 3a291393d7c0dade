"""Keep probabilities, the schemes' scores, and the law of the sample.

Seeds are fixed. A right program would fail any one of the random tests with probability 1e-6 over seeds.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matrices import BAD_MATRICES, awkward_matrix, random_matrix
from scipy.stats import binomtest, norm

from samplebook.core.statistics import goodness_of_fit
from samplebook.subsets import (
    SCHEMES,
    keep_probabilities,
    leverage_scores,
    lewis_weights,
    lp_sensitivities,
    row_scores,
    sample_rows,
    sensitivity_probabilities,
)

FAST = settings(derandomize=True, deadline=None, max_examples=100, database=None)
FALSE_ALARM = 1e-6


@FAST
@given(
    st.lists(st.floats(0, 1e3), min_size=1, max_size=30).filter(any),
    st.floats(1e-3, 1),
)
def test_probabilities_are_scores_cut_at_one(scores, share):
    scores = np.array(scores)
    size = share * np.count_nonzero(scores)
    q = keep_probabilities(scores, size)
    assert q.sum() == pytest.approx(size, rel=1e-12)
    assert 0 <= q.min() <= q.max() <= 1
    free = (q < 1) & (scores > 1e-300)
    if free.any():
        factor = (q[free] / scores[free]).max()
        np.testing.assert_allclose(q[free], factor * scores[free], rtol=1e-9)
        assert (factor * scores[q == 1] >= 1 - 1e-9).all()


def test_probabilities_by_hand():
    np.testing.assert_allclose(keep_probabilities([1, 1, 2], 2), [0.5, 0.5, 1])
    np.testing.assert_allclose(
        keep_probabilities([8, 1, 2, 0], 2), [1, 1 / 3, 2 / 3, 0]
    )
    np.testing.assert_array_equal(keep_probabilities([8, 1, 0], 2), [1, 1, 0])
    np.testing.assert_allclose(
        sensitivity_probabilities([0.5, 0.1, 0, 0], 1), [0.75, 0.35, 0.25, 0.25]
    )
    np.testing.assert_allclose(sensitivity_probabilities([1, 0.1], 0.1), [1, 1])


@pytest.mark.parametrize("p", [1, 3])
def test_scores_of_the_schemes(p):
    A = awkward_matrix()
    tau, s = leverage_scores(A), lp_sensitivities(A, p)
    expected = {
        "uniform": np.ones(24),
        "leverage": tau,
        "root leverage": tau ** (p / 2),
        "sensitivity": s,
        "lewis": lewis_weights(A, p),
        "leverage and sensitivity": tau / 3 + s / s.sum(),
    }
    assert set(expected) == set(SCHEMES)
    for scheme, scores in expected.items():
        np.testing.assert_allclose(row_scores(A, p, scheme=scheme), scores, rtol=1e-9)
    upper = row_scores(A, p, scheme="sensitivity", method="upper")
    assert (upper >= s - 1e-12).all()


def test_the_law_of_the_sample():
    """Each subset of 4 rows comes with the product of its rows' probabilities."""
    A, scores, size = random_matrix(0, 4, 1), np.array([4.0, 1, 2, 3]), 2.5
    q = keep_probabilities(scores, size)
    assert q[0] == 1
    rng = np.random.default_rng(0)
    codes = []
    for _ in range(10_000):
        indices, weights = sample_rows(A, scores, size, p=3, rng=rng)
        codes.append((2**indices).sum())
        assert (abs(weights - q[indices] ** (-1 / 3)) < 1e-14).all()
    bits = np.arange(16)[:, None] >> np.arange(4) & 1
    law = np.where(bits, q, 1 - q).prod(axis=1)
    assert goodness_of_fit(np.bincount(codes, minlength=16), law) > FALSE_ALARM


@pytest.mark.parametrize("p", [1, 1.5, 2, 4])
def test_norms_are_right_on_average(p):
    A, x = random_matrix(1, 60, 3, heavy=True), np.array([1.0, -2, 0.5])
    scores = row_scores(A, p, scheme="lewis")
    terms = abs(A @ x) ** p
    q = keep_probabilities(scores, 20)
    deviation = np.sqrt(((1 / q - 1) * terms**2).sum())
    rng = np.random.default_rng(2)
    norms = []
    for _ in range(3_000):
        indices, weights = sample_rows(A, scores, 20, p=p, rng=rng)
        norms.append((abs(weights * (A[indices] @ x)) ** p).sum())
    z = (np.mean(norms) - terms.sum()) / (deviation / np.sqrt(3_000))
    assert abs(z) < norm.isf(FALSE_ALARM / 2)


def test_inclusions_and_size():
    A = random_matrix(2, 50, 3)
    scores = leverage_scores(A)
    q = keep_probabilities(scores, 12)
    rng = np.random.default_rng(3)
    kept = np.zeros(50, dtype=int)
    for _ in range(4_000):
        indices, _ = sample_rows(A, scores, 12, p=2, rng=rng)
        assert (np.diff(indices) > 0).all()
        kept[indices] += 1
    smallest = min(
        binomtest(int(k), 4_000, float(min(prob, 1))).pvalue
        for k, prob in zip(kept, q, strict=True)
    )
    assert smallest > FALSE_ALARM / 50


@pytest.mark.parametrize("size", [0, -1, 3.01, float("nan"), "2", None, True])
def test_bad_sizes(size):
    with pytest.raises(ValueError, match="size: must be"):
        keep_probabilities([1, 2, 3, 0], size)


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ([0, 0], "scores: are all 0"),
        ([1, -1], "scores: has -1, must not be negative"),
        ([1, float("nan")], "scores: has nan"),
        ([], "scores: empty"),
        ([[1.0]], r"scores: must be a vector \(n,\)"),
    ],
)
def test_bad_scores(scores, message):
    with pytest.raises(ValueError, match=message):
        keep_probabilities(scores, 1)
    with pytest.raises(ValueError, match=message):
        sensitivity_probabilities(scores, 1)


def test_bad_arguments_of_sampling():
    A, rng = random_matrix(0, 9, 3), np.random.default_rng(0)
    with pytest.raises(ValueError, match="size: must be at least 3, the rank of A"):
        sample_rows(A, np.ones(9), 2.5, p=1, rng=rng)
    with pytest.raises(ValueError, match="scores: must have 9 entries, got 8"):
        sample_rows(A, np.ones(8), 4, p=1, rng=rng)
    with pytest.raises(ValueError, match="rng: must be a numpy.random.Generator"):
        sample_rows(A, np.ones(9), 4, p=1, rng=np.random)
    with pytest.raises(ValueError, match="p: must be"):
        sample_rows(A, np.ones(9), 4, p=0.5, rng=rng)
    with pytest.raises(ValueError, match="scheme: must be one of 'uniform', .*got 'x'"):
        row_scores(A, 1, scheme="x")
    for alpha in (0, -1, float("nan")):
        with pytest.raises(ValueError, match="alpha: must be above 0"):
            sensitivity_probabilities([1.0], alpha)
    low_rank = awkward_matrix()
    indices, _ = sample_rows(low_rank, np.ones(24), 3, p=1, rng=rng)
    assert indices.size <= 24


@pytest.mark.parametrize("kind", sorted(BAD_MATRICES.keys() - {"zero"}))
def test_bad_matrices(kind):
    A, message = BAD_MATRICES[kind]
    with pytest.raises(ValueError, match=message):
        row_scores(A, 1, scheme="uniform")
    with pytest.raises(ValueError, match=message):
        sample_rows(A, [1.0], 1, p=1, rng=np.random.default_rng(0))
