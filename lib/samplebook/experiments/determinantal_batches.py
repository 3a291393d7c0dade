"""Projection DPPs of polynomial spaces, drawn by many chains side by side on any device.

Each chain runs the chain rule of ``samplebook.subsets.sample_dpp``. The chains are not at the same step: in a
round every unfinished chain gets a few proposals and takes the first that it accepts, if any. Those after it
are dropped unseen, which changes no law, since they are independent of it.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

PROPOSALS = 8
"""Proposals that a chain gets in a round."""
ROUNDING = 1e-14
"""Share of |phi|^2 below which a residual is rounding, and never accepted."""


@dataclass(frozen=True)
class LegendreProducts:
    """The space of products phi_a(x) = prod_i phi_{a_i}(x_i) of orthonormal Legendre polynomials.

    Attributes
    ----------
    indices : int64 Tensor, shape (m, d)
        The multi-indices a. Their device is where everything is computed.
    """

    indices: Tensor

    @property
    def dimension(self) -> int:
        """m."""
        return len(self.indices)

    @property
    def num_variables(self) -> int:
        """d."""
        return self.indices.shape[1]

    def factors(self, x: Tensor) -> Tensor:
        """phi_0, .., phi_J (.., J + 1) at numbers x (..,), J the largest degree in use.

        The recurrence is x phi_j = b_(j+1) phi_(j+1) + b_j phi_(j-1), b_j = j / sqrt(4 j^2 - 1).
        """
        values, b = [torch.ones_like(x)], 0.0
        for j in range(int(self.indices.max())):
            after = (j + 1) / (4 * (j + 1) ** 2 - 1) ** 0.5
            before = b * values[j - 1] if j else 0.0
            values.append((x * values[j] - before) / after)
            b = after
        return torch.stack(values, dim=-1)

    def basis(self, points: Tensor) -> Tensor:
        """phi (.., m) at points (.., d)."""
        factors = self.factors(points)
        values = factors[..., 0, self.indices[:, 0]]
        for i in range(1, self.num_variables):
            values = values * factors[..., i, self.indices[:, i]]
        return values

    def uniforms(self, shape: tuple[int, ...], rng: torch.Generator) -> Tensor:
        """Uniform numbers on [0, 1) in float64."""
        return torch.rand(
            shape, generator=rng, device=self.indices.device, dtype=torch.float64
        )

    def squared_draws(self, degrees: Tensor, rng: torch.Generator) -> Tensor:
        """Independent numbers (n,) of density phi_j^2 / 2, for degrees j (n,).

        By rejection from the arcsine law: sqrt(1 - x^2) phi_j(x)^2 <= 4 / pi, so one of two is kept.
        """
        accepted = torch.empty(len(degrees), dtype=torch.float64, device=degrees.device)
        waiting = torch.arange(len(degrees), device=degrees.device)
        while len(waiting):
            x = (torch.pi * self.uniforms((len(waiting),), rng)).cos()
            phi = self.factors(x).gather(1, degrees[waiting, None])[:, 0]
            chance = torch.pi / 4 * (1 - x.square()).sqrt() * phi.square()
            kept = self.uniforms((len(waiting),), rng) < chance
            accepted[waiting[kept]] = x[kept]
            waiting = waiting[~kept]
        return accepted

    def christoffel_draws(self, count: int, rng: torch.Generator) -> Tensor:
        """Independent points (count, d) of density |phi|^2 / m: a multi-index, then each coordinate."""
        device = self.indices.device
        which = torch.randint(self.dimension, (count,), generator=rng, device=device)
        degrees = self.indices[which]
        return self.squared_draws(degrees.flatten(), rng).view(count, -1)


def without_span(phi: Tensor, bases: Tensor) -> Tensor:
    """phi (A, J, m) without its part in the span of the orthonormal rows of bases (A, m, m)."""
    for _ in range(2):  # the second time removes what rounding left
        phi = phi - (phi @ bases.transpose(1, 2)) @ bases
    return phi


def determinantal_draws(
    space: LegendreProducts, repetitions: int, rng: torch.Generator
) -> Tensor:
    """The points (R, m, d) of R independent projection DPPs, in the order of the chain rule."""
    m, device = space.dimension, space.indices.device
    points = torch.empty(
        repetitions, m, space.num_variables, dtype=torch.float64, device=device
    )
    bases = torch.zeros(repetitions, m, m, dtype=torch.float64, device=device)
    done = torch.zeros(repetitions, dtype=torch.int64, device=device)
    chains = torch.arange(repetitions, device=device)
    while len(chains):
        x = space.christoffel_draws(len(chains) * PROPOSALS, rng)
        x = x.view(len(chains), PROPOSALS, -1)
        phi = space.basis(x)
        residuals = without_span(phi, bases[chains])
        levels = space.uniforms((len(chains), PROPOSALS), rng).clamp_min(ROUNDING)
        passed = residuals.square().sum(2) > levels * phi.square().sum(2)
        rows = passed.any(1).nonzero()[:, 0]
        first = passed[rows].int().argmax(1)
        winners = chains[rows]
        taken = residuals[rows, first]
        bases[winners, done[winners]] = taken / taken.norm(dim=1, keepdim=True)
        points[winners, done[winners]] = x[rows, first]
        done[winners] += 1
        chains = chains[done[chains] < m]
    return points
