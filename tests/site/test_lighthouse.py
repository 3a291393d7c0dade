"""Lighthouse's marks for a chapter page.

`make test` runs this file last and by itself: whatever else works on the machine lowers the marks.
The page is served as a public host serves it (see `site_server.HostHandler`).
"""

import json
import os
import shlex
import subprocess
from pathlib import Path
from statistics import median

import pytest
from site_pages import CHROMIUM_FLAGS, chapters_of_the_toc
from site_server import HostHandler, serving

RUNS = 5
LEAST = 95
CATEGORIES = ("performance", "accessibility", "best-practices")


def marks(address: str, lighthouse: Path, chromium: str) -> dict[str, float]:
    """Marks out of 100 by category, from one run that sends nothing to anybody."""
    command = [
        *(str(lighthouse), address, "--preset=desktop", "--output=json", "--quiet"),
        f"--only-categories={','.join(CATEGORIES)}",
        f"--chrome-flags={shlex.join(CHROMIUM_FLAGS)}",
        "--no-enable-error-reporting",
    ]
    run = subprocess.run(
        command,
        env=os.environ | {"CHROME_PATH": chromium},
        capture_output=True,
        text=True,
        check=True,
    )
    categories = json.loads(run.stdout)["categories"]
    return {name: 100 * categories[name]["score"] for name in CATEGORIES}


@pytest.mark.timeout(1200)
def test_lighthouse_gives_good_marks(
    html: Path, node_modules: Path, chromium: str
) -> None:
    lighthouse = node_modules / ".bin" / "lighthouse"
    with serving(html, HostHandler) as site:
        address = f"{site}/{chapters_of_the_toc()[0]}.html"
        runs = [marks(address, lighthouse, chromium) for _ in range(RUNS)]
    medians = {name: median(run[name] for run in runs) for name in CATEGORIES}
    assert min(medians.values()) >= LEAST, runs
