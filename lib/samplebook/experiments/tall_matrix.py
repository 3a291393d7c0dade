"""A tall matrix with a known structure, made and read in blocks of rows.

In the coordinates in which it is made, a *common* row is t g, with g standard normal and a heavy-tailed
length t: P(t > x) = x^(-5/2) for x >= 1. Its last k columns before the target are 0. A *rare* row, every
stride-th one, is standard normal in these k columns and 0 in the other columns. The last column is the target
of a regression: a linear function of the others plus noise t g'. Then the columns but the target are mixed,
which leaves every score as it is and gives the matrix a large condition number.

What is known: the leverage scores of the rare rows sum to a number from k to k + 1, and so do their Lewis
weights for every p. The common and the rare rows span orthogonal spaces, k dimensions belong to the rare
ones, and the noise adds one dimension, which they share.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

TAIL = 2.5
"""The lengths' tail exponent."""
CONDITION = 1e3
"""Condition number of the mixing."""


def seeded(seed: int, device: torch.device) -> torch.Generator:
    """A generator on a device. Different devices give different numbers for one seed."""
    return torch.Generator(device).manual_seed(seed)


def is_rare(first: int, count: int, stride: int, device: torch.device) -> Tensor:
    """Which of the rows ``first``, .., ``first + count - 1`` are rare, bool (count,)."""
    numbers: Tensor = torch.arange(first, first + count, device=device)
    return numbers % stride == stride - 1


def mixing(size: int, rng: torch.Generator) -> Tensor:
    """A random matrix (size, size), float64, with singular values from 1 to 1 / :data:`CONDITION`."""
    normal = torch.randn(
        2, size, size, generator=rng, device=rng.device, dtype=torch.float64
    )
    left, right = torch.linalg.qr(normal)[0]
    values = torch.logspace(0, -1, size, base=CONDITION, dtype=torch.float64)
    return left * values.to(rng.device) @ right


def unmixed_rows(
    first: int,
    count: int,
    num_columns: int,
    num_rare: int,
    stride: int,
    rng: torch.Generator,
) -> Tensor:
    """Rows in the coordinates in which they are made, float32 (count, d); the target is the noise alone."""
    normal = torch.randn(count, num_columns, generator=rng, device=rng.device)
    uniform = torch.rand(count, 1, generator=rng, device=rng.device)
    length = (1 - uniform).pow(-1 / TAIL)
    rare = is_rare(first, count, stride, rng.device)[:, None]
    of_rare_rows = torch.zeros(num_columns, dtype=torch.bool, device=rng.device)
    of_rare_rows[num_columns - 1 - num_rare : num_columns - 1] = True
    visible = of_rare_rows == rare
    visible[:, -1] = True
    return torch.where(visible, normal * torch.where(rare, 1.0, length), 0.0)


def tall_matrix(
    num_rows: int,
    num_columns: int,
    *,
    num_rare: int,
    stride: int,
    seed: int,
    block: int,
    device: torch.device,
) -> Tensor:
    """The matrix of the module's docstring, float32 (n, d); each block of rows has a seed of its own.

    Parameters
    ----------
    num_rows, num_columns : int
        n and d, the target included.
    num_rare : int
        k, at most d - 2.
    stride : int
        Every ``stride``-th row is rare.
    """
    rng = seeded(seed, device)
    size = num_columns - 1
    mix = mixing(size, rng)
    slope = torch.randn(size, generator=rng, device=device, dtype=torch.float64)
    change = torch.eye(num_columns, device=device, dtype=torch.float64)
    change[:size, :size] = mix
    change[:size, -1] = slope / size**0.5
    rows = torch.empty(num_rows, num_columns, device=device)
    for number, first in enumerate(range(0, num_rows, block)):
        part = rows[first : first + block]
        of_block = seeded((seed << 20) + number + 1, device)
        made = unmixed_rows(first, len(part), num_columns, num_rare, stride, of_block)
        part.copy_(made.double() @ change)
    return rows


def in_blocks(rows: Tensor, block: int) -> Iterator[tuple[slice, Tensor]]:
    """Where each block of rows lies, and the block in float64."""
    for first in range(0, len(rows), block):
        place = slice(first, first + block)
        yield place, rows[place].double()
