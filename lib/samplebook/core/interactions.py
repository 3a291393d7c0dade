"""Implicit feedback: which user voted for which item."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samplebook.core.arrays import to_numpy
from samplebook.core.checks import as_count, as_indices, is_real

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Interactions:
    """Distinct pairs of a user and an item that the user voted for, sorted by user and then by item.

    Make one with :meth:`of_pairs` or :meth:`of_matrix`; they check, sort and merge.

    Attributes
    ----------
    users, items : int64 arrays (n,)
        Pair k says that user ``users[k]`` voted for item ``items[k]``.
    num_users, num_items : int
        M and N. Users and items without a vote count: they have numbers below M and N as well.
    """

    users: IntArray
    items: IntArray
    num_users: int
    num_items: int

    @classmethod
    def of_pairs(
        cls, users: Any, items: Any, *, num_users: int, num_items: int
    ) -> "Interactions":
        """The distinct pairs among ``users[k], items[k]``: a pair that occurs twice is one vote.

        Parameters
        ----------
        users, items : array-likes of int, shape (n,)
            In 0..num_users - 1 and 0..num_items - 1; n = 0 is allowed.
        num_users, num_items : int, >= 1

        Raises
        ------
        ValueError
            If an index is no integer or out of range, or the lengths differ.
        """
        num_users = as_count(num_users, "num_users")
        num_items = as_count(num_items, "num_items")
        users = as_indices(users, "users", size=num_users)
        items = as_indices(items, "items", size=num_items)
        if len(users) != len(items):
            raise ValueError(
                f"items: {len(items)} entries, but users has {len(users)} entries"
            )
        codes = np.unique(users * num_items + items)
        return cls(*np.divmod(codes, num_items), num_users, num_items)

    @classmethod
    def of_matrix(cls, votes: Any) -> "Interactions":
        """The votes of a matrix (M, N) with entries 0 and 1, or False and True.

        Raises
        ------
        ValueError
            If it is no matrix, or has another entry: a rating, a negative number, NaN.
        """
        matrix = to_numpy(votes)
        if matrix.ndim != 2 or not (is_real(matrix) or matrix.dtype == bool):
            raise ValueError(
                f"votes: must be a real matrix (M, N), got {matrix.dtype} of shape {matrix.shape}"
            )
        wrong = (matrix != 0) & (matrix != 1)
        if wrong.any():
            place = tuple(np.argwhere(wrong)[0].tolist())
            raise ValueError(f"votes: has {matrix[place]} at {place}, must be 0 or 1")
        users, items = np.nonzero(matrix)
        return cls.of_pairs(
            users, items, num_users=matrix.shape[0], num_items=matrix.shape[1]
        )

    def __len__(self) -> int:
        """The number of votes."""
        return len(self.users)

    @property
    def codes(self) -> IntArray:
        """u N + i for each vote (u, i), rising, (n,)."""
        return self.users * self.num_items + self.items

    @cached_property
    def votes_of_users(self) -> IntArray:
        """How many items each user voted for, (M,)."""
        return np.bincount(self.users, minlength=self.num_users)

    @cached_property
    def votes_of_items(self) -> IntArray:
        """How many users voted for each item, (N,)."""
        return np.bincount(self.items, minlength=self.num_items)

    @cached_property
    def offsets(self) -> IntArray:
        """Where each user's votes begin, and last their number, (M + 1,)."""
        return np.concatenate([[0], np.cumsum(self.votes_of_users)])

    def rows(self, users: Any) -> BoolArray:
        """For each of B users the row (N,) that says which items the user voted for, (B, N)."""
        users = as_indices(users, "users", size=self.num_users)
        counts = self.votes_of_users[users]
        starts = self.offsets[users] - np.cumsum(counts) + counts
        votes = np.repeat(starts, counts) + np.arange(counts.sum())
        rows = np.zeros((len(users), self.num_items), dtype=bool)
        rows[np.repeat(np.arange(len(users)), counts), self.items[votes]] = True
        return rows

    def matrix(self) -> BoolArray:
        """All rows, (M, N)."""
        return self.rows(np.arange(self.num_users))

    def subset(self, chosen: BoolArray) -> "Interactions":
        """The votes for which ``chosen`` (n,) is true, among the same users and items.

        Raises
        ------
        ValueError
            If ``chosen`` are not n truth values.
        """
        chosen = np.asarray(chosen)
        if chosen.dtype != bool or chosen.shape != self.users.shape:
            raise ValueError(
                f"chosen: must be {len(self)} truth values, "
                f"got {chosen.dtype} of shape {chosen.shape}"
            )
        return Interactions(
            self.users[chosen], self.items[chosen], self.num_users, self.num_items
        )


def check_disjoint(
    first: Interactions, second: Interactions, names: tuple[str, str]
) -> None:
    """Raise ``ValueError`` unless no vote is in both, and both are of the same users and items."""
    shapes = [(votes.num_users, votes.num_items) for votes in (first, second)]
    if shapes[0] != shapes[1]:
        raise ValueError(
            f"{names[1]}: has {shapes[1][0]} users and {shapes[1][1]} items, "
            f"{names[0]} has {shapes[0][0]} and {shapes[0][1]}"
        )
    both = np.intersect1d(first.codes, second.codes, assume_unique=True)
    if both.size:
        user, item = divmod(int(both[0]), first.num_items)
        raise ValueError(
            f"{names[1]}: user {user}'s vote for item {item} is in {names[0]} too"
        )
