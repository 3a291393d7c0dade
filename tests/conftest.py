"""One progress bar with the time left for the whole test run, in place of pytest's dots; the wheel."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from built_wheel import build_wheel

from press.terminal import progress_bar

SECONDS_OF_A_NEW_TEST = 0.1
CACHE = "samplebook/seconds"


class ProgressBar:
    """Moves with each test, by the seconds that the test took last time."""

    def __init__(self, config: pytest.Config):
        self.cache = config.cache
        self.seconds: dict[str, float] = self.cache.get(CACHE, {}) if self.cache else {}
        self.measured: dict[str, float] = {}
        self.bar: Any = None

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        if not session.config.option.collectonly:
            self.bar = progress_bar(
                sum(self.weight(item.nodeid) for item in session.items), "Testing"
            )
            # Else tqdm's thread moves it in the midst of a test, which may catch what is written.
            self.bar.miniters, self.bar.dynamic_miniters = 0, False

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


def pytest_configure(config: pytest.Config) -> None:
    if config.option.verbose <= 0 and not hasattr(config, "workerinput"):
        config.pluginmanager.register(ProgressBar(config))


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this repository."""
    return build_wheel(tmp_path_factory.mktemp("wheel"))
