"""Models that train side by side end where each would end alone."""

from dataclasses import fields

import numpy as np
import pytest
import torch

from samplebook.core.interactions import Interactions
from samplebook.data.vote_splits import split_votes
from samplebook.experiments.stacked_factors import (
    Trainee,
    stacked,
    train_together,
    unstacked,
)
from samplebook.negatives import (
    Hyperparameters,
    MatrixFactorization,
    TrainingDivergedError,
    UnvotedItems,
    train,
)

NUM_USERS, NUM_ITEMS, SEEDS = 13, 21, 3


def training_votes(seed):
    """Different votes for each seed, equally many."""
    matrix = np.random.default_rng(9).random((NUM_USERS, NUM_ITEMS)) < 0.4
    rng = np.random.default_rng(seed)
    return split_votes(Interactions.of_matrix(matrix), (0.7, 0.3), rng=rng)[0]


def started(seed):
    rng = torch.Generator().manual_seed(seed)
    model = MatrixFactorization.initialise(
        NUM_USERS, NUM_ITEMS, 4, flip_rank=3, rng=rng
    )
    return model, training_votes(seed), rng


def trained_side_by_side(settings, after_epoch=lambda epoch: None):
    models, trainees = [], []
    for seed in range(SEEDS):
        model, votes, rng = started(seed)
        models.append(model)
        trainees.append(Trainee(votes, UnvotedItems(votes), rng))
    stack = stacked(models)
    train_together(stack, trainees, settings, after_epoch=after_epoch)
    return unstacked(stack, SEEDS)


def distance(one, other):
    """The largest difference of an entry of two models."""
    return max(
        float((getattr(one, field.name) - getattr(other, field.name)).abs().max())
        for field in fields(MatrixFactorization)
    )


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("bpr", {}),
        ("bpo", {}),
        ("nbpo", {}),
        ("nbpo", {"fixed_flip": 0.3}),
        ("nbpo_original", {}),
    ],
)
def test_each_model_trains_as_it_does_alone(method, options):
    settings = Hyperparameters(
        method, 0.05, 0.3, 0.9, epochs=4, batch_size=17, **options
    )
    together = trained_side_by_side(settings)
    for seed, model in enumerate(together):
        alone, votes, rng = started(seed)
        train(alone, votes, settings, rng=rng)
        assert distance(model, alone) < 1e-5
        assert distance(alone, started(seed)[0]) > 0.01


def test_models_share_the_memory_of_their_stack():
    stack = stacked([started(seed)[0] for seed in range(SEEDS)])
    unstacked(stack, SEEDS)[1].user_factors.zero_()
    assert float(stack.user_factors[NUM_USERS : 2 * NUM_USERS].abs().max()) == 0
    assert float(stack.user_factors.abs().min(1).values[0]) > 0


def test_a_stack_without_flips_stays_without():
    rng = torch.Generator().manual_seed(0)
    models = [MatrixFactorization.initialise(3, 4, 2, rng=rng) for _ in range(2)]
    parts = unstacked(stacked(models), 2)
    assert not any(part.learns_flips for part in parts)
    assert torch.equal(parts[1].item_factors, models[1].item_factors)


def test_it_says_which_epoch_has_ended():
    epochs = []
    trained_side_by_side(Hyperparameters("bpr", 0.05, 0.3, epochs=3), epochs.append)
    assert epochs == [1, 2, 3]


def test_unequal_numbers_of_votes_are_named():
    model, votes, rng = started(0)
    fewer = votes.subset(np.arange(len(votes)) > 0)
    trainees = [Trainee(some, UnvotedItems(some), rng) for some in (votes, fewer)]
    with pytest.raises(ValueError, match="trainees: must have equally many"):
        train_together(
            stacked([model, model]),
            trainees,
            Hyperparameters("bpr", 0.05, 0.3),
            after_epoch=lambda epoch: None,
        )


def test_divergence_is_named():
    with pytest.raises(TrainingDivergedError, match="after epoch"):
        trained_side_by_side(Hyperparameters("bpr", 1e30, 1.0, epochs=20))
