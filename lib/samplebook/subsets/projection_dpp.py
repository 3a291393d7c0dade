"""Exact draws of projection determinantal point processes (DPPs) by the chain rule, with rejection.

The DPP of an m-dimensional space with orthonormal basis phi has m points of joint density
det(phi_j(x_i))^2 / m! with respect to mu^m. Given j accepted points, let E be an orthonormal basis (m, j) of
the span of their phi. The next point has density (|phi(x)|^2 - |E' phi(x)|^2) / (m - j): propose x from the
Christoffel law |phi(x)|^2 / m, and accept it with probability 1 - |E' phi(x)|^2 / |phi(x)|^2 (Hough,
Krishnapur, Peres, Virag 2006). In the mean that takes m (1 + 1/2 + .. + 1/m) proposals.

Both forms here keep an orthonormal basis Z of the complement of E, so the numerator is |Z' phi(x)|^2. It is
renewed by Householder reflections, which keep it orthonormal to rounding for any m. Proposals are judged in
order, each against its own uniform number, so their grouping does not change the law.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samplebook.core.checks import as_count, as_generator
from samplebook.subsets.spaces import FiniteSpace, Points, Space, squared_norms

Numbers = NDArray[np.float64]
Rows = NDArray[np.int64]
ROUNDING = 1e-14
"""Share of |phi|^2 below which a residual is rounding: such a proposal, a point again, is never accepted."""
SMALLEST_BLOCK = 160
"""Proposals that are judged together, at least."""
LARGEST_LOCKSTEP_DIMENSION = 16
"""Above it, many draws are faster one after the other than in lockstep."""
CHAINS_IN_LOCKSTEP = 4096
"""Chains that advance together, at most: each holds a matrix (m, m)."""


def acceptance_levels(phi: Numbers, rng: np.random.Generator) -> Numbers:
    """u |phi|^2 for phi (n, m), u uniform: a proposal is accepted if its residual's square is larger."""
    levels = np.maximum(rng.random(len(phi)), ROUNDING)
    return levels * squared_norms(phi)


def accept_in_turn(residuals: Numbers, levels: Numbers) -> list[int]:
    """Which proposals of a block the chain rule accepts, in order.

    Each is judged by its squared residual after those accepted before it: a Cholesky factorisation of the
    block's Gram matrix that skips the rejected rows. Squared residuals only fall, so the first one above its
    level is that of the next accepted proposal, and those before it stay rejected.

    Parameters
    ----------
    residuals : array of shape (B, k)
        What each proposal's phi leaves beside the points accepted before the block, in k coordinates.
    levels : array of shape (B,)
        u |phi|^2, see :func:`acceptance_levels`.
    """
    gram = residuals @ residuals.T
    excess = gram.diagonal() - levels
    directions = min(residuals.shape)
    along = np.empty((directions, len(levels)))  # row j: the block along direction j
    accepted: list[int] = []
    while len(accepted) < directions:
        place, done = int((excess > 0).argmax()), len(accepted)
        if not excess[place] > 0:
            break
        length = math.sqrt(excess[place] + levels[place])
        along[done] = (gram[place] - along[:done, place] @ along[:done]) / length
        excess -= along[done] ** 2
        accepted.append(place)
    return accepted


def leave_out(complement: Numbers, residuals: Numbers) -> Numbers:
    """Orthonormal basis (m, k - a) of what ``complement`` (m, k) spans beside ``residuals`` (a, k).

    Householder reflections H_1 .. H_a take the residuals to the first a coordinates; LAPACK applies them to
    the complement without forming their product.
    """
    from scipy.linalg.lapack import dgeqrf, dormqr

    reflections, factors, _, _ = dgeqrf(residuals.T)
    workspace = 64 * len(complement)
    reflected, _, _ = dormqr("R", "N", reflections, factors, complement, workspace)
    return reflected[:, len(residuals) :]


def chain_rule(space: Space, rng: np.random.Generator) -> Points:
    """The m points of one draw, in the order of the chain rule. Proposals come in blocks."""
    m = space.dimension
    block = max(SMALLEST_BLOCK, m // 2)
    complement = np.eye(m)
    accepted: list[Points] = []
    while complement.shape[1]:
        points = space.draw_christoffel(block, rng)
        phi = space.basis(points)
        residuals = phi @ complement if accepted else phi
        places = accept_in_turn(residuals, acceptance_levels(phi, rng))
        accepted.append(points[places])
        if places:
            complement = leave_out(complement, residuals[places])
    return np.concatenate(accepted)


def turn_column_to(bases: Numbers, residuals: Numbers, column: Rows) -> Numbers:
    """Orthogonal matrices one column of which points along the residual, up to sign.

    Householder reflections of the columns from number ``column`` on; the earlier ones stay.

    Parameters
    ----------
    bases : array of shape (A, m, m)
        Orthogonal matrices.
    residuals : array of shape (A, m)
        Coordinates in those columns, 0 before number ``column``.
    column : int array of shape (A,)
    """
    chains = np.arange(len(bases))
    pivots = residuals[chains, column]
    normals = residuals.copy()
    normals[chains, column] += np.copysign(np.linalg.norm(residuals, axis=1), pivots)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return bases - 2 * (bases @ normals[:, :, None]) * normals[:, None, :]


def chain_rule_in_lockstep(
    space: Space, repetitions: int, rng: np.random.Generator
) -> Points:
    """The points (R, m, ...) of R independent draws; in each round every unfinished chain gets a proposal."""
    m = space.dimension
    bases = np.tile(np.eye(m), (repetitions, 1, 1))
    done = np.zeros(repetitions, dtype=np.int64)
    chains = np.arange(repetitions)
    owners, accepted = [], []
    while chains.size:
        points = space.draw_christoffel(chains.size, rng)
        phi = space.basis(points)
        coordinates = (phi[:, None, :] @ bases[chains])[:, 0]
        residuals = np.where(np.arange(m) < done[chains, None], 0.0, coordinates)
        kept = squared_norms(residuals) > acceptance_levels(phi, rng)
        winners = chains[kept]
        owners.append(winners)
        accepted.append(points[kept])
        bases[winners] = turn_column_to(bases[winners], residuals[kept], done[winners])
        done[winners] += 1
        chains = chains[done[chains] < m]
    order = np.argsort(np.concatenate(owners), kind="stable")
    ordered = np.concatenate(accepted)[order]
    return ordered.reshape(repetitions, m, *ordered.shape[1:])


def sample_dpp(
    space: Space, *, rng: np.random.Generator, repetitions: int | None = None
) -> Points:
    """The points of a projection DPP, or of many independent ones.

    Parameters
    ----------
    space : Space
        Of dimension m.
    rng : numpy.random.Generator
    repetitions : int, optional
        R >= 1.

    Returns
    -------
    array of shape (m, ...), or (R, m, ...) if ``repetitions`` is given
        In random order; every single point has the Christoffel law.

    Raises
    ------
    ValueError
        If ``repetitions`` is not an integer >= 1, or ``rng`` is no NumPy generator.
    """
    as_generator(rng)
    if repetitions is None:
        return chain_rule(space, rng)
    repetitions = as_count(repetitions, "repetitions")
    if space.dimension > LARGEST_LOCKSTEP_DIMENSION:
        return np.stack([chain_rule(space, rng) for _ in range(repetitions)])
    starts = range(0, repetitions, CHAINS_IN_LOCKSTEP)
    counts = [min(CHAINS_IN_LOCKSTEP, repetitions - start) for start in starts]
    return np.concatenate(
        [chain_rule_in_lockstep(space, count, rng) for count in counts]
    )


def sample_projection_dpp(Q: ArrayLike, *, rng: np.random.Generator) -> Rows:
    """Rows of an orthonormal matrix, drawn with probability det(Q_S)^2 for each set S of r rows.

    With N its cost grows only in the check that Q is orthonormal, and in the law of the proposals.

    Parameters
    ----------
    Q : array-like of shape (N, r)
        With orthonormal columns, N >= r >= 1.
    rng : numpy.random.Generator

    Returns
    -------
    int64 array of shape (r,)
        Distinct row numbers, rising. Row i is among them with probability |q_i|^2.

    Raises
    ------
    ValueError
        If Q is no finite real matrix, is wide, or if an entry of Q'Q - I exceeds 1e-8.

    Notes
    -----
    The check takes N r^2. While k of r points are missing, an acceptance takes r / k proposals in the mean,
    and to judge one of them O(r k): so O(r^2) a point. Time O(N r^2 + r^3), memory O(N + r^2) beside Q.
    """
    as_generator(rng)
    return np.sort(chain_rule(FiniteSpace(Q), rng))
