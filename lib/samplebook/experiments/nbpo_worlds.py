"""Where models are trained and judged: votes split for each seed, and the truth where it is known."""

from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from samplebook.core.interactions import Interactions
from samplebook.data.flipped_votes import flipped_votes
from samplebook.data.vote_splits import split_votes
from samplebook.experiments.intervals import significant
from samplebook.experiments.nbpo_measurements import largest_singular_value
from samplebook.experiments.nbpo_sizes import SHARES, Scale, WorldSize
from samplebook.negatives import UnvotedItems
from samplebook.negatives.label_flips import expected_appearances

FOR_WORLD, FOR_SPLIT = 0, 1
"""Apart from a seed, what its random numbers are for: a world's are independent of its splits'."""


@dataclass(frozen=True, eq=False)
class Truth:
    """What a generated world knows.

    Attributes
    ----------
    liked : bool array (M, N)
    flip : float64 array (N,)
        gamma of each item, for every user alike.
    """

    liked: NDArray[np.bool_]
    flip: NDArray[np.float64]


def generated_votes(size: WorldSize, seed: int) -> tuple[Interactions, Truth]:
    """A world's votes and truth, without the users who have no vote."""
    rng = np.random.default_rng([FOR_WORLD, seed])
    world = flipped_votes(**asdict(size), rng=rng)
    voters = world.votes.votes_of_users > 0
    votes = Interactions.of_matrix(world.votes.matrix()[voters])
    return votes, Truth(world.liked[voters], 1 - world.exposure)


class SplitVotes:
    """One seed's training, validation and test votes, on a device.

    Attributes
    ----------
    training, validation, test : Interactions
    negatives : UnvotedItems
        Of the training votes.
    """

    def __init__(
        self, votes: Interactions, scale: Scale, seed: int, device: torch.device
    ):
        rng = np.random.default_rng([FOR_SPLIT, seed])
        self.training, self.validation, self.test = split_votes(votes, SHARES, rng=rng)
        self.negatives = UnvotedItems(self.training, device=device)
        self.seed, self.scale, self.device = seed, scale, device

    def on_device(self, votes: Interactions) -> Tensor:
        """A matrix of votes, bool (M, N)."""
        return torch.from_numpy(votes.matrix()).to(self.device)

    @cached_property
    def is_training(self) -> Tensor:
        return self.on_device(self.training)

    @cached_property
    def is_validation(self) -> Tensor:
        return self.on_device(self.validation)

    @cached_property
    def is_test(self) -> Tensor:
        return self.on_device(self.test)

    @cached_property
    def excess_appearances(self) -> Tensor:
        """Expected appearances in a batch as a negative minus those as a positive, float32 (M, N)."""
        as_positive, as_negative = expected_appearances(
            self.training,
            negatives_per_positive=self.scale.negatives_per_positive,
            batch_size=self.scale.batch_size,
        )
        difference = (as_negative - as_positive).astype(np.float32)
        return torch.from_numpy(difference).to(self.device)


@dataclass(eq=False)
class World:
    """Votes under a name, split anew for each seed.

    Attributes
    ----------
    name : str
    votes : Interactions
    splits : list of SplitVotes
    truth : Truth, or None for votes of real users
    flips : str
        Structured, constant or unknown.
    """

    name: str
    votes: Interactions
    splits: list[SplitVotes]
    truth: Truth | None
    flips: str

    def of_few_seeds(self, count: int) -> "World":
        """The same with the first ``count`` splits alone."""
        return replace(self, splits=self.splits[:count])

    @cached_property
    def strength(self) -> float:
        """The lambda_r above which U and V contract to 0, whatever the method.

        At U = V = 0 a batch is expected to change them by eta (G V - lambda U) and eta (G^T U - lambda V),
        with G_ui = 1/2 (expected appearances as a positive - expected appearances as a negative), so it is
        the largest singular value of G, here of the first split. It is the unit of all penalties: one number
        fits worlds of all sizes.
        """
        return largest_singular_value(self.splits[0].excess_appearances / 2)

    @property
    def sizes(self) -> dict[str, Any]:
        """What the record says of it."""
        return {
            "world": self.name,
            "flips": self.flips,
            "num_users": self.votes.num_users,
            "num_items": self.votes.num_items,
            "num_votes": len(self.votes),
            "training_votes": len(self.splits[0].training),
            "strength": significant(self.strength),
            "liked_share_of_unvoted": None
            if self.truth is None
            else round(float(self.truth.liked[~self.votes.matrix()].mean()), 4),
        }


def make_world(
    name: str,
    votes: Interactions,
    truth: Truth | None,
    flips: str,
    *,
    scale: Scale,
    seed: int,
    device: torch.device,
) -> World:
    """A world with a split for each of ``scale.seeds`` seeds from ``seed`` on."""
    seeds = range(seed, seed + scale.seeds)
    splits = [SplitVotes(votes, scale, number, device) for number in seeds]
    return World(name, votes, splits, truth, flips)
