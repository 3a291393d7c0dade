"""Claims as data: what each chapter promises to check, and the verdicts of one execution.

One YAML file a chapter lies beside this module. Each entry states a claim, where it comes from, and the
rule that decides it, all before anything is measured. A notebook calls :func:`check` with what it measured.
"""

import json
import math
import os
import platform
import sys
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import yaml

from samplebook import session

FOLDER = Path(__file__).parent
KINDS = ("paper", "derived", "control")
SOURCES = ("read", "secondary", "memory", "ours")
SCALES = ("laptop", "beyond")
LARGEST_FALSE_ALARM = 1e-4
VERDICT_WORDS = {
    "holds": "holds",
    "fails": "fails",
    "not-at-this-scale": "cannot be checked at this scale",
}
FIGURE_WORDS = {
    "read": "The paper's figure",
    "secondary": "Figure from a secondary source",
}
_REQUIRED = (
    "id",
    "kind",
    "statement",
    "figure",
    "place",
    "source",
    "rule",
    "false_alarm",
    "scale",
)
_OPTIONAL = ("scale_reason", "finding")
_VERSIONED = ("numpy", "scipy", "torch", "cvxpy")


@dataclass(frozen=True)
class Claim:
    """One claim and the rule that decides it.

    Attributes
    ----------
    id : str
        The chapter's slug and a short name, such as ``"spectr-c1"``.
    kind : str
        ``"paper"``, ``"derived"`` (ours) or ``"control"`` (a mutation that must be noticed).
    statement : str
        The claim in one sentence.
    figure : str or None
        The number that the source gives, if it gives one.
    place : str
        Where the source says it.
    source : str
        ``"read"``, ``"secondary"``, ``"memory"`` or ``"ours"``: how the place is known.
    rule : str
        When the claim passes, in words.
    false_alarm : float
        The rate, at most 1e-4, at which a true claim would fail. 0 for exact rules.
    scale : str
        ``"laptop"``, or ``"beyond"`` for what a laptop cannot show.
    scale_reason : str or None
        Why it is beyond a laptop.
    finding : str or None
        Why the claim fails, where it is known to: an error in the paper, in official code or in a library, or
        a result that does not carry over. It is an expectation: the verdict alone says whether it fails.
    """

    id: str
    kind: str
    statement: str
    figure: str | None
    place: str
    source: str
    rule: str
    false_alarm: float
    scale: str
    scale_reason: str | None = None
    finding: str | None = None


@dataclass(frozen=True)
class Verdict:
    """Outcome of one check. Displays rounded text: the same on every machine that agrees."""

    claim: Claim
    verdict: str
    value: float | None
    interval: tuple[float, float] | None
    stand_in: str | None = None

    def _measured(self) -> str:
        if self.value is None:
            return "not measured"
        text = f"measured {self.value:.3g}"
        if self.interval is not None:
            text += f", interval [{self.interval[0]:.3g}, {self.interval[1]:.3g}]"
        if self.stand_in is not None:
            text += f", on a stand-in, {self.stand_in}, which decides nothing"
        return text

    def __repr__(self) -> str:
        return f"{self.claim.id}: {VERDICT_WORDS[self.verdict]} ({self._measured()})"

    def _repr_markdown_(self) -> str:
        claim, measured = self.claim, self._measured()
        parts = [f"**Claim `{claim.id}` {VERDICT_WORDS[self.verdict]}**: {measured}."]
        if claim.figure is not None and claim.source in FIGURE_WORDS:
            parts.append(
                f"*{FIGURE_WORDS[claim.source]}:* {claim.figure} ({claim.place})."
            )
        parts.append(f"*Rule:* {' '.join(claim.rule.split())}")
        if self.verdict == "fails" and claim.finding is not None:
            parts.append(f"*Why it fails:* {claim.finding}")
        if claim.scale_reason is not None:
            parts.append(f"*Why not here:* {claim.scale_reason}")
        return "\n\n".join(parts)


def all_slugs() -> list[str]:
    """Slugs of the chapters that have a claims file, in alphabetical order."""
    return sorted(path.stem for path in FOLDER.glob("*.yml"))


@cache
def load(slug: str) -> dict[str, Claim]:
    """The claims of a chapter, keyed by id, in the file's order.

    Raises
    ------
    ValueError
        If there is no such file, or an entry is wrong: the message names file, id and field.
    """
    if slug not in all_slugs():
        raise ValueError(
            f"slug: there is no claims file for {slug!r}; there are {all_slugs()}"
        )
    return read_claims(FOLDER / f"{slug}.yml")


def read_claims(path: Path) -> dict[str, Claim]:
    """Read and validate one claims file; its name without ``.yml`` is the chapter's slug.

    Raises
    ------
    ValueError
        Naming file, id and field, if an entry is wrong.
    """
    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(f"{path.name}: is not YAML: {error}") from error
    if (
        not entries
        or not isinstance(entries, list)
        or not all(isinstance(entry, dict) for entry in entries)
    ):
        raise ValueError(
            f"{path.name}: must be a list of claims, each a mapping of fields"
        )
    claims: dict[str, Claim] = {}
    for number, entry in enumerate(entries, start=1):
        claim = _read_claim(path, number, entry)
        if claim.id in claims:
            raise ValueError(f"{path.name}, {claim.id}, id: occurs twice")
        claims[claim.id] = claim
    return claims


def _read_claim(path: Path, number: int, entry: dict[str, Any]) -> Claim:
    """One validated entry of a claims file."""
    name = entry.get("id", f"entry {number}")

    def demand(condition: bool, field: str, message: str) -> None:
        if not condition:
            raise ValueError(f"{path.name}, {name}, {field}: {message}")

    for field in _REQUIRED:
        demand(field in entry, field, "is missing")
    for field in entry:
        demand(field in _REQUIRED + _OPTIONAL, field, "is not a field of a claim")
    for field in ("id", "statement", "place", "rule", "finding"):
        value = entry.get(field)
        demand(
            field not in entry or (isinstance(value, str) and bool(value.strip())),
            field,
            "must be a text that is not empty",
        )
    for field, allowed in (("kind", KINDS), ("source", SOURCES), ("scale", SCALES)):
        demand(
            entry[field] in allowed, field, f"{entry[field]!r} is not one of {allowed}"
        )
    slug, _, short_name = entry["id"].rpartition("-")
    demand(
        slug == path.stem and bool(short_name),
        "id",
        f"must be {path.stem!r}, a hyphen and a short name",
    )
    figure, false_alarm = entry["figure"], entry["false_alarm"]
    demand(
        figure is None or isinstance(figure, str),
        "figure",
        "must be a text in quotes, or null",
    )
    demand(
        entry["source"] != "memory" or figure is None,
        "figure",
        "a figure from memory is not quoted",
    )
    is_number = isinstance(false_alarm, int | float) and not isinstance(
        false_alarm, bool
    )
    in_range = is_number and 0 <= false_alarm <= LARGEST_FALSE_ALARM
    demand(
        in_range, "false_alarm", f"must be a number between 0 and {LARGEST_FALSE_ALARM}"
    )
    reason = entry.get("scale_reason")
    if entry["scale"] == "beyond":
        demand(
            isinstance(reason, str) and bool(reason.strip()),
            "scale_reason",
            "is missing",
        )
        demand("finding" not in entry, "finding", "is not for claims beyond this scale")
    else:
        demand(reason is None, "scale_reason", "is only for claims beyond this scale")
    return Claim(**entry)


def check(
    id: str,
    measured: float | None,
    *,
    interval: tuple[float, float] | None = None,
    holds: bool | None,
    stand_in: str | None = None,
) -> Verdict:
    """Give the verdict on a claim and record it.

    Appends one JSON line to the file named by the environment variable ``SAMPLEBOOK_CLAIMS``, if set.

    Parameters
    ----------
    id : str
        A claim's id, such as ``"spectr-c1"``.
    measured : float or None
        What was measured; None only where the claim is beyond this scale.
    interval : (float, float), optional
        Lower and upper end of an interval around ``measured``.
    holds : bool or None
        Whether the claim's rule is met. Has no say, and may be None, where the claim is beyond this scale.
    stand_in : str, optional
        What was measured in place of the claim's subject, where that is missing or left out. The verdict is
        then ``"not-at-this-scale"``, whatever came out.

    Raises
    ------
    ValueError
        If the id is unknown, a number is not finite, the interval is upside down, or ``measured`` or
        ``holds`` is None for a claim that a laptop can check.
    """
    claim = load(id.rpartition("-")[0]).get(id)
    if claim is None:
        raise ValueError(f"id: {id!r} is not in the chapter's claims file")
    value, ends = _finite_value(measured), _finite_interval(interval)
    if claim.scale == "beyond" or stand_in is not None:
        word = "not-at-this-scale"
    elif holds is None or value is None:
        raise ValueError(
            f"measured, holds: {id} is checked at this scale, so neither may be None"
        )
    else:
        word = "holds" if bool(holds) else "fails"
    verdict = Verdict(claim, word, value, ends, stand_in)
    _record(verdict)
    return verdict


def _finite_value(measured: float | None) -> float | None:
    if measured is None:
        return None
    value = float(measured)
    if not math.isfinite(value):
        raise ValueError(f"measured: {value} is not finite")
    return value


def _finite_interval(
    interval: tuple[float, float] | None,
) -> tuple[float, float] | None:
    if interval is None:
        return None
    lower, upper = (float(end) for end in interval)
    if not (math.isfinite(lower) and math.isfinite(upper) and lower <= upper):
        raise ValueError(f"interval: ({lower}, {upper}) must be finite and in order")
    return lower, upper


def _record(verdict: Verdict) -> None:
    """Append the verdict as one JSON line to the file named by ``SAMPLEBOOK_CLAIMS``."""
    path = os.environ.get("SAMPLEBOOK_CLAIMS")
    if not path:
        return
    current = session.current()
    line: dict[str, Any] = {
        "id": verdict.claim.id,
        "verdict": verdict.verdict,
        "value": verdict.value,
        "interval": None if verdict.interval is None else list(verdict.interval),
        "seed": None if current is None else current.seed,
        "profile": None if current is None else current.profile,
        "seconds": None if current is None else round(current.seconds(), 3),
        "versions": _versions(),
        "device": None if current is None else current.device,
    }
    if verdict.stand_in is not None:
        line["stand_in"] = verdict.stand_in
    with open(path, "a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def _versions() -> dict[str, str]:
    """Versions of Python and of the numerical packages that are loaded."""
    found = {"python": platform.python_version()}
    for name in _VERSIONED:
        if name in sys.modules:
            try:
                found[name] = version(name)
            except PackageNotFoundError:
                found[name] = "unknown"
    return found
