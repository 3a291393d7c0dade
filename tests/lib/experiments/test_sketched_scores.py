"""Sketches and projections: their laws, and the factors they promise."""

import numpy as np
import pytest
import torch
from scipy.stats import binomtest, chi2, kstest

from samplebook.core.statistics import goodness_of_fit
from samplebook.experiments.blocked_scores import exact_leverage_scores, squared_norms
from samplebook.experiments.sketched_scores import (
    count_sketch,
    projected_norms,
    projection_factors,
    sketch_factors,
    sketched_whitening,
)
from samplebook.experiments.tall_matrix import seeded, tall_matrix

CPU = torch.device("cpu")


def test_each_row_goes_to_a_random_bucket_with_a_random_sign():
    """Goodness of fit at 1e-6, on the identity, whose sketch is the sketching matrix."""
    n, size = 2000, 8
    sketch = count_sketch(torch.eye(n), size, 300, seeded(0, CPU)).numpy()
    assert (np.abs(sketch).sum(axis=0) == 1).all()
    counts = np.abs(sketch).sum(axis=1).astype(int)
    assert goodness_of_fit(counts, np.full(size, 1 / size)) > 1e-6
    assert binomtest(int((sketch.sum(axis=0) == 1).sum()), n).pvalue > 1e-6


def test_sketched_scores_keep_their_factor():
    """A failure has probability at most 0.01; the seed is fixed."""
    shape = {"num_rare": 2, "stride": 50, "seed": 0, "block": 900, "device": CPU}
    rows = tall_matrix(30_000, 4, **shape)
    change = sketched_whitening(
        rows, 7000, seeded(1, CPU), distortion=0.5, failure=0.01
    )
    ratio = squared_norms(rows, change, 7000) / exact_leverage_scores(rows, 7000)
    low, high = sketch_factors(0.5)
    assert low < ratio.min().item() < 1 < ratio.max().item() < high


def test_projected_norms_are_chi_square():
    """Kolmogorov's test at 1e-6, on orthonormal rows, whose projections are independent."""
    norms = projected_norms(
        torch.eye(3000), torch.eye(3000).double(), 5, 800, seeded(2, CPU)
    )
    assert kstest(5 * norms.numpy(), chi2(5).cdf).pvalue > 1e-6


def test_projection_factors_hold_for_all_rows_at_once():
    low, high = projection_factors(10, 1000, 0.02)
    inside = chi2(10).cdf(10 * high) - chi2(10).cdf(10 * low)
    assert 1000 * (1 - inside) == pytest.approx(0.02)
    assert 0 < low < 1 < high
