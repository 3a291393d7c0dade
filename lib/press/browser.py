"""The system's Chromium, which prints the book and opens its pages in the tests."""

import shutil

CHROMIUM_NAMES = ("chromium", "google-chrome")
CHROMIUM_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
NO_CHROMIUM = "no chromium on this machine (Debian: apt-get install chromium)"


def find_chromium() -> str | None:
    """Path of the installed Chromium, or none."""
    return next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
