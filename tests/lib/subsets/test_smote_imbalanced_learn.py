"""SMOTE beside imbalanced-learn's: the same neighbours, and the same law of a new point.

A point on the segment between i and j may come from either, so what can be seen of a draw is the edge {i, j}
and the place on it. Its law: the edge has the weight [j among i's neighbours] + [i among j's], the place is
uniform. Seeds are fixed. A right program would fail any one of the random tests with probability 1e-6.
"""

import numpy as np
import pytest
from scipy.stats import kstest

from samplebook.core.statistics import goodness_of_fit
from samplebook.data.imbalanced_tables import load_imbalanced_table
from samplebook.subsets.smote import minority_neighbours, sample_smote

over_sampling = pytest.importorskip("imblearn.over_sampling")
FALSE_ALARM = 1e-6
POINTS = np.random.default_rng(0).standard_normal((12, 4))


def peer_fit(points, count, k, seed=0):
    """imbalanced-learn's sampler after it has drawn ``count`` new points, and these."""
    majority = np.random.default_rng(1).standard_normal((len(points) + count, 1))
    X = np.vstack([points, np.broadcast_to(majority, (len(majority), points.shape[1]))])
    y = np.r_[np.ones(len(points), dtype=int), np.zeros(len(majority), dtype=int)]
    sampler = over_sampling.SMOTE(k_neighbors=k, random_state=seed)
    new, _ = sampler.fit_resample(X, y)
    return sampler, new[len(X) :]


def edge_law(lists):
    """Probability of every edge, as a symmetric matrix whose upper half sums to 1."""
    law = np.zeros((len(lists), len(lists)))
    np.put_along_axis(law, lists, 1 / lists.size, axis=1)
    return np.triu(law + law.T)


def edges_of(points, new):
    """The edge on which each new point lies, and where on it, by trying all."""
    i, j = np.triu_indices(len(points), 1)
    step = points[j] - points[i]
    way = new[:, None] - points[i]
    share = (way * step).sum(axis=2) / (step**2).sum(axis=1)
    off = abs(way - share[:, :, None] * step).max(axis=2)
    best = off.argmin(axis=1)
    assert (np.sort(off, axis=1)[:, 1] > 1e-9).all()
    assert off.min(axis=1).max() < 1e-12
    return i[best], j[best], np.take_along_axis(share, best[:, None], axis=1)[:, 0]


def draw(side, count, k):
    if side == "ours":
        rng = np.random.default_rng(2)
        return sample_smote(POINTS, count, num_neighbours=k, rng=rng).points
    return peer_fit(POINTS, count, k)[1]


@pytest.mark.parametrize("k", [1, 3, 11])
@pytest.mark.parametrize("side", ["ours", "imbalanced-learn"])
def test_both_draw_from_the_same_law(side, k):
    new = draw(side, 9_000, k)
    i, j, share = edges_of(POINTS, new)
    seen = np.zeros((12, 12), dtype=int)
    np.add.at(seen, (i, j), 1)
    law = edge_law(minority_neighbours(POINTS, k))
    # Ours is stratified over the bases, so that its statistic is rather smaller: still an upper bound.
    assert goodness_of_fit(seen.ravel(), law.ravel()) > FALSE_ALARM
    assert kstest(share, "uniform").pvalue > FALSE_ALARM


@pytest.mark.parametrize("name", ["pima", "yeast4", "satimage"])
def test_both_find_the_same_neighbours(name):
    table = load_imbalanced_table(name)
    standardised = (table.features - table.features.mean(0)) / table.features.std(0)
    points = standardised[table.minority]
    sampler, _ = peer_fit(points, 10, 5)
    theirs = sampler.nn_k_.kneighbors(points, return_distance=False)[:, 1:]
    ours = minority_neighbours(points, 5)

    def gaps(lists):  # equal distances may come in another order
        return ((points[:, None] - points[lists]) ** 2).sum(axis=2)

    np.testing.assert_allclose(gaps(ours), gaps(theirs), atol=1e-9)
    distinct = np.diff(gaps(minority_neighbours(points, 6)), axis=1).min(axis=1) > 1e-9
    assert distinct.mean() > 0.5
    np.testing.assert_array_equal(ours[distinct], theirs[distinct])


def test_far_from_the_origin_imbalanced_learn_pairs_points_with_themselves():
    """Dropping the first of k + 1 found is not the same as leaving the point itself out."""
    points = 1e8 + np.random.default_rng(3).standard_normal((200, 30))
    sampler, _ = peer_fit(points, 10, 5)
    theirs = sampler.nn_k_.kneighbors(points, return_distance=False)[:, 1:]
    itself = np.arange(200)[:, None]
    assert (theirs == itself).any()
    assert not (minority_neighbours(points, 5) == itself).any()
