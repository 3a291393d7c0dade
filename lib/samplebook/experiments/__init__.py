"""Large experiments, one module each, and the records of what they measured.

A module runs by itself, where nothing but PyTorch, NumPy and SciPy may be installed::

    python -m samplebook.experiments.spectr run --data text.npz --out record.json
    python -m samplebook.experiments.sensitivity run --out record.json
    python -m samplebook.experiments.nbpo run --data votes.npz --out record.json
    python -m samplebook.experiments.cet run --data passages.npz --out record.json

Its record goes to ``results/experiments/<slug>/<device>.json``, and ``make stamp`` copies it into the
library; ``make experiments`` does all of that. Notebooks read the records; importing this package needs the
standard library alone. A record holds checksums of the code that it measured. Where that has changed since,
the record says so wherever it is shown.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samplebook.experiments.measured_code import marked


@dataclass(frozen=True)
class Experiment:
    """A large experiment, ``samplebook.experiments.<slug>``.

    Attributes
    ----------
    slug : str
    reads_data : bool
        Whether it reads a file that its command ``prepare`` writes.
    shortest_session : float
        Seconds in which a session at full size gets something done.
    """

    slug: str
    reads_data: bool
    shortest_session: float


EXPERIMENTS = (
    Experiment("spectr", reads_data=True, shortest_session=300.0),
    Experiment("sensitivity", reads_data=False, shortest_session=60.0),
    Experiment("nbpo", reads_data=True, shortest_session=60.0),
    Experiment("cet", reads_data=True, shortest_session=60.0),
)
"""All of them, the one with the longest part first."""

RECORDS = Path(__file__).parent / "recorded"
"""Where the library keeps its copies of the records, ``<slug>/<device>.json``."""


def records(slug: str) -> list[dict[str, Any]]:
    """The records of an experiment, by file name; none if it has not been run yet.

    The name of the device, ``provenance.device``, says it if the record's code has changed since.

    Parameters
    ----------
    slug : str
        The experiment's name, such as ``"spectr"`` or ``"nbpo"``.

    Raises
    ------
    ValueError
        If a file is not a record.
    """
    return [
        marked(read_record(file)) for file in sorted((RECORDS / slug).glob("*.json"))
    ]


def read_record(file: Path) -> dict[str, Any]:
    """A record as it was written.

    Raises
    ------
    ValueError
        If the file is not a record.
    """
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
        if isinstance(record["provenance"]["device"], str):
            return record
    except (ValueError, KeyError, TypeError):
        pass
    raise ValueError(f"{file}: not the record of an experiment")


def verdict_columns(records: list[dict[str, Any]]) -> dict[str, list[str]]:
    """What SpecTr's records say of the paper's figures, as the columns of a table, one row a verdict.

    Parameters
    ----------
    records : list of dict
        As :func:`records` gives them.
    """
    columns: dict[str, list[str]] = {
        name: []
        for name in ("device", "figure", "decoder", "paper", "measured", "reached")
    }
    for record in records:
        for verdict in record["verdicts"]:
            cell, interval = verdict["cell"], verdict["interval"]
            ends = f" [{interval[0]:.2f}, {interval[1]:.2f}]" if interval else ""
            setting = (
                f"{cell['method']}, K = {cell['num_drafts']}, "
                f"L = {cell['draft_length']}, batch {cell['batch']}"
            )
            columns["device"].append(record["provenance"]["device"])
            columns["figure"].append(verdict["figure"].replace("_", " "))
            columns["decoder"].append(f"{verdict['cell_is']}: {setting}")
            columns["paper"].append(f"{verdict['goal']:.2f}")
            columns["measured"].append(f"{verdict['measured']:.2f}{ends}")
            reached = {True: "yes", False: "no", None: "within the interval"}
            columns["reached"].append(reached[verdict["met"]])
    return columns
