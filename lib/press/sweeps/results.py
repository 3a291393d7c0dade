"""What sweeps measured, as one Parquet file a chapter: ``results/sweeps/<slug>.parquet``.

One row is one claim in one run. The file says which state of the chapter was run: the key of its notebook
without the cells that no sweep runs.
"""

import json
from collections import Counter
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from nbformat import NotebookNode

from press.book import Book, Chapter, write_bytes_atomically
from press.errors import PressError
from press.keys import (
    Key,
    code_digest,
    current_key,
    digest,
    file_digest,
    reasons_for_staleness,
)
from press.notebooks import code_cells, read_notebook, tags
from samplebook.claims import VERDICT_WORDS, read_claims

NOT_SWEPT = "not-in-sweep"
"""Tag of the cells that no sweep runs: times, figures, exercises."""
BOOTSTRAP = "bootstrap"
"""Tag of the cell that finds the library."""
DEFAULTS = "{}"
"""The parameters of a run that changes none but the seed; the sweep's own defaults are no change."""
UNDECIDED = "not-at-this-scale"
MACHINE_PARTS = ("interpreter", "distributions")
METADATA = b"samplebook"
REQUIRED = ("slug", "key", "versions")
ABOUT = (*REQUIRED, "defaults", "earlier", "confirmed_by")
"""What the metadata say of the runs."""
SCHEMA = pa.schema(
    [
        pa.field("claim", pa.string(), nullable=False),
        pa.field("seed", pa.int64(), nullable=False),
        pa.field("parameters", pa.string(), nullable=False),
        pa.field("verdict", pa.string(), nullable=False),
        pa.field("value", pa.float64()),
        pa.field("lower", pa.float64()),
        pa.field("upper", pa.float64()),
        pa.field("stand_in", pa.string()),
        pa.field("seconds", pa.float64(), nullable=False),
    ]
)


@dataclass(frozen=True)
class Row:
    """One claim in one run.

    Attributes
    ----------
    claim : str
        The claim's id.
    seed : int
    parameters : str
        The parameters besides the seed that differ from the defaults of a sweep, as JSON with sorted keys.
    verdict : str
        ``"holds"``, ``"fails"`` or ``"not-at-this-scale"``.
    value, lower, upper : float or None
        The measured value and its interval.
    stand_in : str or None
        What was measured in place of the claim's subject.
    seconds : float
        Time of the whole run.
    """

    claim: str
    seed: int
    parameters: str
    verdict: str
    value: float | None
    lower: float | None
    upper: float | None
    stand_in: str | None
    seconds: float


@dataclass(frozen=True)
class Sweep:
    """All runs of one chapter that are stored.

    Attributes
    ----------
    slug : str
        The chapter's.
    key : dict
        What the runs depended on (see :mod:`press.keys`), their seeds and parameters left out.
    versions : dict
        Versions of Python and of the numerical packages.
    rows : tuple of Row
    defaults : dict
        The parameters that every sweep of the chapter sets in place of those in its parameters cell.
    earlier : list of str
        Digests of the keys of earlier states with which rows were measured; the key is the state that
        confirmed them.
    confirmed_by : list of int
        The seeds that were run again with that state, and gave equal values.
    """

    slug: str
    key: Key
    versions: dict[str, str]
    rows: tuple[Row, ...]
    defaults: dict[str, Any] = field(default_factory=dict)
    earlier: list[str] = field(default_factory=list)
    confirmed_by: list[int] = field(default_factory=list)


def sweep_file(book: Book, chapter: Chapter) -> Path:
    return book.sweeps / f"{chapter.slug}.parquet"


def swept_notebook(notebook: NotebookNode) -> NotebookNode:
    """The code of a chapter that a sweep runs, its tags kept.

    Without text and captions, so that a better sentence does not make the runs old.
    """
    swept = deepcopy(notebook)
    swept.cells = [cell for cell in code_cells(swept) if NOT_SWEPT not in tags(cell)]
    for cell in swept.cells:
        cell.metadata = NotebookNode({"tags": tags(cell)})
    return swept


def decision_digest(path: Path) -> str:
    """Digest of what decides in a claims file: its claims, their kinds and their scales."""
    try:
        claims = read_claims(path).values()
    except (ValueError, OSError):
        return file_digest(path)
    decisive = [(claim.id, claim.kind, claim.scale) for claim in claims]
    return digest(json.dumps(decisive).encode())


def code_key(book: Book, chapter: Chapter, notebook: NotebookNode) -> Key:
    """The key of a run of a chapter with this notebook, its seed and parameters left out.

    Only what is run counts: not docstrings, the wording of claims, or the cell that finds the library.
    """
    swept = swept_notebook(notebook)
    swept.cells = [cell for cell in swept.cells if BOOTSTRAP not in tags(cell)]
    return current_key(book, chapter, swept, code_digest, decision_digest)


def sweep_key(book: Book, chapter: Chapter) -> Key:
    """The key of a run of the chapter as it is now."""
    return code_key(book, chapter, read_notebook(book.notebook(chapter)))


def changes_since(book: Book, chapter: Chapter, sweep: Sweep) -> list[str]:
    """What of the chapter, its library and its data changed since a sweep, in words.

    Another interpreter or another version of a package is no change of the chapter.
    """
    current = sweep_key(book, chapter)
    if sweep.key["digest"] == current["digest"]:
        return []
    machine = {part: sweep.key["parts"].get(part) for part in MACHINE_PARTS}
    current = current | {"parts": current["parts"] | machine}
    stored = {**sweep.key, "digest": None}
    if stored["parts"] == current["parts"]:
        return []
    return reasons_for_staleness(stored, current)


def write_sweep(path: Path, sweep: Sweep) -> None:
    """Write a chapter's runs, sorted: the same runs make the same file."""
    rows = sorted(sweep.rows, key=lambda row: (row.parameters, row.seed, row.claim))
    about = {name: getattr(sweep, name) for name in ABOUT}
    metadata = {METADATA: json.dumps(about, sort_keys=True).encode()}
    table = pa.Table.from_pylist(
        [asdict(row) for row in rows], schema=SCHEMA.with_metadata(metadata)
    )
    buffer = pa.BufferOutputStream()
    pq.write_table(table, buffer, compression="zstd")
    write_bytes_atomically(path, buffer.getvalue().to_pybytes())


def _content(path: Path) -> tuple[dict[str, Any], list[Row]]:
    """What a file says about its runs, and its rows.

    Raises
    ------
    ValueError
        If it is no file that :func:`write_sweep` writes.
    """
    table = pq.read_table(path)
    if not table.schema.equals(SCHEMA):
        raise ValueError(f"its columns are not those of a sweep: {table.schema.names}")
    about = json.loads((table.schema.metadata or {}).get(METADATA, b"{}"))
    if not set(REQUIRED) <= set(about) <= set(ABOUT):
        raise ValueError("it does not say what was run")
    rows = [Row(**row) for row in table.to_pylist()]
    unknown = {row.verdict for row in rows} - set(VERDICT_WORDS)
    if unknown:
        raise ValueError(f"it has unknown verdicts: {sorted(unknown)}")
    if any(row.value is None and row.verdict != UNDECIDED for row in rows):
        raise ValueError("a verdict has no value")
    times = Counter((row.claim, row.seed, row.parameters) for row in rows)
    if times and max(times.values()) > 1:
        raise ValueError("a claim stands there twice for one seed")
    return about, rows


def read_sweep(path: Path) -> Sweep:
    """The stored runs of a chapter.

    Raises
    ------
    PressError
        If the file is damaged or not of this form.
    """
    try:
        about, rows = _content(path)
    except (ValueError, OSError, pa.ArrowException) as error:
        raise PressError(
            f"{path.name} does not hold the results of a sweep: {error}\n"
            "Take it back with `git checkout`, or delete it and run `make sweep`."
        ) from error
    return Sweep(rows=tuple(rows), **about)
