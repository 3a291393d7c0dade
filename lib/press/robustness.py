"""How claims fare from seed to seed: what the stored sweeps say of each."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from statistics import median

from nbformat import NotebookNode

from press.book import Book, Chapter
from press.claims_ledger import check_positions, claims_of
from press.contents import chapters_in_reading_order
from press.notebooks import read_notebook
from press.sweeps.results import (
    DEFAULTS,
    UNDECIDED,
    Row,
    Sweep,
    changes_since,
    read_sweep,
    sweep_file,
    swept_notebook,
)
from samplebook.claims import Claim


@dataclass(frozen=True)
class Runs:
    """One claim on all seeds that were run with the same parameters.

    Attributes
    ----------
    claim : Claim
    rows : tuple of Row
        At least one, by seed.
    """

    claim: Claim
    rows: tuple[Row, ...]

    def seeds(self, verdict: str) -> list[int]:
        """The seeds that came to this verdict."""
        return [row.seed for row in self.rows if row.verdict == verdict]

    @property
    def is_decided(self) -> bool:
        """Whether any seed gave a verdict."""
        return len(self.seeds(UNDECIDED)) < len(self.rows)

    @property
    def expected(self) -> str:
        """What every seed should say: a claim with a finding fails, any other holds."""
        return "holds" if self.claim.finding is None else "fails"

    @cached_property
    def against(self) -> tuple[Row, ...]:
        """The runs with the other verdict than the expected one."""
        usual = (self.expected, UNDECIDED)
        return tuple(row for row in self.rows if row.verdict not in usual)

    @property
    def share(self) -> str:
        """On how many of the seeds the claim holds, such as ``20/20``."""
        return f"{len(self.seeds('holds'))}/{len(self.rows)}"

    def share_interval(self) -> tuple[float, float]:
        """The Clopper-Pearson interval of that share, at 95 percent."""
        from scipy.stats import binomtest  # slow, and without sweeps not needed

        test = binomtest(len(self.seeds("holds")), len(self.rows))
        interval = test.proportion_ci(confidence_level=0.95, method="exact")
        return float(interval.low), float(interval.high)

    def chance_of_misses(self) -> float:
        """The probability, at most, that a true claim fails on as many seeds: by its rate of false alarms."""
        from scipy.stats import binom  # slow, as above

        misses = len(self.seeds("fails"))
        return float(binom.sf(misses - 1, len(self.rows), self.claim.false_alarm))

    @cached_property
    def values(self) -> list[float]:
        """The measured values, in the order of the seeds."""
        return [row.value for row in self.rows if row.value is not None]

    def worst(self) -> Row | None:
        """The run against expectation whose value lies farthest from the median of the other runs.

        Where there is none, of all runs the one farthest from their median; None if all values are equal.
        """
        against = [row for row in self.against if row.value is not None]
        others = [row.value for row in self.rows if row not in against]
        usual = [value for value in others if value is not None] or self.values
        if not usual or (not against and min(usual) == max(usual)):
            return None
        centre = median(usual)
        measured = [row for row in self.rows if row.value is not None]
        return max(
            against or measured, key=lambda row: abs((row.value or 0.0) - centre)
        )


@dataclass(frozen=True)
class ChapterRuns:
    """What is stored of a chapter's sweeps.

    Attributes
    ----------
    chapter : Chapter
    claims : dict
        The chapter's claims, by id.
    swept : NotebookNode
        The chapter without the cells that no sweep runs.
    sweep : Sweep or None
        None where no sweep is stored.
    changes : list of str
        What changed since the sweep, in words.
    settings : dict
        By parameters (JSON), by id: the claims that were run.
    """

    chapter: Chapter
    claims: dict[str, Claim]
    swept: NotebookNode
    sweep: Sweep | None
    changes: list[str]
    settings: dict[str, dict[str, Runs]]

    @property
    def measured(self) -> dict[str, Runs]:
        """The claims that runs with the chapter's own parameters decided, by id."""
        runs = self.settings.get(DEFAULTS, {})
        return {name: one for name, one in runs.items() if one.is_decided}

    @property
    def elsewhere(self) -> list[tuple[str, Runs]]:
        """The claims that runs with other parameters decided, each with those parameters."""
        return [
            (parameters, runs)
            for parameters, by_claim in self.settings.items()
            for runs in by_claim.values()
            if parameters != DEFAULTS and runs.is_decided
        ]

    def reason_without_runs(self, claim: Claim) -> str:
        """Why no run with the chapter's own parameters decided a claim."""
        if claim.scale_reason is not None:
            return f"beyond this scale. {claim.scale_reason}"
        runs = self.settings.get(DEFAULTS, {}).get(claim.id)
        if runs is not None:
            return f"measured on a stand-in only: {runs.rows[0].stand_in}."
        if not check_positions(self.swept, claim.id):
            return "the cell that checks it is left out of sweeps (tag `not-in-sweep`)."
        return "no stored run has checked it."


def by_claim(claims: dict[str, Claim], rows: Iterable[Row]) -> dict[str, Runs]:
    """Rows with equal parameters as runs, in the order of the claims file."""
    listed = sorted(rows, key=lambda row: row.seed)
    found = {name: tuple(row for row in listed if row.claim == name) for name in claims}
    return {name: Runs(claims[name], its) for name, its in found.items() if its}


def parameter_order(parameters: str) -> list[tuple[str, bool, float, str]]:
    """What to sort parameters by: names, then numbers by size and texts by letters."""
    return [
        (name, False, float(value), "")
        if isinstance(value, int | float)
        else (name, True, 0.0, str(value))
        for name, value in sorted(json.loads(parameters).items())
    ]


def by_setting(
    claims: dict[str, Claim], rows: Iterable[Row]
) -> dict[str, dict[str, Runs]]:
    """All rows of a chapter by parameters and by claim."""
    listed = sorted(rows, key=lambda row: parameter_order(row.parameters))
    return {
        parameters: by_claim(claims, group)
        for parameters, group in groupby(listed, key=lambda row: row.parameters)
    }


def chapter_runs(book: Book, chapter: Chapter) -> ChapterRuns:
    """What is stored of a chapter's sweeps.

    Raises
    ------
    PressError
        If the stored file is damaged.
    """
    claims = claims_of(book, chapter)
    file = sweep_file(book, chapter)
    sweep = read_sweep(file) if file.is_file() else None
    return ChapterRuns(
        chapter=chapter,
        claims=claims,
        swept=swept_notebook(read_notebook(book.notebook(chapter))),
        sweep=sweep,
        changes=[] if sweep is None else changes_since(book, chapter, sweep),
        settings={} if sweep is None else by_setting(claims, sweep.rows),
    )


def all_runs(book: Book) -> list[ChapterRuns]:
    """The stored sweeps of all chapters, in reading order."""
    return [chapter_runs(book, one) for one in chapters_in_reading_order(book)]
