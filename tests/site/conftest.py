"""The built site, served on this machine and opened in the system's Chromium, which reaches no other host."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright
from site_pages import CHROMIUM_FLAGS, HTML, SharedPage, open_window
from site_server import QuietHandler, serving

from press.browser import NO_CHROMIUM, find_chromium

NODE_MODULES = Path(__file__).parent / "node_modules"


@pytest.fixture(scope="session")
def html() -> Path:
    """Folder of the built site."""
    if not (HTML / "index.html").is_file():
        pytest.fail("there is no site in _build/html: run `make book` first")
    return HTML


@pytest.fixture(scope="session")
def site(html: Path) -> Iterator[str]:
    """Address of the site, served on a free port of the loopback interface."""
    with serving(html, QuietHandler) as address:
        yield address


def do_without(reason: str) -> NoReturn:
    """What tests do where a tool is missing: a visible skip on a laptop, a failure in CI."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the system's Chromium."""
    return find_chromium() or do_without(NO_CHROMIUM)


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """Where ``make test`` installs axe-core and Lighthouse, which run on Node."""
    if shutil.which("node") is None or not NODE_MODULES.is_dir():
        do_without(
            "no axe-core, no Lighthouse (Debian: apt-get install npm; make test)"
        )
    return NODE_MODULES


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """The system's Chromium, started."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=list(CHROMIUM_FLAGS)
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def desktop(browser: Browser) -> Iterator[BrowserContext]:
    """A desktop window in light mode."""
    context = open_window(browser, 1280)
    yield context
    context.close()


@pytest.fixture(scope="session")
def phone(browser: Browser) -> Iterator[BrowserContext]:
    """A narrow phone's window in dark mode."""
    context = open_window(browser, 360, color_scheme="dark", is_mobile=True)
    yield context
    context.close()


@pytest.fixture(scope="session")
def on_desktop(desktop: BrowserContext, site: str) -> SharedPage:
    """A page in the desktop window, for tests that leave it as they found it."""
    return SharedPage(desktop, site)


@pytest.fixture(scope="session")
def on_phone(phone: BrowserContext, site: str) -> SharedPage:
    """A page in the phone's window, for tests that leave it as they found it."""
    return SharedPage(phone, site)
