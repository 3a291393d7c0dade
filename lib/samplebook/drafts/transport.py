"""The best verification: an optimal transport problem, as a linear program and in closed form.

Among all couplings of the drafts and the emitted token (law p), the best one maximises the probability that
the token is among the drafts. What flows from a draft tuple to one of its tokens is bounded by the tuple's
probability and by the token's: a maximum flow. Drafts may be taken as multisets, or as sets if they come
without replacement, since the best coupling gains nothing from their order. The value alone has a closed form
at any vocabulary size: here for i.i.d. drafts, in :mod:`~samplebook.drafts.exponential_race` without
replacement.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samplebook.core.arrays import Array, namespace, take_along_last, to_numpy
from samplebook.core.checks import as_count, as_flag, as_probability_pair
from samplebook.core.drawing import Uniforms, draw_token
from samplebook.drafts.drafting import distinct_tokens
from samplebook.drafts.masses import normalised_excess, without_tokens

LARGEST_PROGRAM = 30_000
"""Largest number V**k of draft tuples for which the program is solved."""
CAPACITY_SCALE = 1e4
"""Capacities are multiplied by this, so that the solver's tolerance is small beside them."""
SOLVER_OPTIONS = {
    "primal_feasibility_tolerance": 1e-10,
    "dual_feasibility_tolerance": 1e-10,
}


def power(base: Array, exponent: int, out: Array) -> Array:
    """base^exponent for an integer exponent >= 1, by repeated squaring into ``out``: faster than ``**``."""
    out[...] = base
    for bit in bin(exponent)[3:]:
        out *= out
        if bit == "1":
            out *= base
    return out


def acceptance(target: Array, draft: Array, num_drafts: int) -> Array:
    """The optimum (...,): 1 + min over sets H of tokens of p(H) - q(H)^k.

    A best H is a prefix of the tokens sorted by p / q, so all the candidates cost one sort and two running
    sums. (Hu et al., "Towards optimal multi-draft speculative decoding", 2025: a minimum cut.)
    """
    xp = namespace(target)
    # One block written in place: fresh arrays would cost more than the sort.
    scratch, target_mass, draft_mass = xp.stack([target, target, draft])
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        scratch /= draft
    order = xp.argsort(scratch, axis=-1)
    xp.cumsum(take_along_last(target, order), axis=-1, out=target_mass)
    xp.cumsum(take_along_last(draft, order), axis=-1, out=draft_mass)
    xp.clip(draft_mass, None, 1.0, out=draft_mass)
    target_mass -= power(draft_mass, num_drafts, out=scratch)
    return xp.clip(1 + xp.amin(target_mass, axis=-1), 0.0, 1.0)


@dataclass(frozen=True)
class TransportPlan:
    """An optimal coupling of k drafts and the emitted token.

    Attributes
    ----------
    target : float64 array, shape (V,)
    multisets : int64 array, shape (M, k)
        Every multiset of drafts that can be drawn, each sorted, in lexicographic order. Without replacement
        these are sets, and k is at most the number of tokens that the draft law knows.
    multiset_mass : float64 array, shape (M,)
        Their probabilities.
    flow : float64 sparse array, shape (M, V)
        Probability that the drafts are multiset m and the token is y, for y in m, in the accepting part. Row
        sums keep to ``multiset_mass`` and column sums to ``target``, to rounding.
    """

    target: NDArray[np.float64]
    multisets: NDArray[np.int64]
    multiset_mass: NDArray[np.float64]
    flow: Any

    @property
    def acceptance(self) -> float:
        """Probability that the emitted token is among the drafts."""
        return float(self.flow.sum())

    @cached_property
    def residual(self) -> NDArray[np.float64]:
        """Law (V,) of the token when the drafts' mass is not used up by the flow."""
        return np.asarray(normalised_excess(self.target, self.flow.sum(axis=0)))

    def law_given(self, drafts: Sequence[int]) -> NDArray[np.float64]:
        """Law (V,) of the emitted token given the drafts (k,), in any order.

        What does not flow is coupled independently: each multiset's unused share goes to :attr:`residual`.
        Summed over the drafts' law this is the target, whatever the solver's tolerance.

        Raises
        ------
        ValueError
            If the draft law cannot produce these drafts.
        """
        row = self._row_of(drafts)
        mass = self.multiset_mass[row]
        share = (
            self.flow[[row]].toarray()[0] / mass
            if mass > 0
            else np.zeros_like(self.target)
        )
        return np.asarray(share + max(0.0, 1 - share.sum()) * self.residual)

    def _row_of(self, drafts: Sequence[int]) -> int:
        wanted = np.sort(drafts)
        if wanted.shape != self.multisets.shape[1:]:
            raise ValueError(
                f"drafts: must have shape {self.multisets.shape[1:]}, got {wanted.shape}"
            )
        rows = np.flatnonzero((self.multisets == wanted).all(axis=1))
        if rows.size != 1:
            raise ValueError(
                f"drafts: {wanted.tolist()} cannot be drawn from this plan's draft law"
            )
        return int(rows[0])


def multisets_of_drafts(
    draft: NDArray[np.float64], num_drafts: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """All sorted multisets (M, k) of tokens with positive draft probability, and their probabilities (M,)."""
    support = np.flatnonzero(draft).tolist()
    multisets = np.array(
        list(combinations_with_replacement(support, num_drafts)), dtype=np.int64
    )
    mass = np.ones(len(multisets))
    run_length = np.zeros(len(multisets))
    for i in range(num_drafts):
        repeats = (
            multisets[:, i] == multisets[:, i - 1]
            if i
            else np.zeros(len(multisets), dtype=bool)
        )
        run_length = np.where(repeats, run_length + 1, 1)
        mass *= draft[multisets[:, i]] * (i + 1) / run_length
    return multisets, mass


def sets_of_drafts(
    draft: NDArray[np.float64], num_drafts: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """All sorted sets (M, k) of drafts without replacement, and their probabilities (M,).

    The probability of a set is the sum over the orders in which its tokens can be drawn.
    """
    tuples, mass, left = np.empty((1, 0), dtype=np.int64), np.ones(1), draft[None]
    for _ in range(distinct_tokens(draft, num_drafts)):
        rows, tokens = np.nonzero(left)
        tuples = np.column_stack([tuples[rows], tokens])
        mass = mass[rows] * left[rows, tokens]
        left = without_tokens(left[rows], tokens[:, None])
    sets, which = np.unique(np.sort(tuples, axis=1), axis=0, return_inverse=True)
    set_mass = np.zeros(len(sets))
    np.add.at(set_mass, which.reshape(-1), mass)
    return sets, set_mass


def solve_maximum_flow(
    target: NDArray[np.float64],
    multiset_mass: NDArray[np.float64],
    rows: Any,
    tokens: Any,
) -> NDArray[np.float64]:
    """Flow (E,) on each edge from multiset ``rows[e]`` to token ``tokens[e]``."""
    import cvxpy
    from scipy.sparse import csr_array

    edges = np.arange(len(rows))
    out_of = csr_array(
        (np.ones(len(rows)), (rows, edges)), shape=(len(multiset_mass), len(rows))
    )
    into = csr_array(
        (np.ones(len(rows)), (tokens, edges)), shape=(len(target), len(rows))
    )
    flow = cvxpy.Variable(len(rows), nonneg=True)
    limits = [
        out_of @ flow <= CAPACITY_SCALE * multiset_mass,
        into @ flow <= CAPACITY_SCALE * target,
    ]
    program: Any = cvxpy.Problem(cvxpy.Maximize(np.ones(len(rows)) @ flow), limits)
    program.solve(solver=cvxpy.HIGHS, **SOLVER_OPTIONS)
    return np.asarray(flow.value) / CAPACITY_SCALE


def keep_to_capacities(
    flow: Any, multiset_mass: NDArray[np.float64], target: NDArray[np.float64]
) -> Any:
    """A sparse flow (M, V) with negative entries set to 0, rows and columns shrunk to their capacities."""
    from scipy.sparse import csr_array

    flow = csr_array(flow.maximum(0))
    for axis, capacity in ((1, multiset_mass), (0, target)):
        used = flow.sum(axis=axis)
        shrink = np.where(
            used > capacity, capacity / np.where(used > 0, used, 1.0), 1.0
        )
        flow = flow.multiply(np.expand_dims(shrink, axis)).tocsr()
    return flow


@lru_cache(maxsize=16)
def cached_plan(
    target_bytes: bytes, draft_bytes: bytes, num_drafts: int, replacement: bool
) -> TransportPlan:
    """The plan for two float64 laws given as bytes: a decoder and a test ask for the same one many times."""
    from scipy.sparse import csr_array

    target, draft = np.frombuffer(target_bytes), np.frombuffer(draft_bytes)
    of_drafts = multisets_of_drafts if replacement else sets_of_drafts
    multisets, mass = of_drafts(draft, num_drafts)
    first_of_run = np.ones(multisets.shape, dtype=bool)
    first_of_run[:, 1:] = multisets[:, 1:] != multisets[:, :-1]
    rows, places = np.nonzero(first_of_run & (target[multisets] > 0))
    tokens = multisets[rows, places]
    amounts = (
        solve_maximum_flow(target, mass, rows, tokens) if len(rows) else np.zeros(0)
    )
    flow = csr_array((amounts, (rows, tokens)), shape=(len(mass), len(target)))
    return TransportPlan(
        target, multisets, mass, keep_to_capacities(flow, mass, target)
    )


def plan_of(
    target: Array, draft: Array, num_drafts: int, replacement: bool
) -> TransportPlan:
    """The plan of checked laws (V,); see :func:`transport_program`."""
    if target.size**num_drafts > LARGEST_PROGRAM:
        raise ValueError(
            f"num_drafts: V**k = {target.size}**{num_drafts} draft tuples exceed {LARGEST_PROGRAM:,}, the "
            "largest program solved; optimal_acceptance gives the value at any size"
        )
    laws = [np.asarray(law, dtype=np.float64) for law in (target, draft)]
    laws = [law / law.sum() for law in laws]  # float32 sums are off by its rounding
    return cached_plan(laws[0].tobytes(), laws[1].tobytes(), num_drafts, replacement)


def transport_program(
    target: Array, draft: Array, num_drafts: int, *, replacement: bool = True
) -> TransportPlan:
    """Solve the transport problem as a linear program (needs cvxpy, with HiGHS).

    Parameters
    ----------
    target, draft : array-like or tensor of shape (V,)
        The laws p and q.
    num_drafts : int
        k >= 1, with V**k <= 30,000.
    replacement : bool
        Whether the drafts are i.i.d., or drawn without replacement.

    Returns
    -------
    TransportPlan
        Its ``acceptance`` is the optimum, its ``flow`` the coupling.

    Raises
    ------
    ValueError
        If a law is not a law or not of shape (V,), the shapes differ, k is not an integer >= 1, V**k >
        30,000, or ``replacement`` is no bool.

    Notes
    -----
    About V^k / k! multisets, each with at most k edges: memory O(k V^k / k!). The time is the solver's, for
    which no useful bound is known; the book's page on performance has its measured growth.
    """
    laws = as_probability_pair(target, draft)
    if laws[0].ndim != 1:
        raise ValueError(f"target: must have shape (V,), got {tuple(laws[0].shape)}")
    return plan_of(
        to_numpy(laws[0]),
        to_numpy(laws[1]),
        as_count(num_drafts, "num_drafts"),
        as_flag(replacement, "replacement"),
    )


def select(target: Array, draft: Array, drafts: Array, rng: Uniforms) -> int:
    """The emitted token of the optimal coupling, for laws (V,) and i.i.d. drafts (k,)."""
    plan = plan_of(target, draft, len(drafts), replacement=True)
    return draw_token(plan.law_given(drafts), rng)


def select_without_replacement(
    target: Array, draft: Array, drafts: Array, rng: Uniforms
) -> int:
    """The emitted token of the optimal coupling, for laws (V,) and drafts (k,) without replacement."""
    plan = plan_of(target, draft, len(drafts), replacement=False)
    return draw_token(plan.law_given(drafts), rng)
