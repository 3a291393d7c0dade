"""Learning from what was not chosen: training steps beside plain torch, rankings beside scikit-learn."""

from copy import deepcopy
from typing import Any

import numpy as np

from growth.negatives import random_votes, small_network, tables
from harness.duels import Duel
from samplebook.negatives import (
    Hyperparameters,
    MatrixFactorization,
    UnvotedItems,
    bpr_loss,
    hard_negatives,
    rank,
    train,
)

VOTES, BATCH, FACTORS = 50_000, 5_000, 16
NBPO = Hyperparameters("nbpo", 1e-3, 0.01, flip_regularisation=0.01, epochs=1)
PAIRS, PAIRS_IN_BATCH, TEMPERATURE, WEIGHT_DECAY, RATE = 8_192, 1_024, 10.0, 0.01, 1e-3


def bpr_beside_recbole() -> Duel:
    """The gradients of both losses; RecBole's is the mean over the pairs."""
    import torch
    from recbole.model.loss import BPRLoss

    torch.set_num_threads(1)
    rng = torch.Generator().manual_seed(0)
    positive, negative = torch.randn(2, 65_536, generator=rng, dtype=torch.float64)
    positive.requires_grad_()
    theirs = BPRLoss()

    def gradient(loss: Any) -> Any:
        return torch.autograd.grad(loss, positive)[0]

    return Duel(
        part="negatives",
        function="samplebook.negatives.bpr_loss",
        work="gradient of 65,536 pairs",
        other="RecBole, BPRLoss",
        ours=lambda: gradient(bpr_loss(positive, negative)),
        theirs=lambda: len(positive) * gradient(theirs(positive, negative)),
        tolerance=1e-6,  # RecBole adds 1e-10 to each probability
    )


def noisy_loss(logits: Any, flips: Any) -> Any:
    """NBPO's loss of logits and flip logits (1 + rho, B), the positives in the first row."""
    import torch
    from torch.nn.functional import logsigmoid

    liked, flipped = torch.sigmoid(logits.detach()), torch.sigmoid(flips.detach())
    positive, negatives = logits[:1], logits[1:]
    preference = (
        (1 - flipped[:1]) * logsigmoid(positive)
        + flipped[1:] * logsigmoid(negatives)
        + logsigmoid(-negatives)
    )
    flip = liked[:1] * logsigmoid(-flips[:1]) + liked[1:] * logsigmoid(flips[1:])
    return -(preference + flip).sum()


def train_with_autograd(model: MatrixFactorization, votes: Any, rng: Any) -> None:
    """An epoch of NBPO by automatic differentiation and torch's SGD, with the draws of the library."""
    import torch

    factors = list(vars(model).values())
    for tensor in factors:
        tensor.requires_grad_()
    optimizer = torch.optim.SGD(
        factors, lr=NBPO.learning_rate, weight_decay=NBPO.regularisation
    )
    voters, positives = torch.tensor(votes.users), torch.tensor(votes.items)[None]
    shape = (NBPO.negatives_per_positive, len(votes))
    drawn = UnvotedItems(votes).draw(voters.expand(shape), rng)
    order = torch.randperm(len(votes), generator=rng)
    items = torch.cat([positives, drawn])[:, order]
    for batch, of_batch in zip(
        voters[order].split(BATCH), items.split(BATCH, dim=1), strict=True
    ):
        U, V, P, Q = factors
        loss = noisy_loss(
            (U[batch] * V[of_batch]).sum(-1), (P[batch] * Q[of_batch]).sum(-1)
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def nbpo_beside_autograd() -> Duel:
    import torch

    torch.set_num_threads(1)
    votes = random_votes(VOTES)

    def factors_after(training: Any) -> Any:
        rng = torch.Generator().manual_seed(0)
        model = MatrixFactorization.initialise(
            votes.num_users, votes.num_items, FACTORS, flip_rank=FACTORS, rng=rng
        )
        training(model, votes, rng)
        return torch.cat(list(vars(model).values())).detach()

    return Duel(
        part="negatives",
        function="samplebook.negatives.train",
        work=f"NBPO, one epoch, {VOTES:,} votes, {FACTORS} factors",
        other="torch, autograd and SGD",
        ours=lambda: factors_after(
            lambda *given: train(*given[:2], NBPO, rng=given[2])
        ),
        theirs=lambda: factors_after(train_with_autograd),
        tolerance=1e-4,  # float32
    )


def train_coupled_with_torch(
    models: list[Any], positives: Any, negatives: Any, rng: Any
) -> Any:
    """Coupled estimation in plain torch: losses of both models on each batch, (steps, 2)."""
    import torch
    from torch.nn.functional import softplus

    steps = len(positives) // PAIRS_IN_BATCH
    optimizers = [
        torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=WEIGHT_DECAY)
        for model in models
    ]
    history = []
    order = torch.randperm(len(positives), generator=rng).split(PAIRS_IN_BATCH)
    for step, batch in enumerate(order):
        with torch.no_grad():
            scores = [model(negatives[batch]) for model in reversed(models)]
        losses = []
        for model, optimizer, other in zip(models, optimizers, scores, strict=True):
            for group in optimizer.param_groups:
                group["lr"] = RATE * (steps - step) / steps
            margins = model(positives[batch]) - model(negatives[batch])
            weights = 1 + torch.exp(other / TEMPERATURE)
            loss = (weights * softplus(-margins)).mean()
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            losses.append(loss.item())
        history.append(losses)
    return history


def coupled_beside_torch() -> Duel:
    import torch

    from samplebook.negatives.coupled_training import (
        TrainingPlan,
        train_coupled_rankers,
    )

    torch.set_num_threads(1)
    torch.manual_seed(0)
    models = [small_network() for _ in range(2)]
    documents = torch.randn(2, PAIRS, 64, generator=torch.Generator().manual_seed(0))
    plan = TrainingPlan(
        temperature=TEMPERATURE,
        batch_size=PAIRS_IN_BATCH,
        learning_rate=RATE,
        weight_decay=WEIGHT_DECAY,
        warmup_share=0.0,
    )

    def ours() -> Any:
        rng = torch.Generator().manual_seed(1)
        return train_coupled_rankers(*deepcopy(models), *documents, plan=plan, rng=rng)

    def theirs() -> Any:
        rng = torch.Generator().manual_seed(1)
        return train_coupled_with_torch(deepcopy(models), *documents, rng)

    return Duel(
        part="negatives",
        function="samplebook.negatives.coupled_training.train_coupled_rankers",
        work=f"{PAIRS // PAIRS_IN_BATCH} steps of {PAIRS_IN_BATCH:,} pairs, two networks",
        other="torch, a loop by hand",
        ours=ours,
        theirs=theirs,
        tolerance=1e-5,  # float32
    )


def ranking_beside_scikit_learn() -> Duel:
    from sklearn.metrics import ndcg_score

    rng = np.random.default_rng(0)
    scores = rng.standard_normal((256, 2_000))
    grades = rng.binomial(3, 0.01, size=scores.shape)
    grades[:, 0] = 1
    return Duel(
        part="negatives",
        function="samplebook.negatives.rank",
        work="NDCG@10, 256 queries, 2,000 documents",
        other="scikit-learn, ndcg_score",
        ours=lambda: rank(scores, grades, depth=10).ndcg(10).mean(),
        theirs=lambda: ndcg_score(grades, scores, k=10, ignore_ties=True),
        tolerance=1e-12,
    )


def hard_negatives_beside_torch() -> Duel:
    import torch

    torch.set_num_threads(1)
    labels, scores = tables(16_384)

    def theirs() -> Any:
        """Labelled documents score minus infinity, then topk."""
        rest = torch.from_numpy(np.where(labels, -np.inf, scores))
        chosen = rest.topk(100, dim=1, sorted=False).indices
        return torch.zeros(labels.shape, dtype=torch.bool).scatter_(1, chosen, True)

    return Duel(
        part="negatives",
        function="samplebook.negatives.hard_negatives",
        work="the hardest 100 of 16,384 documents, 64 queries",
        other="torch, topk",
        ours=lambda: hard_negatives(labels, scores, depth=100),
        theirs=theirs,
        tolerance=0,
    )


DUELS = (
    bpr_beside_recbole,
    nbpo_beside_autograd,
    coupled_beside_torch,
    ranking_beside_scikit_learn,
    hard_negatives_beside_torch,
)
