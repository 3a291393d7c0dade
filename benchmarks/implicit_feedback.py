"""How long an epoch of BPR takes beside implicit's and cornac's, and whether all three rank as well.

All is done in one process on one thread, in turn.

- An epoch shows each vote once with one negative. Ours takes a step for 5,000 votes, the peers one for each
  vote. Time is the processor's, from the difference of a long and a short training. It fails if the median of
  ours is above twice implicit's or five times cornac's.
- NDCG@10 on the dense core of MovieLens-100K, 16 factors: each side is tuned on the validation votes over
  18 settings, and the best is judged on the test votes, averaged over seeds. It fails if ours is not
  within 0.02 of the peer that draws negatives from the same law: cornac's is uniform, implicit's is in
  proportion to an item's votes.
"""

import harness.single_thread  # noqa: F401, I001

import statistics
import sys
import time
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np

from harness.records import Ratio, write_record
from samplebook.core.interactions import Interactions
from samplebook.data.movielens import read_ratings_100k
from samplebook.data.peer_recommenders import (
    PopularItems,
    Scores,
    train_cornac_bpr,
    train_implicit_bpr,
)
from samplebook.data.vote_splits import dense_core, split_votes
from samplebook.negatives import (
    Hyperparameters,
    MatrixFactorization,
    UnvotedItems,
    rank_held_out,
    train,
)

LARGEST_RATIOS = {"implicit": 2.0, "cornac": 5.0}
LARGEST_GAP = 0.02
SHORT, LONG, ROUNDS = 2, 22, 9
SEEDS = range(3)
SETTING = ("factors", "epochs", "learning_rate", "regularisation", "seed")
Fit = Callable[..., Scores]


def ours(
    votes: Interactions,
    factors: int,
    epochs: int,
    rate: float,
    penalty: float,
    seed: int,
    negatives: Callable[[Interactions], Any] = UnvotedItems,
) -> Scores:
    """Our scores, as a function of users."""
    import torch

    rng = torch.Generator().manual_seed(seed)
    model = MatrixFactorization.initialise(
        votes.num_users, votes.num_items, factors, rng=rng
    )
    chosen = Hyperparameters(
        "bpr",
        rate,
        penalty,
        negatives_per_positive=1,
        batch_size=5_000,
        epochs=epochs,
    )
    train(model, votes, chosen, rng=rng, negatives=negatives(votes))
    return model.scores


def implicit(votes: Interactions, *setting: Any) -> Scores:
    """The scores of implicit."""
    return train_implicit_bpr(votes, **dict(zip(SETTING, setting, strict=True)))


def cornac(votes: Interactions, *setting: Any) -> Scores:
    """The scores of cornac."""
    return train_cornac_bpr(votes, **dict(zip(SETTING, setting, strict=True)))


def ours_popular(*arguments: Any) -> Scores:
    """Our scores after training on popular negatives."""
    return ours(*arguments, negatives=PopularItems)


TIMED: dict[str, Fit] = {"ours": ours, "implicit": implicit, "cornac": cornac}
OUR_SETTINGS = list(product((0.02, 0.04, 0.08), (0.5, 1.0, 1.5), (60, 200)))
PEERS_SETTINGS = list(product((0.003, 0.01, 0.03), (0.01, 0.03, 0.1), (60, 300)))
"""Learning rate, penalty and epochs. Our penalty is for a step of 5,000 votes, theirs for one vote."""
SAME_LAW: list[tuple[Fit, Fit]] = [(ours, cornac), (ours_popular, implicit)]


def epoch_seconds(fit: Fit, votes: Interactions, factors: int) -> float:
    """Processor time of an epoch: a long training less a short one."""

    def seconds(epochs: int) -> float:
        start = time.process_time()
        fit(votes, factors, epochs, 0.03, 0.01, 0)
        return time.process_time() - start

    return (seconds(LONG) - seconds(SHORT)) / (LONG - SHORT)


def compare_epochs(votes: Interactions, factors: int, kept: list[Ratio]) -> bool:
    """Print medians and their ratios and keep them; whether the ratios are small enough."""
    rounds = [
        {name: epoch_seconds(fit, votes, factors) for name, fit in TIMED.items()}
        for _ in range(ROUNDS)
    ]
    medians = {name: statistics.median(row[name] for row in rounds) for name in TIMED}
    ratios = {name: medians["ours"] / medians[name] for name in LARGEST_RATIOS}
    print(
        f"{len(votes):,} votes, {factors} factors, ms an epoch:",
        *(f"{name} {1e3 * median:.2f}" for name, median in medians.items()),
        *(f"ours / {name} {ratio:.2f}" for name, ratio in ratios.items()),
    )
    kept += [
        Ratio(
            part="negatives",
            function="samplebook.negatives.train",
            work=f"one epoch of BPR, {len(votes):,} votes, {factors} factors",
            other=name,
            kind="peer",
            unit="s",
            ours=medians["ours"],
            theirs=medians[name],
        )
        for name in LARGEST_RATIOS
    ]
    return all(ratios[name] <= LARGEST_RATIOS[name] for name in LARGEST_RATIOS)


def tuned_ndcg(fit: Fit, settings: list[Any], parts: list[Interactions]) -> float:
    """NDCG@10 on the test votes of the setting that is best on the validation votes, averaged over seeds."""
    votes, validation, test = parts

    def ndcg(
        scores: Scores, held_out: Interactions, excluded: list[Interactions]
    ) -> float:
        ranking = rank_held_out(scores, held_out, excluded=excluded, depth=10)
        return float(np.nanmean(ranking.ndcg(10)))

    in_validation = [
        ndcg(fit(votes, 16, epochs, rate, penalty, 0), validation, [votes])
        for rate, penalty, epochs in settings
    ]
    rate, penalty, epochs = settings[int(np.argmax(in_validation))]
    in_test = [
        ndcg(fit(votes, 16, epochs, rate, penalty, seed), test, [votes, validation])
        for seed in SEEDS
    ]
    print(
        f"{fit.__name__:12} rate {rate:<5} penalty {penalty:<4} epochs {epochs:<3} "
        f"NDCG@10 {statistics.mean(in_test):.4f}"
    )
    return statistics.mean(in_test)


def compare_rankings(votes: Interactions, kept: list[Ratio]) -> bool:
    """Print and keep tuned NDCG@10; whether each is within the gap of the peer with its law of negatives."""
    parts = split_votes(votes, (0.7, 0.1, 0.2), rng=np.random.default_rng(0))
    found = [
        Ratio(
            part="negatives",
            function="samplebook.negatives.train",
            work=f"NDCG@10 after tuning, negatives as {peer.__name__} draws them",
            other=peer.__name__,
            kind="peer",
            unit="",
            ours=tuned_ndcg(mine, OUR_SETTINGS, parts),
            theirs=tuned_ndcg(peer, PEERS_SETTINGS, parts),
            smaller_wins=False,
        )
        for mine, peer in SAME_LAW
    ]
    kept += found
    return max(abs(one.ours - one.theirs) for one in found) <= LARGEST_GAP


if __name__ == "__main__":
    everything = dense_core(read_ratings_100k().votes(), of_user=1, of_item=1)
    core = dense_core(everything, of_user=30, of_item=40)
    kept: list[Ratio] = []
    results = [
        compare_rankings(core, kept),
        compare_epochs(core, 16, kept),
        compare_epochs(everything, 64, kept),
    ]
    write_record("implicit-feedback", ratios=kept)
    print(
        f"at most {LARGEST_RATIOS} times the peers' epochs, "
        f"NDCG@10 within {LARGEST_GAP} for the same law of negatives"
    )
    sys.exit(not all(results))
