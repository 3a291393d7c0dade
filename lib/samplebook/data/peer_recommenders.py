"""Recommenders of implicit and cornac, trained on the book's votes, and implicit's law of negatives.

Each function trains one model on one thread and returns its scores as a function of users, which is what
:func:`samplebook.negatives.rank_held_out` ranks by. The packages are imported where they are used.
"""

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np

from samplebook.core.drawing import as_torch_generator
from samplebook.core.interactions import Interactions

Scores = Callable[[Any], Any]
"""From the numbers of B users to their scores of all items, (B, N)."""
NEVER = -1e9
"""The score of an item that the training votes do not have."""


def missing_packages() -> list[str]:
    """Which of the two packages are not installed."""
    return [name for name in ("implicit", "cornac") if find_spec(name) is None]


def vote_matrix(votes: Interactions) -> Any:
    """Votes as a sparse float32 matrix (M, N)."""
    import scipy.sparse

    return scipy.sparse.csr_matrix(votes.matrix().astype(np.float32))


def train_implicit_bpr(
    votes: Interactions,
    *,
    factors: int,
    epochs: int,
    learning_rate: float,
    regularisation: float,
    seed: int,
) -> Scores:
    """BPR of implicit: one step a vote, and negatives by popularity, as :class:`PopularItems` draws them."""
    from implicit.bpr import BayesianPersonalizedRanking

    model = BayesianPersonalizedRanking(
        factors=factors,
        iterations=epochs,
        learning_rate=learning_rate,
        regularization=regularisation,
        num_threads=1,
        random_state=seed,
    )
    model.fit(vote_matrix(votes), show_progress=False)
    return lambda users: model.user_factors[users] @ model.item_factors.T


def train_implicit_wrmf(
    votes: Interactions,
    *,
    factors: int,
    epochs: int,
    vote_weight: float,
    regularisation: float,
    seed: int,
) -> Scores:
    """WRMF of implicit: least squares on all pairs, a vote weighs ``vote_weight`` and any other pair 1."""
    from implicit.als import AlternatingLeastSquares
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, "blas"):  # implicit warns of more
        model = AlternatingLeastSquares(
            factors=factors,
            iterations=epochs,
            alpha=vote_weight,
            regularization=regularisation,
            use_cg=False,
            num_threads=1,
            random_state=seed,
        )
        model.fit(vote_matrix(votes), show_progress=False)
    return lambda users: model.user_factors[users] @ model.item_factors.T


def train_cornac_bpr(
    votes: Interactions,
    *,
    factors: int,
    epochs: int,
    learning_rate: float,
    regularisation: float,
    seed: int,
) -> Scores:
    """BPR of cornac: one step a vote, uniform negatives, and a bias for each item.

    Raises ``ValueError`` if a user has no vote: cornac does not know such a user.
    """
    from cornac.data import Dataset
    from cornac.models import BPR

    without = np.flatnonzero(votes.votes_of_users == 0)
    if without.size:
        raise ValueError(f"votes: user {without[0]} has no vote")
    pairs = zip(votes.users.tolist(), votes.items.tolist(), strict=True)
    data = Dataset.from_uir([(user, item, 1.0) for user, item in pairs], seed=seed)
    model = BPR(
        k=factors,
        max_iter=epochs,
        learning_rate=learning_rate,
        lambda_reg=regularisation,
        num_threads=1,
        seed=seed,
    )
    model.fit(data)
    # cornac numbers users and items in the order in which they come
    user_rows = np.array([data.uid_map[user] for user in range(votes.num_users)])
    known = [item for item in range(votes.num_items) if item in data.iid_map]
    item_rows = [data.iid_map[item] for item in known]

    def scores(users: Any) -> Any:
        table = np.full((len(users), votes.num_items), NEVER)
        table[:, known] = (
            model.u_factors[user_rows[users]] @ model.i_factors[item_rows].T
            + model.i_biases[item_rows]
        )
        return table

    return scores


class PopularItems:
    """Draws the items of random votes, again and again until none is the user's own: implicit's law.

    Parameters
    ----------
    votes : Interactions

    Raises
    ------
    ValueError
        If a user voted for every item that has a vote: nothing is left to draw.
    """

    def __init__(self, votes: Interactions):
        import torch

        voted = votes.matrix()
        nothing_left = np.flatnonzero((voted | (votes.votes_of_items == 0)).all(axis=1))
        if nothing_left.size:
            raise ValueError(
                f"votes: user {nothing_left[0]} voted for every item that has a vote"
            )
        self.items, self.voted = map(torch.tensor, (votes.items, voted))

    def draw(self, users: Any, rng: Any) -> Any:
        """Items of the shape of ``users``."""
        import torch

        rng = as_torch_generator(rng)
        drawn = torch.empty(users.numel(), dtype=torch.int64)
        wrong = torch.arange(users.numel())  # still to be drawn
        flat = users.reshape(-1)
        while len(wrong):
            votes = torch.randint(len(self.items), wrong.shape, generator=rng)
            drawn[wrong] = self.items[votes]
            wrong = wrong[self.voted[flat[wrong], drawn[wrong]]]
        return drawn.reshape(users.shape)
