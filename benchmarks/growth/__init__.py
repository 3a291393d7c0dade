"""The growth of the core algorithms, one module a part, and all of them by slug."""

from growth import drafts, negatives, subsets
from harness.cases import Case

CASES: dict[str, Case] = {
    case.slug: case for case in (*drafts.CASES, *subsets.CASES, *negatives.CASES)
}
"""All cases, in the order of the page."""
