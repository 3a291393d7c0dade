"""The law of flipped labels, and the collapse criterion: derived, and where it bites."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from implicit_worlds import generator, random_interactions

from samplebook.data.flipped_votes import flipped_votes
from samplebook.data.vote_splits import dense_core
from samplebook.negatives import (
    Hyperparameters,
    MatrixFactorization,
    collapse_threshold,
    losses,
    preference_if_unvoted,
    settled_preference,
    train,
    vote_probability,
)
from samplebook.negatives.label_flips import (
    expected_appearances,
    largest_singular_value,
)

IN_TRAINING = {"negatives_per_positive": 2, "batch_size": 11}


def test_the_law_by_enumeration():
    """All four outcomes (liked or not, flipped or not) of one pair."""
    rng = np.random.default_rng(0)
    p, gamma, mistaken = rng.random((3, 20))
    outcomes = {
        ("liked", "voted"): p * (1 - gamma),
        ("liked", "unvoted"): p * gamma,
        ("disliked", "voted"): (1 - p) * mistaken,
        ("disliked", "unvoted"): (1 - p) * (1 - mistaken),
    }
    voted = outcomes["liked", "voted"] + outcomes["disliked", "voted"]
    np.testing.assert_allclose(vote_probability(p, gamma, mistaken), voted, atol=1e-14)
    np.testing.assert_allclose(
        preference_if_unvoted(p, gamma, mistaken),
        outcomes["liked", "unvoted"] / (1 - voted),
        atol=1e-12,
    )


def test_edges_of_the_law():
    np.testing.assert_array_equal(vote_probability([0, 1, 1], [1, 0, 1]), [0, 1, 0])
    assert np.isnan(preference_if_unvoted(1.0, 0.0))
    np.testing.assert_allclose(settled_preference([0, 0.5, 1]), [0, 1 / 3, 1 / 2])


@pytest.mark.parametrize(
    ("preference", "flip"), [(1.0, 1e-17), (1 - 2**-50, 1e-15), (1e-300, 0.5)]
)
def test_what_an_unvoted_item_means_where_few_are_unvoted(preference, flip):
    """Against exact fractions, however near P(unvoted) is to 0."""
    p, gamma = Fraction(preference), Fraction(flip)
    exact = p * gamma / (p * gamma + 1 - p)
    assert preference_if_unvoted(preference, flip) == pytest.approx(
        float(exact), rel=1e-14
    )


@pytest.mark.parametrize("bad", [-0.1, 1.1, float("nan")])
def test_chances_outside_the_unit_interval(bad):
    with pytest.raises(ValueError, match="preference: "):
        vote_probability([0.5, bad], 0.5)
    with pytest.raises(ValueError, match="flip: "):
        preference_if_unvoted(0.5, bad)
    with pytest.raises(ValueError, match="mistaken_vote: "):
        vote_probability(0.5, 0.5, bad)
    with pytest.raises(ValueError, match="flip: "):
        settled_preference(bad)


def test_expected_appearances_are_what_training_shows(monkeypatch):
    """Counted over 400 epochs; six standard errors (a false alarm below 1e-6 for the 204 counts)."""
    votes, epochs = random_interactions(1), 400
    counts = np.zeros((2, votes.num_users, votes.num_items))
    batches = 0

    def count(model, users, items, hyperparameters, learning_rate):
        nonlocal batches
        batches += 1
        users = users.numpy()
        np.add.at(counts[0], (users, items[0].numpy()), len(items) - 1)
        np.add.at(counts[1], (users, items[1:].numpy()), 1)

    monkeypatch.setattr("samplebook.negatives.training.train_batch", count)
    model = MatrixFactorization.initialise(12, 17, 1, rng=generator())
    chosen = Hyperparameters("bpr", 0.1, 0.0, epochs=epochs, **IN_TRAINING)
    train(model, votes, chosen, rng=generator())
    positive, negative = expected_appearances(votes, **IN_TRAINING)
    np.testing.assert_allclose(counts[0] / batches, positive, rtol=0, atol=1e-12)
    deviation = np.sqrt(negative / batches)  # a binomial's is below it
    assert (abs(counts[1] / batches - negative) <= 6 * deviation).all()


def test_the_threshold_is_the_largest_growth_rate_of_expected_updates():
    """B is minus the gradient of the expected flip loss at g = 0, taken by automatic differentiation."""
    votes = random_interactions(2)
    p = np.random.default_rng(3).random((votes.num_users, votes.num_items))
    positive, negative = map(torch.tensor, expected_appearances(votes, **IN_TRAINING))
    g = torch.zeros(p.shape, dtype=torch.float64, requires_grad=True)
    R = torch.tensor(np.log(p / (1 - p)))
    never = torch.full((), -torch.inf)
    for weight, arguments in (
        (positive, (R, never, g, torch.zeros(()))),
        (negative, (never, R, torch.zeros(()), g)),
    ):
        part = sum(
            weight[at]
            * losses.nbpo_flip_loss(*(x[at] if x.ndim else x for x in arguments))
            for at in np.ndindex(*p.shape)
        )
        part.backward()
    largest = torch.linalg.svdvals(-g.grad)[0].item()
    assert collapse_threshold(p, votes, **IN_TRAINING) == pytest.approx(
        largest, rel=1e-12
    )


@pytest.mark.parametrize("shape", [(1, 300), (101, 300), (300, 101)])
def test_the_largest_singular_value(shape):
    matrix = np.random.default_rng(6).standard_normal(shape)
    for scaled in (matrix, 0 * matrix, np.where(matrix > 2, matrix, 0)):
        assert largest_singular_value(scaled) == pytest.approx(
            np.linalg.svd(scaled, compute_uv=False)[0], rel=1e-12
        )


@pytest.mark.parametrize(("ratio", "collapses"), [(1.25, True), (0.75, False)])
def test_where_it_bites(ratio, collapses):
    """Small flip factors vanish above the threshold, grow below it; preferences are put back every epoch."""
    world = flipped_votes(num_users=40, num_items=50, rng=np.random.default_rng(4))
    votes = dense_core(world.votes, of_user=1, of_item=1)
    rng = generator(5)
    model = MatrixFactorization.initialise(
        votes.num_users, votes.num_items, 4, flip_rank=4, rng=rng
    )
    model.flip_user_factors.sub_(model.flip_user_factors.mean()).mul_(0.1)
    model.flip_item_factors.sub_(model.flip_item_factors.mean()).mul_(0.1)
    in_training = {"negatives_per_positive": 4, "batch_size": 100}
    threshold = collapse_threshold(model.preferences(), votes, **in_training)
    chosen = Hyperparameters(
        "nbpo", 0.02, 0.0, ratio * threshold, epochs=100, decay=1.0, **in_training
    )
    first = model.copy()

    def hold_preferences(epoch):
        model.user_factors.copy_(first.user_factors)
        model.item_factors.copy_(first.item_factors)

    before = model.flip_probabilities().std()
    train(model, votes, chosen, rng=rng, after_epoch=hold_preferences)
    after = model.flip_probabilities().std()
    assert after < 1e-3 * before if collapses else after > 3 * before


def test_bad_preferences():
    votes = random_interactions()
    with pytest.raises(ValueError, match=r"preferences: must have shape \(12, 17\)"):
        collapse_threshold(np.full((2, 2), 0.5), votes, **IN_TRAINING)
    with pytest.raises(ValueError, match="preferences: has 2"):
        collapse_threshold(np.full((12, 17), 2.0), votes, **IN_TRAINING)
    with pytest.raises(ValueError, match="batch_size: must be at least 1"):
        expected_appearances(votes, negatives_per_positive=2, batch_size=0)
