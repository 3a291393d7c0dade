"""Growth of the costs of learning from what was not chosen: an epoch, a coupled step, filters."""

from typing import Any

import numpy as np

from harness.cases import Algorithm, Cost, doubled
from harness.timing import Call
from samplebook.core.interactions import Interactions
from samplebook.negatives import (
    Hyperparameters,
    MatrixFactorization,
    UnvotedItems,
    below_positives,
    hard_negatives,
    train,
)

USERS, ITEMS, FACTORS = 2_000, 1_000, 16
FEATURES, HIDDEN = 64, 64
QUERIES = 64


def random_votes(count: int) -> Interactions:
    """So many distinct votes, at least one of each user where there are enough."""
    rng = np.random.default_rng(0)
    users = max(1, min(USERS, count // 8))
    first = np.arange(users) * ITEMS + rng.integers(ITEMS, size=users)
    others = np.setdiff1d(rng.permutation(users * ITEMS)[: 2 * count], first)
    pairs = np.concatenate([first, rng.permutation(others)[: count - users]])
    return Interactions.of_pairs(
        pairs // ITEMS, pairs % ITEMS, num_users=users, num_items=ITEMS
    )


def epoch(n: int) -> Call:
    import torch

    torch.set_num_threads(1)
    votes = random_votes(n)
    rng = torch.Generator().manual_seed(0)
    model = MatrixFactorization.initialise(
        votes.num_users, ITEMS, FACTORS, flip_rank=FACTORS, rng=rng
    )
    chosen = Hyperparameters("nbpo", 1e-3, 0.01, flip_regularisation=0.01, epochs=1)
    negatives = UnvotedItems(votes)
    return lambda: train(model, votes, chosen, rng=rng, negatives=negatives)


def small_network() -> Any:
    """From documents (B, FEATURES) to scores (B,), by one hidden layer; begins as torch's own seed says."""
    from torch import nn

    return nn.Sequential(
        nn.Linear(FEATURES, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 1), nn.Flatten(0)
    )


def coupled_step(B: int) -> Call:
    import torch

    from samplebook.negatives.coupled_training import (
        TrainingPlan,
        train_coupled_rankers,
    )

    torch.set_num_threads(1)
    torch.manual_seed(0)
    models = small_network(), small_network()
    rng = torch.Generator().manual_seed(0)
    positives, negatives = torch.randn(2, B, FEATURES, generator=rng)
    plan = TrainingPlan(batch_size=B)
    return lambda: train_coupled_rankers(
        *models, positives, negatives, plan=plan, rng=rng
    )


def tables(D: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels and scores (Q, D): one positive a query, scores in (0, 1)."""
    rng = np.random.default_rng(0)
    labels = np.zeros((QUERIES, D), dtype=bool)
    labels[:, 0] = True
    return labels, rng.uniform(0.01, 1, size=labels.shape)


def hard(D: int) -> Call:
    labels, scores = tables(D)
    return lambda: hard_negatives(labels, scores, depth=min(100, D))


def positive_aware(D: int) -> Call:
    labels, scores = tables(D)
    return lambda: below_positives(~labels, scores, labels)


ALGORITHMS = [
    Algorithm(
        slug="nbpo-epoch",
        part="negatives",
        function="samplebook.negatives.train",
        work=r"NBPO, one epoch, {n} votes, $M = 2{{,}}000$ users, $N = 1{{,}}000$ items, $K = 16$, "
        r"$\rho = 4$, $B = 5{{,}}000$",
        prepare=epoch,
        time=Cost(r"n (1 + \rho) K + (n / B) (M + N) K", lambda n: n),
        memory=Cost(r"n (1 + \rho) + B (1 + \rho) K", lambda n: n * 5 + 5_000 * 5 * 16),
        grows={"n": doubled(2**15)},
        tiny={"n": 40},
    ),
    Algorithm(
        slug="coupled-step",
        part="negatives",
        function="samplebook.negatives.coupled_training.train_coupled_rankers",
        work="one step, {B} pairs, two networks of $W = 4{{,}}225$ weights and $H = 65$ activations",
        prepare=coupled_step,
        time=Cost("B W", lambda B: B),
        memory=Cost("B H + W", lambda B: B),
        grows={"B": doubled(2**12)},
    ),
    Algorithm(
        slug="hard-negatives",
        part="negatives",
        function="samplebook.negatives.hard_negatives",
        work="the hardest 100 of {D} documents, $Q = 64$ queries",
        prepare=hard,
        time=Cost("Q D", lambda D: D),
        memory=Cost("Q D", lambda D: D),
        grows={"D": doubled(2**12)},
    ),
    Algorithm(
        slug="positive-aware-filter",
        part="negatives",
        function="samplebook.negatives.below_positives",
        work="{D} documents, $Q = 64$ queries",
        prepare=positive_aware,
        time=Cost("Q D", lambda D: D),
        memory=Cost("Q D", lambda D: D),
        grows={"D": doubled(2**12)},
    ),
]
