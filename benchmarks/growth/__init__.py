"""The growth of the core algorithms, one module a part, and all of their cases by slug."""

from growth import drafts, negatives, subsets
from harness.cases import Case

CASES: dict[str, Case] = {
    case.slug: case
    for module in (drafts, subsets, negatives)
    for algorithm in module.ALGORITHMS
    for case in algorithm.cases()
}
"""All cases, in the order of the page."""
