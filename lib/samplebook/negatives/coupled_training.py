"""Coupled estimation (CET) as its authors train it: two networks of any kind, one step each on every batch.

A model is a ``torch.nn.Module`` that maps a batch of B documents to B scores. What a batch looks like is the
models' affair; a selection model that sees less than the relevance model picks its part itself.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR

from samplebook.core.checks import (
    as_count,
    as_number_in_range,
    as_positive,
    check_same_shape,
)
from samplebook.core.drawing import as_torch_generator
from samplebook.negatives.negative_weights import coupled_estimation_weights
from samplebook.negatives.pairwise_ranking import pairwise_losses
from samplebook.negatives.training import TrainingDivergedError

LARGEST_GRADIENT_NORM = 1.0
"""Longer gradients are scaled down to this norm, as in the official code."""


@contextmanager
def evaluation_mode(*models: nn.Module) -> Iterator[None]:
    """Models in evaluation mode and without gradients; each part has its own mode again afterwards."""
    parts = [part for model in models for part in model.modules()]
    modes = [part.training for part in parts]
    try:
        for model in models:
            model.eval()
        with torch.no_grad():
            yield
    finally:
        for part, mode in zip(parts, modes, strict=True):
            part.training = mode


def weigh_negatives(
    relevance_model: nn.Module,
    selection_model: nn.Module,
    negatives: Any,
    *,
    temperature: float,
) -> tuple[Tensor, Tensor]:
    """Weights (B,) of a batch of negatives for the relevance model, and for the selection model.

    Each comes from the other model, in evaluation mode and without gradient.

    Raises
    ------
    ValueError
        As :func:`~samplebook.negatives.negative_weights.coupled_estimation_weights`; NaN scores, for one.
    """
    with evaluation_mode(relevance_model, selection_model):
        return coupled_estimation_weights(
            relevance_model(negatives),
            selection_model(negatives),
            temperature=temperature,
        )


def ranking_step(
    model: nn.Module,
    optimizer: Optimizer,
    positives: Any,
    negatives: Any,
    weights: Tensor | None = None,
) -> float:
    """One step of ``model`` on the mean of its weighted pairwise losses; returns that mean.

    The mean is not divided by the weights' sum: weights of mean 2 double the gradient.

    Parameters
    ----------
    model : torch.nn.Module
        Trained in the mode that it is in.
    optimizer : torch.optim.Optimizer
        Of the model's parameters.
    positives, negatives
        Batches of B documents.
    weights : tensor, shape (B,), optional
        All 1 by default.

    Raises
    ------
    ValueError
        If the model doesn't give one score a document.
    TrainingDivergedError
        If the loss is NaN or infinite.
    """
    losses = pairwise_losses(model(positives), model(negatives))
    if losses.ndim != 1:
        raise ValueError(
            f"model: must give scores of shape (B,), got {tuple(losses.shape)}"
        )
    if weights is not None:
        check_same_shape(losses, weights, ("scores", "weights"))
        losses = weights * losses
    loss = losses.mean()
    if not torch.isfinite(loss):
        raise TrainingDivergedError(
            f"the loss is {loss.item()}; lower the learning rate, or raise the temperature"
        )
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), LARGEST_GRADIENT_NORM)
    optimizer.step()
    return loss.item()


@dataclass(frozen=True)
class TrainingPlan:
    """How both models are trained. The defaults are the official ones, but for the number of warm-up steps.

    Attributes
    ----------
    temperature : float, > 0
        tau; the published command has 10, the code's default is 2.
    num_epochs, batch_size : int
        Passes over the pairs, and pairs in a batch.
    learning_rate : float
        Of AdamW, at its peak: it rises over the warm-up and falls to 0 at the end, both linearly.
    weight_decay : float
    warmup_share : float, in [0, 1)
        The share of all steps that is warm-up.
    """

    temperature: float = 10.0
    num_epochs: int = 1
    batch_size: int = 32
    learning_rate: float = 3e-6
    weight_decay: float = 0.01
    warmup_share: float = 0.1

    def __post_init__(self) -> None:
        as_positive(self.temperature, "temperature", infinite=True)
        as_count(self.num_epochs, "num_epochs")
        as_count(self.batch_size, "batch_size")
        as_positive(self.learning_rate, "learning_rate")
        as_number_in_range(self.weight_decay, "weight_decay", at_least=0.0)
        as_number_in_range(self.warmup_share, "warmup_share", at_least=0.0, below=1.0)

    def optimizer(self, model: nn.Module, num_steps: int) -> tuple[AdamW, LambdaLR]:
        """A model's optimiser and its learning rate over ``num_steps`` steps."""
        optimizer = AdamW(
            model.parameters(), lr=self.learning_rate, weight_decay=self.weight_decay
        )
        warmup = self.warmup_share * num_steps

        def share_of_peak(step: int) -> float:
            if step < warmup:
                return (step + 1) / (warmup + 1)
            return (num_steps - step) / (num_steps - warmup)

        return optimizer, LambdaLR(optimizer, share_of_peak)


def train_coupled_rankers(
    relevance_model: nn.Module,
    selection_model: nn.Module,
    positives: Tensor,
    negatives: Tensor,
    *,
    plan: TrainingPlan,
    rng: torch.Generator,
) -> list[tuple[float, float]]:
    """Train two models in place, each on negatives that the other one weighs.

    For each batch: both models, in evaluation mode, score the negatives; the relevance model makes a step
    with the weights that come from the selection model, then the selection model with those from the
    relevance model's scores before its step.

    Parameters
    ----------
    relevance_model, selection_model : torch.nn.Module
        From documents (B, ...) to scores (B,). They should not start equal with equal inputs: then they would
        stay equal.
    positives, negatives : tensors, shape (n, ...)
        The labelled and the unlabelled document of each pair, on the models' device.
    plan : TrainingPlan
    rng : torch.Generator
        On the CPU; shuffles the pairs.

    Returns
    -------
    list of tuple of float
        Weighted loss of the relevance and of the selection model on each batch.

    Raises
    ------
    ValueError
        If the numbers of positives and negatives differ, there is none, a score is NaN or infinite, a model
        doesn't give one score a document, or ``rng`` is no generator.
    TrainingDivergedError
        If a loss is NaN or infinite.

    Notes
    -----
    For networks of W weights and H activations a document, a step on B pairs takes time O(B W) and memory O(B
    H + W). Each model goes forward over B documents without gradient, then forward and backward over 2 B.
    """
    count = as_count(len(positives), "the number of positives")
    rng = as_torch_generator(rng)
    if len(negatives) != count:
        raise ValueError(f"negatives: {len(negatives)}, but {count} positives")
    num_steps = plan.num_epochs * -(-count // plan.batch_size)
    models = relevance_model, selection_model
    optimizers = [plan.optimizer(model, num_steps) for model in models]
    for model in models:
        model.train()
    history = []
    for _ in range(plan.num_epochs):
        for batch in torch.randperm(count, generator=rng).split(plan.batch_size):
            pairs = positives[batch], negatives[batch]
            weights = weigh_negatives(*models, pairs[1], temperature=plan.temperature)
            losses = []
            for model, (optimizer, schedule), weight in zip(
                models, optimizers, weights, strict=True
            ):
                losses.append(ranking_step(model, optimizer, *pairs, weight))
                schedule.step()
            history.append((losses[0], losses[1]))
    return history
