"""Sampled rows, and what regression on them costs."""

import numpy as np
import pytest
import torch
from scipy.stats import binom
from small_tall_matrix import CPU, small_tall_matrix

from samplebook.experiments.coreset_regression import (
    Scheme,
    costs,
    kept_rows,
    lost_rank,
    optimum,
    regression_row,
    whitened_problem,
)
from samplebook.experiments.tall_matrix import seeded
from samplebook.subsets import regression_cost


@pytest.fixture(scope="module")
def rows():
    return small_tall_matrix(400)


@pytest.fixture(scope="module")
def problem(rows):
    return whitened_problem(rows, 130)


def test_whitening_keeps_the_column_spaces(rows, problem):
    F, A = problem[:, :-1], rows[:, :-1].double()
    torch.testing.assert_close(F.T @ F / 400, torch.eye(4).double())
    back = torch.linalg.lstsq(F, A).solution
    torch.testing.assert_close(F @ back, A, rtol=0, atol=1e-10)
    ratio = problem[:, -1] / rows[:, -1].double()
    torch.testing.assert_close(ratio, ratio[:1].expand(400))


def test_rows_are_kept_with_their_probabilities_and_scaled():
    """Each of five counts is inside a binomial interval; all at once with probability 1 - 1e-6."""
    keep = torch.tensor([1.0, 0.5, 0.25, 0.05, 0.8]).double()
    problem = torch.arange(1, 11).view(5, 2).double()
    samples = kept_rows(problem, keep, 2.0, 4000, seeded(0, CPU))
    counts = []
    for q, row in zip(keep, problem, strict=True):
        scaled = row * q**-0.5
        counts.append(int((samples - scaled).abs().sum(2).lt(1e-12).sum()))
    low, high = binom(4000, keep.numpy()).interval(1 - 1e-6 / 5)
    assert (low <= counts).all()
    assert (counts <= high).all()
    assert sum(counts) == int((samples != 0).any(2).sum())


def test_lost_rank_is_seen(problem):
    few = torch.cat([problem[:3], torch.zeros(9, 5).double()])
    only_common = problem[:12]
    enough = problem[14:44]
    sizes = [len(part) for part in (few, only_common)]
    assert sizes == [12, 12]
    assert lost_rank(torch.stack([few, only_common])).tolist() == [True, True]
    assert lost_rank(torch.cat([enough, problem[-20:]])[None]).tolist() == [False]


@pytest.mark.parametrize("p", [1.0, 4.0])
def test_costs_are_the_librarys(problem, p):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(3, 4, generator=generator, dtype=torch.float64)
    F, b = problem[:, :-1].numpy(), problem[:, -1].numpy()
    expected = [regression_cost(F, b, row.numpy(), p=p) for row in x]
    np.testing.assert_allclose(costs(problem, x, p, 130).numpy(), expected)


def test_keeping_every_row_costs_the_optimum(problem):
    best = optimum(problem, 1.5, 130)
    assert costs(problem, best.solution, 1.5, 130).item() == pytest.approx(
        best.norm.item() ** 1.5
    )
    row = regression_row(
        problem,
        Scheme(1.5, "uniform", torch.ones(400)),
        400,
        best.norm.item() ** 1.5,
        repetitions=8,
        block=130,
        rng=seeded(0, CPU),
    )
    assert row["always_kept"] == 400
    assert row["cost_ratio"]["value"] == pytest.approx(1, abs=2e-4)
    assert row["lost_rank"]["value"] == 0
