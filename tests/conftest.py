"""How the whole test run is shown and shared out: one progress bar, up to two workers; the wheel."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import joblib
import pytest
from built_wheel import build_wheel
from work_groups import GroupScheduling, sort_by_groups

from press.terminal import progress_bar

SECONDS_OF_A_NEW_TEST = 0.1
CACHE = "samplebook/seconds"
MOST_WORKERS = 2
"""Each has a browser and models in its memory."""


def measured_seconds(config: pytest.Config) -> dict[str, float]:
    """What each test took when it was last run here."""
    return config.cache.get(CACHE, {}) if config.cache else {}


class ProgressBar:
    """Moves with each test, by the seconds that the test took last time, in place of pytest's dots."""

    def __init__(self, config: pytest.Config):
        self.cache = config.cache
        self.seconds = measured_seconds(config)
        self.measured: dict[str, float] = {}
        self.bar: Any = None

    def start(self, names: Iterable[str]) -> None:
        self.bar = progress_bar(sum(map(self.weight, names)), "Testing")
        # Else tqdm's thread moves it in the midst of a test, which may catch what is written.
        self.bar.miniters, self.bar.dynamic_miniters = 0, False

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        if session.items and not session.config.option.collectonly:
            self.start(item.nodeid for item in session.items)

    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """Where workers run the tests, only they collect: each collects all of them."""
        if self.bar is None:
            self.start(ids)

    def weight(self, name: str) -> float:
        return self.seconds.get(name, SECONDS_OF_A_NEW_TEST)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.measured[report.nodeid] = (
            self.measured.get(report.nodeid, 0.0) + report.duration
        )

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self.bar.update(self.weight(nodeid))

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(
        self, report: pytest.TestReport
    ) -> tuple[str, str, str] | None:
        """Print nothing for a test that passed."""
        if not report.passed:
            return None
        return ("passed" if report.when == "call" else "", "", "")

    @pytest.hookimpl(wrapper=True)
    def pytest_sessionfinish(self) -> Iterator[None]:
        if self.bar is not None:
            self.bar.close()
        if self.cache and self.measured:
            self.cache.set(CACHE, self.seconds | self.measured)
        return (yield)


def pytest_xdist_auto_num_workers() -> int:
    """How many workers ``pytest -n auto`` starts; 0: the tests run in pytest's own process."""
    cores = joblib.cpu_count()
    return min(cores, MOST_WORKERS) if cores > 1 else 0


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> GroupScheduling:
    return GroupScheduling(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    sort_by_groups(items, measured_seconds(config))


def pytest_configure(config: pytest.Config) -> None:
    if config.option.verbose <= 0 and not hasattr(config, "workerinput"):
        config.pluginmanager.register(ProgressBar(config))


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this repository."""
    return build_wheel(tmp_path_factory.mktemp("wheel"))
