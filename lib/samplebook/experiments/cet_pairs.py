"""Training pairs for every seed of a collection, equally many, and the pools that they come from."""

from dataclasses import dataclass

import numpy as np
import torch

from samplebook.experiments.cet_collections import Candidates, Collection, Mask, Table
from samplebook.experiments.cet_rankers import PairRows
from samplebook.negatives import below_threshold, draw_training_pairs, hard_negatives


@dataclass(frozen=True)
class DrawnPairs:
    """n training pairs for each of S seeds, and what is known of them.

    Attributes
    ----------
    rows : PairRows
    false : bool array, shape (S, n)
        Which negatives are relevant in truth.
    skipped : float64 array, shape (S,)
        Queries that give no pairs: they have no label, or nothing to draw.
    """

    rows: PairRows
    false: Mask
    skipped: Table


def draw_pairs(
    candidates: Candidates,
    pools: Mask,
    num_negatives: int,
    rngs: list[np.random.Generator],
) -> DrawnPairs:
    """Pairs from each seed's pools (S, Q, D), in random order, as many as the seed with the fewest has.

    Parameters
    ----------
    candidates : Candidates
    pools : bool array, shape (S, Q, D)
        Which documents may be drawn, with replacement; queries with an empty pool are skipped.
    num_negatives : int
        For each labelled document.
    rngs : list of numpy.random.Generator, length S
    """
    labels = candidates.labels & pools.any(axis=2, keepdims=True)
    drawn = [
        draw_training_pairs(
            *given, num_negatives=num_negatives, rng=rng, replacement=True
        )
        for *given, rng in zip(labels, pools, rngs, strict=True)
    ]
    count = min(len(pairs.queries) for pairs in drawn)
    kept = [
        rng.permutation(len(pairs.queries))[:count]
        for pairs, rng in zip(drawn, rngs, strict=True)
    ]
    queries, positives, negatives = (
        np.stack(
            [
                getattr(pairs, name)[order]
                for pairs, order in zip(drawn, kept, strict=True)
            ]
        )
        for name in ("queries", "positives", "negatives")
    )
    seeds = np.arange(len(drawn))[:, None]
    rows = candidates.rows.cpu().numpy()
    device = candidates.rows.device
    return DrawnPairs(
        rows=PairRows(
            *(
                torch.from_numpy(rows[seeds, queries, documents]).to(device)
                for documents in (positives, negatives)
            )
        ),
        false=candidates.relevant[seeds, queries, negatives],
        skipped=np.array([float(pairs.num_skipped_queries) for pairs in drawn]),
    )


def hard_pools(
    collection: Collection, strength: float, rng: np.random.Generator
) -> Mask:
    """The top unlabelled documents of a retriever of this strength, (S, Q, D)."""
    return np.stack(
        [
            hard_negatives(labels, scores, depth=collection.depth)
            for labels, scores in zip(
                collection.training.labels,
                collection.retrieved(strength, rng),
                strict=True,
            )
        ]
    )


def filtered_pools(pools: Mask, scores: Table, labels: Mask) -> Mask:
    """Pools (S, Q, D) without documents that score above half of the same seed's labelled ones."""
    return np.stack(
        [
            below_threshold(pool, table, threshold=float(np.median(table[labelled])))
            for pool, table, labelled in zip(pools, scores, labels, strict=True)
        ]
    )
