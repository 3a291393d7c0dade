"""The press finds broken external links on the site and in the repository, and says when it is offline."""

import json
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from miniature_book import copy_of, press_environment, write

from press.book import Book
from press.errors import PressError
from press.links import (
    broken_links,
    links_of_repository_pages,
    links_of_site,
    require_network,
    run_link_checker,
)


class OnePage(BaseHTTPRequestHandler):
    """Serves ``/here`` and nothing else."""

    def do_HEAD(self) -> None:
        self.send_response(200 if self.path == "/here" else 404)
        self.end_headers()

    def do_GET(self) -> None:
        self.do_HEAD()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def web() -> Iterator[str]:
    """Address of a web that has one page."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), OnePage)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()


def two_links(web: str) -> str:
    return f"# Links\n\n[Here]({web}/here), and\n[gone]({web}/gone).\n"


def statuses(results: list[dict], web: str) -> dict[str, str]:
    return {
        result["uri"].removeprefix(web): result["status"]
        for result in results
        if result["uri"].startswith(web)
    }


def test_links_of_the_repository_pages(tmp_path: Path, web: str) -> None:
    write(tmp_path / "README.md", two_links(web))
    write(tmp_path / "CONTRIBUTING.md", f"# Contribute\n\n[Also]({web}/also).\n")
    (tmp_path / "out").mkdir()
    results = links_of_repository_pages(Book(tmp_path), tmp_path / "out")
    expected = {"/here": "working", "/gone": "broken", "/also": "broken"}
    assert statuses(results, web) == expected
    places = [problem.split(":")[0] for problem in broken_links(results)]
    assert sorted(places) == ["CONTRIBUTING.md", "README.md"]


def test_links_of_the_pages(printed: Book, tmp_path: Path, web: str) -> None:
    book = copy_of(printed, tmp_path / "book")
    write(book.stage / "book" / "intro.md", two_links(web))
    results = links_of_site(book, tmp_path / "out")
    assert statuses(results, web) == {"/here": "working", "/gone": "broken"}
    assert any("book/intro.md:3" in problem for problem in broken_links(results))


def test_failure_of_the_checker_is_not_taken_for_a_good_end(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit('out of order')"]
    with pytest.raises(PressError, match="out of order"):
        run_link_checker(command, tmp_path)


def test_broken_and_slow_links_count(tmp_path: Path) -> None:
    found = [
        {"filename": "a.md", "lineno": 1, "uri": status, "status": status, "info": ""}
        for status in ("working", "redirected", "timeout", "broken")
    ]
    write(tmp_path / "output.json", "\n".join(map(json.dumps, found)))
    results = run_link_checker([sys.executable, "-c", ""], tmp_path)
    assert broken_links(results) == ["a.md:1: timeout: ", "a.md:1: broken: "]


def test_network_is_there(web: str) -> None:
    require_network(f"{web}/gone")


def test_without_a_network(printed: Book) -> None:
    offline = dict.fromkeys(("https_proxy", "HTTPS_PROXY"), "http://127.0.0.1:9")
    command = [sys.executable, "-m", "press", "--root", str(printed.root), "links"]
    result = subprocess.run(
        command,
        env=press_environment(printed) | offline | {"NO_PROXY": "", "no_proxy": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert result.stderr.strip().splitlines() == [
        "no network: https://github.com/someone/miniature cannot be reached, so no link was checked"
    ]
