"""Distortion: against dense grids and enumeration, and the lower bound against the exact value."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matrices import BAD_EXPONENTS, BAD_MATRICES, awkward_matrix, random_matrix

from samplebook.subsets import (
    DistortionMeter,
    cone_search,
    distortion_lower_bound,
    embedding_distortion,
    keep_probabilities,
    leverage_scores,
    lewis_weights,
    sample_rows,
)

FAST = settings(derandomize=True, deadline=None, max_examples=40, database=None)
CERTIFIED = 1e-5
"""Largest distance, relative to 1 + eps, that branch and bound leaves."""


def samples_of(A, p, count, *, size=15, seed=0):
    rng = np.random.default_rng(seed)
    scores = lewis_weights(A, p)
    return [sample_rows(A, scores, size, p=p, rng=rng) for _ in range(count)]


def distortion_over(A, sample, p, x):
    """Largest |ratio - 1| over the columns of x, from the definition."""
    indices, weights = sample
    sampled = (abs(weights[:, None] * (A[indices] @ x)) ** p).sum(axis=0)
    return abs(sampled / (abs(A @ x) ** p).sum(axis=0) - 1).max()


def half_circle(count):
    angles = np.linspace(0, np.pi, count)
    return np.array([np.cos(angles), np.sin(angles)])


@pytest.mark.parametrize("p", [1, 1.2, 1.5, 2, 2.5, 3, 4, 9])
def test_rank_2_against_a_dense_grid(p):
    A = random_matrix(0, 40, 2)
    x = half_circle(100_001)
    for sample in samples_of(A, p, 4):
        exact = embedding_distortion(A, *sample, p=p)
        seen = distortion_over(A, sample, p, x)
        tolerance = 1e-12 if p in (1, 2) else CERTIFIED * (1 + exact)
        assert exact >= seen - tolerance
        assert exact == pytest.approx(seen, rel=1e-3)


@pytest.mark.parametrize("p", [1, 1.5, 2, 3, 4])
def test_rank_3_against_many_directions(p):
    A = random_matrix(1, 40, 3)
    x = np.random.default_rng(2).standard_normal((3, 100_000))
    for sample in samples_of(A, p, 3):
        exact = embedding_distortion(A, *sample, p=p)
        seen = distortion_over(A, sample, p, x)
        assert exact >= seen - CERTIFIED * (1 + exact)
        assert exact == pytest.approx(seen, rel=0.05)


@pytest.mark.parametrize("rank", [2, 3])
@pytest.mark.parametrize("p", [1, 2])
def test_branch_and_bound_finds_what_rays_and_eigenvalues_give(p, rank):
    A = random_matrix(2, 12, rank)
    meter = DistortionMeter(A, p)
    samples = samples_of(A, p, 3, size=6)
    exact = np.array(meter.exact(samples))
    searched = cone_search.cone_distortions(
        meter.basis, meter.multipliers(samples), meter.p
    )
    assert (searched <= exact + 1e-12).all()
    assert (searched >= exact - CERTIFIED * (1 + exact)).all()


def test_rays_of_rows_in_no_general_position():
    """Parallel rows, zero rows, rows in a plane: every ray from pairs of rows, one by one."""
    plane = [[1, 0, 0], [2, 0, 0], [0, 1, 0], [1, 1, 0], [-1, -1, 0], [1, -1, 0]]
    others = [[0, 0, 0], [0, 0, 3], [0, 1, 1], [0, 1, 1]]
    A = np.array([*plane, *others], dtype=float)
    edges = [np.cross(A[i], A[j]) for i, j in combinations(range(len(A)), 2)]
    x = np.array([edge for edge in edges if edge.any()]).T
    rng = np.random.default_rng(0)
    for _ in range(20):
        indices = rng.choice(len(A), size=6, replace=False)
        sample = indices, rng.random(6) + 0.5
        exact = embedding_distortion(A, *sample, p=1)
        assert exact == pytest.approx(distortion_over(A, sample, 1, x), abs=1e-12)


@pytest.mark.parametrize("p", [1, 1.5, 2, 4])
def test_rank_1_is_one_ratio(p):
    A = np.array([[1.0], [-2.0], [0.0], [3.0]])
    exact = embedding_distortion(A, [1, 3], [2.0, 0.5], p=p)
    expected = (4.0**p + 1.5**p) / (1 + 2.0**p + 3.0**p) - 1
    assert exact == pytest.approx(abs(expected), abs=1e-12)


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("p", [1, 1.5, 2, 3])
def test_the_whole_matrix_has_none_and_lost_rank_at_least_1(p, d):
    A = random_matrix(3, 20, d)
    rng = np.random.default_rng(0)
    assert embedding_distortion(A, np.arange(20), np.ones(20), p=p) < 1e-12
    for kept in range(d):
        arguments = A, np.arange(kept), np.ones(kept)
        assert embedding_distortion(*arguments, p=p) >= 1
        assert distortion_lower_bound(*arguments, p=p, rng=rng) >= 1
    parallel = np.concatenate([A, A[:1] * np.arange(1, 6)[:, None]])
    if d > 1:
        arguments = parallel, np.arange(20, 25), np.ones(5)
        assert embedding_distortion(*arguments, p=p) >= 1
        assert distortion_lower_bound(*arguments, p=p, rng=rng) >= 1


@pytest.mark.parametrize("p", [1, 1.5, 2, 3])
def test_columns_can_be_mixed_and_repeated(p):
    A = awkward_matrix()
    sample = samples_of(A, p, 1)[0]
    exact = embedding_distortion(A, *sample, p=p)
    mixed = A @ np.diag([1e-9, 1, 1, 1e9, 1]) @ random_matrix(4, 5, 5)
    assert embedding_distortion(mixed, *sample, p=p) == pytest.approx(exact, rel=1e-4)
    twice = np.tile(sample[0], 2), np.tile(sample[1], 2) * 2 ** (-1 / p)
    assert embedding_distortion(A, *twice, p=p) == pytest.approx(exact, rel=1e-9)


@FAST
@given(
    st.integers(0, 10**6),
    st.sampled_from([(1, 2), (1, 3), (1.5, 2), (1.5, 3), (3, 2), (3, 3), (4, 2)]),
    st.booleans(),
)
def test_climbs_reach_the_distortion_of_small_rank(seed, case, heavy):
    p, d = case
    A = random_matrix(seed, 30, d, heavy=heavy)
    samples = samples_of(A, p, 3, seed=seed)
    meter = DistortionMeter(A, p)
    exact = meter.exact(samples)
    bound = meter.lower_bound(samples, rng=np.random.default_rng(seed))
    rounding = 1e-10 if p == 1 else CERTIFIED
    assert (bound <= exact + rounding * (1 + exact)).all()
    assert (bound >= 0.95 * exact - rounding).all()


@FAST
@given(st.integers(0, 10**6), st.integers(2, 8), st.booleans())
def test_climbs_reach_the_distortion_for_p_2(seed, d, heavy):
    A = random_matrix(seed, 60, d, heavy=heavy)
    samples = samples_of(A, 2, 3, size=20, seed=seed)
    meter = DistortionMeter(A, 2)
    exact = meter.exact(samples)
    bound = meter.lower_bound(samples, rng=np.random.default_rng(seed))
    assert (bound <= exact * (1 + 1e-9)).all()
    assert (bound >= 0.999 * exact).all()


def test_climbs_reach_the_distortion_for_p_1_and_rank_4():
    """The rays of 16 rows in four dimensions, orthogonal to three of them each, one by one."""
    A = random_matrix(5, 16, 4)
    triples = A[list(combinations(range(16), 3))]
    x = np.linalg.svd(triples)[2][:, -1].T
    samples = samples_of(A, 1, 10, size=10)
    exact = np.array([distortion_over(A, sample, 1, x) for sample in samples])
    exact = np.where([len(sample[0]) < 4 for sample in samples], 1.0, exact)
    bound = DistortionMeter(A, 1).lower_bound(samples, rng=np.random.default_rng(0))
    assert (bound <= exact + 1e-9).all()
    assert (bound >= 0.95 * exact).all()


def test_many_samples_at_once_are_each_alone():
    A = random_matrix(6, 50, 3)
    for p in (1, 1.5, 2):
        samples = samples_of(A, p, 40)
        together = DistortionMeter(A, p).exact(samples)
        alone = [embedding_distortion(A, *sample, p=p) for sample in samples[::13]]
        np.testing.assert_allclose(together[::13], alone, rtol=1e-9)


def test_more_rows_mean_less_distortion():
    A = random_matrix(7, 100, 3)
    medians = [
        np.median(DistortionMeter(A, 1).exact(samples_of(A, 1, 60, size=size)))
        for size in (20, 40, 80)
    ]
    assert medians[0] > 1.25 * medians[1] > 1.25**2 * medians[2]


def test_where_it_is_not_known():
    A = random_matrix(0, 20, 4)
    for p in (1, 1.5, 3):
        with pytest.raises(ValueError, match="p: .*distortion_lower_bound gives"):
            embedding_distortion(A, [0], [1.0], p=p)


def test_a_search_that_does_not_end_raises(monkeypatch):
    monkeypatch.setattr(cone_search, "MOST_CONES", 10)
    with pytest.raises(RuntimeError, match="too many cones"):
        embedding_distortion(random_matrix(0, 20, 3), np.arange(10), np.ones(10), p=3)


BAD_SAMPLES = {
    "row beyond the last": ([2], [1.0], r"indices: has 2 at 0, outside 0..1"),
    "negative row": ([-1], [1.0], r"indices: has -1 at 0, outside 0..1"),
    "fractions": ([0.5], [1.0], "indices: must be integers of shape"),
    "truth values": ([True], [1.0], "indices: must be integers of shape"),
    "table": ([[0]], [[1.0]], "indices: must be integers of shape"),
    "too few weights": ([0, 1], [1.0], r"weights: must have shape \(2,\)"),
    "negative weight": ([0], [-1.0], "weights: has -1, must not be negative"),
    "not a number": ([0], [float("nan")], "weights: has nan"),
}


@pytest.mark.parametrize("kind", BAD_SAMPLES)
def test_bad_samples(kind):
    indices, weights, message = BAD_SAMPLES[kind]
    with pytest.raises(ValueError, match=message):
        embedding_distortion(np.eye(2), indices, weights, p=1)
    with pytest.raises(ValueError, match=message):
        distortion_lower_bound(
            np.eye(2), indices, weights, p=1, rng=np.random.default_rng(0)
        )


@pytest.mark.parametrize("kind", BAD_MATRICES)
def test_bad_matrices(kind):
    A, message = BAD_MATRICES[kind]
    with pytest.raises(ValueError, match=message):
        embedding_distortion(A, [0], [1.0], p=1)


def test_bad_settings():
    for p in BAD_EXPONENTS:
        with pytest.raises(ValueError, match="p: must be"):
            embedding_distortion(np.eye(2), [0], [1.0], p=p)
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="starts: must be at least 1"):
        distortion_lower_bound(np.eye(2), [0], [1.0], p=1, rng=rng, starts=0)
    with pytest.raises(ValueError, match="rng: must be a numpy.random.Generator"):
        distortion_lower_bound(np.eye(2), [0], [1.0], p=1, rng=None)
    with pytest.raises(ValueError, match="samples: empty"):
        DistortionMeter(np.eye(2), 1).exact([])


def test_uniform_samples_of_a_matrix_with_rare_rows_fail():
    """The card's construction: six rows alone span the third direction."""
    rng = np.random.default_rng(0)
    A = np.zeros((150, 3))
    A[:144, :2] = rng.standard_normal((144, 2))
    A[144:, 2] = 0.5 * rng.standard_normal(6)
    meter = DistortionMeter(A, 1)
    medians = {}
    for name, scores in (("uniform", np.ones(150)), ("leverage", leverage_scores(A))):
        assert keep_probabilities(scores, 40).sum() == pytest.approx(40)
        samples = [sample_rows(A, scores, 40, p=1, rng=rng) for _ in range(100)]
        medians[name] = np.median(meter.exact(samples))
    assert medians["uniform"] > 2.5 * medians["leverage"]


@pytest.mark.parametrize("p", [1.5, 3, 4])
@pytest.mark.parametrize("rank", [2, 3])
def test_no_weight_below_1_leaves_no_removed_part(p, rank):
    A = random_matrix(9, 20, rank)
    weights = np.where(np.arange(20) % 3 == 0, 1.5, 1.0)
    whole = np.arange(20)
    with np.errstate(over="raise", invalid="raise"):
        exact = embedding_distortion(A, whole, weights, p=p)
    reached = distortion_lower_bound(
        A, whole, weights, p=p, rng=np.random.default_rng(0)
    )
    assert exact >= reached - 1.1e-5 * (1 + reached)


@pytest.mark.parametrize("p", [4, 6])
def test_an_edge_orthogonal_to_the_sample_does_not_close_its_cone(p):
    """||Ax||_p falls from the middle of the first quadrant to its edge (0, 1), where the sample is 0."""
    A = np.vstack(
        [
            [[0.05, 0], [0.9, -0.3]],
            np.tile([0.1, 0.108], (25, 1)),
            np.tile([[0, 0.08], [0, -0.08]], (50, 1)),
        ]
    )
    multipliers = np.zeros((1, len(A)))
    multipliers[0, 0] = 1e8
    x = half_circle(100_001)
    ratios = 1e8 * abs(A[0] @ x) ** p / (abs(A @ x) ** p).sum(axis=0)
    found = cone_search.cone_distortions(A, multipliers, p)[0]
    assert found == pytest.approx(ratios.max() - 1, rel=2e-5)


@pytest.mark.parametrize("p", [50, 400])
def test_large_exponents_do_not_underflow(p):
    """Two equal rows out of 5,000: the ratio is 2 / 5,000 in every direction."""
    A = np.ones((5000, 1))
    sample = ([0, 1], [1.0, 1.0])
    assert embedding_distortion(A, *sample, p=p) == pytest.approx(1 - 2 / 5000)
    rng = np.random.default_rng(0)
    A = rng.standard_normal((300, 6))
    value = distortion_lower_bound(A, np.arange(3), np.ones(3), p=p, rng=rng)
    assert value >= 1
