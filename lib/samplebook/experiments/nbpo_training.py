"""One training of all seeds' models in a world, and what the record says of it."""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from samplebook.experiments.clock import Clock, timed
from samplebook.experiments.intervals import significant, with_student_interval
from samplebook.experiments.nbpo_measurements import (
    auc,
    flip_figures,
    largest_singular_value,
    rank_on_device,
)
from samplebook.experiments.nbpo_sizes import CUTOFF, CUTOFFS, HALF
from samplebook.experiments.nbpo_worlds import SplitVotes, Truth, World
from samplebook.experiments.stacked_factors import (
    Trainee,
    stacked,
    train_together,
    unstacked,
)
from samplebook.experiments.tall_matrix import seeded
from samplebook.negatives import Hyperparameters, MatrixFactorization, Ranking

FloatArray = NDArray[np.float64]


def started(
    split: SplitVotes, plan: Hyperparameters
) -> tuple[MatrixFactorization, Trainee]:
    """A seed's model as it starts, and what it is trained on."""
    rng = seeded(split.seed, split.device)
    rank = split.scale.rank
    model = MatrixFactorization.initialise(
        split.training.num_users,
        split.training.num_items,
        rank,
        flip_rank=rank if plan.learns_flips else None,
        rng=rng,
    )
    return model, Trainee(split.training, split.negatives, rng)


def validated(model: MatrixFactorization, split: SplitVotes) -> float:
    """Mean NDCG of the validation votes; the training votes do not compete."""
    ranking = rank_on_device(
        model.scores(), split.is_validation, split.is_training, CUTOFF
    )
    return mean_ndcg(ranking)


def mean_ndcg(ranking: Ranking) -> float:
    """NDCG at the ranking's depth, over the users with something relevant."""
    return float(np.nanmean(ranking.ndcg(ranking.depth)))


@dataclass
class Validation:
    """Keeps each model of a stack as it was after its best epoch.

    Attributes
    ----------
    stack : MatrixFactorization
        What is trained.
    best : MatrixFactorization
        What is kept.
    history : list of (epoch, values (S,))
    """

    stack: MatrixFactorization
    splits: list[SplitVotes]
    best: MatrixFactorization = field(init=False)
    history: list[tuple[int, FloatArray]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.best = self.stack.copy()

    def after(self, epoch: int) -> None:
        """Validate all models."""
        models = unstacked(self.stack, len(self.splits))
        values = np.array(
            [
                validated(model, split)
                for model, split in zip(models, self.splits, strict=True)
            ]
        )
        before = [of_epoch for _, of_epoch in self.history]
        improved = values > np.max(before, axis=0, initial=-np.inf)
        self.history.append((epoch, values))
        kept = unstacked(self.best, len(self.splits))
        for number in np.flatnonzero(improved):
            overwrite(kept[number], models[number])

    @property
    def best_epochs(self) -> list[int]:
        """Each model's best epoch."""
        which = np.argmax([values for _, values in self.history], axis=0)
        return [self.history[number][0] for number in which]

    @property
    def best_values(self) -> FloatArray:
        """Each model's best value."""
        best: FloatArray = np.max([values for _, values in self.history], axis=0)
        return best

    @property
    def curve(self) -> list[list[float]]:
        """Pairs of an epoch and the models' mean."""
        return [
            [epoch, round(float(values.mean()), 4)] for epoch, values in self.history
        ]


def overwrite(model: MatrixFactorization, other: MatrixFactorization) -> None:
    """Put the other's factors into the model's memory."""
    for one in fields(MatrixFactorization):
        factors = getattr(model, one.name)
        if factors is not None:
            factors.copy_(getattr(other, one.name))


def trained(world: World, plan: Hyperparameters, clock: Clock) -> Validation:
    """Train a model a seed side by side.

    Raises
    ------
    RuntimeError
        If the budget or the session is used up before the end.
    """
    models, trainees = zip(
        *(started(split, plan) for split in world.splits), strict=True
    )
    stack = stacked(models)
    validation = Validation(stack, world.splits)
    every = world.splits[0].scale.validate_every

    def after_epoch(epoch: int) -> None:
        reason = clock.reason_to_stop()
        if reason is not None:
            raise RuntimeError(reason)
        if epoch % every == 0 or epoch == plan.epochs:
            validation.after(epoch)

    train_together(stack, trainees, plan, after_epoch=after_epoch)
    return validation


def tested(scores: Tensor, split: SplitVotes) -> Ranking:
    """The ranking by which test votes judge; training and validation votes do not compete."""
    known = split.is_training | split.is_validation
    return rank_on_device(scores, split.is_test, known, max(CUTOFFS))


def truth_figures(scores: Tensor, split: SplitVotes, truth: Truth) -> dict[str, float]:
    """How well scores (M, N) find what is liked.

    ``auc`` among the pairs without any vote; ``liked_ndcg`` of all pairs without a training vote.
    """
    liked = torch.from_numpy(truth.liked).to(split.device)
    unvoted = ~(split.is_training | split.is_validation | split.is_test)
    ranking = rank_on_device(
        scores, liked & ~split.is_training, split.is_training, CUTOFF
    )
    return {
        "auc": auc(scores[unvoted], liked[unvoted]),
        f"liked_ndcg@{CUTOFF}": mean_ndcg(ranking),
    }


def threshold(model: MatrixFactorization, split: SplitVotes) -> float:
    """``negatives.collapse_threshold`` of a model in training: the largest singular value of B."""
    return largest_singular_value(model.preferences() * split.excess_appearances / 2)


def gamma_figures(
    model: MatrixFactorization, split: SplitVotes, truth: Truth | None
) -> dict[str, float]:
    """What became of gamma, as far as it is learned, and the threshold of its collapse."""
    found = {"threshold": threshold(model, split)}
    if model.learns_flips:
        true_flip = None
        if truth is not None:
            true_flip = torch.from_numpy(truth.flip).to(split.device)
        found |= flip_figures(model.flip_probabilities(), true_flip)
    return found


def of_all_seeds(found: list[dict[str, float]]) -> dict[str, FloatArray]:
    """Each figure of the seeds as an array (S,)."""
    return {name: np.array([one[name] for one in found]) for name in found[0]}


def summary(of_seeds: dict[str, FloatArray]) -> dict[str, Any]:
    """Means over seeds, with intervals; none for a figure that a seed lacks."""
    return {
        name: with_student_interval(values, 6) if np.isfinite(values).all() else None
        for name, values in of_seeds.items()
    }


@dataclass(frozen=True, eq=False)
class Row:
    """A row of the record, and by metric each seed's figure (S,)."""

    row: dict[str, Any]
    of_seeds: dict[str, FloatArray]

    def as_kept(self) -> dict[str, Any]:
        """In numbers, texts and lists."""
        lists = {name: values.tolist() for name, values in self.of_seeds.items()}
        return {"row": self.row, "of_seeds": lists}

    @classmethod
    def of_kept(cls, kept: dict[str, Any]) -> "Row":
        """The row that :meth:`as_kept` gave."""
        arrays = {name: np.array(values) for name, values in kept["of_seeds"].items()}
        return cls(kept["row"], arrays)


def described(world: World, plan: Hyperparameters) -> dict[str, Any]:
    """What names a training."""
    return {
        "world": world.name,
        "method": plan.method,
        "fixed_flip": plan.fixed_flip,
        "flip_regularisation": plan.flip_regularisation if plan.learns_flips else None,
        "learning_rate": plan.learning_rate,
        "regularisation": plan.regularisation,
    }


def judged(
    about: dict[str, Any], world: World, scores_of_seeds: Iterable[Tensor]
) -> Row:
    """A row with the test metrics, and those of the truth where it is known, of each seed's scores (M, N)."""
    found = []
    for scores, split in zip(scores_of_seeds, world.splits, strict=True):
        ranking = tested(scores, split)
        of_seed = {
            f"{name}@{cutoff}": float(np.nanmean(getattr(ranking, name)(cutoff)))
            for name in ("ndcg", "f1")
            for cutoff in CUTOFFS
        }
        if world.truth is not None:
            of_seed |= truth_figures(scores, split, world.truth)
        found.append(of_seed)
    of_seeds = of_all_seeds(found)
    return Row({**about, "metrics": summary(of_seeds)}, of_seeds)


def popularity_row(world: World) -> Row:
    """All users get the items in the order of their training votes; of equals the smaller number first."""

    def scores(split: SplitVotes) -> Tensor:
        count = split.training.votes_of_items
        rising = np.argsort(np.lexsort((-np.arange(len(count)), count)))
        row = torch.from_numpy(rising.astype(np.float64)).to(split.device)
        return row.expand(split.training.num_users, -1)

    about = {"world": world.name, "method": "popularity"}
    return judged(about, world, (scores(split) for split in world.splits))


def trained_row(world: World, plan: Hyperparameters, clock: Clock) -> Row:
    """Train, and measure everything that the record says of a training."""
    device = world.splits[0].device
    validation, seconds = timed(partial(trained, world, plan, clock), device)
    count = len(world.splits)
    about = {
        **described(world, plan),
        "validation": with_student_interval(validation.best_values),
        "best_epochs": validation.best_epochs,
        "curve": validation.curve,
        "seconds": significant(seconds, 3),
        "milliseconds_an_epoch_and_seed": significant(
            1000 * seconds / plan.epochs / count, 3
        ),
    }
    if plan.learns_flips or plan.fixed_flip == HALF:
        last = unstacked(validation.stack, count)
        gamma = [
            gamma_figures(model, split, world.truth)
            for model, split in zip(last, world.splits, strict=True)
        ]
        about["gamma"] = summary(of_all_seeds(gamma))
    best = unstacked(validation.best, count)
    return judged(about, world, (model.scores() for model in best))
