"""Serve the built site to this machine's browser."""

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

from press.book import Book
from press.errors import PressError

ADDRESS = "127.0.0.1"


def serve(book: Book, port: int) -> None:
    """Serve ``_build/html`` until interrupted.

    Raises
    ------
    PressError
        If there is no site yet, or the port is taken.
    """
    if not (book.html / "index.html").is_file():
        raise PressError(
            f"there is no site in {book.shown(book.html)}; run `make book` first"
        )
    handler = partial(SimpleHTTPRequestHandler, directory=str(book.html))
    try:
        server = ThreadingHTTPServer((ADDRESS, port), handler)
    except (OSError, OverflowError) as error:
        raise PressError(f"port {port}: {error}; try `make serve PORT=...`") from error
    print(
        f"The book is at http://{ADDRESS}:{server.server_port}/ (Ctrl-C ends it)",
        flush=True,
    )
    with server:
        server.serve_forever()
