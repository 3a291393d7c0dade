"""Errors and stability of fits against the library's least squares."""

import numpy as np
import pytest
import torch

from samplebook.experiments.determinantal_batches import LegendreProducts
from samplebook.experiments.determinantal_errors import (
    best_approximation,
    determinantal_rows,
    function,
    sample_figures,
    samples,
)
from samplebook.subsets import (
    gram_matrix,
    total_degree_indices,
    weighted_least_squares,
)


@pytest.fixture(scope="module")
def space():
    return LegendreProducts(torch.from_numpy(total_degree_indices(2, 3)))


@pytest.fixture(scope="module")
def best(space):
    return best_approximation(space)


def test_the_best_approximation_is_orthogonal_to_its_error(space, best):
    """By Monte Carlo integration, within 6 standard errors."""
    generator = torch.Generator().manual_seed(0)
    points = 2 * torch.rand(200_000, 2, generator=generator, dtype=torch.float64) - 1
    phi = space.basis(points)
    g = function(points) - phi @ best.coefficients
    terms = torch.cat([phi * g[:, None], (g.square() - best.squared_error)[:, None]], 1)
    scores = terms.mean(0) / terms.std(0) * 200_000**0.5
    assert scores.abs().max() < 6


@pytest.mark.parametrize("count", [10, 25])
def test_figures_are_those_of_the_library(space, best, count):
    generator = torch.Generator().manual_seed(1)
    points = space.christoffel_draws(60 * count, generator).view(60, count, 2)
    errors, stable = sample_figures(space, best, points)
    phi = space.basis(points)
    weights = (10 / phi.square().sum(2)).numpy()
    fit = weighted_least_squares(phi.numpy(), function(points).numpy(), weights)
    excess = ((fit - best.coefficients.numpy()) ** 2).sum(1) / best.squared_error
    np.testing.assert_allclose(errors.numpy(), 1 + excess, rtol=1e-6)
    smallest = np.linalg.eigvalsh(gram_matrix(phi.numpy(), weights))[:, 0]
    assert (stable.numpy() == (smallest >= 0.5)).all()


def test_many_points_are_stable(space, best):
    points = space.christoffel_draws(2000, torch.Generator().manual_seed(2))
    errors, stable = sample_figures(space, best, points.view(1, 2000, 2))
    assert stable.all()
    assert 1 <= errors[0] < 1.1


def test_strategies_take_the_points_they_name():
    independent = torch.arange(12).view(1, 3, 4, 1)
    determinantal = 100 + independent
    one = dict(samples(independent, determinantal, 1))
    assert one["i.i.d."].flatten().tolist() == [0, 1, 2, 3]
    assert one["DPP"].flatten().tolist() == [100, 101, 102, 103]
    two = {
        name: points.flatten().tolist()
        for name, points in samples(independent, determinantal, 2)
    }
    assert two == {
        "i.i.d.": [*range(8)],
        "volume": [100, 101, 102, 103, 0, 1, 2, 3],
        "repeated DPP": [*range(100, 108)],
    }


def test_repulsion_pays_in_the_table(space):
    """The medians' order of the record's rows; the intervals are far apart."""
    rows = determinantal_rows(
        space,
        copies=(1, 2),
        repetitions=300,
        batch=130,
        rng=torch.Generator().manual_seed(3),
    )
    median = {(row["strategy"], row["points"]): row["quantiles"]["0.5"] for row in rows}
    assert {row["repetitions"] for row in rows} == {300}
    assert median["i.i.d.", 10]["interval"][0] > median["DPP", 10]["interval"][1]
    assert median["i.i.d.", 20]["interval"][0] > median["volume", 20]["interval"][1]
    last = [row for row in rows if row["strategy"] == "repeated DPP"]
    assert last[0]["stable"]["value"] > 0
