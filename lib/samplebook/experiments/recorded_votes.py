"""Votes of real users, in a file that an experiment reads with NumPy alone.

The file (``.npz``) holds ``users`` and ``items``, int32 (n,), and ``about``, JSON
with the source, its terms, the sizes and a checksum.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from samplebook.core.checks import as_choice
from samplebook.core.interactions import Interactions

SOURCES = ("ml-100k", "ml-1m")
"""MovieLens-100K from the package ``recbole``, and MovieLens-1M from its publisher (needs a network)."""
TERMS = "GroupLens: for research, not to be passed on without permission"
CORE = 20
"""Fewest votes of a user, and of an item, among those kept."""


@dataclass(frozen=True, eq=False)
class RecordedVotes:
    """Votes, and what is known of them."""

    votes: Interactions
    about: dict[str, Any]


def source_votes(source: str) -> Interactions:
    """Ratings of 4 stars or more as votes, cut to the core of users and items with 20 votes each."""
    from samplebook.data.movielens import fetch_ratings_1m, read_ratings_100k
    from samplebook.data.vote_splits import dense_core

    as_choice(source, "source", SOURCES)
    ratings = read_ratings_100k() if source == "ml-100k" else fetch_ratings_1m()
    return dense_core(ratings.votes(), of_user=CORE, of_item=CORE)


def votes_digest(votes: Interactions) -> str:
    """SHA-256 of the pairs."""
    pairs = np.stack([votes.users, votes.items]).astype("<i4")
    return hashlib.sha256(pairs.tobytes()).hexdigest()


def prepare(
    file: Path, source: str, votes: Interactions | None = None
) -> dict[str, Any]:
    """Write the file; gives what its ``about`` says.

    Parameters
    ----------
    file : Path
        Where to write; ends in ``.npz``.
    source : str
        One of :data:`SOURCES`, or the name of ``votes``.
    votes : Interactions, optional
        By default those of :func:`source_votes`.

    Raises
    ------
    ValueError
        If the source is not known and no votes are given.
    """
    about: dict[str, Any] = {"source": source}
    if votes is None:
        votes = source_votes(source)
        about |= {"core": CORE, "terms": TERMS}
    about |= {
        "num_users": votes.num_users,
        "num_items": votes.num_items,
        "num_votes": len(votes),
        "votes_sha256": votes_digest(votes),
    }
    np.savez_compressed(
        file,
        users=votes.users.astype(np.int32),
        items=votes.items.astype(np.int32),
        about=json.dumps(about),
    )
    return about


def load(file: Path) -> RecordedVotes:
    """Read what :func:`prepare` wrote.

    Raises
    ------
    ValueError
        If the votes are not those that were written.
    """
    with np.load(file) as stored:
        about = json.loads(str(stored["about"]))
        votes = Interactions.of_pairs(
            stored["users"],
            stored["items"],
            num_users=about["num_users"],
            num_items=about["num_items"],
        )
    if votes_digest(votes) != about["votes_sha256"]:
        raise ValueError(f"{file}: the votes do not fit their checksum")
    return RecordedVotes(votes, about)
