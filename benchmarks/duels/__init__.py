"""Work that the library and other packages both do, one module a part. Each entry prepares one duel."""

from duels import drafts, negatives, subsets
from harness.duels import Preparation

DUELS: dict[str, Preparation] = {
    prepare.__name__: prepare
    for prepare in (*drafts.DUELS, *subsets.DUELS, *negatives.DUELS)
}
"""All duels by name, in the order of the page."""
