"""Training takes the official program's steps; what cannot be trained is named."""

import copy

import numpy as np
import pytest
import torch
from implicit_worlds import generator, random_interactions

from samplebook.core.interactions import Interactions
from samplebook.negatives import (
    Hyperparameters,
    MatrixFactorization,
    TrainingDivergedError,
    UnvotedItems,
    losses,
    rank_held_out,
    train,
    train_with_validation,
)
from samplebook.negatives.training import train_batch
from samplebook.negatives.update_coefficients import METHODS, METHODS_WITHOUT_FLIPS

RATE, PENALTY, FLIP_PENALTY = 0.07, 0.3, 0.9
LOSSES = {
    "bpr": losses.bpr_loss,
    "bpo": losses.bpo_loss,
    "nbpo": losses.nbpo_loss,
    "nbpo_original": losses.nbpo_original_loss,
    "nbpo_surrogate": losses.nbpo_surrogate_loss,
}


def settings_of(method="bpr", **options):
    return Hyperparameters(
        method, RATE, PENALTY, FLIP_PENALTY, **({"epochs": 3} | options)
    )


def small_model(seed=0, num_users=12, num_items=17, scale=1.0):
    model = MatrixFactorization.initialise(
        num_users,
        num_items,
        4,
        flip_rank=3,
        rng=generator(seed),
        dtype=torch.float64,
    )
    for factors in vars(model).values():
        factors.mul_(scale)
    return model


def random_batch(seed=0, num_users=12, num_items=17, size=9, rho=3):
    """Users (B,) that repeat, and items (1 + rho, B) that repeat."""
    rng = np.random.default_rng(seed)
    return (
        torch.tensor(rng.integers(num_users, size=size)),
        torch.tensor(rng.integers(num_items, size=(1 + rho, size))),
    )


def nbpo_by_loops(model, users, items):
    """One batch of NBPO, triple by triple, as the official program writes it."""

    def d(x):
        return 1 / (1 + np.exp(-x))

    U, V, P, Q = (factors.numpy() for factors in vars(model).values())
    dU, dV, dP, dQ = (np.zeros_like(factors) for factors in (U, V, P, Q))
    for b, u in enumerate(users.tolist()):
        i, *negatives = items[:, b].tolist()
        for j in negatives:
            pi, pj, ci, cj = (
                d(U[u] @ V[i]),
                d(U[u] @ V[j]),
                d(P[u] @ Q[i]),
                d(P[u] @ Q[j]),
            )
            gi, gj, hi, hj = (
                (1 - ci) * (1 - pi),
                cj * (1 - pj) - pj,
                -ci * pi,
                (1 - cj) * pj,
            )
            dU[u] += gi * V[i] + gj * V[j]
            dV[i] += gi * U[u]
            dV[j] += gj * U[u]
            dP[u] += hi * Q[i] + hj * Q[j]
            dQ[i] += hi * P[u]
            dQ[j] += hj * P[u]
    return [
        factors + RATE * (change - penalty * factors)
        for factors, change, penalty in (
            (U, dU, PENALTY),
            (V, dV, PENALTY),
            (P, dP, FLIP_PENALTY),
            (Q, dQ, FLIP_PENALTY),
        )
    ]


def test_a_batch_of_nbpo_is_the_official_loop():
    model = small_model(scale=2.0)
    users, items = random_batch()
    expected = nbpo_by_loops(model, users, items)
    train_batch(model, users, items, settings_of("nbpo"), RATE)
    for ours, theirs in zip(vars(model).values(), expected, strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs, rtol=0, atol=1e-13)


@pytest.mark.parametrize("method", METHODS)
def test_a_batch_is_a_step_down_the_loss(method):
    """U - eta (gradient of the loss + lambda U), by automatic differentiation."""
    model = small_model(1, scale=2.0)
    users, items = random_batch(1)
    factors = [part.clone().requires_grad_() for part in vars(model).values()]
    U, V, P, Q = factors
    R, g = ((a[users] * b[items]).sum(-1) for a, b in ((U, V), (P, Q)))
    logits = [R[0], R[1:], g[0], g[1:]]
    with_flips = method not in METHODS_WITHOUT_FLIPS
    LOSSES[method](*logits[: 4 if with_flips else 2]).backward()
    train_batch(model, users, items, settings_of(method), RATE)
    penalties = (PENALTY, PENALTY, FLIP_PENALTY, FLIP_PENALTY)
    for part, old, penalty in zip(
        vars(model).values(), factors, penalties, strict=True
    ):
        step = 0 if old.grad is None else RATE * (old.grad + penalty * old)
        np.testing.assert_allclose(part, (old - step).detach(), rtol=0, atol=1e-13)


def test_a_fixed_flip_of_a_half_is_flip_factors_of_zero():
    """Zero flip factors have zero gradients for ever."""
    model = small_model(2)
    model.flip_user_factors.zero_()
    model.flip_item_factors.zero_()
    fixed = model.copy()
    votes = random_interactions()
    train(model, votes, settings_of("nbpo"), rng=generator())
    train(fixed, votes, settings_of("nbpo", fixed_flip=0.5), rng=generator())
    assert not model.flip_user_factors.any() and not model.flip_item_factors.any()
    for ours, theirs in zip(vars(model).values(), vars(fixed).values(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-13)


@pytest.mark.parametrize("gamma", [0.1, 0.7])
def test_a_fixed_flip_is_a_constant_logit(gamma):
    model = small_model(3)
    users, items = random_batch(3)
    U, V = (part.clone().requires_grad_() for part in list(vars(model).values())[:2])
    R = (U[users] * V[items]).sum(-1)
    flip = torch.tensor(np.log(gamma / (1 - gamma)))
    losses.nbpo_preference_loss(R[0], R[1:], flip, flip).backward()
    train_batch(model, users, items, settings_of("nbpo", fixed_flip=gamma), RATE)
    expected = (U - RATE * (U.grad + PENALTY * U)).detach()
    np.testing.assert_allclose(model.user_factors, expected, rtol=0, atol=1e-13)


def test_the_first_factors():
    model = MatrixFactorization.initialise(300, 200, 16, flip_rank=25, rng=generator())
    U, V, P, Q = vars(model).values()
    for factors, low, high in (
        (U, 0, 1 / 4),
        (V, 0, 1 / 4),
        (P, 0, 1),
        (Q, -1, 0),
    ):
        assert low <= factors.min() < low + 0.01 and high - 0.01 < factors.max() <= high
        assert abs(factors.mean() - (low + high) / 2) < 0.02
    assert U.dtype == torch.float32
    assert model.flip_probabilities().mean() == pytest.approx(0.003, abs=0.002)


def test_scores_and_probabilities():
    model = small_model(4)
    U, V, P, Q = vars(model).values()
    np.testing.assert_allclose(model.scores([3, 0]), U[[3, 0]] @ V.T, atol=1e-14)
    np.testing.assert_allclose(
        model.preferences(), 1 / (1 + (-U @ V.T).exp()), atol=1e-14
    )
    np.testing.assert_allclose(
        model.flip_probabilities(np.array([2])),
        1 / (1 + (-P[[2]] @ Q.T).exp()),
        atol=1e-14,
    )


def test_an_epoch_shows_every_vote_once_with_unvoted_items(monkeypatch):
    votes = random_interactions(5)
    seen, rates = [], []

    def record(model, users, items, hyperparameters, learning_rate):
        seen.append((users.clone(), items.clone()))
        rates.append(learning_rate)

    monkeypatch.setattr("samplebook.negatives.training.train_batch", record)
    chosen = settings_of(batch_size=10, negatives_per_positive=2, epochs=2, decay=0.5)
    train(small_model(), votes, chosen, rng=generator())
    batches = -(-len(votes) // 10)
    assert rates == [RATE] * batches + [RATE / 2] * batches
    orders = []
    for epoch in (seen[:batches], seen[batches:]):
        users = torch.cat([part[0] for part in epoch]).numpy()
        items = torch.cat([part[1] for part in epoch], dim=1).numpy()
        shown = Interactions.of_pairs(users, items[0], num_users=12, num_items=17)
        assert len(users) == len(votes)
        np.testing.assert_array_equal(shown.matrix(), votes.matrix())
        assert items.shape[0] == 3
        assert not votes.matrix()[users, items[1:]].any()
        orders.append(users * 17 + items[0])
    assert not np.array_equal(*orders)


def test_negatives_of_another_law():
    """With item 1 as every user's negative, no other unvoted item is touched."""

    class OneItem:
        def draw(self, users, rng):
            return torch.ones_like(users)

    votes = Interactions.of_matrix([[1, 0, 0], [1, 0, 0]])
    model = small_model(num_users=2, num_items=3)
    before = model.item_factors.clone()
    chosen = Hyperparameters("bpr", RATE, 0.0, epochs=2)
    train(model, votes, chosen, rng=generator(), negatives=OneItem())
    changed = (model.item_factors != before).all(dim=1)
    assert changed.tolist() == [True, True, False]


@pytest.mark.parametrize("method", METHODS)
def test_training_ranks_the_votes_first(method):
    """Two groups of users with a group of items each; without training the order is chance."""
    groups = np.kron(np.eye(2), np.ones((10, 15))).astype(bool)
    kept = np.random.default_rng(0).random(groups.shape) < 0.6
    votes = Interactions.of_matrix(groups & kept)
    held_out = Interactions.of_matrix(groups & ~kept)
    model = MatrixFactorization.initialise(20, 30, 4, flip_rank=4, rng=generator())
    rate = 0.3 if method == "nbpo_surrogate" else 0.05
    chosen = Hyperparameters(method, rate, 0.1, 5.0, batch_size=50, epochs=60)
    train(model, votes, chosen, rng=generator(1))
    ranking = rank_held_out(model.scores, held_out, excluded=[votes], depth=5)
    assert np.nanmean(ranking.ndcg(5)) > 0.9


def test_the_same_generator_gives_the_same_factors():
    votes, models = random_interactions(6), [small_model(), small_model()]
    for model in models:
        train(model, votes, settings_of("nbpo"), rng=generator(7))
    for one, other in zip(*(vars(model).values() for model in models), strict=True):
        assert torch.equal(one, other)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_training_on_a_gpu():
    votes, rng = random_interactions(6), torch.Generator("cuda").manual_seed(0)
    model = MatrixFactorization.initialise(12, 17, 4, flip_rank=4, rng=rng)
    train(model, votes, settings_of("nbpo"), rng=rng)
    assert model.scores(np.arange(3)).device.type == "cuda"
    assert np.isfinite(rank_held_out(model.scores, votes).ndcg(5)).all()


def test_validation_keeps_the_best_epoch():
    everything = random_interactions(8, num_users=30, density=0.4)
    held_out = np.random.default_rng(0).random(len(everything)) < 0.2
    votes, validation = everything.subset(~held_out), everything.subset(held_out)
    model = small_model(num_users=30)
    states = {}
    chosen = settings_of("bpo", epochs=7)
    reference = copy.deepcopy(model)
    train(
        reference,
        votes,
        chosen,
        rng=generator(),
        after_epoch=lambda epoch: states.update({epoch: reference.copy()}),
    )
    history = train_with_validation(
        model, votes, validation, chosen, rng=generator(), every=3, cutoff=4
    )
    assert list(history) == [3, 6, 7]
    for epoch, value in history.items():
        ranking = rank_held_out(states[epoch].scores, validation, excluded=[votes])
        assert value == pytest.approx(np.nanmean(ranking.ndcg(4)), abs=1e-12)
    best = max(history, key=history.get)
    assert torch.equal(model.user_factors, states[best].user_factors)


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        ([[1, 0], [0, 0]], "votes: user 1 has no vote"),
        ([[1, 0], [1, 1]], "votes: user 1 voted for all 2 items"),
        (
            [[1, 0, 0], [1, 0, 0]],
            "model: is for 2 users and 2 items, votes has 2 and 3",
        ),
    ],
)
def test_votes_that_cannot_be_trained_on(matrix, message):
    model = small_model(num_users=2, num_items=2)
    with pytest.raises(ValueError, match=message):
        train(model, Interactions.of_matrix(matrix), settings_of(), rng=generator())


def test_a_model_without_flips():
    model = MatrixFactorization.initialise(12, 17, 4, rng=generator())
    votes = random_interactions()
    with pytest.raises(ValueError, match="model: 'nbpo' needs a flip model"):
        train(model, votes, settings_of("nbpo"), rng=generator())
    with pytest.raises(ValueError, match="made without a flip model"):
        model.flip_probabilities()
    train(model, votes, settings_of("nbpo", fixed_flip=0.3), rng=generator())
    assert model.copy().flip_user_factors is None


def test_items_without_votes_and_repeated_votes():
    """An item that nobody voted for is pushed down; a vote counts once however often it is given."""
    once = Interactions.of_pairs([0, 1], [0, 1], num_users=2, num_items=4)
    twice = Interactions.of_pairs([0, 1, 1], [0, 1, 1], num_users=2, num_items=4)
    models = [small_model(num_users=2, num_items=4) for _ in range(2)]
    before = models[0].scores()[:, 3].clone()
    for model, votes in zip(models, (once, twice), strict=True):
        train(model, votes, settings_of(epochs=20), rng=generator())
    assert torch.equal(models[0].item_factors, models[1].item_factors)
    assert (models[0].scores()[:, 3] < before).all()


@pytest.mark.parametrize("rng", [None, 0, np.random.default_rng(0)])
def test_torchs_global_generator_is_not_used(rng):
    for call in (
        lambda: train(small_model(), random_interactions(), settings_of(), rng=rng),
        lambda: MatrixFactorization.initialise(2, 2, 1, rng=rng),
        lambda: UnvotedItems(random_interactions()).draw(torch.arange(3), rng),
    ):
        with pytest.raises(ValueError, match="rng: must be a torch.Generator"):
            call()


@pytest.mark.parametrize("name", ["item_factors", "flip_user_factors"])
def test_factors_that_are_not_numbers_from_the_start(name):
    model = small_model()
    getattr(model, name)[0, 0] = float("nan")
    with pytest.raises(ValueError, match=f"model: {name} has NaN or infinite"):
        train(model, random_interactions(), settings_of("nbpo"), rng=generator())


def test_divergence_is_named():
    chosen = Hyperparameters("bpo", 1e3, 1.0, epochs=200)
    with pytest.raises(TrainingDivergedError, match="user_factors has NaN or infinite"):
        train(small_model(), random_interactions(), chosen, rng=generator())


def test_nothing_to_validate_with():
    votes = random_interactions()
    nothing = votes.subset(np.zeros(len(votes), dtype=bool))
    with pytest.raises(ValueError, match="validation: has no vote"):
        train_with_validation(
            small_model(), votes, nothing, settings_of(), rng=generator()
        )


def test_validation_votes_that_do_not_fit():
    votes = random_interactions()
    with pytest.raises(ValueError, match="validation: user 0's vote for item 0 is in"):
        train_with_validation(
            small_model(), votes, votes, settings_of(), rng=generator()
        )
    others = random_interactions(num_users=11)
    with pytest.raises(ValueError, match="validation: has 11 users and 17 items"):
        train_with_validation(
            small_model(), votes, others, settings_of(), rng=generator()
        )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "sgd"}, "method: must be one of 'bpr', 'bpo', 'nbpo'"),
        ({"learning_rate": 0.0}, "learning_rate: must be finite and > 0, got 0"),
        ({"learning_rate": float("nan")}, "learning_rate: must be finite"),
        ({"regularisation": -1.0}, "regularisation: must be finite and >= 0"),
        ({"flip_regularisation": float("inf")}, "flip_regularisation: must be finite"),
        ({"negatives_per_positive": 0}, "negatives_per_positive: must be at least 1"),
        ({"batch_size": 2.5}, "batch_size: must be an integer"),
        ({"epochs": 0}, "epochs: must be at least 1"),
        ({"decay": 1.1}, "decay: must be finite and > 0 and <= 1"),
        ({"fixed_flip": 1.0, "method": "nbpo"}, "fixed_flip: .* > 0 and < 1"),
        ({"fixed_flip": 0.5}, "fixed_flip: 'bpr' has no flips"),
    ],
)
def test_bad_hyperparameters(options, message):
    good = {"method": "bpr", "learning_rate": 0.1, "regularisation": 0.0}
    with pytest.raises(ValueError, match=message):
        Hyperparameters(**(good | options))


@pytest.mark.parametrize("name", ["num_users", "num_items", "rank", "flip_rank"])
def test_bad_sizes(name):
    sizes = {"num_users": 2, "num_items": 2, "rank": 2, "flip_rank": 2} | {name: 0}
    with pytest.raises(ValueError, match=f"{name}: must be at least 1"):
        MatrixFactorization.initialise(**sizes, rng=generator())
