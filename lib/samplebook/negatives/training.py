"""Train matrix factorisations on positives and sampled negatives, by the official program's updates.

An epoch draws rho negatives for each positive, shuffles the positives, and takes one step of gradient ascent
for each batch of them. Gradients are summed over the batch, never averaged, and the penalty acts once a
batch, whatever the batch's size: rescale the batch or rho, and lambda means something else.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from samplebook.core.arrays import Array
from samplebook.core.checks import as_choice, as_count, as_number_in_range
from samplebook.core.drawing import as_torch_generator
from samplebook.core.interactions import Interactions, check_disjoint
from samplebook.negatives.matrix_factorization import MatrixFactorization
from samplebook.negatives.negative_sampling import NegativeSampler, UnvotedItems
from samplebook.negatives.ranking_metrics import rank_held_out
from samplebook.negatives.update_coefficients import (
    METHODS,
    METHODS_WITH_FLIPS,
    METHODS_WITHOUT_FLIPS,
)


class TrainingDivergedError(ArithmeticError):
    """A factor, or the loss, became NaN or infinite in training."""


@dataclass(frozen=True)
class Hyperparameters:
    """How to train; everything is checked when it is made.

    Attributes
    ----------
    method : str
        ``"bpr"``, ``"bpo"``, ``"nbpo"``, ``"nbpo_original"`` or ``"nbpo_surrogate"``.
    learning_rate : float, > 0
        eta.
    regularisation, flip_regularisation : float, >= 0
        lambda_r for U and V, and lambda_phi for P and Q.
    negatives_per_positive : int, >= 1
        rho.
    batch_size : int, >= 1
        Positives in a batch.
    epochs : int, >= 1
    decay : float, in (0, 1]
        What eta is multiplied by after each epoch.
    fixed_flip : float, in (0, 1), optional
        A constant gamma in place of the flip model, for the methods that have one.

    Raises
    ------
    ValueError
        If one of them is out of range, or ``fixed_flip`` is given to a method without flips.
    """

    method: str
    learning_rate: float
    regularisation: float
    flip_regularisation: float = 0.0
    negatives_per_positive: int = 4
    batch_size: int = 5000
    epochs: int = 200
    decay: float = 0.99
    fixed_flip: float | None = None

    def __post_init__(self) -> None:
        as_choice(self.method, "method", METHODS)
        as_number_in_range(self.learning_rate, "learning_rate", above=0.0)
        as_number_in_range(self.regularisation, "regularisation", at_least=0.0)
        as_number_in_range(
            self.flip_regularisation, "flip_regularisation", at_least=0.0
        )
        as_number_in_range(self.decay, "decay", above=0.0, at_most=1.0)
        as_count(self.negatives_per_positive, "negatives_per_positive")
        as_count(self.batch_size, "batch_size")
        as_count(self.epochs, "epochs")
        if self.fixed_flip is not None:
            as_number_in_range(self.fixed_flip, "fixed_flip", above=0.0, below=1.0)
            if self.method in METHODS_WITHOUT_FLIPS:
                raise ValueError(f"fixed_flip: {self.method!r} has no flips")

    @property
    def learns_flips(self) -> bool:
        """Whether P and Q are trained."""
        return self.method in METHODS_WITH_FLIPS and self.fixed_flip is None


class FactorBatch:
    """The rows of two factor matrices that belong to a batch of triples.

    Parameters
    ----------
    user_factors, item_factors : tensors (M, K), (N, K)
        U and V, or P and Q.
    users : int64 tensor (B,)
    items : int64 tensor (1 + rho, B)
        Each user's positive, and below it its negatives.
    """

    def __init__(
        self, user_factors: Array, item_factors: Array, users: Array, items: Array
    ):
        from torch.nn.functional import embedding

        self.factors = user_factors, item_factors
        self.users, self.items = users, items
        self.user_rows = embedding(users, user_factors)
        self.item_rows = embedding(items, item_factors)

    def logits(self) -> Array:
        """Inner products of each user's factors with those of its items, (1 + rho, B)."""
        return (self.user_rows * self.item_rows).sum(-1)

    def ascend(
        self, derivatives: Array, learning_rate: float, regularisation: float
    ) -> None:
        """One step U += eta (dU - lambda U), V += eta (dV - lambda V), both from the old values.

        ``derivatives`` (1 + rho, B) are the objective's with respect to the logits.
        """
        user_factors, item_factors = self.factors
        steps = (learning_rate * derivatives)[..., None]
        for factors in self.factors:
            factors.mul_(1 - learning_rate * regularisation)
        user_steps = self.user_rows.new_zeros(self.user_rows.shape)
        for items, rows, step in zip(self.items, self.item_rows, steps, strict=True):
            item_factors.index_add_(0, items, step * self.user_rows)
            user_steps.addcmul_(step, rows)
        user_factors.index_add_(0, self.users, user_steps)


def by_item(positive: Array, negative: Array) -> Array:
    """Derivatives of positives (1, B) or (rho, B) above those of negatives (rho, B): (1 + rho, B).

    A positive's is added once for each of its negatives.
    """
    import torch

    total = positive.expand_as(negative).sum(0, keepdim=True)
    return torch.cat([total, negative])


def train_batch(
    model: MatrixFactorization,
    users: Array,
    items: Array,
    hyperparameters: Hyperparameters,
    learning_rate: float,
) -> None:
    """One step on a batch, in place.

    Parameters
    ----------
    model : MatrixFactorization
    users : int64 tensor (B,)
    items : int64 tensor (1 + rho, B)
        Each user's positive, and below it its negatives.
    hyperparameters : Hyperparameters
    learning_rate : float
        eta as it has decayed.
    """
    method, fixed_flip = hyperparameters.method, hyperparameters.fixed_flip
    preference = FactorBatch(model.user_factors, model.item_factors, users, items)
    logits = preference.logits()
    steps = learning_rate, hyperparameters.regularisation
    if method in METHODS_WITHOUT_FLIPS:
        change = METHODS_WITHOUT_FLIPS[method](logits[:1], logits[1:])
        preference.ascend(by_item(*change), *steps)
        return
    if fixed_flip is None:
        flip = FactorBatch(
            model.flip_user_factors, model.flip_item_factors, users, items
        )
        flips = flip.logits()
    else:
        flips = logits.new_full(logits.shape, np.log(fixed_flip / (1 - fixed_flip)))
    dr_i, dr_j, dg_i, dg_j = METHODS_WITH_FLIPS[method](
        logits[:1], logits[1:], flips[:1], flips[1:]
    )
    preference.ascend(by_item(dr_i, dr_j), *steps)
    if fixed_flip is None:
        flip.ascend(
            by_item(dg_i, dg_j), learning_rate, hyperparameters.flip_regularisation
        )


def name_if_not_finite(model: MatrixFactorization) -> str | None:
    """The name of the first factor matrix with a NaN or infinite entry."""
    for name, factors in vars(model).items():
        if factors is not None and not factors.isfinite().all():
            return name
    return None


def check_finite(model: MatrixFactorization, epoch: int) -> None:
    """Raise ``TrainingDivergedError`` if a factor is NaN or infinite."""
    name = name_if_not_finite(model)
    if name is not None:
        raise TrainingDivergedError(
            f"{name} has NaN or infinite entries after epoch {epoch}: "
            "lower the learning rate, or the batch size with it"
        )


def check_trainable(
    model: MatrixFactorization, votes: Interactions, hyperparameters: Hyperparameters
) -> None:
    """Raise ``ValueError`` unless model, votes and method fit together."""
    if (model.num_users, model.num_items) != (votes.num_users, votes.num_items):
        raise ValueError(
            f"model: is for {model.num_users} users and {model.num_items} items, "
            f"votes has {votes.num_users} and {votes.num_items}"
        )
    if hyperparameters.learns_flips and not model.learns_flips:
        raise ValueError(
            f"model: {hyperparameters.method!r} needs a flip model, give flip_rank"
        )
    name = name_if_not_finite(model)
    if name is not None:
        raise ValueError(f"model: {name} has NaN or infinite entries")
    without = np.flatnonzero(votes.votes_of_users == 0)
    if without.size:
        raise ValueError(f"votes: user {without[0]} has no vote, leave such users out")


def train(
    model: MatrixFactorization,
    votes: Interactions,
    hyperparameters: Hyperparameters,
    *,
    rng: Any,
    negatives: NegativeSampler | None = None,
    after_epoch: Callable[[int], None] | None = None,
) -> None:
    """Train a model in place.

    Items without a vote are trained as negatives only. On a GPU sums are taken in no fixed order, so two runs
    differ by rounding.

    Parameters
    ----------
    model : MatrixFactorization
        On any device; it needs a flip model where the method learns flips.
    votes : Interactions
        The training votes. Each user must have one, and must have an item left to draw.
    hyperparameters : Hyperparameters
    rng : torch.Generator
        On the model's device.
    negatives : NegativeSampler, optional
        What draws the negatives; uniform draws from each user's unvoted items unless given.
    after_epoch : callable, optional
        Called with the number of the epoch, from 1, after each.

    Raises
    ------
    ValueError
        If a user has no vote or voted for all items (the message names the first such user), if model, votes
        and method do not fit together, if a factor is NaN or infinite, or ``rng`` is no generator.
    TrainingDivergedError
        If a factor becomes NaN or infinite.

    Notes
    -----
    An epoch of n votes with rho negatives each, batches of B and K factors moves (1 + rho) rows a vote, and
    the penalty shrinks all factors once a batch. Time O(n (1 + rho) K + (n / B) (M + N) K), memory O(n (1 +
    rho) + B (1 + rho) K).
    """
    import torch

    rng = as_torch_generator(rng)
    check_trainable(model, votes, hyperparameters)
    device = model.user_factors.device
    if negatives is None:
        negatives = UnvotedItems(votes, device=device)
    voters = torch.tensor(votes.users, device=device)
    positives = torch.tensor(votes.items, device=device)[None]
    learning_rate = hyperparameters.learning_rate
    shape = (hyperparameters.negatives_per_positive, len(votes))
    for epoch in range(1, hyperparameters.epochs + 1):
        drawn = negatives.draw(voters.expand(shape), rng)
        order = torch.randperm(len(votes), generator=rng, device=device)
        users = voters.index_select(0, order)
        items = torch.cat([positives, drawn]).index_select(1, order)
        for batch in zip(
            users.split(hyperparameters.batch_size),
            items.split(hyperparameters.batch_size, dim=1),
            strict=True,
        ):
            train_batch(model, *batch, hyperparameters, learning_rate)
        learning_rate *= hyperparameters.decay
        check_finite(model, epoch)
        if after_epoch is not None:
            after_epoch(epoch)


def train_with_validation(
    model: MatrixFactorization,
    votes: Interactions,
    validation: Interactions,
    hyperparameters: Hyperparameters,
    *,
    rng: Any,
    negatives: NegativeSampler | None = None,
    every: int = 5,
    cutoff: int = 10,
) -> dict[int, float]:
    """Train a model in place, and leave it as it was after the epoch with the best NDCG in validation.

    Parameters
    ----------
    model, votes, hyperparameters, rng, negatives
        As in :func:`train`.
    validation : Interactions
        Votes kept from training; the training votes do not compete with them.
    every : int, >= 1
        Validate after every so many epochs, and after the last one.
    cutoff : int, >= 1
        k of NDCG@k.

    Returns
    -------
    dict from epoch to mean NDCG@k in validation

    Raises
    ------
    ValueError, TrainingDivergedError
        As :func:`train`; also if no user has a validation vote, or one of them is a training vote.
    """
    every, cutoff = as_count(every, "every"), as_count(cutoff, "cutoff")
    if not len(validation):
        raise ValueError("validation: has no vote")
    check_disjoint(votes, validation, ("votes", "validation"))
    history: dict[int, float] = {}
    best = model.copy()

    def validate(epoch: int) -> None:
        nonlocal best
        if epoch % every and epoch != hyperparameters.epochs:
            return
        ranking = rank_held_out(
            model.scores, validation, excluded=[votes], depth=cutoff
        )
        value = float(np.nanmean(ranking.ndcg(cutoff)))
        if value > max(history.values(), default=-np.inf):
            best = model.copy()
        history[epoch] = value

    train(
        model,
        votes,
        hyperparameters,
        rng=rng,
        negatives=negatives,
        after_epoch=validate,
    )
    vars(model).update(vars(best))
    return history
