"""Which tests stay together on one worker of ``pytest -n``, and which start first.

What is expensive is made once for a file or for a page of the site: a notebook's kernel, graded submissions,
a page with its formulas drawn. So these tests run one after the other on one worker. Long groups start first,
else one worker would still be busy with the last of them while the other has nothing left to do.
"""

import re
from collections import Counter
from collections.abc import Mapping

import pytest
from xdist.scheduler import LoadScopeScheduling

PAGE_OF_THE_SITE = re.compile(r"^tests/site/.*\b((?:book|chapters/\w+)/[\w-]+)\]$")
SECONDS_OF_A_NEW_TEST = 2.0
SECONDS_OF_A_NEW_LIBRARY_TEST = 0.1
PART_OF_THE_LIMIT = 0.1
"""What a new test with a time limit of its own is expected to need of it."""


def group_of(name: str) -> str:
    """The page of the site that a test looks at, by its last parameter; else the test's file."""
    page = PAGE_OF_THE_SITE.match(name)
    return page[1] if page else name.partition("::")[0]


def expected_seconds(item: pytest.Item, measured: Mapping[str, float]) -> float:
    """What a test took last time, else a guess."""
    if item.nodeid in measured:
        return measured[item.nodeid]
    limit = item.get_closest_marker("timeout")
    if limit is not None:
        return PART_OF_THE_LIMIT * limit.args[0]
    if item.nodeid.startswith("tests/lib/"):
        return SECONDS_OF_A_NEW_LIBRARY_TEST
    return SECONDS_OF_A_NEW_TEST


def sort_by_groups(items: list[pytest.Item], measured: Mapping[str, float]) -> None:
    """Put the tests of a group together, and the longest groups first."""
    totals: Counter[str] = Counter()
    for item in items:
        totals[group_of(item.nodeid)] += expected_seconds(item, measured)
    groups = {item: group_of(item.nodeid) for item in items}
    items.sort(key=lambda item: (-totals[groups[item]], groups[item]))


class GroupScheduling(LoadScopeScheduling):
    """Hands out whole groups, in the order of the collected tests."""

    def __init__(self, config: pytest.Config, log: object = None):
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)
