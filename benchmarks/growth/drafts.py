"""Growth of the costs of guessing ahead: optima, selections, the linear program, processing of laws."""

import math
from typing import Any

import numpy as np

from harness.cases import Case, Cost
from harness.timing import Call
from samplebook.drafts import (
    draw_drafts,
    optimal_acceptance,
    process_laws,
    select_token,
    transport,
    transport_program,
)

VOCABULARY = 65_536
DOUBLED_VOCABULARIES = [2**e for e in range(15, 20)]
LARGE_VOCABULARIES = [65_536, 110_218, 185_364, 311_744, 524_288]
"""Eightfold: all of their batches are larger than the processor's second cache."""
OPTIMUM, SELECTION = (
    "samplebook.drafts.optimal_acceptance",
    "samplebook.drafts.select_token",
)


def laws(*shape: int, seed: int = 0) -> tuple[Any, Any]:
    """A target law and a draft law, shape (..., V), of logits of deviation 3 that differ by 1."""
    rng = np.random.default_rng(seed)
    logits = 3 * rng.standard_normal(shape)
    both = np.exp([logits, logits + rng.standard_normal(shape)])
    target, draft = both / both.sum(axis=-1, keepdims=True)
    return target, draft


def optimum(vocabulary: int, num_drafts: int, replacement: bool) -> Call:
    target, draft = laws(vocabulary)
    return lambda: optimal_acceptance(
        target, draft, num_drafts, replacement=replacement
    )


def selection(method: str, rows: int, vocabulary: int, num_drafts: int) -> Call:
    target, draft = laws(rows, vocabulary)
    rng = np.random.default_rng(1)
    drafts = draw_drafts(draft, num_drafts, method=method, rng=rng)
    return lambda: select_token(
        target, draft, drafts, method=method, rng=rng, validate=False
    )


def program(vocabulary: int) -> Call:
    target, draft = laws(vocabulary)

    def solve() -> None:
        transport.cached_plan.cache_clear()
        transport_program(target, draft, 2)

    return solve


def processing(vocabulary: int) -> Call:
    law, _ = laws(vocabulary)
    return lambda: process_laws(law, temperature=0.7, top_k=1_000, top_p=0.9)


def selections(method: str, cost: str, name: str) -> list[Case]:
    """A method's selection in the vocabulary and in the rows."""
    linear = Cost(cost, lambda size: size)
    memory = Cost("B V", lambda size: size)
    return [
        Case(
            slug=f"{method}-selection-vocabulary",
            part="drafts",
            function=SELECTION,
            work=f"{name}, $B = 8$ rows, $k = 8$ drafts",
            variable="V",
            meaning="tokens in the vocabulary",
            sizes=LARGE_VOCABULARIES,
            time=linear,
            memory=memory,
            prepare=lambda size: selection(method, 8, size, 8),
        ),
        Case(
            slug=f"{method}-selection-rows",
            part="drafts",
            function=SELECTION,
            work=f"{name}, $V = 65{{,}}536$ tokens, $k = 8$ drafts",
            variable="B",
            meaning="rows of the batch",
            sizes=[8, 13, 23, 38, 64],
            time=linear,
            memory=memory,
            prepare=lambda size: selection(method, size, VOCABULARY, 8),
        ),
    ]


CASES = [
    Case(
        slug="optimal-acceptance-vocabulary",
        part="drafts",
        function=OPTIMUM,
        work="with replacement, $k = 8$ drafts",
        variable="V",
        meaning="tokens in the vocabulary",
        sizes=DOUBLED_VOCABULARIES,
        time=Cost(r"V \log V + V \log k", lambda size: size * math.log(8 * size)),
        memory=Cost("V", lambda size: size),
        prepare=lambda size: optimum(size, 8, True),
    ),
    Case(
        slug="optimal-acceptance-drafts",
        part="drafts",
        function=OPTIMUM,
        work=r"with replacement, $V = 65{,}536$ tokens",
        variable="k",
        meaning="drafts",
        sizes=[2, 4, 8, 16, 32],
        time=Cost(
            r"V \log V + V \log k", lambda size: math.log(VOCABULARY) + math.log(size)
        ),
        memory=Cost("V", lambda size: 1.0),
        prepare=lambda size: optimum(VOCABULARY, size, True),
    ),
    Case(
        slug="optimal-acceptance-distinct-vocabulary",
        part="drafts",
        function=OPTIMUM,
        work="without replacement, $k = 4$ drafts",
        variable="V",
        meaning="tokens in the vocabulary",
        sizes=[2**e for e in range(13, 18)],
        time=Cost(r"k V \log V", lambda size: size * math.log(size)),
        memory=Cost("k V", lambda size: size),
        prepare=lambda size: optimum(size, 4, False),
    ),
    Case(
        slug="optimal-acceptance-distinct-drafts",
        part="drafts",
        function=OPTIMUM,
        work=r"without replacement, $V = 16{,}384$ tokens",
        variable="k",
        meaning="drafts",
        sizes=[4, 6, 8, 11, 14],
        time=Cost(r"k V \log V", lambda size: size),
        memory=Cost("k V", lambda size: size),
        prepare=lambda size: optimum(16_384, size, False),
        tiny=3,
    ),
    *selections("kseq", "B V", "k-sequential selection"),
    *selections("rrs", "k B V", "recursive rejection"),
    Case(
        slug="rrs-selection-drafts",
        part="drafts",
        function=SELECTION,
        work=r"recursive rejection, $B = 4$ rows, $V = 65{,}536$ tokens",
        variable="k",
        meaning="drafts",
        sizes=[8, 16, 32, 64, 128],
        time=Cost("k B V", lambda size: size),
        memory=Cost("B V", lambda size: 1.0),
        prepare=lambda size: selection("rrs", 4, VOCABULARY, size),
        tiny=3,
    ),
    Case(
        slug="transport-program-vocabulary",
        part="drafts",
        function="samplebook.drafts.transport_program",
        work="$k = 2$ drafts, with replacement",
        variable="V",
        meaning="tokens in the vocabulary",
        sizes=[32, 48, 72, 108, 162],
        time=Cost("", None),
        memory=Cost("k V^k / k!", lambda size: size**2),
        prepare=program,
        tiny=4,
    ),
    Case(
        slug="process-laws-vocabulary",
        part="drafts",
        function="samplebook.drafts.process_laws",
        work="temperature 0.7, top-k 1,000, top-p 0.9",
        variable="V",
        meaning="tokens in the vocabulary",
        sizes=DOUBLED_VOCABULARIES,
        time=Cost(r"V \log V", lambda size: size * math.log(size)),
        memory=Cost("V", lambda size: size),
        prepare=processing,
        tiny=2_000,
    ),
]
