"""Verification of all nodes of a draft tree at once, with no pass between host and device.

K drafts of L tokens form a tree with one root. At a node the drafts that share its path are *active*: their
next tokens are a sample from the draft law there. How many they are differs from node to node. So the two
rules that depend on this number take a mask of the active drafts; with all drafts active they are
``samplebook.drafts.batched``'s. A token is chosen at every node, then the tree is walked from the root. The
choices at different nodes use different random numbers, so this emits the law that choosing on the way does.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from samplebook.core.arrays import take_along_last, total
from samplebook.core.drawing import draw_tokens, uniforms
from samplebook.drafts import select_token
from samplebook.drafts.batched import first_accepted
from samplebook.drafts.k_sequential import accepted_in_one_test, accepted_mass
from samplebook.drafts.masses import at_least_once, normalised_excess

HALVINGS = 12
"""Steps of the search for a division factor: within (k - 1) / 4,096 of the best one, and valid."""


def valid_factors(target: Tensor, draft: Tensor, counts: Any) -> Tensor:
    """A valid K-SEQ division factor (R,) for each row's number of drafts (R,), by bisection on [1, k].

    A factor above the best one costs acceptance, never the output's law.
    """
    upper: Tensor = counts.double()
    width = upper - 1
    for _ in range(HALVINGS):
        width = width / 2
        middle = upper - width
        beta = total(accepted_in_one_test(target, draft, middle))
        upper = torch.where(at_least_once(beta, counts) <= middle * beta, middle, upper)
    return upper


def select_k_sequential(
    target: Tensor, draft: Tensor, drafts: Tensor, active: Tensor, rng: torch.Generator
) -> Tensor:
    """K-SEQ with each row's own number of drafts; arguments as for :func:`select_among_active`."""
    # the library's formulas take one number of drafts for all rows, or one for each
    counts: Any = active.sum(1)
    factor = valid_factors(target, draft, counts)
    levels = uniforms(tuple(drafts.shape), rng, target) * factor[:, None]
    passed = levels * take_along_last(draft, drafts) < take_along_last(target, drafts)
    covered = accepted_mass(target, draft, counts, factor)
    otherwise = draw_tokens(normalised_excess(target, covered), rng)
    return first_accepted(drafts, passed & active, otherwise)


def select_recursive_rejection(
    target: Tensor, draft: Tensor, drafts: Tensor, active: Tensor, rng: torch.Generator
) -> Tensor:
    """RRS with each row's own number of drafts; arguments as for :func:`select_among_active`."""
    levels = uniforms(tuple(drafts.shape), rng, target) * take_along_last(draft, drafts)
    law, accepted = target, []
    for i in range(drafts.shape[1]):
        passed = levels[:, i] < take_along_last(law, drafts[:, i : i + 1])[:, 0]
        accepted.append(passed & active[:, i])
        law = torch.where(active[:, i : i + 1], normalised_excess(law, draft), law)
    return first_accepted(drafts, torch.stack(accepted, dim=1), draw_tokens(law, rng))


MASKED = {"kseq": select_k_sequential, "rrs": select_recursive_rejection}


def select_among_active(
    target: Tensor,
    draft: Tensor,
    drafts: Tensor,
    active: Tensor,
    *,
    method: str,
    rng: torch.Generator,
) -> Tensor:
    """One token (R,) of law ``target`` from each row's active drafts.

    Parameters
    ----------
    target, draft : float Tensor, shape (R, V)
        The laws p and q.
    drafts : int64 Tensor, shape (R, K)
    active : bool Tensor, shape (R, K)
        Which of them are a sample from q; at least one a row. The others are not looked at.
    method : str
        ``"single"`` (K = 1), ``"naive"``, ``"kseq"`` or ``"rrs"``.
    rng : torch.Generator
        On the device of the laws.
    """
    if method in MASKED and drafts.shape[1] > 1:
        return MASKED[method](target, draft, drafts, active, rng)
    token: Tensor = select_token(
        target, draft, drafts, method=method, rng=rng, validate=False
    )[0]
    return token


@dataclass(frozen=True)
class Verified:
    """What a target call emits.

    Attributes
    ----------
    tokens : int64 Tensor, shape (B, L + 1)
        The emitted tokens; entries from ``counts`` on mean nothing.
    counts : int64 Tensor, shape (B,)
        How many tokens are emitted, 1..L + 1.
    path : int64 Tensor, shape (B,)
        A draft that begins with all emitted tokens but the last.
    """

    tokens: Tensor
    counts: Tensor
    path: Tensor


def drafts_sharing_paths(drafts: Tensor) -> Tensor:
    """Which drafts j share the first l + 1 tokens of draft i: bool (B, i, l, j), from drafts (B, K, L)."""
    equal = drafts[:, :, None] == drafts[:, None]
    return equal.int().cumprod(-1).bool().transpose(2, 3)


def candidates_at_nodes(drafts: Tensor) -> tuple[Tensor, Tensor]:
    """The drafts' next tokens at each node, and which drafts are active there, both (B, 1 + K (L - 1), K).

    The first node is the root; then, draft by draft, those after its first 1..L - 1 tokens.
    """
    num_drafts = drafts.shape[1]
    next_tokens = drafts.transpose(1, 2)
    below = next_tokens[:, None, 1:].expand(-1, num_drafts, -1, -1).flatten(1, 2)
    sharing = drafts_sharing_paths(drafts)[:, :, :-1].flatten(1, 2)
    root = next_tokens[:, :1]
    everyone = torch.ones_like(root, dtype=torch.bool)
    return torch.cat([root, below], dim=1), torch.cat([everyone, sharing], dim=1)


def choices(
    target: Tensor, draft: Tensor, drafts: Tensor, *, method: str, rng: torch.Generator
) -> Tensor:
    """A token (B, N) at each of the N = 1 + K (L - 1) nodes, in the order of :func:`candidates_at_nodes`.

    Parameters
    ----------
    target, draft : float Tensor, shape (B, N, V)
        The laws there.
    drafts : int64 Tensor, shape (B, K, L)
    """
    if method == "greedy":
        return choices_among_greedy(target, draft, drafts, rng)
    candidates, active = candidates_at_nodes(drafts)
    tokens = select_among_active(
        target.flatten(0, 1),
        draft.flatten(0, 1),
        candidates.flatten(0, 1),
        active.flatten(0, 1),
        method=method,
        rng=rng,
    )
    return tokens.view(active.shape[:2])


def choices_among_greedy(
    target: Tensor, draft: Tensor, drafts: Tensor, rng: torch.Generator
) -> Tensor:
    """:func:`choices` for greedy drafts: their first tokens differ, so below the root each is alone."""
    root: Tensor = select_token(
        target[:, 0], draft[:, 0], drafts[:, :, 0], method="greedy", rng=rng, validate=False
    )[0]  # fmt: skip
    below: Tensor = select_token(
        target[:, 1:].flatten(0, 1),
        draft[:, 1:].flatten(0, 1),
        drafts[:, :, 1:].flatten()[:, None],
        method="single",
        rng=rng,
        validate=False,
    )[0]
    return torch.cat([root[:, None], below.view(len(root), -1)], dim=1)


def verify_tree(
    target: Tensor, draft: Tensor, drafts: Tensor, *, method: str, rng: torch.Generator
) -> Verified:
    """Emit tokens of the target's law along the tree of drafts.

    Parameters
    ----------
    target : float Tensor, shape (B, 1 + K * L, V)
        The target's laws at the root, then after the first 1..L tokens of each draft.
    draft : float Tensor, shape (B, 1 + K * (L - 1), V)
        The draft model's laws at the root, then after the first 1..L - 1 tokens of each draft.
    drafts : int64 Tensor, shape (B, K, L)
        Independent draws from the draft laws; for ``"greedy"``, see ``samplebook.drafts``.
    method : str
        ``"single"`` (K = 1), ``"naive"``, ``"kseq"``, ``"rrs"`` or ``"greedy"``.
    rng : torch.Generator
        On the device of the laws.
    """
    batch, num_drafts, length = drafts.shape
    below = target[:, 1:].unflatten(1, (num_drafts, length))
    at_nodes = choices(
        torch.cat([target[:, :1], below[:, :, :-1].flatten(1, 2)], dim=1),
        draft,
        drafts,
        method=method,
        rng=rng,
    )
    at_root, at_nodes = at_nodes[:, 0], at_nodes[:, 1:].unflatten(1, (num_drafts, -1))
    path = torch.zeros_like(at_root)
    rows = torch.arange(batch, device=drafts.device)
    active = torch.ones_like(drafts[:, :, 0], dtype=torch.bool)
    counts, tokens = torch.ones_like(at_root), [at_root]
    for position in range(length):
        active = active & (drafts[:, :, position] == tokens[-1][:, None])
        alive = active.any(1)
        path = torch.where(alive, active.int().argmax(1), path)
        counts = counts + alive
        if position < length - 1:
            tokens.append(at_nodes[rows, path, position])
        else:
            tokens.append(draw_tokens(below[rows, path, -1], rng))
    return Verified(torch.stack(tokens, dim=1), counts, path)
