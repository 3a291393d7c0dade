"""Cut implicit feedback to its dense core, and split it into training, validation and test votes."""

from collections.abc import Sequence

import numpy as np

from samplebook.core.checks import as_count, as_generator
from samplebook.core.interactions import Interactions


def dense_core(votes: Interactions, *, of_user: int, of_item: int) -> Interactions:
    """The largest set of users and items in which each has enough votes within the set.

    Users and items with too few votes are dropped until none is left to drop, and the others are renumbered
    in their old order. The result does not depend on the order of dropping.

    Parameters
    ----------
    votes : Interactions
    of_user, of_item : int, >= 1
        Fewest votes of a user, and of an item.

    Raises
    ------
    ValueError
        If a number is below 1, or nothing is left.
    """
    of_user, of_item = as_count(of_user, "of_user"), as_count(of_item, "of_item")
    while True:
        enough = (votes.votes_of_users[votes.users] >= of_user) & (
            votes.votes_of_items[votes.items] >= of_item
        )
        if enough.all():
            break
        votes = votes.subset(enough)
    if not len(votes):
        raise ValueError(
            f"votes: has no core with {of_user} votes a user and {of_item} an item"
        )
    users, items = (
        np.unique(numbers, return_inverse=True)[1]
        for numbers in (votes.users, votes.items)
    )
    return Interactions.of_pairs(
        users, items, num_users=users.max() + 1, num_items=items.max() + 1
    )


def split_votes(
    votes: Interactions, shares: Sequence[float], *, rng: np.random.Generator
) -> list[Interactions]:
    """Split each user's votes at random.

    Of a user's d votes in random order, part k ends at the one numbered round(d (s_1 + .. + s_k)), and the
    first part has one vote at least: a user with any votes stays trainable.

    Parameters
    ----------
    votes : Interactions
    shares : sequence of float, > 0
        s_1, s_2, .., with sum 1; such as (0.7, 0.1, 0.2) for training, validation and test.
    rng : numpy.random.Generator

    Returns
    -------
    list of Interactions
        Disjoint, together all votes.

    Raises
    ------
    ValueError
        If a share is not positive, or they do not sum to 1 within 1e-9.
    """
    cumulative = np.cumsum(np.asarray(shares, dtype=np.float64))
    if not (np.diff(cumulative, prepend=0.0) > 0).all():
        raise ValueError(f"shares: must be positive, got {tuple(shares)}")
    if abs(cumulative[-1] - 1) > 1e-9:
        raise ValueError(f"shares: must sum to 1, got {cumulative[-1]:g}")
    shuffled = np.lexsort((as_generator(rng).random(len(votes)), votes.users))
    position = np.empty(len(votes), dtype=np.int64)
    position[shuffled] = np.arange(len(votes)) - votes.offsets[votes.users]
    count = votes.votes_of_users[votes.users]
    ends = np.rint(cumulative[:-1, None] * count)
    part = (position >= np.maximum(ends, 1)).sum(axis=0)
    return [votes.subset(part == number) for number in range(len(cumulative))]
