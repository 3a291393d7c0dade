"""Draw negatives: uniform over the items that a user did not vote for."""

from typing import Any, Protocol

import numpy as np

from samplebook.core.arrays import Array
from samplebook.core.drawing import as_torch_generator
from samplebook.core.interactions import Interactions


class NegativeSampler(Protocol):
    """Draws one negative item for each entry of a tensor of users."""

    def draw(self, users: Array, rng: Any) -> Array:
        """Items of the shape of ``users``."""
        ...


LARGEST_TABLE = 2**25
"""For so many pairs of a user and an item, or fewer, the unvoted items are written down."""


class UnvotedItems:
    """The items that each user did not vote for, ready to be drawn from uniformly, with replacement.

    A user with d votes has n = N - d unvoted items. A draw is a uniform rank r in 0..n - 1, and the unvoted
    item of that rank; nothing is rejected.

    Where M N is small, all unvoted items are kept in a table, user by user. Elsewhere the item is computed:
    with votes for the items p_0 < p_1 < .., there are p_k - k unvoted ones before p_k, so it is

        r + #{k : p_k - k <= r}.

    That takes a binary search in the numbers p_k - k. To search in all users' numbers at once, user u's are
    shifted by u (N + 1).

    Parameters
    ----------
    votes : Interactions
        The training votes alone: validation and test votes stay eligible, being the false negatives under
        study.
    device : torch device or its name

    Raises
    ------
    ValueError
        If a user voted for all items, naming the user.
    """

    def __init__(self, votes: Interactions, *, device: Any = "cpu"):
        import torch

        unvoted = votes.num_items - votes.votes_of_users
        if (unvoted == 0).any():
            user = int(np.flatnonzero(unvoted == 0)[0])
            raise ValueError(
                f"votes: user {user} voted for all {votes.num_items} items, no negative is left to draw"
            )
        self.unvoted = torch.tensor(unvoted, device=device)
        self.has_table = votes.num_users * votes.num_items <= LARGEST_TABLE
        if self.has_table:
            items = np.nonzero(~votes.matrix())[1].astype(np.int32)
            self.items = torch.tensor(items, device=device)
            self.starts = self.unvoted.cumsum(0) - self.unvoted
            return
        position = np.arange(len(votes)) - votes.offsets[votes.users]
        self.stride = votes.num_items + 1
        keys = votes.users * self.stride + votes.items - position
        self.keys = torch.tensor(keys, device=device)
        self.offsets = torch.tensor(votes.offsets[:-1], device=device)

    def draw(self, users: Array, rng: Any) -> Array:
        """One unvoted item for each entry of ``users``.

        Parameters
        ----------
        users : int64 tensor of any shape
            Fastest where it is sorted.
        rng : torch.Generator
            On the device of ``users``.

        Returns
        -------
        int64 tensor of the same shape

        Raises
        ------
        ValueError
            If ``rng`` is no generator.
        """
        import torch

        uniform = torch.rand(
            users.shape,
            generator=as_torch_generator(rng),
            device=users.device,
            dtype=torch.float64,
        )
        rank = (uniform * self.unvoted.take(users)).long()
        if self.has_table:
            return self.items.take(self.starts.take(users) + rank).long()
        keys = users * self.stride + rank
        voted_before = torch.searchsorted(self.keys, keys, right=True)
        return rank + voted_before - self.offsets.take(users)
