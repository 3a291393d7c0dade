"""Guessing ahead: optima beside solvers, and the processing of laws beside a language-model library."""

from itertools import combinations
from typing import Any

import numpy as np

from harness.duels import Duel
from samplebook.drafts import optimal_acceptance, process_laws, transport_program

VOCABULARY = 120
"""Of the programs, which have one variable for each ordered pair of tokens."""
MOST_TOKENS = 128_000
CAPACITY = 10**9
"""SciPy's maximum flow takes 32-bit integers: what stands for the probability 1."""


def laws() -> tuple[Any, Any]:
    """Two random laws (V,), the target's and the drafts'."""
    target, draft = np.random.default_rng(0).dirichlet(np.ones(VOCABULARY), size=2)
    return target, draft


def pairs_of_drafts(draft: Any, *, replacement: bool) -> tuple[Any, Any]:
    """All unordered pairs (M, 2) of drafts, and their probabilities (M,)."""
    first, second = np.array(list(combinations(range(len(draft)), 2))).T
    product = draft[first] * draft[second]
    if not replacement:
        orders = 1 / (1 - draft[first]) + 1 / (1 - draft[second])
        return np.stack([first, second], axis=1), product * orders
    equal = np.arange(len(draft))
    pairs = np.stack([np.append(first, equal), np.append(second, equal)], axis=1)
    return pairs, np.append(2 * product, draft**2)


def solve_with_linprog(target: Any, draft: Any, *, replacement: bool) -> float:
    """The largest acceptance of two drafts, as a linear program: a flow from pairs to their tokens."""
    from scipy.optimize import linprog
    from scipy.sparse import csr_array, vstack

    pairs, mass = pairs_of_drafts(draft, replacement=replacement)
    sources, tokens = np.repeat(np.arange(len(pairs)), 2), pairs.ravel()
    edges = np.arange(len(tokens))
    out_of, into = (
        csr_array((np.ones(len(edges)), (ends, edges)), shape=(count, len(edges)))
        for ends, count in ((sources, len(pairs)), (tokens, len(target)))
    )
    found = linprog(
        -np.ones(len(edges)),
        A_ub=vstack([out_of, into]),
        b_ub=np.append(mass, target),
        method="highs",
    )
    return float(-found.fun)


def solve_with_maximum_flow(target: Any, draft: Any) -> float:
    """The same as a maximum flow with integer capacities: from a source to pairs, tokens and a sink."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_flow

    pairs, mass = pairs_of_drafts(draft, replacement=True)
    first_token = 1 + len(pairs)
    sink = first_token + len(target)
    sources = np.arange(1, first_token)
    tokens = np.arange(first_token, sink)
    start = np.concatenate([np.zeros(len(pairs)), np.repeat(sources, 2), tokens])
    end = np.concatenate(
        [sources, first_token + pairs.ravel(), np.full(len(tokens), sink)]
    )
    limits = np.concatenate([mass, np.repeat(mass, 2), target])
    capacities = np.round(CAPACITY * limits).astype(np.int32)
    graph = csr_array((capacities, (start, end)), shape=(sink + 1, sink + 1))
    graph.sum_duplicates()  # a pair of equal tokens has two edges to it
    return float(maximum_flow(graph, 0, sink).flow_value / CAPACITY)


def optimum_beside_linprog() -> Duel:
    target, draft = laws()
    return Duel(
        part="drafts",
        function="samplebook.drafts.optimal_acceptance",
        work=f"V = {VOCABULARY}, k = 2, with replacement",
        other="SciPy, linprog",
        ours=lambda: optimal_acceptance(target, draft, 2),
        theirs=lambda: solve_with_linprog(target, draft, replacement=True),
        tolerance=1e-7,
        rounds=3,
    )


def optimum_beside_maximum_flow() -> Duel:
    target, draft = laws()
    return Duel(
        part="drafts",
        function="samplebook.drafts.optimal_acceptance",
        work=f"V = {VOCABULARY}, k = 2, with replacement",
        other="SciPy, maximum_flow",
        ours=lambda: optimal_acceptance(target, draft, 2),
        theirs=lambda: solve_with_maximum_flow(target, draft),
        tolerance=1e-5,  # capacities are rounded to 1e-9
    )


def optimum_of_distinct_drafts_beside_linprog() -> Duel:
    target, draft = laws()
    return Duel(
        part="drafts",
        function="samplebook.drafts.optimal_acceptance",
        work=f"V = {VOCABULARY}, k = 2, without replacement",
        other="SciPy, linprog",
        ours=lambda: optimal_acceptance(target, draft, 2, replacement=False),
        theirs=lambda: solve_with_linprog(target, draft, replacement=False),
        tolerance=1e-7,
        rounds=3,
    )


def transport_beside_linprog() -> Duel:
    from samplebook.drafts.transport import cached_plan

    target, draft = laws()

    def ours() -> float:
        cached_plan.cache_clear()
        return transport_program(target, draft, 2).acceptance

    return Duel(
        part="drafts",
        function="samplebook.drafts.transport_program",
        work=f"V = {VOCABULARY}, k = 2, with replacement",
        other="SciPy, linprog",
        ours=ours,
        theirs=lambda: solve_with_linprog(target, draft, replacement=True),
        tolerance=1e-7,
        rounds=3,
    )


def processing_beside_transformers() -> Duel:
    import torch
    from transformers.generation.logits_process import (
        LogitsProcessorList,
        TemperatureLogitsWarper,
        TopKLogitsWarper,
        TopPLogitsWarper,
    )

    torch.set_num_threads(1)
    rng = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(8, MOST_TOKENS, generator=rng, dtype=torch.float64)
    warpers = LogitsProcessorList(
        [TemperatureLogitsWarper(0.7), TopKLogitsWarper(1_000), TopPLogitsWarper(0.9)]
    )
    no_tokens: Any = None  # these warpers look at the logits alone
    return Duel(
        part="drafts",
        function="samplebook.drafts.process_laws",
        work=f"8 rows, V = {MOST_TOKENS:,}, temperature, top-k, top-p; from logits",
        other="transformers",
        ours=lambda: process_laws(
            logits.softmax(-1), temperature=0.7, top_k=1_000, top_p=0.9
        ),
        theirs=lambda: warpers(no_tokens, logits).softmax(-1),
        tolerance=1e-12,
    )


DUELS = (
    optimum_beside_linprog,
    optimum_beside_maximum_flow,
    optimum_of_distinct_drafts_beside_linprog,
    transport_beside_linprog,
    processing_beside_transformers,
)
