"""A pytest plugin: the fastest tests come first, so that most mutants are killed at once."""

import json
from pathlib import Path

import pytest

STATISTICS = Path("mutmut-stats.json")
"""Written by mutmut in the folder from which it runs the tests, with the seconds of each test."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if STATISTICS.exists():
        seconds = json.loads(STATISTICS.read_text("utf-8"))["duration_by_test"]
        items.sort(key=lambda item: seconds.get(item.nodeid, 0.0))
