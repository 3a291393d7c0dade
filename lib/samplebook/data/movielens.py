"""MovieLens ratings: the 100K set as it ships in ``recbole``, and the 1M set from its publisher.

The ratings belong to GroupLens, whose terms allow research and forbid passing them on without permission
(https://grouplens.org/datasets/movielens/). They are read in place and never copied into the repository.
The 1M set is fetched only where somebody calls :func:`fetch_ratings_1m`; nothing else here needs a network.

Source: Harper and Konstan, "The MovieLens Datasets: History and Context" (2015).
"""

import hashlib
import io
import urllib.request
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from samplebook.core.interactions import Interactions
from samplebook.data.cache import cached_folder
from samplebook.data.packages import installed_folder

ADDRESS_1M = "https://files.grouplens.org/datasets/movielens/ml-1m.zip"
SHA256_1M = "a6898adb50b9ca05aa231689da44c217cb524e7ebd39d264c56e2832f2c54e20"
"""As pinned in the list of checksums of TensorFlow Datasets."""


class ChecksumError(RuntimeError):
    """A file that was fetched is not the one that is expected."""


@dataclass(frozen=True, eq=False)
class Ratings:
    """One entry a rating.

    Attributes
    ----------
    users, items : int64 arrays (n,)
        Numbers from 0 without gaps, in the order of the publisher's.
    stars : float64 array (n,)
        1 to 5.
    times : int64 array (n,)
        Seconds since 1970.
    """

    users: NDArray[np.int64]
    items: NDArray[np.int64]
    stars: NDArray[np.float64]
    times: NDArray[np.int64]

    @classmethod
    def of_table(cls, table: NDArray[np.float64]) -> "Ratings":
        """From columns user, item, stars and time, (n, 4)."""
        numbers = table.astype(np.int64)
        users, items = (
            np.unique(numbers[:, column], return_inverse=True)[1] for column in (0, 1)
        )
        return cls(users, items, table[:, 2], numbers[:, 3])

    def votes(self, *, at_least: float = 4.0) -> Interactions:
        """Ratings of ``at_least`` so many stars, as votes; all users and items keep their numbers."""
        high = self.stars >= at_least
        return Interactions.of_pairs(
            self.users[high],
            self.items[high],
            num_users=int(self.users.max()) + 1,
            num_items=int(self.items.max()) + 1,
        )


def read_ratings_100k() -> Ratings:
    """MovieLens-100K: 100,000 ratings of 1,682 items by 943 users.

    Raises
    ------
    DataPackageMissingError
        If ``recbole`` is not installed.
    """
    file = installed_folder("recbole") / "dataset_example/ml-100k/ml-100k.inter"
    return Ratings.of_table(np.loadtxt(file, delimiter="\t", skiprows=1))


def check_digest(data: bytes, sha256: str, name: str) -> bytes:
    """``data``, or ``ChecksumError`` if its SHA-256 is another one."""
    digest = hashlib.sha256(data).hexdigest()
    if digest != sha256:
        raise ChecksumError(f"{name}: has SHA-256 {digest}, expected {sha256}")
    return data


def fetch_ratings_1m(*, address: str = ADDRESS_1M, sha256: str = SHA256_1M) -> Ratings:
    """MovieLens-1M: 1,000,209 ratings by 6,040 users, fetched once into the cache.

    Parameters
    ----------
    address : str
        Where to fetch it, 6 MB; a ``file:`` address will do as well.
    sha256 : str
        What it has to hash to.

    Raises
    ------
    ChecksumError
        If another file arrives; nothing is kept then.
    urllib.error.URLError
        If there is no network.
    """

    def fetch(folder: Path) -> None:
        with urllib.request.urlopen(address, timeout=60) as answer:
            archive = check_digest(answer.read(), sha256, address)
        with zipfile.ZipFile(io.BytesIO(archive)) as files:
            (folder / "ratings.dat").write_bytes(files.read("ml-1m/ratings.dat"))

    file = cached_folder("movielens-1m", {"sha256": sha256}, fetch) / "ratings.dat"
    lines = file.read_text(encoding="latin-1").replace("::", "\t")
    return Ratings.of_table(np.loadtxt(io.StringIO(lines), delimiter="\t"))
