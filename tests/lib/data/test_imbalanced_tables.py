"""The tables with a rare class: their sizes, and facts that their own headers state."""

import re

import numpy as np
import pytest

from samplebook.data import imbalanced_tables as tables

SIZES = {  # minority, majority, numeric and nominal columns
    "pima": (268, 500, 8, 0),
    "vehicle1": (217, 629, 18, 0),
    "yeast3": (163, 1321, 8, 0),
    "page-blocks0": (559, 4913, 10, 0),
    "ecoli3": (35, 301, 7, 0),
    "abalone9-18": (42, 689, 7, 1),
    "yeast4": (51, 1433, 8, 0),
    "winequality-red-4": (53, 1546, 11, 0),
    "satimage": (626, 5809, 36, 0),
}


@pytest.mark.parametrize("name", tables.TABLES)
def test_tables_are_complete(name):
    table = tables.load_imbalanced_table(name)
    minority, majority, numeric, nominal = SIZES[name]
    assert table.minority.sum() == minority
    assert table.features.shape == (minority + majority, numeric)
    assert table.categories.shape == (minority + majority, nominal)
    assert np.isfinite(table.features).all()
    assert table.features.std(axis=0).all()


@pytest.mark.parametrize("name", tables.KEEL_TABLES)
def test_columns_lie_in_the_ranges_of_the_header(name):
    path = tables.table_folder() / name / f"{name}.dat"
    header = path.read_text(encoding="utf-8").lower().split("@data")[0]
    stated = re.findall(r"(?:real|integer) ?\[(.*), ?(.*)\]", header)
    low, high = np.array(stated, dtype=float).T
    features = tables.load_imbalanced_table(name).features
    assert len(low) == features.shape[1]
    assert (features >= low - 1e-9).all() and (features <= high + 1e-9).all()


def test_tables_begin_as_their_files():
    pima = tables.load_imbalanced_table("pima")
    assert pima.features[0].tolist() == [6, 148, 72, 35, 0, 33.6, 0.627, 50]
    assert pima.minority[:3].tolist() == [True, False, True]
    abalone = tables.load_imbalanced_table("abalone9-18")
    assert abalone.categories[:2].ravel().tolist() == [1, 0]  # F and M of M, F, I
    assert abalone.features[0, 0] == 0.53
    satellite = tables.load_imbalanced_table("satimage")
    assert satellite.features[0, :3].tolist() == [92, 115, 120]


def test_keel_format():
    text = """@relation toy
@attribute A real [0, 2]
@attribute B {x, y}
@attribute Class {positive, negative}
@inputs A, B
@data
0.5, y, negative

2 ,x,positive
"""
    table = tables.parse_keel(text)
    assert table.features.tolist() == [[0.5], [2.0]]
    assert table.categories.tolist() == [[1], [0]]
    assert table.minority.tolist() == [False, True]


def test_unknown_table():
    with pytest.raises(ValueError, match="name: must be one of pima, .*, got 'iris'"):
        tables.load_imbalanced_table("iris")
