"""Strategies for points: laws by enumeration, the identities of volume sampling, conditioning, subsampling.

The identities are checked exactly, by summing over all tuples of rows of a small matrix, or over all tuples
of quadrature nodes. Elsewhere seeds are fixed; a right program would fail any one test of a law with
probability 1e-6 over seeds.
"""

import itertools
import math

import numpy as np
import pytest
from enumeration import orthonormal, tuple_counts, tuples, volume_law
from scipy.stats import norm

from samplebook.core.statistics import goodness_of_fit
from samplebook.subsets import (
    STRATEGIES,
    FiniteSpace,
    HermiteSpace,
    LegendreSpace,
    TensorSpace,
    condition_on_stability,
    gram_deviation,
    gram_matrix,
    keep_most_stable,
    remove_greedily,
    sample_christoffel,
    sample_dpp,
    sample_points,
    sample_repeated_dpp,
    sample_volume,
    sampling_weights,
    stability_constant,
    total_degree_indices,
    weighted_least_squares,
)

FALSE_ALARM = 1e-6
SHARES = [1.0, 0.5, 0.0]
SMALL = FiniteSpace(orthonormal(5, 2, seed=1))


def mean_z(values, expected):
    """How many standard errors the mean is from what is expected."""
    error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    return np.abs(values.mean(axis=0) - expected) / error


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("size", [2, 3, 4])
def test_volume_density_is_a_law(size, share):
    assert volume_law(SMALL, size, share)[1].sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("share", SHARES)
def test_volume_sampling_has_its_joint_law(share):
    space = FiniteSpace(orthonormal(4, 2, seed=3))
    _, law = volume_law(space, 3, share)
    draws = sample_volume(
        space,
        3,
        rng=np.random.default_rng(0),
        christoffel_share=share,
        repetitions=40_000,
    )
    assert goodness_of_fit(tuple_counts(draws, 4), law) > FALSE_ALARM


def test_volume_sampling_of_one_sample():
    space = FiniteSpace(orthonormal(3, 2, seed=3))
    rng = np.random.default_rng(0)
    draws = np.array([sample_volume(space, 3, rng=rng) for _ in range(4_000)])
    counts = tuple_counts(draws, 3)
    assert goodness_of_fit(counts, volume_law(space, 3)[1]) > FALSE_ALARM


def adjugate(matrices):
    """Adjugates of 2 x 2 matrices: det(A) A^-1, also where A is singular."""
    trace = np.trace(matrices, axis1=-2, axis2=-1)[..., None, None]
    return trace * np.eye(2) - matrices


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("size", [2, 3, 4])
def test_mean_inverse_gram_matrix(size, share):
    """I1: E[G^-1] = n / (n - m + 1) I. Tuples of one row have det G = 0 but a share of E[det G G^-1]."""
    points, law = volume_law(SMALL, size, share)
    weights = sampling_weights(SMALL, points, christoffel_share=share)
    gram = gram_matrix(SMALL.basis(points), weights)
    determinant = np.linalg.det(gram)
    base = 1 / (SMALL.size * weights).prod(axis=1)
    constant = math.factorial(size - 2) * size**2 / math.factorial(size)
    mean = constant * np.einsum("t,tij->ij", base, adjugate(gram))
    np.testing.assert_allclose(mean, size / (size - 1) * np.eye(2), atol=1e-12)
    regular = determinant > 1e-9
    inverse = np.linalg.inv(gram[regular])
    partial = np.einsum("t,tij->ij", law[regular], inverse)
    singular = constant * np.einsum(
        "t,tij->ij", base[~regular], adjugate(gram[~regular])
    )
    np.testing.assert_allclose(partial + singular, mean, atol=1e-12)


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("size", [2, 3, 4])
def test_fit_is_unbiased(size, share):
    """I2: E[f^] = P f, for volume sampling and for one DPP (n = m)."""
    points, law = volume_law(SMALL, size, share)
    regular = law > 0
    points, law = points[regular], law[regular]
    f = np.random.default_rng(0).standard_normal(SMALL.size)
    weights = sampling_weights(SMALL, points, christoffel_share=share)
    fits = weighted_least_squares(SMALL.basis(points), f[points], weights)
    projection = SMALL.basis(np.arange(SMALL.size)).T @ f / SMALL.size
    np.testing.assert_allclose(law @ fits, projection, atol=1e-12)


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_interpolation_error_on_rows(dimension):
    """I3: E|f - f^|^2 = (m + 1) |g|^2 at the points of one DPP."""
    space = FiniteSpace(orthonormal(6, dimension, seed=2))
    points, law = volume_law(space, dimension)
    regular = law > 0
    f = np.random.default_rng(0).standard_normal(6)
    phi = space.basis(np.arange(6))
    fits = weighted_least_squares(space.basis(points[regular]), f[points[regular]])
    errors = ((f - fits @ phi.T) ** 2).mean(axis=1)
    best = ((f - phi @ (phi.T @ f) / 6) ** 2).mean()
    assert law[regular] @ errors == pytest.approx((dimension + 1) * best, rel=1e-12)


@pytest.mark.parametrize("space", [LegendreSpace(3), HermiteSpace(3)])
def test_interpolation_error_on_the_line(space):
    """I3 in a continuous space: what is integrated is a polynomial, so quadrature is exact."""
    nodes, node_weights = space.quadrature(9)
    f = nodes**5 - nodes**4
    phi = space.basis(nodes)
    sets = np.array(list(itertools.combinations(range(9), 3)))
    masses = np.linalg.det(phi[sets]) ** 2 * node_weights[sets].prod(axis=1)
    assert masses.sum() == pytest.approx(1, abs=1e-12)
    fits = weighted_least_squares(phi[sets], f[sets])
    errors = ((f - fits @ phi.T) ** 2) @ node_weights
    projection = phi @ (phi.T @ (node_weights * f))
    best = node_weights @ (f - projection) ** 2
    assert masses @ errors == pytest.approx(4 * best, rel=1e-10)
    np.testing.assert_allclose(
        masses @ fits, phi.T @ (node_weights * f), atol=1e-10 * np.abs(f).max()
    )


CONTINUOUS = {
    "Legendre": LegendreSpace(4),
    "Hermite": HermiteSpace(4),
    "product": TensorSpace(LegendreSpace, total_degree_indices(2, 1)),
}


@pytest.mark.parametrize("name", CONTINUOUS)
@pytest.mark.parametrize("share", [1.0, 0.5])
def test_mean_inverse_gram_matrix_of_draws(name, share):
    """I1 for drawn points; with n = m + 8 the entries of G^-1 have a finite variance."""
    space = CONTINUOUS[name]
    m = space.dimension
    points = sample_volume(
        space,
        m + 8,
        rng=np.random.default_rng(0),
        christoffel_share=share,
        repetitions=4_000,
    )
    weights = sampling_weights(space, points, christoffel_share=share)
    inverse = np.linalg.inv(gram_matrix(space.basis(points), weights))
    entries = inverse.reshape(len(points), -1)
    expected = (m + 8) / 9 * np.eye(m).ravel()
    quantile = norm.isf(FALSE_ALARM / 2 / m**2)
    assert mean_z(entries, expected).max() < quantile


def test_fit_to_drawn_points_is_unbiased():
    """I2 for a function outside of the space; its coefficients come from quadrature."""
    space = LegendreSpace(5)
    points = sample_volume(space, 14, rng=np.random.default_rng(0), repetitions=4_000)
    weights = sampling_weights(space, points)
    values = 1 / (1 + 5 * points**2)
    fits = weighted_least_squares(space.basis(points), values, weights)
    x, node_weights = space.quadrature(200)
    coefficients = space.basis(x).T @ (node_weights / (1 + 5 * x**2))
    quantile = norm.isf(FALSE_ALARM / 2 / 5)
    assert mean_z(fits, coefficients).max() < quantile


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_place_has_the_christoffel_law(strategy):
    Q = orthonormal(7, 3, seed=4)
    draws = sample_points(
        FiniteSpace(Q),
        6,
        strategy=strategy,
        rng=np.random.default_rng(0),
        repetitions=10_000,
    )
    for place in (0, 5):
        counts = np.bincount(draws[:, place], minlength=7)
        assert goodness_of_fit(counts, (Q**2).sum(axis=1) / 3) > FALSE_ALARM


def test_repeated_dpps_are_dpps_side_by_side():
    space = FiniteSpace(orthonormal(3, 2, seed=6))
    rng = np.random.default_rng(0)
    draws = sample_repeated_dpp(space, 2, rng=rng, repetitions=20_000)
    law = volume_law(space, 2)[1]
    counts = tuple_counts(draws, 3)
    assert goodness_of_fit(counts, np.multiply.outer(law, law).ravel()) > FALSE_ALARM


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_shapes(strategy):
    rng = np.random.default_rng(0)
    for space, point in (
        (LegendreSpace(3), ()),
        (TensorSpace(HermiteSpace, total_degree_indices(2, 1)), (2,)),
        (SMALL, ()),
    ):
        size = 2 * space.dimension
        one = sample_points(space, size, strategy=strategy, rng=rng)
        assert one.shape == (size, *point)
        many = sample_points(space, size, strategy=strategy, rng=rng, repetitions=4)
        assert many.shape == (4, size, *point)
        assert len({sample.tobytes() for sample in many}) > 1


def test_sampling_weights():
    points = np.arange(5)
    for share in SHARES:
        weights = sampling_weights(SMALL, points, christoffel_share=share)
        assert (1 / weights).mean() == pytest.approx(1, abs=1e-12)
    christoffel = 2 / (SMALL.basis(points) ** 2).sum(axis=1)
    np.testing.assert_allclose(sampling_weights(SMALL, points), christoffel)
    half = sampling_weights(SMALL, points, christoffel_share=0.5)
    assert half.max() <= 2


def restricted_law(space, size, floor):
    """The law of independent points, restricted to lambda_min(G) >= floor, and its probability."""
    points = tuples(space.size, size)
    weights = sampling_weights(space, points)
    law = 1 / (space.size * weights).prod(axis=1)
    gram = gram_matrix(space.basis(points), weights)
    law = np.where(np.linalg.eigvalsh(gram)[:, 0] >= floor, law, 0.0)
    return law / law.sum(), law.sum()


def test_conditioning_restricts_the_law():
    space, rng = FiniteSpace(orthonormal(4, 2, seed=3)), np.random.default_rng(0)
    law, probability = restricted_law(space, 3, 0.5)
    assert 0.1 < probability < 0.9
    results = [
        condition_on_stability(
            lambda: sample_christoffel(space, 3, rng=rng), space, max_draws=500
        )
        for _ in range(3_000)
    ]
    draws = np.array([points for points, _ in results])
    assert goodness_of_fit(tuple_counts(draws, 4), law) > FALSE_ALARM
    numbers = np.minimum([number for _, number in results], 8)
    geometric = probability * (1 - probability) ** np.arange(8)
    geometric[-1] = (1 - probability) ** 7
    counts = np.bincount(numbers - 1, minlength=8)
    assert goodness_of_fit(counts, geometric) > FALSE_ALARM


def test_conditioning_gives_up():
    draws = iter(range(10))

    def draw():
        next(draws)
        return np.array([0, 0, 0])

    with pytest.raises(RuntimeError, match="none of 7 samples has lambda_min"):
        condition_on_stability(draw, SMALL, max_draws=7)
    assert next(draws) == 7


def deviation_of(space, points):
    weights = sampling_weights(space, points)
    return gram_deviation(gram_matrix(space.basis(points), weights))


def test_most_stable_of_several():
    space, rng = LegendreSpace(4), np.random.default_rng(0)
    samples = [sample_christoffel(space, 12, rng=rng) for _ in range(20)]
    source = iter(samples)
    kept = keep_most_stable(lambda: next(source), space, num_draws=20)
    deviations = [deviation_of(space, points) for points in samples]
    np.testing.assert_array_equal(kept, samples[int(np.argmin(deviations))])


@pytest.mark.parametrize("name", CONTINUOUS)
def test_greedy_removal_step_by_step(name):
    """Each removed point is the best one by brute force; it stops where the next would break the bound."""
    space = CONTINUOUS[name]
    points = sample_christoffel(space, 30, rng=np.random.default_rng(0))
    limit = 0.8
    kept = remove_greedily(space, points, largest_deviation=limit)
    current = points
    while len(current) > len(kept):
        trials = [np.delete(current, i, axis=0) for i in range(len(current))]
        current = min(trials, key=lambda trial: deviation_of(space, trial))
        assert deviation_of(space, current) <= limit
    np.testing.assert_array_equal(kept, current)
    assert len(kept) < 30
    if len(kept) > space.dimension:
        trials = [np.delete(kept, i, axis=0) for i in range(len(kept))]
        assert min(deviation_of(space, trial) for trial in trials) > limit


def test_greedy_removal_keeps_at_least_the_dimension():
    space = LegendreSpace(4)
    points = sample_dpp(space, rng=np.random.default_rng(0))
    kept = remove_greedily(space, points, largest_deviation=100.0)
    np.testing.assert_array_equal(kept, points)
    more = sample_repeated_dpp(space, 2, rng=np.random.default_rng(0))
    assert len(remove_greedily(space, more, largest_deviation=1e6)) == 4


def test_greedy_removal_leaves_an_unstable_sample_alone():
    points = np.array([0, 0, 0, 1])
    kept = remove_greedily(SMALL, points, largest_deviation=1e-3)
    np.testing.assert_array_equal(kept, points)


def test_repulsion_pays():
    """Two DPPs are stable more often than volume sampling, and that more often than independent points."""
    space, rng = LegendreSpace(6), np.random.default_rng(0)
    medians = {}
    for strategy in STRATEGIES:
        points = sample_points(space, 12, strategy=strategy, rng=rng, repetitions=2_000)
        weights = sampling_weights(space, points)
        medians[strategy] = np.median(stability_constant(space.basis(points), weights))
    assert medians["repeated DPP"] < 0.9 * medians["volume"]
    assert medians["volume"] < 0.7 * medians["independent"]


RNG = np.random.default_rng(0)
SPACE = LegendreSpace(3)
POINTS = np.array([0.0, 0.3, 0.6, 0.9])
BAD_CALLS = {
    "size: must be at least 1, got 0": lambda: sample_christoffel(SPACE, 0, rng=RNG),
    "size: must be at least 3, got 2": lambda: sample_volume(SPACE, 2, rng=RNG),
    "size: must be an integer": lambda: sample_volume(SPACE, 4.0, rng=RNG),
    "size: must be a multiple of the dimension 3, got 4": lambda: sample_points(
        SPACE, 4, strategy="repeated DPP", rng=RNG
    ),
    "strategy: must be one of 'independent', 'volume'": lambda: sample_points(
        SPACE, 4, strategy="dpp", rng=RNG
    ),
    "num_dpps: must be an integer": lambda: sample_repeated_dpp(SPACE, 1.5, rng=RNG),
    "repetitions: must be at least 1": lambda: sample_christoffel(
        SPACE, 4, rng=RNG, repetitions=0
    ),
    "rng: must be a numpy.random.Generator": lambda: sample_volume(SPACE, 4, rng=0),
    "christoffel_share: must be from 0 to 1, got 2": lambda: sample_volume(
        SPACE, 4, rng=RNG, christoffel_share=2
    ),
    "christoffel_share: must be from 0 to 1, got nan": lambda: sampling_weights(
        SPACE, POINTS, christoffel_share=math.nan
    ),
    "smallest_eigenvalue: must be from 0 to 1": lambda: condition_on_stability(
        lambda: POINTS, SPACE, smallest_eigenvalue=1.5
    ),
    "max_draws: must be at least 1": lambda: condition_on_stability(
        lambda: POINTS, SPACE, max_draws=0
    ),
    "num_draws: must be at least 1": lambda: keep_most_stable(
        lambda: POINTS, SPACE, num_draws=0
    ),
    "largest_deviation: must be positive": lambda: remove_greedily(
        SPACE, POINTS, largest_deviation=0
    ),
    "points: 2 are fewer than the dimension 3": lambda: remove_greedily(
        SPACE, POINTS[:2], largest_deviation=1.0
    ),
    "points: 1 are fewer than the dimension 3": lambda: remove_greedily(
        SPACE, 0.5, largest_deviation=1.0
    ),
    "points: one has density 0": lambda: sampling_weights(
        FiniteSpace(np.eye(3)[:, :2]), [0, 2]
    ),
    "points: .* is outside": lambda: sampling_weights(SPACE, 2 * POINTS),
}


@pytest.mark.parametrize("message", BAD_CALLS)
def test_bad_input(message):
    with pytest.raises(ValueError, match=message):
        BAD_CALLS[message]()
