"""What is known of the tall matrix is so."""

import numpy as np
import pytest
import torch
from scipy.stats import kstest
from small_tall_matrix import CPU, SHAPE

from samplebook.experiments.tall_matrix import (
    TAIL,
    in_blocks,
    is_rare,
    mixing,
    seeded,
    tall_matrix,
    unmixed_rows,
)
from samplebook.subsets import leverage_scores, lewis_weights


@pytest.fixture(scope="module")
def matrix():
    return tall_matrix(1000, 6, **SHAPE)


def test_a_seed_gives_one_matrix(matrix):
    assert torch.equal(matrix, tall_matrix(1000, 6, **SHAPE))
    assert not torch.equal(matrix, tall_matrix(1000, 6, **SHAPE | {"seed": 4}))
    assert matrix.dtype == torch.float32


def test_blocks_have_numbers_of_their_own(matrix):
    assert len(torch.unique(matrix, dim=0)) == len(matrix)


def test_rare_rows_weigh_what_the_docstring_says(matrix):
    rare = is_rare(0, 1000, 20, CPU).numpy()
    assert rare.sum() == 50
    A = matrix.double().numpy()
    assert 2 <= leverage_scores(A)[rare].sum() <= 3
    for p in (1.0, 4.0):
        assert 2 <= lewis_weights(A, p, tolerance=1e-9)[rare].sum() <= 3


def test_rare_and_common_rows_see_different_columns():
    rows = unmixed_rows(5, 40, 6, 2, 20, seeded(0, CPU))
    rare = is_rare(5, 40, 20, CPU)
    assert rare.nonzero()[:, 0].tolist() == [14, 34]
    seen = rows != 0
    assert seen[rare].tolist() == [[False, False, False, True, True, True]] * 2
    assert seen[~rare].all(0).tolist() == [True, True, True, False, False, True]
    assert not seen[~rare][:, 3:5].any()


def test_lengths_have_the_stated_tail():
    """Kolmogorov's test at 1e-6; the normal numbers are drawn again and divided out."""
    rng = seeded(1, CPU)
    rows = unmixed_rows(0, 20_000, 3, 1, 10**9, rng).double()
    again = seeded(1, CPU)
    normal = torch.randn(20_000, 3, generator=again).double()
    length = (rows[:, 0] / normal[:, 0]).numpy()
    assert kstest(length, lambda x: 1 - np.maximum(x, 1) ** -TAIL).pvalue > 1e-6


def test_the_mixing_has_the_stated_condition():
    assert torch.linalg.cond(mixing(5, seeded(2, CPU))).item() == pytest.approx(1e3)


def test_blocks_cover_all_rows_once(matrix):
    parts = [(place, part) for place, part in in_blocks(matrix, 300)]
    assert torch.equal(torch.cat([part for _, part in parts]), matrix.double())
    assert all(torch.equal(matrix[place].double(), part) for place, part in parts)
