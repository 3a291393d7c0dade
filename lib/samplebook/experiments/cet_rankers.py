"""Rankers of two layers, one for each seed, trained side by side: on pairs, coupled, by likelihood."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from samplebook.core.arrays import log_sigmoid
from samplebook.negatives.coupled_training import (
    LARGEST_GRADIENT_NORM,
    TrainingPlan,
    weigh_negatives,
)
from samplebook.negatives.pairwise_ranking import pairwise_losses
from samplebook.negatives.training import TrainingDivergedError


class BatchedRankers(nn.Module):
    """S networks with one hidden layer, from documents (S, B, F) to scores (S, B), each from its own start.

    Parameters
    ----------
    num_seeds, num_features, hidden : int
        S, F, and the number of hidden units.
    rng : torch.Generator
        Draws the start, uniformly as ``torch.nn.Linear`` does, and the dropout; its device is the networks'.
    columns : slice
        The features that the networks see.
    dropout : float
        Of hidden units, in training mode.
    """

    def __init__(
        self,
        num_seeds: int,
        num_features: int,
        hidden: int,
        *,
        rng: torch.Generator,
        columns: slice = slice(None),
        dropout: float = 0.0,
    ):
        super().__init__()
        self.columns, self.dropout, self.rng = columns, dropout, rng
        seen = len(range(num_features)[columns])

        def uniform(fan_in: int, *shape: int) -> nn.Parameter:
            drawn = torch.rand(num_seeds, *shape, generator=rng, device=rng.device)
            return nn.Parameter((2 * drawn - 1) / fan_in**0.5)

        self.inner, self.inner_bias = (
            uniform(seen, seen, hidden),
            uniform(seen, 1, hidden),
        )
        self.outer, self.outer_bias = uniform(hidden, hidden, 1), uniform(hidden, 1, 1)

    def forward(self, documents: Tensor) -> Tensor:
        """Scores (S, B) of documents (S, B, F)."""
        states = torch.baddbmm(
            self.inner_bias, documents[..., self.columns], self.inner
        )
        states = nn.functional.gelu(states)
        if self.training and self.dropout:
            noise = torch.rand(states.shape, generator=self.rng, device=states.device)
            states = states * (noise >= self.dropout) / (1 - self.dropout)
        return torch.baddbmm(self.outer_bias, states, self.outer)[..., 0]


@dataclass(frozen=True)
class PairRows:
    """n training pairs for each seed.

    Attributes
    ----------
    positives, negatives : int64 Tensors, shape (S, n)
        Rows of the two documents in the table of features.
    """

    positives: Tensor
    negatives: Tensor


class Learner:
    """Networks in training mode, with their optimiser over a plan's ``steps``."""

    def __init__(self, model: BatchedRankers, plan: TrainingPlan, steps: int):
        self.model = model.train()
        self.optimizer, self.rate = plan.optimizer(model, steps)

    def step(self) -> None:
        """Clip each seed's gradient to :data:`LARGEST_GRADIENT_NORM`, then go one step."""
        gradients = [
            weight.grad for weight in self.model.parameters() if weight.grad is not None
        ]
        norms = torch.cat([part.flatten(1) for part in gradients], dim=1).norm(dim=1)
        factors = (LARGEST_GRADIENT_NORM / (norms + 1e-6)).clamp(max=1.0)
        for part in gradients:
            part.mul_(factors[:, None, None])
        self.optimizer.step()
        self.rate.step()


def descend(losses: Tensor, *learners: Learner) -> None:
    """One step of each learner's networks on the mean of each seed's losses (S, B)."""
    for learner in learners:
        learner.optimizer.zero_grad()
    losses.mean(1).sum().backward()
    for learner in learners:
        learner.step()


def check_finite(*models: BatchedRankers) -> None:
    """Raise :class:`TrainingDivergedError` if a weight of a network is NaN or infinite."""
    for model in models:
        if not all(weight.isfinite().all() for weight in model.parameters()):
            raise TrainingDivergedError("a network's weights are NaN or infinite")


def num_steps(pairs: PairRows, plan: TrainingPlan) -> int:
    """Steps of a training on these pairs."""
    return plan.num_epochs * -(-pairs.positives.shape[1] // plan.batch_size)


def batches(
    pairs: PairRows, plan: TrainingPlan, rng: torch.Generator
) -> Iterator[Tensor]:
    """Which pairs each step sees, (S, B): in every epoch, a permutation for each seed, cut into batches."""
    num_seeds, count = pairs.positives.shape
    for _ in range(plan.num_epochs):
        orders = [torch.randperm(count, generator=rng) for _ in range(num_seeds)]
        shuffled = torch.stack(orders).to(pairs.positives.device)
        yield from shuffled.split(plan.batch_size, dim=1)


def train_rankers(
    model: BatchedRankers,
    features: Tensor,
    pairs: PairRows,
    *,
    plan: TrainingPlan,
    rng: torch.Generator,
    weights: Tensor | None = None,
) -> None:
    """Train networks in place on pairs, each weighted by a fixed number.

    Parameters
    ----------
    model : BatchedRankers
    features : Tensor, shape (N, F)
        Documents, of which the pairs name the rows.
    pairs : PairRows
    plan : TrainingPlan
    rng : torch.Generator
        On the CPU; shuffles the pairs.
    weights : Tensor, shape (S, n), optional
        All 1 by default.

    Raises
    ------
    TrainingDivergedError
        If a weight of a network is NaN or infinite in the end.
    """
    learner = Learner(model, plan, num_steps(pairs, plan))
    for chosen in batches(pairs, plan, rng):
        losses = pairwise_losses(
            model(features[pairs.positives.gather(1, chosen)]),
            model(features[pairs.negatives.gather(1, chosen)]),
        )
        if weights is not None:
            losses = weights.gather(1, chosen) * losses
        descend(losses, learner)
    check_finite(model)


def train_coupled(
    relevance: BatchedRankers,
    selection: BatchedRankers,
    features: Tensor,
    pairs: PairRows,
    *,
    plan: TrainingPlan,
    rng: torch.Generator,
) -> None:
    """Train relevance and selection networks in place, each on negatives that the other one weighs.

    For each seed it is what :func:`samplebook.negatives.coupled_training.train_coupled_rankers` does.
    Arguments and exceptions are those of :func:`train_rankers`; scores that are NaN raise ``ValueError``.
    """
    steps = num_steps(pairs, plan)
    learners = [Learner(model, plan, steps) for model in (relevance, selection)]
    for chosen in batches(pairs, plan, rng):
        positives = features[pairs.positives.gather(1, chosen)]
        negatives = features[pairs.negatives.gather(1, chosen)]
        weights = weigh_negatives(
            relevance, selection, negatives, temperature=plan.temperature
        )
        for learner, weight in zip(learners, weights, strict=True):
            losses = pairwise_losses(learner.model(positives), learner.model(negatives))
            descend(weight * losses, learner)
    check_finite(relevance, selection)


def coupled_losses(relevance: Tensor, selection: Tensor, labels: Tensor) -> Tensor:
    """- l log(rho pi) - (1 - l) log(1 - rho pi) from the logits of rho and pi, all of one shape.

    Their mean is minus :func:`samplebook.negatives.coupled_log_likelihood`. Gradients flow through tensors.
    """
    labelled = log_sigmoid(relevance) + log_sigmoid(selection)
    unlabelled = torch.logaddexp(
        log_sigmoid(-relevance), log_sigmoid(relevance) + log_sigmoid(-selection)
    )
    return -torch.where(labels, labelled, unlabelled)


def train_by_likelihood(
    relevance: BatchedRankers,
    selection: BatchedRankers,
    features: Tensor,
    rows: Tensor,
    labels: Tensor,
    *,
    plan: TrainingPlan,
    steps: int,
    rng: torch.Generator,
) -> None:
    """Fit relevance and selection networks in place by the coupled likelihood of all labels.

    Parameters
    ----------
    relevance, selection : BatchedRankers
        Their scores become logits of rho and pi.
    features : Tensor, shape (N, F)
    rows : int64 Tensor, shape (S, n)
        Each seed's documents, labelled or not.
    labels : bool Tensor, shape (S, n)
    plan : TrainingPlan
        Its batch size is a number of documents; ``steps`` stands for its number of epochs.
    steps : int
    rng : torch.Generator
        On the documents' device; draws batches with replacement.

    Raises
    ------
    TrainingDivergedError
        If a weight of a network is NaN or infinite in the end.
    """
    learners = [Learner(model, plan, steps) for model in (relevance, selection)]
    num_seeds, count = rows.shape
    for _ in range(steps):
        chosen = torch.randint(
            count, (num_seeds, plan.batch_size), generator=rng, device=rows.device
        )
        documents = features[rows.gather(1, chosen)]
        losses = coupled_losses(
            relevance(documents), selection(documents), labels.gather(1, chosen)
        )
        descend(losses, *learners)
    check_finite(relevance, selection)


@torch.no_grad()
def scores_of(
    model: BatchedRankers, features: Tensor, rows: Tensor, block: int
) -> NDArray[np.float64]:
    """Scores of the documents in ``rows`` (S, ...), of that shape, in evaluation mode.

    ``block`` documents of each seed are scored at a time.
    """
    model.eval()
    parts = [model(features[part]) for part in rows.flatten(1).split(block, dim=1)]
    return torch.cat(parts, dim=1).view(rows.shape).cpu().numpy().astype(np.float64)
