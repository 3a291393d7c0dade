"""``make links``: follow every link that leaves the book, with Sphinx's own link checker."""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections import deque
from pathlib import Path
from typing import Any

import requests

from press.book import Book
from press.errors import PressError
from press.stamp import repository_url
from press.terminal import without_colours

Result = dict[str, Any]
REPOSITORY_PAGES = ("README.md", "CONTRIBUTING.md")
CHECKED_LINK = re.compile(r"\( *\S+: line +\d+\)")
BROKEN = {"broken", "timeout"}
SECONDS_TO_ANSWER = 20
LINES_SHOWN_ON_FAILURE = 30


def require_network(address: str) -> None:
    """See that the network is there.

    Raises
    ------
    PressError
        If the address's host cannot be reached.
    """
    try:
        requests.head(address, timeout=SECONDS_TO_ANSWER)
    except (requests.ConnectionError, requests.Timeout) as error:
        raise PressError(
            f"no network: {address} cannot be reached, so no link was checked"
        ) from error


def run_link_checker(command: list[str], output: Path) -> list[Result]:
    """Run a Sphinx builder that checks links, printing a line for each.

    Parameters
    ----------
    command : list of str
        Starts the builder.
    output : Path
        The builder's folder of results.

    Returns
    -------
    list of dict
        What Sphinx found of each link: ``filename``, ``lineno``, ``uri``, ``status``, ``info``.

    Raises
    ------
    PressError
        With the end of the builder's output, if it fails for another reason than a broken link.
    """
    last_lines: deque[str] = deque(maxlen=LINES_SHOWN_ON_FAILURE)
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in map(without_colours, process.stdout):
            if CHECKED_LINK.match(line):
                print(line, end="", flush=True)
            else:
                last_lines.append(line.rstrip())
    file = output / "output.json"
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    results: list[Result] = [json.loads(line) for line in lines]
    if process.returncode and not broken_links(results):
        raise PressError(
            "the link checker failed; the end of its output:\n" + "\n".join(last_lines)
        )
    return results


def broken_links(results: list[Result]) -> list[str]:
    """Each link that leads nowhere, with the place where it stands and what happened."""
    return [
        f"{result['filename']}:{result['lineno']}: {result['uri']}: {result['info']}"
        for result in results
        if result["status"] in BROKEN
    ]


def links_of_site(book: Book, output: Path) -> list[Result]:
    """Check the links on the staged pages."""
    command = [
        *(sys.executable, "-m", "press.run_jupyter_book", "build", str(book.stage)),
        *("--path-output", str(output), "--builder", "linkcheck"),
    ]
    return run_link_checker(command, output / "_build" / "html")


def links_of_repository_pages(book: Book, folder: Path) -> list[Result]:
    """Check the links in the pages that readers see in the repository only."""
    source, output = folder / "source", folder / "linkcheck"
    source.mkdir()
    for name in REPOSITORY_PAGES:
        shutil.copy(book.root / name, source)
    settings = ("extensions=myst_parser", "root_doc=README", "suppress_warnings=myst")
    command = [
        *(sys.executable, "-m", "sphinx", "-b", "linkcheck", "-C"),
        *(word for setting in settings for word in ("-D", setting)),
        *(str(source), str(output)),
    ]
    return run_link_checker(command, output)


def check_links(book: Book) -> None:
    """Follow the links of the staged pages, README and CONTRIBUTING.

    Raises
    ------
    PressError
        If there is nothing staged, no network, or a link is broken.
    """
    if not book.stage.is_dir():
        raise PressError(
            f"there are no pages in {book.shown(book.stage)}; run `make book` first"
        )
    require_network(repository_url(book))
    with tempfile.TemporaryDirectory(prefix=".tmp-links-", dir=book.build) as folder:
        results = links_of_site(book, Path(folder) / "site")
        results += links_of_repository_pages(book, Path(folder))
    broken = broken_links(results)
    if broken:
        raise PressError(
            f"{len(broken)} of {len(results)} links are broken:\n" + "\n".join(broken)
        )
    print(f"All {len(results)} links lead somewhere.")
