"""Sweeps as the press stores them, with the values and verdicts that a test needs."""

from collections.abc import Sequence
from dataclasses import replace

from press.book import Book
from press.sweeps.results import (
    DEFAULTS,
    Row,
    Sweep,
    sweep_file,
    sweep_key,
    write_sweep,
)

VERSIONS = {"python": "3.11.7", "numpy": "2.4.6"}


def rows(
    claim: str,
    values: Sequence[float | None],
    *,
    failing: Sequence[int] = (),
    parameters: str = DEFAULTS,
) -> list[Row]:
    """One row a value, with the seeds from 0; these seeds fail, the others hold."""
    return [
        Row(
            claim=claim,
            seed=seed,
            parameters=parameters,
            verdict="fails" if seed in failing else "holds",
            value=value,
            lower=None,
            upper=None,
            stand_in=None,
            seconds=31.0,
        )
        for seed, value in enumerate(values)
    ]


def on_stand_in(row: Row) -> Row:
    """The row of a run that decided nothing."""
    return replace(row, verdict="not-at-this-scale", stand_in="random numbers")


def store_sweep(
    book: Book, slug: str, listed: Sequence[Row], *, changed: str | None = None
) -> None:
    """Store rows as the sweep of a chapter; ``changed`` names a part of its key that differs by now."""
    chapter = book.chapter(slug)
    key = sweep_key(book, chapter)
    if changed is not None:
        key = {"digest": "older", "parts": key["parts"] | {changed: "older"}}
    sweep = Sweep(slug, key, VERSIONS, tuple(listed), {"size": 6}, ["older"], [0])
    write_sweep(sweep_file(book, chapter), sweep)
