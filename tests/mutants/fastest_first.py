"""A pytest plugin that saves time: the fastest tests come first, and no counter-example is made smaller."""

import json
from pathlib import Path

import pytest
from hypothesis import Phase, settings

STATISTICS = Path("mutmut-stats.json")
"""Written by mutmut in the folder from which it runs the tests, with the seconds of each test."""
settings.register_profile(
    "mutants", phases=[Phase.explicit, Phase.generate], report_multiple_bugs=False
)
settings.load_profile("mutants")  # what tests set themselves goes on top of it


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if STATISTICS.exists():
        seconds = json.loads(STATISTICS.read_text("utf-8"))["duration_by_test"]
        items.sort(key=lambda item: seconds.get(item.nodeid, 0.0))
