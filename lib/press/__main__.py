"""The press's commands. The Makefile calls them; ``python -m press --help`` lists them."""

import argparse
import sys
from pathlib import Path

from press.book import Book, Chapter
from press.drift import show_drift
from press.errors import PressError
from press.experiments import make_experiments
from press.printing import print_book
from press.serve import serve
from press.skeleton import make_chapter
from press.stamp import check_stamps, stamp
from press.trace import trace


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="press", description="Executes, compares and prints the book."
    )
    parser.add_argument(
        "--root",
        type=Path,
        default=Path(__file__).parents[2],
        help="folder of the book",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser(
        "book", help="execute what is stale, gather the claims, build the site"
    )
    commands.add_parser("pdf", help="print the built site as one PDF")
    commands.add_parser("links", help="follow every link that leaves the book")
    serving = commands.add_parser("serve", help="serve the built site on 127.0.0.1")
    serving.add_argument("--port", type=int, default=8000)
    refreshing = commands.add_parser(
        "refresh", help="store a fresh execution of a chapter"
    )
    refreshing.add_argument("chapter", help="slug of the chapter")
    making = commands.add_parser("chapter", help="make the skeleton of a chapter")
    making.add_argument("part")
    making.add_argument("slug")
    stamping = commands.add_parser(
        "stamp", help="write the copies of addresses, bootstrap cells, data locks"
    )
    stamping.add_argument(
        "--check", action="store_true", help="only see that all copies are equal"
    )
    commands.add_parser(
        "assignments", help="write the assignments' releases and the teacher's folder"
    )
    grading = commands.add_parser("grade", help="mark submitted assignments")
    grading.add_argument("submissions", type=Path, help="folder of the notebooks")
    grading.add_argument(
        "--overlay", type=Path, help="folder of a teacher's own hidden tests"
    )
    experimenting = commands.add_parser(
        "experiments", help="run the large experiments, where there is a CUDA device"
    )
    experimenting.add_argument("--minutes", type=float, help="bound of the whole call")
    experimenting.add_argument("--device", default="", help="names the records")
    commands.add_parser(
        "compare", help="compare the last execution with the stored notebooks"
    )
    drifting = commands.add_parser(
        "drift", help="show how far the claims moved since they were stored"
    )
    drifting.add_argument(
        "--markdown", action="store_true", help="print the table in Markdown"
    )
    tracing = commands.add_parser(
        "trace", help="show where a claim's number comes from"
    )
    tracing.add_argument("claim", help="id of the claim, such as spectr-c3")
    sweeping = commands.add_parser(
        "sweep", help="run chapters with many seeds and parameters, store their claims"
    )
    sweeping.add_argument("seeds", help="a number of seeds, or a list: 3,7 or 100-119")
    sweeping.add_argument("--chapters", default="", help="slugs; all without")
    sweeping.add_argument("--grid", default="", help="such as 'num_draws=8,16'")
    sweeping.add_argument(
        "--confirm",
        action="store_true",
        help="run the first stored seed alone, and keep the others if it gives equal values",
    )
    sweeping.add_argument("--dask", default="", help="a scheduler, tcp://host:port")
    mutating = commands.add_parser(
        "mutants", help="see whether the tests notice small changes of the mathematics"
    )
    mutating.add_argument(
        "--survivors", action="store_true", help="run only last time's survivors again"
    )
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> None:
    """Run one command."""
    book = Book(options.root.resolve())
    if options.command == "book":
        print_book(book)
    elif options.command == "pdf":
        from press.pdf import print_pdf  # slow: playwright and pypdf

        print_pdf(book)
    elif options.command == "links":
        from press.links import check_links  # slow: requests

        check_links(book)
    elif options.command == "serve":
        serve(book, options.port)
    elif options.command == "refresh":
        from press.refresh import refresh  # slow: nbval brings pytest along

        refresh(book, book.chapter(options.chapter))
    elif options.command == "chapter":
        make_chapter(book, Chapter(options.part, options.slug))
    elif options.command == "stamp":
        check_stamps(book) if options.check else stamp(book)
    elif options.command == "assignments":
        from press.classroom.releases import make_assignments  # slow: nbgrader

        make_assignments(book)
    elif options.command == "grade":
        from press.classroom.grading import grade  # slow, as above

        overlay = options.overlay and options.overlay.resolve()
        grade(book, options.submissions.resolve(), overlay)
    elif options.command == "experiments":
        make_experiments(book, options.minutes, options.device)
    elif options.command == "drift":
        show_drift(book, options.markdown)
    elif options.command == "trace":
        print(trace(book, options.claim))
    elif options.command == "sweep" and options.confirm:
        from press.sweeps.confirm import confirm  # slow, as below

        confirm(book, options.chapters, options.dask)
    elif options.command == "sweep":
        from press.sweeps.run import sweep  # slow: papermill and pyarrow

        sweep(book, options.seeds, options.chapters, options.grid, options.dask)
    elif options.command == "mutants":
        from press.mutants import run_mutants

        run_mutants(book, options.survivors)
    else:
        from press.compare import compare_book  # slow, as above

        compare_book(book)


def main(arguments: list[str]) -> int:
    try:
        run(parse_arguments(arguments))
    except PressError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
