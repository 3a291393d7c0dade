"""The optimum by ways that share nothing with the library's."""

from fractions import Fraction
from itertools import chain, combinations, product

import networkx
import numpy as np
from scipy.optimize import linprog
from scipy.sparse import lil_array


def optimum_by_full_program(target, draft, num_drafts: int) -> float:
    """The transport problem as stated: V^(k+1) variables, both marginals as equations but one."""
    target, draft = np.asarray(target), np.asarray(draft)
    vocabulary = len(target)
    tuples = list(product(range(vocabulary), repeat=num_drafts))
    marginals = lil_array((len(tuples) + vocabulary, len(tuples) * vocabulary))
    cost = np.ones(len(tuples) * vocabulary)
    for row, drafts in enumerate(tuples):
        for token in range(vocabulary):
            column = row * vocabulary + token
            marginals[row, column] = marginals[len(tuples) + token, column] = 1
            cost[column] = token not in drafts
    masses = np.concatenate(
        [[np.prod(draft[list(drafts)]) for drafts in tuples], target]
    )
    options = {
        "primal_feasibility_tolerance": 1e-10,
        "dual_feasibility_tolerance": 1e-10,
    }
    answer = linprog(
        cost,
        A_eq=marginals.tocsr()[:-1],
        b_eq=masses[:-1],
        method="highs",
        options=options,
    )
    assert answer.status == 0, answer.message
    return 1 - answer.fun


def optimum_by_all_cuts(target, draft, num_drafts: int):
    """1 + min over all 2^V token sets H of target(H) - draft(H)^k; in fractions if the laws are fractions."""
    tokens = range(len(target))
    sets = chain.from_iterable(
        combinations(tokens, size) for size in range(len(target) + 1)
    )
    return 1 + min(
        sum(target[i] for i in h) - sum(draft[i] for i in h) ** num_drafts for h in sets
    )


def optimum_by_integer_flow(
    target: list[int], draft: list[int], num_drafts: int
) -> Fraction:
    """Maximum flow from draft tuples to tokens, for laws in units of 1 / sum, in integers."""
    unit = sum(draft)
    assert sum(target) == unit
    graph = networkx.DiGraph()
    for drafts in product(range(len(draft)), repeat=num_drafts):
        graph.add_edge(
            "source", drafts, capacity=int(np.prod([draft[i] for i in drafts]))
        )
        for token in set(drafts):
            graph.add_edge(drafts, token)
    for token, mass in enumerate(target):
        graph.add_edge(token, "sink", capacity=mass * unit ** (num_drafts - 1))
    return Fraction(
        networkx.maximum_flow_value(graph, "source", "sink"), unit**num_drafts
    )


def masses_without_replacement(draft, num_drafts: int) -> dict:
    """Probability of every ordered tuple of drafts without replacement; all tokens if there are no more."""
    masses = {(): 1}
    for _ in range(min(num_drafts, sum(mass > 0 for mass in draft))):
        longer = {}
        for drawn, mass in masses.items():
            left = sum(q for token, q in enumerate(draft) if token not in drawn)
            for token, q in enumerate(draft):
                if q > 0 and token not in drawn:
                    longer[(*drawn, token)] = mass * q / left
        masses = longer
    return masses


def greedy_masses(draft, num_drafts: int) -> dict:
    """Probability of every tuple of greedy drafts; ties go to the lowest token."""
    known = min(num_drafts, sum(mass > 0 for mass in draft))
    order = sorted(range(len(draft)), key=lambda token: (-draft[token], token))
    top, rest = order[: known - 1], order[known - 1 :]
    left = sum(draft[token] for token in rest)
    return {(*top, token): draft[token] / left for token in rest if draft[token] > 0}


def optimum_of_cuts(target, masses: dict):
    """1 + min over all token sets H of target(H) - P(all drafts in H), for any law of draft tuples."""
    tokens = range(len(target))
    sets = chain.from_iterable(
        combinations(tokens, size) for size in range(len(target) + 1)
    )
    return 1 + min(
        sum(target[i] for i in h)
        - sum(mass for drafts, mass in masses.items() if set(drafts) <= set(h))
        for h in map(set, sets)
    )


def optimum_of_flow(target, masses: dict) -> float:
    """The transport problem for any law of draft tuples: a flow from each tuple to its tokens, by linprog."""
    tuples = list(masses)
    edges = [(row, token) for row, drafts in enumerate(tuples) for token in set(drafts)]
    limits = lil_array((len(tuples) + len(target), len(edges)))
    for column, (row, token) in enumerate(edges):
        limits[row, column] = limits[len(tuples) + token, column] = 1
    answer = linprog(
        -np.ones(len(edges)),
        A_ub=limits.tocsr(),
        b_ub=np.concatenate([list(masses.values()), target]).astype(float),
        method="highs",
        options={
            "primal_feasibility_tolerance": 1e-10,
            "dual_feasibility_tolerance": 1e-10,
        },
    )
    assert answer.status == 0, answer.message
    return -answer.fun
