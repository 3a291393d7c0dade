"""Rankings and metrics against scikit-learn, against loops in plain Python, and by hand."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import label_ranking_average_precision_score, ndcg_score

from samplebook.core.interactions import Interactions
from samplebook.negatives.ranking_metrics import rank, rank_held_out

FAST = settings(derandomize=True, deadline=None, max_examples=60, database=None)


def problem(seed, num_rows=6, num_items=12, levels=4):
    """Scores with many ties, relevance and excluded items."""
    rng = np.random.default_rng(seed)
    scores = rng.integers(levels, size=(num_rows, num_items)) - 2.0
    relevance = rng.random(scores.shape) < rng.random((num_rows, 1))
    excluded = ~relevance & (rng.random(scores.shape) < 0.3)
    return scores, relevance, excluded


def metrics_by_loops(scores, relevance, excluded, k):
    """The five metrics of one row, from their definitions."""
    eligible = [i for i in range(len(scores)) if not excluded[i]]
    order = sorted(eligible, key=lambda i: (-scores[i], i))
    gains = [float(relevance[i]) for i in order]
    if not any(gains):
        return [math.nan] * 5

    def dcg(values):
        return sum(g / math.log2(place + 2) for place, g in enumerate(values[:k]))

    hits = sum(g > 0 for g in gains[:k])
    precision, recall = hits / k, hits / sum(g > 0 for g in gains)
    f1 = 2 * precision * recall / (precision + recall) if hits else 0.0
    first = next(place for place, g in enumerate(gains, 1) if g > 0)
    ndcg = dcg(gains) / dcg(sorted(gains, reverse=True))
    return [ndcg, precision, recall, f1, 1 / first if first <= k else 0.0]


def all_metrics(ranking, k):
    return np.stack(
        [
            ranking.ndcg(k),
            ranking.precision(k),
            ranking.recall(k),
            ranking.f1(k),
            ranking.reciprocal_rank(k),
        ],
        axis=1,
    )


@FAST
@given(st.integers(0, 10**6), st.integers(1, 12), st.sampled_from([1, 2, 4, 1000]))
def test_metrics_by_their_definitions_ties_and_all(seed, k, levels):
    scores, relevance, excluded = problem(seed, levels=levels)
    ours = all_metrics(rank(scores, relevance, excluded=excluded), k)
    loops = [
        metrics_by_loops(*row, k)
        for row in zip(scores, relevance, excluded, strict=True)
    ]
    np.testing.assert_allclose(ours, loops, rtol=0, atol=1e-12)


@FAST
@given(st.integers(0, 10**6), st.integers(1, 30), st.booleans())
def test_ndcg_is_scikit_learns(seed, k, graded):
    rng = np.random.default_rng(seed)
    scores = rng.standard_normal((8, 30))
    relevance = rng.integers(4 if graded else 2, size=scores.shape)
    np.testing.assert_allclose(
        np.nanmean(rank(scores, relevance).ndcg(k)),
        ndcg_score(relevance, scores, k=k),
        rtol=0,
        atol=1e-12,
    )


def test_the_reciprocal_rank_is_scikit_learns_where_one_item_is_relevant():
    rng = np.random.default_rng(0)
    scores = rng.standard_normal((50, 20))
    relevance = np.eye(20, dtype=int)[rng.integers(20, size=50)]
    np.testing.assert_allclose(
        rank(scores, relevance, depth=3).reciprocal_rank().mean(),
        label_ranking_average_precision_score(relevance, scores),
        rtol=0,
        atol=1e-12,
    )


def test_metrics_by_hand():
    """Ranking b, d, a, c, e (a and c tie); relevant: a and e."""
    ranking = rank([[2.0, 9.0, 2.0, 5.0, 1.0]], [[1, 0, 0, 0, 1]])
    np.testing.assert_array_equal(ranking.gains[:, :5], [[0, 0, 1, 0, 1]])
    assert ranking.precision(3) == pytest.approx(1 / 3)
    assert ranking.recall(3) == pytest.approx(1 / 2)
    assert ranking.f1(3) == pytest.approx(2 / 5)
    assert ranking.ndcg(3) == pytest.approx(0.5 / (1 + 1 / math.log2(3)))
    assert ranking.reciprocal_rank() == pytest.approx(1 / 3)
    assert ranking.reciprocal_rank(2) == 0


def test_ties_go_to_the_smaller_item_number():
    np.testing.assert_array_equal(
        rank(np.zeros((1, 6)), [[0, 1, 2, 3, 4, 5]], depth=4).gains, [[0, 1, 2, 3]]
    )


def test_rows_with_nothing_relevant_are_not_numbers():
    ranking = rank([[1.0, 2.0], [1.0, 2.0]], [[0, 0], [1, 0]])
    for metric in (*all_metrics(ranking, 1).T, ranking.reciprocal_rank()):
        assert np.isnan(metric).tolist() == [True, False]


def test_truth_values_and_tensors():
    scores, relevance, excluded = problem(5)
    ours = rank(scores, relevance, excluded=excluded).ndcg(5)
    theirs = rank(
        torch.tensor(scores, dtype=torch.float32, requires_grad=True),
        torch.tensor(relevance),
        excluded=torch.tensor(excluded),
    ).ndcg(5)
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("block", [1, 4, 100])
def test_blocks_of_users_change_nothing(block):
    scores, relevance, excluded = problem(7, num_rows=11)
    other = ~relevance & ~excluded & (np.arange(12) % 5 == 0)
    ranking = rank_held_out(
        lambda users: scores[users],
        Interactions.of_matrix(relevance),
        excluded=[Interactions.of_matrix(excluded), Interactions.of_matrix(other)],
        block=block,
    )
    expected = rank(scores, relevance, excluded=excluded | other)
    np.testing.assert_array_equal(all_metrics(ranking, 3), all_metrics(expected, 3))


@pytest.mark.parametrize("k", [1, 3, 11])
def test_places_beyond_the_cutoff_change_nothing(k):
    """Neither a ranking's nor the ideal one's: grades whose best k are not the first or last k."""
    scores, _, excluded = problem(9)
    grades = np.random.default_rng(10).integers(4, size=scores.shape) * ~excluded
    short, full = (
        rank(scores, grades, excluded=excluded, depth=depth) for depth in (k, 12)
    )
    np.testing.assert_array_equal(all_metrics(short, k), all_metrics(full, k))


@pytest.mark.parametrize("k", [12, 13, 40])
def test_a_cutoff_beyond_the_last_item(k):
    """The places there hold nothing: they count in precision and F1, and add nothing to the other metrics."""
    scores, relevance, excluded = problem(8)
    ours = all_metrics(rank(scores, relevance, excluded=excluded, depth=k), k)
    loops = [
        metrics_by_loops(*row, k)
        for row in zip(scores, relevance, excluded, strict=True)
    ]
    np.testing.assert_allclose(ours, loops, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("excluded", "message"),
    [
        ([[1], [1], [0]], "excluded: has 3 users and 1 items, held_out has 3 and 2"),
        ([[1, 0]], "excluded: has 1 users and 2 items, held_out has 3 and 2"),
        ([[1, 0], [1, 0], [1, 1]], "excluded: user 2's vote for item 0 is in held_out"),
    ],
)
def test_excluded_votes_that_do_not_fit(excluded, message):
    """The user is named by number, in whatever block; one column is not stretched over all items."""
    held_out = Interactions.of_matrix([[0, 1], [0, 1], [1, 0]])
    excluded = [Interactions.of_matrix(excluded)]
    with pytest.raises(ValueError, match=message):
        rank_held_out(lambda users: 1, held_out, excluded=excluded, block=2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scores": [[1.0, float("nan")]]}, "scores: has nan"),
        ({"scores": [[1.0, float("inf")]]}, "scores: has inf"),
        ({"scores": [1.0, 2.0]}, "scores: must be a matrix"),
        ({"relevance": [[1, 0, 0]]}, r"relevance: shape \(1, 3\) differs"),
        ({"relevance": [[1, -1]]}, "relevance: has -1, must not be negative"),
        ({"excluded": [[1, 0]]}, "excluded: must be truth values"),
        ({"excluded": [[True]]}, "excluded: must be truth values"),
        ({"excluded": [[True, False]]}, "excluded: item 0 of row 0 is relevant"),
        ({"depth": 0}, "depth: must be at least 1"),
    ],
)
def test_bad_input(arguments, message):
    good = {"scores": [[1.0, 2.0]], "relevance": [[1, 0]], "excluded": None}
    with pytest.raises(ValueError, match=message):
        rank(**(good | arguments))


def test_a_cutoff_beyond_the_ranked_places():
    ranking = rank([[1.0, 2.0, 3.0]], [[1, 0, 0]], depth=2)
    with pytest.raises(ValueError, match="cutoff: 3 is more than the 2 places"):
        ranking.ndcg(3)
    assert ranking.reciprocal_rank(3) == pytest.approx(1 / 3)
