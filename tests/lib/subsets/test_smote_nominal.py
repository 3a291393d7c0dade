"""SMOTE-NC: its distance, its vote, and imbalanced-learn's.

Seeds are fixed. A right program would fail any one of the random tests with probability 1e-6 over seeds.
"""

import numpy as np
import pytest

from samplebook.core.statistics import goodness_of_fit
from samplebook.subsets.smote import minority_neighbours
from samplebook.subsets.smote_nominal import mixed_coordinates, sample_smote_nc, vote

FALSE_ALARM = 1e-6


def mixed_points(seed, m=30):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((m, 3)) * [1, 5, 2], rng.integers(0, 3, size=(m, 2)) * 7


def test_the_distance_counts_s_for_every_category_that_differs():
    points, categories = mixed_points(0)
    s = np.median(points.std(axis=0))
    expected = ((points[:, None] - points) ** 2).sum(axis=2)
    expected += s**2 * (categories[:, None] != categories).sum(axis=2)
    x = mixed_coordinates(points, categories)
    found = ((x[:, None] - x) ** 2).sum(axis=2)
    np.testing.assert_allclose(found, expected, atol=1e-11)


def test_the_numbers_that_stand_for_categories_do_not_matter():
    points, categories = mixed_points(1)
    new, renamed = (
        sample_smote_nc(points, names, 60, rng=np.random.default_rng(2))
        for names in (categories, 3 * categories + 1)
    )
    np.testing.assert_array_equal(new.points, renamed.points)
    np.testing.assert_array_equal(3 * new.categories + 1, renamed.categories)


def test_new_points_are_between_and_have_a_most_frequent_category():
    points, categories = mixed_points(3)
    new = sample_smote_nc(points, categories, 300, rng=np.random.default_rng(4))
    lists = minority_neighbours(mixed_coordinates(points, categories), 5)
    assert np.bincount(new.bases).tolist() == [10] * 30
    assert (lists[new.bases] == new.partners[:, None]).any(axis=1).all()
    step = points[new.partners] - points[new.bases]
    np.testing.assert_allclose(
        new.points, points[new.bases] + new.fractions * step, atol=1e-12
    )
    for base, chosen in zip(new.bases, new.categories, strict=True):
        ballots = categories[lists[base]]
        for feature, value in enumerate(chosen):
            counts = np.bincount(ballots[:, feature])
            assert counts[value] == counts.max()


def test_ties_are_broken_evenly():
    ballots = np.array([[4, 4, 9, 9, 1], [1, 1, 1, 4, 9]])
    rng = np.random.default_rng(5)
    drawn = vote(ballots, np.zeros(10_000, dtype=int), rng=rng)
    counts = [(drawn == value).sum() for value in (1, 4, 9)]
    assert counts[0] == 0
    assert goodness_of_fit(counts[1:], [0.5, 0.5]) > FALSE_ALARM
    assert (vote(ballots, np.ones(100, dtype=int), rng=rng) == 1).all()


def test_imbalanced_learn_has_the_same_distance_and_majorities():
    """Its neighbours and categories, where no vote is tied, are ours; the deviations are those of all m."""
    over_sampling = pytest.importorskip("imblearn.over_sampling")
    points, categories = mixed_points(6)
    rng = np.random.default_rng(7)
    majority = np.column_stack(
        [rng.standard_normal((400, 3)), rng.integers(0, 3, size=(400, 2)) * 7]
    )
    X = np.vstack([np.column_stack([points, categories]), majority])
    y = np.r_[np.ones(30, dtype=int), np.zeros(400, dtype=int)]
    peer = over_sampling.SMOTENC(categorical_features=[3, 4], random_state=0)
    new, _ = peer.fit_resample(X, y)
    assert peer.median_std_[1] == pytest.approx(np.median(points.std(axis=0)))
    lists = minority_neighbours(mixed_coordinates(points, categories), 5)
    for point in new[430:]:
        # The base is the i whose neighbours j have the point on a segment from i to j.
        step = points[lists] - points[:, None]
        way = point[:3] - points[:, None]
        share = (way * step).sum(axis=2) / (step**2).sum(axis=2)
        off = abs(way - share[:, :, None] * step).max(axis=2)
        bases = np.flatnonzero((off < 1e-9).any(axis=1))
        assert 1 <= len(bases) <= 2
        assert any(has_most_votes(categories[lists[i]], point[3:]) for i in bases)


def has_most_votes(ballots, chosen):
    counts = (ballots == chosen).sum(axis=0)
    most = [np.unique(column, return_counts=True)[1].max() for column in ballots.T]
    return (counts == most).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"categories": [[0.5]] * 30}, "categories: must be integers"),
        (
            {"categories": [[1]] * 29},
            r"categories: must be integers of shape \(30, q\)",
        ),
        ({"categories": [1] * 30}, "categories: must be integers"),
        ({"points": [[1.0]]}, "points: one point has no neighbour"),
        ({"num_neighbours": 30}, "num_neighbours: must be below"),
        ({"count": 0}, "count: must be at least 1"),
        ({"rng": None}, "rng: must be a numpy.random.Generator"),
    ],
)
def test_bad_input(change, message):
    points, categories = mixed_points(8)
    arguments = {
        "points": points,
        "categories": categories,
        "count": 5,
        "rng": np.random.default_rng(0),
    }
    with pytest.raises(ValueError, match=message):
        sample_smote_nc(**arguments | change)
