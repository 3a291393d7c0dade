"""Many matrix factorisations trained side by side, as one with the users and items of all.

Model s of S has the users s M, .., s M + M - 1 and the items s N, .., s N + N - 1 of the stack. No user of
one meets an item of another, so a step on the stack is each model's own step, in one gather and one scatter.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import torch
from torch import Tensor

from samplebook.core.interactions import Interactions
from samplebook.negatives import Hyperparameters, MatrixFactorization, UnvotedItems
from samplebook.negatives.training import check_finite, check_trainable, train_batch


def stacked(models: Sequence[MatrixFactorization]) -> MatrixFactorization:
    """One model with the users and items of all, which have equal shapes."""
    columns = (
        [getattr(model, field.name) for model in models]
        for field in fields(MatrixFactorization)
    )
    return MatrixFactorization(
        *(None if column[0] is None else torch.cat(column) for column in columns)
    )


def unstacked(stack: MatrixFactorization, count: int) -> list[MatrixFactorization]:
    """The ``count`` models of a stack, sharing its memory."""
    columns = (
        [None] * count if factors is None else factors.chunk(count)
        for factors in (
            getattr(stack, field.name) for field in fields(MatrixFactorization)
        )
    )
    return [MatrixFactorization(*factors) for factors in zip(*columns, strict=True)]


@dataclass(eq=False)
class Trainee:
    """What one model of the stack is trained on.

    Attributes
    ----------
    votes : Interactions
        Its training votes.
    negatives : UnvotedItems
        Draws its negatives.
    rng : torch.Generator
        On the model's device; decides everything that is random.
    """

    votes: Interactions
    negatives: UnvotedItems
    rng: torch.Generator

    @cached_property
    def voters(self) -> Tensor:
        """The votes' users (n,), on the device."""
        return torch.tensor(self.votes.users, device=self.rng.device)

    @cached_property
    def positives(self) -> Tensor:
        """The votes' items (1, n), on the device."""
        return torch.tensor(self.votes.items, device=self.rng.device)[None]

    def shuffled_triples(self, rho: int) -> tuple[Tensor, Tensor]:
        """Users (n,) and items (1 + rho, n) of an epoch: positives in random order above their negatives."""
        drawn = self.negatives.draw(self.voters.expand(rho, -1), self.rng)
        order = torch.randperm(
            len(self.voters), generator=self.rng, device=self.rng.device
        )
        items = torch.cat([self.positives, drawn])
        return self.voters[order], items[:, order]


def check_alike(trainees: Sequence[Trainee]) -> None:
    """Raise ``ValueError`` unless all have equally many votes, users and items."""
    sizes = {
        (len(one.votes), one.votes.num_users, one.votes.num_items) for one in trainees
    }
    if len(sizes) != 1:
        raise ValueError(
            f"trainees: must have equally many votes, users and items, got {sorted(sizes)}"
        )


def stacked_triples(trainees: Sequence[Trainee], rho: int) -> tuple[Tensor, Tensor]:
    """An epoch's users (S, n) and items (1 + rho, S, n), as the stack numbers them."""
    users, items = [], []
    for number, one in enumerate(trainees):
        of_users, of_items = one.shuffled_triples(rho)
        users.append(of_users + number * one.votes.num_users)
        items.append(of_items + number * one.votes.num_items)
    return torch.stack(users), torch.stack(items, dim=1)


def train_together(
    stack: MatrixFactorization,
    trainees: Sequence[Trainee],
    hyperparameters: Hyperparameters,
    *,
    after_epoch: Callable[[int], None],
) -> None:
    """Train all models of a stack in place, each as ``negatives.train`` does it alone.

    Parameters
    ----------
    stack : MatrixFactorization
    trainees : sequence of Trainee
        One for each model, with equally many votes.
    hyperparameters : Hyperparameters
    after_epoch : callable
        Called with the number of the epoch, from 1, after each.

    Raises
    ------
    ValueError
        If the trainees differ in size, or do not fit the models or the method.
    TrainingDivergedError
        If a factor becomes NaN or infinite.
    """
    check_alike(trainees)
    for model, one in zip(unstacked(stack, len(trainees)), trainees, strict=True):
        check_trainable(model, one.votes, hyperparameters)
    size, rate = hyperparameters.batch_size, hyperparameters.learning_rate
    for epoch in range(1, hyperparameters.epochs + 1):
        users, items = stacked_triples(trainees, hyperparameters.negatives_per_positive)
        for few_users, few_items in zip(
            users.split(size, dim=1), items.split(size, dim=2), strict=True
        ):
            train_batch(
                stack,
                few_users.flatten(),
                few_items.flatten(1),
                hyperparameters,
                rate,
            )
        rate *= hyperparameters.decay
        check_finite(stack, epoch)
        after_epoch(epoch)
