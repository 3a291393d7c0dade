"""Growth of the costs of learning from what was not chosen: an epoch, a coupled step, filters."""

import numpy as np

from harness.cases import Case, Cost
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


def epoch(count: int) -> Call:
    import torch

    torch.set_num_threads(1)
    votes = random_votes(count)
    rng = torch.Generator().manual_seed(0)
    model = MatrixFactorization.initialise(
        votes.num_users, ITEMS, FACTORS, flip_rank=FACTORS, rng=rng
    )
    chosen = Hyperparameters("nbpo", 1e-3, 0.01, flip_regularisation=0.01, epochs=1)
    negatives = UnvotedItems(votes)
    return lambda: train(model, votes, chosen, rng=rng, negatives=negatives)


def coupled_step(pairs: int) -> Call:
    import torch
    from torch import nn

    from samplebook.negatives.coupled_training import (
        TrainingPlan,
        train_coupled_rankers,
    )

    torch.set_num_threads(1)
    torch.manual_seed(0)
    models = [
        nn.Sequential(
            nn.Linear(FEATURES, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 1), nn.Flatten(0)
        )
        for _ in range(2)
    ]
    rng = torch.Generator().manual_seed(0)
    positives, negatives = torch.randn(2, pairs, FEATURES, generator=rng)
    plan = TrainingPlan(batch_size=pairs)
    return lambda: train_coupled_rankers(
        *models, positives, negatives, plan=plan, rng=rng
    )


def tables(documents: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels and scores (Q, D): one positive a query, scores in (0, 1)."""
    rng = np.random.default_rng(0)
    labels = np.zeros((QUERIES, documents), dtype=bool)
    labels[:, 0] = True
    return labels, rng.uniform(0.01, 1, size=labels.shape)


def hard(documents: int) -> Call:
    labels, scores = tables(documents)
    return lambda: hard_negatives(labels, scores, depth=min(100, documents))


def positive_aware(documents: int) -> Call:
    labels, scores = tables(documents)
    return lambda: below_positives(~labels, scores, labels)


CASES = [
    Case(
        slug="nbpo-epoch-votes",
        part="negatives",
        function="samplebook.negatives.train",
        work=r"NBPO, one epoch, $M = 2{,}000$ users, $N = 1{,}000$ items, $K = 16$ factors, $\rho = 4$, "
        r"$B = 5{,}000$",
        variable="n",
        meaning="votes",
        sizes=[2**e for e in range(15, 20)],
        time=Cost(r"n (1 + \rho) K + (n / B) (M + N) K", lambda size: size),
        memory=Cost(r"n (1 + \rho) + B (1 + \rho) K", lambda size: size),
        prepare=epoch,
        tiny=40,
    ),
    Case(
        slug="coupled-step-pairs",
        part="negatives",
        function="samplebook.negatives.coupled_training.train_coupled_rankers",
        work="one step, two networks of $W = 4{,}225$ weights and $H = 65$ activations",
        variable="B",
        meaning="pairs in the batch",
        sizes=[2**e for e in range(12, 17)],
        time=Cost("B W", lambda size: size),
        memory=Cost("B H + W", lambda size: size),
        prepare=coupled_step,
    ),
    Case(
        slug="hard-negatives-documents",
        part="negatives",
        function="samplebook.negatives.hard_negatives",
        work="$Q = 64$ queries, the hardest 100",
        variable="D",
        meaning="documents of a query",
        sizes=[2**e for e in range(12, 17)],
        time=Cost("Q D", lambda size: size),
        memory=Cost("Q D", lambda size: size),
        prepare=hard,
    ),
    Case(
        slug="positive-aware-filter-documents",
        part="negatives",
        function="samplebook.negatives.below_positives",
        work="$Q = 64$ queries",
        variable="D",
        meaning="documents of a query",
        sizes=[2**e for e in range(12, 17)],
        time=Cost("Q D", lambda size: size),
        memory=Cost("Q D", lambda size: size),
        prepare=positive_aware,
    ),
]
