"""Measurements on a device are those of the library, and of scikit-learn."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from samplebook.core.interactions import Interactions
from samplebook.experiments import nbpo_worlds
from samplebook.experiments.clock import Clock
from samplebook.experiments.nbpo_measurements import (
    auc,
    correlation,
    flip_figures,
    largest_singular_value,
    rank_on_device,
)
from samplebook.experiments.nbpo_sizes import SCALES, WorldSize, settings
from samplebook.experiments.nbpo_training import (
    popularity_row,
    started,
    threshold,
    trained,
)
from samplebook.experiments.stacked_factors import unstacked
from samplebook.negatives import (
    MatrixFactorization,
    Ranking,
    collapse_threshold,
    rank,
    rank_held_out,
    train,
    train_with_validation,
)

SCALE = SCALES["tiny"]


def scores_and_relevance():
    rng = np.random.default_rng(3)
    scores = rng.standard_normal((8, 30))
    kinds = rng.choice(3, p=[0.7, 0.2, 0.1], size=scores.shape)
    kinds[2] = 0
    return scores, kinds == 1, kinds == 2


@pytest.mark.parametrize("depth", [1, 10, 100])
def test_rankings_are_the_librarys(depth):
    scores, relevant, excluded = scores_and_relevance()
    found = rank_on_device(
        *map(torch.from_numpy, (scores, relevant, excluded)), depth=depth
    )
    expected = rank(scores, relevant, excluded=excluded, depth=depth)
    for field in fields(Ranking):
        np.testing.assert_array_equal(
            getattr(found, field.name), getattr(expected, field.name)
        )


def test_auc_is_scikit_learns():
    scores, positive, _ = scores_and_relevance()
    found = auc(*(torch.from_numpy(part.ravel()) for part in (scores, positive)))
    assert found == pytest.approx(
        roc_auc_score(positive.ravel(), scores.ravel()), abs=1e-12
    )


def test_correlation_is_numpys():
    first, second = np.random.default_rng(4).standard_normal((2, 5, 7))
    found = correlation(torch.from_numpy(first), torch.from_numpy(second))
    expected = np.corrcoef(first.ravel(), second.ravel())[0, 1]
    assert found == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("shape", [(20, 31), (31, 20)])
def test_the_largest_singular_value_is_numpys(shape):
    matrix = np.random.default_rng(5).standard_normal(shape)
    found = largest_singular_value(torch.from_numpy(matrix))
    assert found == pytest.approx(np.linalg.norm(matrix, ord=2), rel=1e-6)


def test_a_constant_gamma_has_no_correlation():
    true_flip = torch.linspace(0, 1, 4)
    gamma = true_flip.expand(3, 4)
    assert flip_figures(gamma, true_flip)["correlation"] == pytest.approx(1)
    constant = torch.full((3, 4), 0.5)
    for pair in [(constant, true_flip), (gamma, torch.full((4,), 0.5))]:
        assert np.isnan(flip_figures(*pair)["correlation"])
    assert "correlation" not in flip_figures(gamma, None)


def world_of(seed=0, size=SCALE.worlds["structured flips"]):
    votes, truth = nbpo_worlds.generated_votes(size, seed)
    return nbpo_worlds.make_world(
        "some",
        votes,
        truth,
        size.flips,
        scale=SCALE,
        seed=seed,
        device=torch.device("cpu"),
    )


def test_the_threshold_is_the_librarys():
    split = world_of().splits[0]
    votes = split.training
    model = MatrixFactorization.initialise(
        votes.num_users, votes.num_items, 4, rng=torch.Generator().manual_seed(0)
    )
    expected = collapse_threshold(
        model.preferences(),
        votes,
        negatives_per_positive=SCALE.negatives_per_positive,
        batch_size=SCALE.batch_size,
    )
    assert threshold(model, split) == pytest.approx(expected, rel=1e-5)


def test_splits_are_of_one_size_and_differ():
    world = world_of()
    assert len({len(split.training) for split in world.splits}) == 1
    first, second = (split.training for split in world.splits[:2])
    assert not np.array_equal(first.items, second.items)
    for split in world.splits:
        total = split.is_training.int() + split.is_validation + split.is_test
        np.testing.assert_array_equal(total.numpy(), world.votes.matrix())


def test_votes_are_liked_and_seen_as_often_as_the_truth_says():
    """Of the liked pairs a share 1 - gamma is voted: within 5 standard errors."""
    votes, truth = nbpo_worlds.generated_votes(WorldSize(400, 50, 0.0, 0.0), 1)
    assert isinstance(votes, Interactions)
    voted = votes.matrix()
    assert not (voted & ~truth.liked).any()
    np.testing.assert_allclose(truth.flip, 0.5)
    count = truth.liked.sum()
    assert abs(voted.sum() / count - 0.5) < 5 * 0.5 / np.sqrt(count)


def test_users_without_a_vote_are_left_out_of_the_truth_too():
    size = WorldSize(200, 20, 0.0, -4.0)
    votes, truth = nbpo_worlds.generated_votes(size, 0)
    assert votes.votes_of_users.min() == 1
    assert votes.num_users == len(truth.liked) < size.num_users
    assert not (votes.matrix() & ~truth.liked).any()


def test_above_its_strength_a_world_leaves_no_preferences():
    """A little above, factors shrink to nothing; a little below, they grow."""
    world = world_of()
    split = world.splits[0]
    sizes = {}
    for share in (0.7, 1.3):
        plan = settings(
            SCALE, "bpo", 0.1 / world.strength, share * world.strength, epochs=150
        )
        plan = replace(plan, decay=1.0)
        model, trainee = started(split, plan)
        train(model, split.training, plan, rng=trainee.rng)
        sizes[share] = float(model.scores().abs().max())
    assert sizes[1.3] < 0.01 < 0.3 < sizes[0.7]


def test_popularity_is_judged_as_the_library_does_it():
    world = world_of()
    row = popularity_row(world)
    for number, split in enumerate(world.splits):
        popularity = split.training.votes_of_items.astype(float)
        ranking = rank_held_out(
            lambda users, row=popularity: np.tile(row, (len(users), 1)),
            split.test,
            excluded=[split.training, split.validation],
        )
        for cutoff in (2, 10, 100):
            for name in ("ndcg", "f1"):
                expected = np.nanmean(getattr(ranking, name)(cutoff))
                found = row.of_seeds[f"{name}@{cutoff}"][number]
                assert found == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("method", ["bpr", "nbpo"])
def test_each_seed_keeps_the_epoch_that_the_library_keeps(method):
    world = world_of()
    plan = settings(SCALE, method, 0.1, 0.1, flip_regularisation=0.3)
    validation = trained(world, plan, Clock(600.0))
    kept = unstacked(validation.best, SCALE.seeds)
    for number, split in enumerate(world.splits):
        model, trainee = started(split, plan)
        history = train_with_validation(
            model,
            split.training,
            split.validation,
            plan,
            rng=trainee.rng,
            every=SCALE.validate_every,
        )
        found = {epoch: values[number] for epoch, values in validation.history}
        assert found == pytest.approx(history, abs=1e-6)
        assert history[validation.best_epochs[number]] == max(history.values())
        np.testing.assert_allclose(
            kept[number].scores(), model.scores(), rtol=1e-4, atol=1e-5
        )
