"""Networks trained side by side are the library's, one by one; the coupled likelihood in batches."""

import numpy as np
import pytest
import torch
from torch import nn

from samplebook.data.retrieval_world import RetrievalWorld
from samplebook.experiments.cet_rankers import (
    BatchedRankers,
    Learner,
    PairRows,
    batches,
    coupled_losses,
    num_steps,
    scores_of,
    train_by_likelihood,
    train_coupled,
    train_rankers,
)
from samplebook.negatives import (
    TrainingDivergedError,
    coupled_log_likelihood,
    fit_coupled_likelihood,
)
from samplebook.negatives.coupled_training import (
    LARGEST_GRADIENT_NORM,
    TrainingPlan,
    ranking_step,
    train_coupled_rankers,
)

SEEDS, FEATURES, HIDDEN, PAIRS = 3, 4, 5, 50
LEXICAL = slice(-1, None)


def generator(seed):
    return torch.Generator().manual_seed(seed)


def rankers(seed, num_seeds=SEEDS, **settings):
    return BatchedRankers(num_seeds, FEATURES, HIDDEN, rng=generator(seed), **settings)


class SeesColumns(nn.Module):
    def __init__(self, columns):
        super().__init__()
        self.columns = columns

    def forward(self, documents):
        return documents[..., self.columns]


def one_of(model, seed):
    """One of the networks as a module of torch's own layers."""
    first = nn.Linear(model.inner.shape[1], HIDDEN)
    second = nn.Linear(HIDDEN, 1)
    with torch.no_grad():
        first.weight.copy_(model.inner[seed].T)
        first.bias.copy_(model.inner_bias[seed, 0])
        second.weight.copy_(model.outer[seed].T)
        second.bias.copy_(model.outer_bias[seed, 0])
    layers = SeesColumns(model.columns), first, nn.GELU(), second, nn.Flatten(-2)
    return nn.Sequential(*layers)


@pytest.fixture
def features():
    return torch.randn(60, FEATURES, generator=generator(0))


@pytest.fixture
def pairs():
    rows = torch.randint(60, (2, SEEDS, PAIRS), generator=generator(1))
    return PairRows(*rows)


def of_seed(pairs, seed):
    one = slice(seed, seed + 1)
    return PairRows(pairs.positives[one], pairs.negatives[one])


@pytest.mark.parametrize("columns", [slice(None), LEXICAL])
def test_side_by_side_they_are_coupled_as_one_by_one(features, pairs, columns):
    """The batch holds all pairs, so that their order is of no account."""
    models = rankers(2), rankers(3, columns=columns)
    ones = [[one_of(model, seed) for model in models] for seed in range(SEEDS)]
    plan = TrainingPlan(
        temperature=1.0, num_epochs=12, batch_size=PAIRS, learning_rate=0.05
    )
    train_coupled(*models, features, pairs, plan=plan, rng=generator(4))
    for seed, (relevance, selection) in enumerate(ones):
        documents = features[pairs.positives[seed]], features[pairs.negatives[seed]]
        train_coupled_rankers(
            relevance, selection, *documents, plan=plan, rng=generator(5)
        )
        for model, one in zip(models, (relevance, selection), strict=True):
            scores = model(features.expand(SEEDS, -1, -1))[seed]
            torch.testing.assert_close(scores, one(features), atol=1e-5, rtol=1e-5)


def test_in_small_batches_they_see_the_pairs_in_the_librarys_order(features, pairs):
    models = rankers(2, 1), rankers(3, 1)
    relevance, selection = (one_of(model, 0) for model in models)
    plan = TrainingPlan(temperature=2, num_epochs=3, batch_size=16, learning_rate=0.02)
    pairs = of_seed(pairs, 0)
    train_coupled(*models, features, pairs, plan=plan, rng=generator(4))
    documents = features[pairs.positives[0]], features[pairs.negatives[0]]
    train_coupled_rankers(relevance, selection, *documents, plan=plan, rng=generator(4))
    for model, one in zip(models, (relevance, selection), strict=True):
        scores = model(features[None])[0]
        torch.testing.assert_close(scores, one(features), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("weighted", [False, True])
def test_fixed_weights_are_those_of_the_pairs(features, pairs, weighted):
    model, number = rankers(2), 1
    one = one_of(model, number)
    weights = 0.1 + 9 * torch.rand(SEEDS, PAIRS, generator=generator(6))
    plan = TrainingPlan(num_epochs=9, batch_size=PAIRS, learning_rate=0.05)
    given = weights if weighted else None
    train_rankers(model, features, pairs, plan=plan, rng=generator(4), weights=given)
    optimizer, rate = plan.optimizer(one, plan.num_epochs)
    for _ in range(plan.num_epochs):
        documents = features[pairs.positives[number]], features[pairs.negatives[number]]
        ranking_step(one, optimizer, *documents, weights[number] if weighted else None)
        rate.step()
    scores = model(features.expand(SEEDS, -1, -1))[number]
    torch.testing.assert_close(scores, one(features), atol=1e-5, rtol=1e-5)


def test_each_seeds_gradient_is_clipped_by_itself():
    learner = Learner(rankers(2), TrainingPlan(), 1)
    sizes = torch.tensor([5.0, 0.01, 0.3])[:, None, None]
    for number, weight in enumerate(learner.model.parameters()):
        drawn = torch.randn(weight.shape, generator=generator(number))
        weight.grad = sizes * drawn
    expected = []
    for seed in range(SEEDS):
        weights = [
            torch.zeros_like(weight[seed]) for weight in learner.model.parameters()
        ]
        for weight, of_all in zip(weights, learner.model.parameters(), strict=True):
            weight.grad = of_all.grad[seed].clone()
        nn.utils.clip_grad_norm_(weights, LARGEST_GRADIENT_NORM)
        expected.append(torch.cat([weight.grad.flatten() for weight in weights]))
    learner.step()
    found = [weight.grad.flatten(1) for weight in learner.model.parameters()]
    torch.testing.assert_close(torch.cat(found, dim=1), torch.stack(expected))
    norms = torch.stack(expected).norm(dim=1)
    assert norms.round(decimals=3)[[0, 2]].tolist() == [1.0, 1.0]
    assert norms[1] < 0.2


def test_every_epoch_shows_every_pair_once(pairs):
    plan = TrainingPlan(num_epochs=2, batch_size=16)
    shown = list(batches(pairs, plan, generator(0)))
    assert len(shown) == num_steps(pairs, plan) == 8
    for epoch in (shown[:4], shown[4:]):
        found = torch.cat(epoch, dim=1).sort(dim=1).values
        assert (found == torch.arange(PAIRS)).all()
    assert (shown[0] != shown[4]).any()
    assert (shown[0][0] != shown[0][1]).any()


def test_dropout_scales_and_sleeps_in_evaluation_mode(features):
    model = rankers(2, dropout=0.5)
    documents = features.expand(SEEDS, -1, -1)
    plain = model.eval()(documents)
    assert torch.equal(plain, model(documents))
    noisy = torch.stack([model.train()(documents) for _ in range(500)])
    error = noisy.std(0) / 500**0.5
    assert (noisy.std(0) > 0).all()
    assert ((noisy.mean(0) - plain).abs() < 6 * error).all()


def test_a_selection_network_sees_its_columns_alone(features):
    model = rankers(2, columns=LEXICAL)
    changed = features.clone()
    changed[:, :-1] += 1
    assert model.inner.shape == (SEEDS, 1, HIDDEN)
    one, other = (model(given.expand(SEEDS, -1, -1)) for given in (features, changed))
    assert torch.equal(one, other)


def test_scores_do_not_depend_on_the_block(features):
    rows = torch.randint(60, (SEEDS, 7, 5), generator=generator(1))
    model = rankers(2)
    whole, parts = (scores_of(model, features, rows, block) for block in (35, 4))
    assert whole.shape == (SEEDS, 7, 5)
    assert whole.dtype == np.float64
    np.testing.assert_allclose(whole, parts, rtol=1e-5, atol=1e-6)
    expected = model(features[rows[:, 3]])[:, 2].detach()
    np.testing.assert_allclose(whole[:, 3, 2], expected, rtol=1e-5, atol=1e-6)


def test_coupled_losses_are_the_librarys_likelihood():
    logits = 4 * torch.randn(2, 40, generator=generator(0), dtype=torch.float64)
    logits.requires_grad_()
    labels = torch.arange(40) % 3 == 0
    loss = coupled_losses(*logits, labels).mean()
    loss.backward()
    value, *gradients = coupled_log_likelihood(*logits.detach().numpy(), labels.numpy())
    assert loss.item() == pytest.approx(-value, abs=1e-12)
    np.testing.assert_allclose(-logits.grad, np.stack(gradients), atol=1e-12)


def test_batches_of_documents_come_near_the_largest_likelihood():
    """The networks hold the world's logistic models; 0.004 is a tenth of what those models explain."""
    queries = RetrievalWorld().draw(60, rng=np.random.default_rng(0))
    x, labels = queries.features.reshape(-1, 3)[:, ::-1].copy(), queries.labels.ravel()
    best = fit_coupled_likelihood(x, x[:, LEXICAL], labels).log_likelihood
    nothing = coupled_log_likelihood(
        np.full(len(x), np.log(labels.mean() / (1 - labels.mean()))),
        np.full(len(x), 40.0),
        labels,
    )[0]
    models = [
        BatchedRankers(2, 3, 16, rng=generator(number), columns=columns)
        for number, columns in enumerate((slice(None), LEXICAL))
    ]
    rows = torch.arange(len(x)).expand(2, -1)
    features, observed = torch.from_numpy(x).float(), torch.from_numpy(labels)
    train_by_likelihood(
        *models,
        features,
        rows,
        observed.expand(2, -1),
        plan=TrainingPlan(batch_size=512, learning_rate=2e-2),
        steps=400,
        rng=generator(7),
    )
    logits = [scores_of(model, features, rows, 4096) for model in models]
    for seed in range(2):
        value, *_ = coupled_log_likelihood(logits[0][seed], logits[1][seed], labels)
        assert value > best - 0.1 * (best - nothing)


def test_weights_that_are_not_finite_are_an_error(features, pairs):
    features[pairs.positives[1, 0]] = torch.nan
    plan = TrainingPlan(num_epochs=1, batch_size=PAIRS, learning_rate=0.1)
    with pytest.raises(TrainingDivergedError, match="NaN or infinite"):
        train_rankers(rankers(2), features, pairs, plan=plan, rng=generator(4))
