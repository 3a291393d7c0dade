"""Projection DPPs: the program decides as the chain rule says, and what it draws has the determinantal law.

Seeds are fixed. A right program would fail any one test of a law with probability 1e-6 over seeds.
"""

import numpy as np
import pytest
from enumeration import orthonormal, sets_and_masses
from hypothesis import given
from hypothesis import strategies as st

from samplebook.core.statistics import goodness_of_fit
from samplebook.subsets import (
    FiniteSpace,
    HermiteSpace,
    LegendreSpace,
    TensorSpace,
    projection_dpp,
    sample_dpp,
    sample_projection_dpp,
    total_degree_indices,
)

FALSE_ALARM = 1e-6
SIGMAS = 4.9
"""A normal variable is further out with probability 1e-6."""
SIGMAS_OF_50 = 5.6
"""One of 50 normal variables is further out with probability 1e-6."""
SPACES = {
    "finite": FiniteSpace(orthonormal(40, 9)),
    "Legendre": LegendreSpace(11),
    "Hermite": HermiteSpace(7),
    "product": TensorSpace(LegendreSpace, total_degree_indices(2, 3)),
    "one function": LegendreSpace(1),
    "all rows": FiniteSpace(orthonormal(6, 6)),
}


def chain_rule_by_definition(space, rng, block):
    """The chain rule, one proposal after the other, on the same random numbers as the program's."""
    points, vectors, E = [], [], np.zeros((space.dimension, 0))
    while len(points) < space.dimension:
        proposals = space.draw_christoffel(block, rng)
        for x, phi, uniform in zip(
            proposals, space.basis(proposals), rng.random(block), strict=True
        ):
            residual = phi - E @ (E.T @ phi)
            full = len(points) == space.dimension
            if not full and uniform * (phi @ phi) < residual @ residual:
                points.append(x)
                vectors.append(phi)
                E = np.linalg.qr(np.transpose(vectors))[0]
    return np.array(points)


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("block", [3, 160])
def test_one_draw_decides_as_the_definition(name, block, monkeypatch):
    monkeypatch.setattr(projection_dpp, "SMALLEST_BLOCK", block)
    space = SPACES[name]
    block = max(block, space.dimension // 2)
    for seed in range(5):
        drawn = sample_dpp(space, rng=np.random.default_rng(seed))
        expected = chain_rule_by_definition(space, np.random.default_rng(seed), block)
        np.testing.assert_array_equal(drawn, expected)


def test_large_dimension_decides_as_the_definition():
    """150 points: the residuals do not drift."""
    Q = orthonormal(400, 150)
    expected = chain_rule_by_definition(
        FiniteSpace(Q), np.random.default_rng(1), projection_dpp.SMALLEST_BLOCK
    )
    drawn = sample_projection_dpp(Q, rng=np.random.default_rng(1))
    np.testing.assert_array_equal(drawn, np.sort(expected))


def test_one_chain_in_lockstep_decides_as_the_definition():
    for space in SPACES.values():
        drawn = projection_dpp.chain_rule_in_lockstep(
            space, 1, np.random.default_rng(3)
        )
        expected = chain_rule_by_definition(space, np.random.default_rng(3), 1)
        np.testing.assert_array_equal(drawn[0], expected)


def test_proposals_are_accepted_above_their_level_in_turn():
    """By hand: squared residuals 1, 4, 4, 1; the third is along the second, the fourth half along it."""
    residuals = np.array([[1.0, 0.0], [0.0, 2.0], [0.0, 2.0], [0.8, 0.6]])
    accept = projection_dpp.accept_in_turn
    assert accept(residuals, np.array([0.5, 0.5, 0.5, 0.5])) == [0, 1]
    assert accept(residuals, np.array([1.0, 3.5, 3.5, 0.5])) == [1, 3]
    assert accept(residuals, np.array([1.0, 3.5, 3.5, 0.7])) == [1]
    assert accept(residuals, np.array([1.0, 4.0, 4.0, 1.1])) == []
    assert accept(residuals[1:2], np.array([1.0])) == [0]
    slanted = np.array([[1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [1.0, 1.0, 1.0]])
    assert accept(slanted, np.array([0.5, 0.5, 0.5])) == [0, 1, 2]
    assert accept(slanted, np.array([0.5, 1.5, 1.5])) == [0, 2]


def test_the_functions_of_a_finite_space():
    Q = orthonormal(4, 2)
    space = FiniteSpace(Q)
    assert (space.size, space.dimension) == (4, 2)
    np.testing.assert_array_equal(space.basis([[0, 3]]), 2 * Q[[[0, 3]]])
    for rows in (-1, 4, [0, 4], [1.0]):
        with pytest.raises(
            ValueError, match=r"^points: must be row numbers in 0\.\.3$"
        ):
            space.basis(rows)
    with pytest.raises(ValueError, match="^points: empty"):
        space.basis([])


def test_complement_stays_orthonormal():
    """One direction at a time, the worst case, from 200 dimensions down to none."""
    rows = np.random.default_rng(0).standard_normal((200, 200))
    complement = np.eye(200)
    for done in range(199):
        residual = rows[done : done + 1] @ complement
        complement = projection_dpp.leave_out(complement, residual)
        gram = complement.T @ complement
        assert np.abs(gram - np.eye(199 - done)).max() < 1e-13
        along = rows[: done + 1] @ complement
        assert np.abs(along).max() < 1e-10


def test_columns_in_lockstep_stay_orthonormal():
    rows = np.random.default_rng(0).standard_normal((200, 1, 200))
    bases = np.eye(200)[None]
    for done, row in enumerate(rows):
        coordinates = (row[:, None] @ bases)[:, 0]
        residuals = np.where(np.arange(200) < done, 0.0, coordinates)
        bases = projection_dpp.turn_column_to(bases, residuals, np.array([done]))
    assert np.abs(bases[0].T @ bases[0] - np.eye(200)).max() < 1e-13
    triangle = np.triu(rows[:, 0] @ bases[0], 1)
    assert np.abs(triangle).max() < 1e-10


@pytest.mark.parametrize(("rows", "columns"), [(4, 1), (5, 2), (6, 3), (4, 3)])
def test_law_of_the_set(rows, columns):
    Q = orthonormal(rows, columns, seed=rows)
    sets, masses = sets_and_masses(Q)
    assert masses.sum() == pytest.approx(1, abs=1e-12)
    rng = np.random.default_rng(0)
    one_by_one = [sample_projection_dpp(Q, rng=rng) for _ in range(3_000)]
    in_lockstep = np.sort(
        sample_dpp(FiniteSpace(Q), rng=rng, repetitions=30_000), axis=1
    )
    for samples in (np.array(one_by_one), in_lockstep):
        counts = (samples[:, None] == sets).all(axis=2).sum(axis=0)
        assert counts.sum() == len(samples)
        assert goodness_of_fit(counts, masses) > FALSE_ALARM


def test_law_of_the_order():
    """Each order of a set is as probable as any other."""
    Q = orthonormal(4, 2, seed=2)
    draws = sample_dpp(FiniteSpace(Q), rng=np.random.default_rng(0), repetitions=40_000)
    pairs = np.indices((4, 4)).reshape(2, -1).T
    masses = np.linalg.det(Q[pairs]) ** 2 / 2
    counts = np.bincount(4 * draws[:, 0] + draws[:, 1], minlength=16)
    assert goodness_of_fit(counts, masses) > FALSE_ALARM


def test_inclusion_probabilities():
    """Row i is drawn with probability |q_i|^2; rows of probability 1 and 0 always and never."""
    Q = np.zeros((60, 15))
    Q[:50, :14] = orthonormal(50, 14, seed=5)
    Q[50, 14] = 1
    repetitions = 10_000
    draws = sample_dpp(
        FiniteSpace(Q), rng=np.random.default_rng(0), repetitions=repetitions
    )
    frequency = np.bincount(draws.ravel(), minlength=60) / repetitions
    probability = (Q**2).sum(axis=1)
    assert frequency[50] == 1
    assert not frequency[51:].any()
    deviation = np.sqrt(probability * (1 - probability) / repetitions)[:50]
    assert (np.abs(frequency - probability)[:50] < SIGMAS_OF_50 * deviation).all()


def kernel_moments(space, function, num_nodes):
    """Mean and variance of sum_i h(x_i): int h k, and int h^2 k - int int h(x) h(y) K(x, y)^2."""
    x, weights = space.quadrature(num_nodes)
    phi, h = space.basis(x), function(x)
    kernel = phi @ phi.T
    mean = (weights * h * np.diag(kernel)).sum()
    double = (weights * h) @ kernel**2 @ (weights * h)
    return mean, (weights * h**2 * np.diag(kernel)).sum() - double


STATISTICS = {
    "square": lambda x: x**2,
    "cosine": lambda x: np.cos(3 * x),
    "product": lambda x: x[..., 0] * x[..., 1] ** 2,
    "exponential": lambda x: np.exp(x.sum(axis=-1) / 2),
}


@pytest.mark.parametrize(
    ("space", "statistic", "repetitions"),
    [
        (LegendreSpace(6), "square", 10_000),
        (LegendreSpace(6), "cosine", 10_000),
        (LegendreSpace(30), "cosine", 300),
        (HermiteSpace(6), "square", 10_000),
        (HermiteSpace(6), "cosine", 10_000),
        (HermiteSpace(30), "cosine", 300),
        (TensorSpace(LegendreSpace, total_degree_indices(2, 3)), "product", 2_000),
        (TensorSpace(HermiteSpace, total_degree_indices(2, 2)), "exponential", 10_000),
    ],
    ids=lambda value: getattr(value, "dimension", value),
)
def test_linear_statistics(space, statistic, repetitions):
    """Both moments; the variance's own standard error allows for a kurtosis of 5."""
    function = STATISTICS[statistic]
    num_nodes = 20 if isinstance(space, TensorSpace) else 80
    mean, variance = kernel_moments(space, function, num_nodes)
    draws = sample_dpp(space, rng=np.random.default_rng(4), repetitions=repetitions)
    sums = function(draws).sum(axis=1)
    assert abs(sums.mean() - mean) < SIGMAS * np.sqrt(variance / repetitions)
    tolerance = SIGMAS * variance * np.sqrt(4 / repetitions)
    assert abs(sums.var(ddof=1) - variance) < tolerance


@given(
    rows=st.integers(1, 12),
    columns=st.integers(1, 12),
    seed=st.integers(0, 2**32 - 1),
)
def test_draws_are_distinct_sorted_and_reproducible(rows, columns, seed):
    Q = orthonormal(max(rows, columns), columns, seed)
    sets = [sample_projection_dpp(Q, rng=np.random.default_rng(seed)) for _ in range(2)]
    np.testing.assert_array_equal(*sets)
    assert len(sets[0]) == columns
    assert (np.diff(sets[0]) > 0).all()
    assert abs(np.linalg.det(Q[sets[0]])) > 0


def test_the_check_of_the_law_finds_draws_without_repulsion():
    Q = orthonormal(5, 2, seed=5)
    sets, masses = sets_and_masses(Q)
    rng = np.random.default_rng(0)
    pairs = np.array([np.sort(rng.choice(5, 2, replace=False)) for _ in range(3_000)])
    counts = (pairs[:, None] == sets).all(axis=2).sum(axis=0)
    assert goodness_of_fit(counts, masses) < FALSE_ALARM


BAD_MATRICES = {
    "not orthonormal": (
        2 * np.eye(3),
        "columns must be orthonormal, but Q'Q differs from I by 3; take Q from numpy.linalg.qr, in float64$",
    ),
    "nearly orthonormal": (np.eye(4)[:, :2] + 1e-7, "Q'Q differs from I by 2e-07"),
    "dependent": (np.eye(3)[:, [0, 0]], "columns must be orthonormal"),
    "wide": (np.eye(3)[:2], "3 columns but only 2 rows"),
    "not a number": ([[np.nan], [1.0]], "has nan at .*, must be finite"),
    "a vector": ([1.0, 0.0], r"must be a matrix"),
    "empty": (np.empty((3, 0)), "empty"),
    "complex": (np.eye(2, dtype=complex), "must be real numbers"),
}


@pytest.mark.parametrize("kind", BAD_MATRICES)
def test_bad_matrices(kind):
    Q, message = BAD_MATRICES[kind]
    with pytest.raises(ValueError, match=f"Q: .*{message}"):
        sample_projection_dpp(Q, rng=np.random.default_rng(0))


def test_bad_arguments():
    with pytest.raises(ValueError, match=r"rng: must be a numpy.random.Generator"):
        sample_projection_dpp(np.eye(2), rng=0)
    with pytest.raises(ValueError, match="repetitions: must be at least 1, got 0"):
        sample_dpp(LegendreSpace(3), rng=np.random.default_rng(0), repetitions=0)
