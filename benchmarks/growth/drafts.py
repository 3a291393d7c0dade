"""Growth of the costs of guessing ahead: optima, selections, the linear program, processing of laws."""

from functools import partial
from math import log
from typing import Any

import numpy as np

from harness.cases import Algorithm, Cost, doubled
from harness.timing import Call
from samplebook.drafts import (
    draw_drafts,
    optimal_acceptance,
    process_laws,
    select_token,
    transport,
    transport_program,
)

LARGE_VOCABULARIES = [65_536, 110_218, 185_364, 311_744, 524_288]
"""Eightfold: all of their batches are larger than the processor's second cache."""


def laws(*shape: int, seed: int = 0) -> tuple[Any, Any]:
    """A target law and a draft law, shape (..., V), of logits of deviation 3 that differ by 1."""
    rng = np.random.default_rng(seed)
    logits = 3 * rng.standard_normal(shape)
    both = np.exp([logits, logits + rng.standard_normal(shape)])
    target, draft = both / both.sum(axis=-1, keepdims=True)
    return target, draft


def optimum(*, replacement: bool, V: int, k: int) -> Call:
    target, draft = laws(V)
    return lambda: optimal_acceptance(target, draft, k, replacement=replacement)


def selection(*, method: str, B: int, V: int, k: int) -> Call:
    target, draft = laws(B, V)
    rng = np.random.default_rng(1)
    drafts = draw_drafts(draft, k, method=method, rng=rng)
    return lambda: select_token(
        target, draft, drafts, method=method, rng=rng, validate=False
    )


def program(V: int, k: int) -> Call:
    target, draft = laws(V)

    def solve() -> None:
        transport.cached_plan.cache_clear()
        transport_program(target, draft, k)

    return solve


def processing(V: int) -> Call:
    law, _ = laws(V)
    return lambda: process_laws(law, temperature=0.7, top_k=1_000, top_p=0.9)


ALGORITHMS = [
    Algorithm(
        slug="optimal-acceptance",
        part="drafts",
        function="samplebook.drafts.optimal_acceptance",
        work="with replacement, {V} tokens, {k} drafts",
        prepare=partial(optimum, replacement=True),
        time=Cost(r"V \log V + V \log k", lambda V, k: V * log(V * k)),
        memory=Cost("V", lambda V, k: V),
        at={"V": 65_536, "k": 8},
        grows={"V": doubled(2**15), "k": doubled(2)},
    ),
    Algorithm(
        slug="optimal-acceptance-distinct",
        part="drafts",
        function="samplebook.drafts.optimal_acceptance",
        work="without replacement, {V} tokens, {k} drafts",
        prepare=partial(optimum, replacement=False),
        time=Cost(r"k V \log V", lambda V, k: k * V * log(V)),
        memory=Cost("k V", lambda V, k: k * V),
        at={"V": 16_384, "k": 4},
        grows={"V": doubled(2**13), "k": [4, 6, 8, 11, 14]},
        tiny={"k": 3},
    ),
    Algorithm(
        slug="kseq-selection",
        part="drafts",
        function="samplebook.drafts.select_token",
        work="k-sequential, {B} rows, {V} tokens, {k} drafts",
        prepare=partial(selection, method="kseq"),
        time=Cost("B V", lambda B, V, k: B * V),
        memory=Cost("B V", lambda B, V, k: B * V),
        at={"B": 8, "V": 65_536, "k": 8},
        grows={"V": LARGE_VOCABULARIES, "B": [8, 13, 23, 38, 64]},
    ),
    Algorithm(
        slug="rrs-selection",
        part="drafts",
        function="samplebook.drafts.select_token",
        work="recursive rejection, {B} rows, {V} tokens, {k} drafts",
        prepare=partial(selection, method="rrs"),
        time=Cost("k B V", lambda B, V, k: k * B * V),
        memory=Cost("B V", lambda B, V, k: B * V),
        at={"B": 8, "V": 65_536, "k": 8},
        grows={
            "V": LARGE_VOCABULARIES,
            "B": [8, 13, 23, 38, 64],
            "k": doubled(8),
        },
        tiny={"k": 3},
    ),
    Algorithm(
        slug="transport-program",
        part="drafts",
        function="samplebook.drafts.transport_program",
        work="with replacement, {V} tokens, {k} drafts",
        prepare=program,
        time=Cost("", None),
        memory=Cost("k V^k / k!", lambda V, k: V**k),
        at={"k": 2},
        grows={"V": [64, 82, 105, 134, 172]},
        tiny={"V": 4},
    ),
    Algorithm(
        slug="process-laws",
        part="drafts",
        function="samplebook.drafts.process_laws",
        work="{V} tokens, temperature 0.7, top-k 1,000, top-p 0.9",
        prepare=processing,
        time=Cost(r"V \log V", lambda V: V * log(V)),
        memory=Cost("V", lambda V: V),
        grows={"V": doubled(2**15)},
        tiny={"V": 2_000},
    ),
]
