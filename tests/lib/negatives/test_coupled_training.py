"""The stochastic form of CET: whose scores weigh what, in which mode, and one step by hand."""

import copy
import math

import numpy as np
import pytest
import torch
from torch import nn

from samplebook.negatives import (
    TrainingDivergedError,
    coupled_estimation_weights,
    fit_pairwise_ranker,
    pairwise_losses,
)
from samplebook.negatives.coupled_training import (
    TrainingPlan,
    evaluation_mode,
    ranking_step,
    train_coupled_rankers,
    weigh_negatives,
)


class Scorer(nn.Module):
    """A linear score with dropout; it notes the mode and the gradients of each call."""

    def __init__(self, seed, num_features=3):
        super().__init__()
        self.linear = nn.Linear(num_features, 1, dtype=torch.float64)
        self.dropout = nn.Dropout(0.5)
        self.calls = []
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.linear.reset_parameters()

    def forward(self, documents):
        self.calls.append((self.training, torch.is_grad_enabled()))
        return self.linear(self.dropout(documents))[:, 0]

    def coefficients(self):
        return torch.cat([weight.detach().ravel() for weight in self.parameters()])


@pytest.fixture
def documents():
    rng = torch.Generator().manual_seed(0)
    positives = torch.randn(70, 3, generator=rng, dtype=torch.float64) + 0.5
    return positives, torch.randn(70, 3, generator=rng, dtype=torch.float64)


def test_modes_come_back_part_by_part():
    model = nn.Sequential(nn.Dropout(), nn.BatchNorm1d(2)).train()
    model[1].eval()
    with pytest.raises(KeyError), evaluation_mode(model):
        assert not any(part.training for part in model.modules())
        assert not torch.is_grad_enabled()
        raise KeyError
    assert [part.training for part in model.modules()] == [True, True, False]
    assert torch.is_grad_enabled()


def test_negatives_are_weighed_by_the_other_model_without_dropout(documents):
    relevance, selection = Scorer(1).train(), Scorer(2).train()
    weights = weigh_negatives(relevance, selection, documents[1], temperature=2)
    assert relevance.calls == selection.calls == [(False, False)]
    assert relevance.training
    assert selection.dropout.training
    scores = [
        (documents[1] @ model.linear.weight[0] + model.linear.bias).detach()
        for model in (relevance, selection)
    ]
    expected = coupled_estimation_weights(*scores, temperature=2)
    for found, other in zip(weights, expected, strict=True):
        torch.testing.assert_close(found, other)
        assert not found.requires_grad


def test_a_step_is_the_weighted_mean_and_not_normalised(documents):
    model = Scorer(1).eval()
    reference = copy.deepcopy(model)
    weights = torch.linspace(1, 3, 70, dtype=torch.float64)
    loss = ranking_step(
        model, torch.optim.SGD(model.parameters(), lr=0.01), *documents, weights
    )
    expected = (weights * pairwise_losses(*map(reference, documents))).mean()
    assert loss == pytest.approx(expected.item(), rel=1e-12)
    gradients = torch.autograd.grad(expected, list(reference.parameters()))
    norm = torch.cat([gradient.ravel() for gradient in gradients]).norm()
    assert norm > 1  # so that it is cut to 1
    for moved, start, gradient in zip(
        model.parameters(), reference.parameters(), gradients, strict=True
    ):
        torch.testing.assert_close(
            moved, start - 0.01 * gradient / norm, atol=1e-7, rtol=1e-6
        )


def test_a_batch_by_hand(documents):
    """Both weights come before either model moves."""
    relevance, selection = Scorer(1), Scorer(2)
    relevance.dropout.p = selection.dropout.p = 0.0
    copies = copy.deepcopy(relevance), copy.deepcopy(selection)
    plan = TrainingPlan(
        temperature=1.5, batch_size=70, learning_rate=0.1, warmup_share=0
    )
    (losses,) = train_coupled_rankers(
        relevance,
        selection,
        *documents,
        plan=plan,
        rng=torch.Generator().manual_seed(0),
    )
    weights = weigh_negatives(*copies, documents[1], temperature=1.5)
    for trained, model, weight, loss in zip(
        (relevance, selection), copies, weights, losses, strict=True
    ):
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.1, weight_decay=0.01)
        expected = ranking_step(model, optimizer, *documents, weight)
        assert loss == pytest.approx(expected, rel=1e-12)
        torch.testing.assert_close(trained.coefficients(), model.coefficients())


def test_models_that_start_equal_stay_equal(documents):
    relevance, selection = Scorer(1), Scorer(1)
    relevance.dropout.p = selection.dropout.p = 0.0
    train_coupled_rankers(
        relevance,
        selection,
        *documents,
        plan=TrainingPlan(num_epochs=3, learning_rate=0.05),
        rng=torch.Generator().manual_seed(0),
    )
    torch.testing.assert_close(
        relevance.coefficients(), selection.coefficients(), rtol=0, atol=0
    )
    assert (relevance.coefficients() - Scorer(1).coefficients()).abs().max() > 0.1


def test_the_learning_rate_rises_and_falls():
    plan = TrainingPlan(learning_rate=1.0, warmup_share=0.2)
    optimizer, schedule = plan.optimizer(Scorer(0), 20)
    rates = []
    for _ in range(20):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    peak = int(np.argmax(rates))
    assert peak == 4
    assert rates[peak] == 1
    assert (np.diff(rates[: peak + 1]) > 0).all()
    np.testing.assert_allclose(np.diff(rates[peak:]), -1 / 16, rtol=1e-12)
    assert optimizer.param_groups[0]["lr"] == 0


def test_the_same_generator_trains_the_same(documents):
    results = []
    for _ in range(2):
        models = Scorer(1), Scorer(2)
        for model in models:
            model.dropout.p = 0.0
        train_coupled_rankers(
            *models,
            *documents,
            plan=TrainingPlan(learning_rate=0.05),
            rng=torch.Generator().manual_seed(3),
        )
        results.append(models[0].coefficients())
    torch.testing.assert_close(*results, rtol=0, atol=0)


def test_training_reaches_the_exact_naive_ranker(documents):
    """At an infinite temperature, with a falling learning rate and no decay: the unpenalised optimum."""
    model = Scorer(1)
    model.dropout.p = 0.0
    train_coupled_rankers(
        model,
        Scorer(2),
        *documents,
        plan=TrainingPlan(
            temperature=math.inf,
            num_epochs=300,
            batch_size=70,
            learning_rate=0.1,
            weight_decay=0.0,
        ),
        rng=torch.Generator().manual_seed(0),
    )
    exact = fit_pairwise_ranker(*documents, ridge=1e-9)
    np.testing.assert_allclose(
        model.linear.weight[0].detach().numpy(), exact, atol=1e-3
    )


class Broken(nn.Module):
    """Scores that are not numbers."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1, dtype=torch.float64))

    def forward(self, documents):
        return documents[:, 0] * self.weight * math.nan


def test_scores_that_are_not_numbers_are_named(documents):
    with pytest.raises(ValueError, match=r"selection_scores: has nan at \(0,\)"):
        train_coupled_rankers(
            Scorer(1),
            Broken(),
            *documents,
            plan=TrainingPlan(),
            rng=torch.Generator(),
        )
    broken = Broken()
    with pytest.raises(
        TrainingDivergedError, match="the loss is nan; lower the learning"
    ):
        ranking_step(broken, torch.optim.SGD(broken.parameters(), lr=1), *documents)


def test_bad_pairs_and_plans(documents):
    positives, negatives = documents
    for keywords, message in (
        ({"temperature": 0}, "temperature: must be > 0, got 0"),
        ({"num_epochs": 0}, "num_epochs: must be at least 1"),
        ({"batch_size": 2.5}, "batch_size: must be an integer"),
        ({"learning_rate": -1}, "learning_rate: must be finite and > 0"),
        ({"weight_decay": -1}, "weight_decay: must be finite and >= 0"),
        ({"warmup_share": 1}, "warmup_share: must be finite and >= 0 and < 1"),
    ):
        with pytest.raises(ValueError, match=message):
            TrainingPlan(**keywords)
    for pair, message in (
        ((positives, negatives[:5]), "negatives: 5, but 70 positives"),
        ((positives[:0], negatives[:0]), "positives: must be at least 1"),
    ):
        with pytest.raises(ValueError, match=message):
            train_coupled_rankers(
                Scorer(1),
                Scorer(2),
                *pair,
                plan=TrainingPlan(),
                rng=torch.Generator(),
            )
    with pytest.raises(ValueError, match="rng: must be a torch.Generator, got None"):
        train_coupled_rankers(
            Scorer(1), Scorer(2), *documents, plan=TrainingPlan(), rng=None
        )


@pytest.mark.parametrize("width", [1, 2])
def test_a_model_gives_one_score_a_document(documents, width):
    """A column of scores would be broadcast against weights (B,) to a table."""
    model = nn.Linear(3, width, dtype=torch.float64)
    optimizer = torch.optim.SGD(model.parameters(), lr=1)
    for weights in (None, torch.ones(70, dtype=torch.float64)):
        with pytest.raises(ValueError, match=rf"model: .* got \(70, {width}\)"):
            ranking_step(model, optimizer, *documents, weights)
    scorer = Scorer(1)
    optimizer = torch.optim.SGD(scorer.parameters(), lr=1)
    with pytest.raises(ValueError, match=r"weights: shape \(3,\) differs from scores"):
        ranking_step(scorer, optimizer, *documents, torch.ones(3))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_training_on_a_gpu_gives_the_same(documents):
    results = []
    for device in ("cpu", "cuda"):
        models = Scorer(1).to(device), Scorer(2).to(device)
        for model in models:
            model.dropout.p = 0.0
        train_coupled_rankers(
            *models,
            *(part.to(device) for part in documents),
            plan=TrainingPlan(learning_rate=0.05, num_epochs=3),
            rng=torch.Generator().manual_seed(3),
        )
        results.append(models[0].coefficients().cpu())
    torch.testing.assert_close(*results, rtol=1e-8, atol=1e-10)
