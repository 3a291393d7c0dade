"""The built site, served on this machine and opened in the system's Chromium, which reaches no other host."""

import os
import shutil
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Literal, NoReturn

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright
from site_pages import HTML, PATIENCE

ColorScheme = Literal["light", "dark"]
NODE_MODULES = Path(__file__).parent / "node_modules"
CHROMIUM_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


class QuietHandler(SimpleHTTPRequestHandler):
    """Serve files without a line in the log for each."""

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="session")
def html() -> Path:
    """Folder of the built site."""
    if not (HTML / "index.html").is_file():
        pytest.fail("there is no site in _build/html: run `make book` first")
    return HTML


@pytest.fixture(scope="session")
def site(html: Path) -> Iterator[str]:
    """Address of the site, served on a free port of the loopback interface."""
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(QuietHandler, directory=str(html))
    )
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()


def do_without(tool: str) -> NoReturn:
    """What tests do where a tool is missing: a visible skip on a laptop, a failure in CI."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"no {tool}")
    pytest.skip(f"no {tool}")


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the system's Chromium."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    return path or do_without("chromium (Debian: apt-get install chromium)")


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """Where ``make test`` installs axe-core and Lighthouse, which run on Node."""
    if shutil.which("node") is None or not NODE_MODULES.is_dir():
        do_without("axe-core, Lighthouse (Debian: apt-get install npm; make test)")
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


def open_window(
    browser: Browser,
    width: int,
    *,
    color_scheme: ColorScheme = "light",
    **settings: Any,
) -> BrowserContext:
    """A window of its own, as wide as stated, in which nothing fades in or out."""
    context = browser.new_context(
        viewport={"width": width, "height": 800},
        color_scheme=color_scheme,
        reduced_motion="reduce",
        **settings,
    )
    context.set_default_timeout(PATIENCE)
    return context


@pytest.fixture(scope="session")
def desktop(browser: Browser) -> Iterator[BrowserContext]:
    """A desktop window in light mode."""
    context = open_window(browser, 1280)
    yield context
    context.close()


@pytest.fixture(scope="session")
def phone(browser: Browser) -> Iterator[BrowserContext]:
    """A narrow phone's window in light mode."""
    context = open_window(browser, 360, is_mobile=True)
    yield context
    context.close()
