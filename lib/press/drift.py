"""Show how far the claims' values have moved since they were stored.

The last execution is compared with ``results/claims.json``. A value that moved is printed, not refused: float
arithmetic differs between machines and between versions of packages. A verdict that flips is an error.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from press.book import Book, Chapter
from press.claims_ledger import Record, chapter_slug, records_of, stored_records
from press.errors import PressError
from press.execution import make_job, stale_reasons

ROUNDING = 1e-9
HEADINGS = ("claim", "stored", "now", "difference", "in widths", "verdict")
NOTHING = "-"


def numbers(value: Any) -> list[float] | None:
    """The numbers of a value, one or a list; None for any other value."""
    values = value if isinstance(value, list) else [value]
    if any(
        isinstance(each, bool) or not isinstance(each, int | float) for each in values
    ):
        return None
    return [float(each) for each in values]


def number_pairs(before: Any, now: Any) -> list[tuple[float, float]]:
    """The numbers of two values side by side; empty where they cannot be compared one by one."""
    old, new = numbers(before), numbers(now)
    same_form = isinstance(before, list) == isinstance(now, list)
    if old is None or new is None or len(old) != len(new) or not same_form:
        return []
    return list(zip(old, new, strict=True))


def is_equal(before: Any, now: Any) -> bool:
    """Whether two values are equal to the rounding of float arithmetic."""
    pairs = number_pairs(before, now)
    if not pairs:
        return type(before) is type(now) and bool(before == now)
    return all(
        math.isclose(old, new, rel_tol=ROUNDING, abs_tol=ROUNDING)
        or (math.isnan(old) and math.isnan(new))
        for old, new in pairs
    )


@dataclass(frozen=True)
class Movement:
    """One claim, as it was stored and as it is now."""

    claim_id: str
    stored: Record
    now: Record

    @property
    def flipped(self) -> bool:
        return bool(self.stored["verdict"] != self.now["verdict"])

    @property
    def moved(self) -> bool:
        return self.flipped or not is_equal(self.stored["value"], self.now["value"])

    @property
    def difference(self) -> float | None:
        """Value now less stored value, in a list the largest; None where there is none."""
        pairs = number_pairs(self.stored["value"], self.now["value"])
        return max((new - old for old, new in pairs), key=abs, default=None)

    @property
    def widths(self) -> float | None:
        """The difference in widths of the stored interval; None without a difference or an interval."""
        if self.difference is None or self.stored["interval"] is None:
            return None
        lower, upper = self.stored["interval"]
        return abs(self.difference) / (upper - lower) if upper > lower else math.inf

    @property
    def left_interval(self) -> bool:
        """Whether a value was inside the stored interval and is outside now."""
        if self.stored["interval"] is None:
            return False
        lower, upper = self.stored["interval"]
        return any(
            lower <= old <= upper and not lower <= new <= upper
            for old, new in number_pairs(self.stored["value"], self.now["value"])
        ) and not is_equal(self.stored["value"], self.now["value"])

    @property
    def size(self) -> float:
        """What the table is sorted by: widths, without an interval the share of the value."""
        if self.widths is not None:
            return self.widths
        if self.difference is None or math.isnan(self.difference):
            return math.inf
        largest = max(numbers(self.stored["value"]) or [0.0], key=abs)
        return abs(self.difference / largest) if largest else abs(self.difference)


@dataclass(frozen=True)
class Drift:
    """All that differs between the stored records and this execution."""

    movements: list[Movement]
    equal: int
    new: list[str]
    gone: list[str]
    unfinished: list[str] = field(default_factory=list)

    def names(self, applies: Callable[[Movement], bool]) -> list[str]:
        """The claims among the movements to which this applies."""
        return [each.claim_id for each in self.movements if applies(each)]


def drift_between(stored: dict[str, Record], now: dict[str, Record]) -> Drift:
    """Compare records by id. The movements come flipped verdicts first, then by size."""
    both = [
        Movement(claim_id, record, now[claim_id])
        for claim_id, record in stored.items()
        if claim_id in now
    ]
    movements = sorted(
        (each for each in both if each.moved),
        key=lambda each: (not each.flipped, not each.left_interval, -each.size),
    )
    return Drift(
        movements,
        equal=len(both) - len(movements),
        new=[claim_id for claim_id in now if claim_id not in stored],
        gone=[claim_id for claim_id in stored if claim_id not in now],
    )


def is_fresh(book: Book, chapter: Chapter) -> bool:
    return not stale_reasons(book, make_job(book, chapter))


def drift_of(book: Book) -> Drift:
    """The drift of the last execution. Chapters without a fresh result are named and left out."""
    fresh = [chapter for chapter in book.chapters() if is_fresh(book, chapter)]
    unfinished = [chapter for chapter in book.chapters() if chapter not in fresh]
    left_out = {chapter.slug for chapter in unfinished}
    stored = {
        claim_id: record
        for claim_id, record in stored_records(book).items()
        if chapter_slug(claim_id) not in left_out
    }
    now = {
        record["id"]: record
        for chapter in fresh
        for record in records_of(book, chapter)
    }
    names = [chapter.name for chapter in unfinished]
    return replace(drift_between(stored, now), unfinished=names)


def shown(value: Any) -> str:
    """A value in a table: numbers rounded, a missing value as a dash."""
    if value is None:
        return NOTHING
    rounded = numbers(value)
    if rounded is None:
        return str(value)
    texts = [f"{number:.6g}" for number in rounded]
    return f"[{', '.join(texts)}]" if isinstance(value, list) else texts[0]


def widths_words(movement: Movement) -> str:
    """How far a value moved against its stored interval, in words."""
    if movement.stored["interval"] is None:
        return "no interval"
    if movement.widths is None:
        return NOTHING
    left = " LEFT ITS INTERVAL" if movement.left_interval else ""
    return f"{movement.widths:.2g}{left}"


def verdict_words(movement: Movement) -> str:
    before, now = movement.stored["verdict"], movement.now["verdict"]
    return f"{before} -> {now} FLIPPED" if movement.flipped else str(now)


def table_row(movement: Movement) -> list[str]:
    difference = movement.difference
    return [
        movement.claim_id,
        shown(movement.stored["value"]),
        shown(movement.now["value"]),
        NOTHING if difference is None else f"{difference:+.3g}",
        widths_words(movement),
        verdict_words(movement),
    ]


def text_table(rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of a table in columns."""
    lines = [HEADINGS, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) for cell, width in zip(line, widths, strict=True)
        ).rstrip()
        for line in lines
    ]


def markdown_table(rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of the same table in Markdown."""
    lines = [HEADINGS, ["---"] * len(HEADINGS), *rows]
    return [
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |"
        for line in lines
    ]


def report(drift: Drift, markdown: bool = False) -> str:
    """The drift in words: what moved, and what is new or gone."""
    count = len(drift.movements) + drift.equal
    lines = [
        f"Claims: {len(drift.movements)} of {count} moved since they were stored; "
        f"{drift.equal} are equal to rounding."
    ]
    if drift.movements:
        table = markdown_table if markdown else text_table
        lines += ["", *table(map(table_row, drift.movements)), ""]
    for words, names in (
        ("ATTENTION, left the stored interval", drift.names(lambda m: m.left_interval)),
        ("VERDICT FLIPPED", drift.names(lambda m: m.flipped)),
        ("New, not stored yet", drift.new),
        ("Stored, but no longer checked", drift.gone),
        ("No fresh result, not compared", drift.unfinished),
    ):
        if names:
            lines += [f"{words}: {', '.join(names)}."] + [""] * markdown
    return "\n".join(lines)


def problems(drift: Drift) -> list[str]:
    """What has to be mended; values that moved are not among it."""
    flips = [
        f"claim {each.claim_id}: the stored verdict is {each.stored['verdict']}, "
        f"now it is {each.now['verdict']}"
        for each in drift.movements
        if each.flipped
    ]
    other = [
        f"claim {claim_id} {what} results/claims.json: "
        f"run `make refresh CHAPTER={chapter_slug(claim_id)}`"
        for what, claims in (
            ("is not stored in", drift.new),
            ("is no longer checked, but is still in", drift.gone),
        )
        for claim_id in claims
    ]
    stale = [
        f"{name} has no fresh result; run `make book` first"
        for name in drift.unfinished
    ]
    return flips + other + stale


def show_drift(book: Book, markdown: bool = False) -> None:
    """Print how the claims moved.

    Raises
    ------
    PressError
        If a verdict flipped, a claim is new or gone, or a chapter has no fresh result.
    """
    drift = drift_of(book)
    print(report(drift, markdown), flush=True)
    found = problems(drift)
    if found:
        raise PressError("\n".join(found))
