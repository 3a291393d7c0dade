"""Large experiments, one module each, and the records of what they measured.

A module runs by itself, where nothing but PyTorch, NumPy and SciPy may be installed::

    python -m samplebook.experiments.spectr run --data text.npz --out record.json
    python -m samplebook.experiments.sensitivity run --out record.json
    python -m samplebook.experiments.nbpo run --data votes.npz --out record.json
    python -m samplebook.experiments.cet run --data passages.npz --out record.json

Its record goes to ``results/experiments/<slug>/<device>.json``, and ``make stamp`` copies it into the
library. Notebooks read the records; importing this package needs the standard library alone.
"""

import json
from pathlib import Path
from typing import Any

RECORDS = Path(__file__).parent / "recorded"
"""Where the library keeps its copies of the records, ``<slug>/<device>.json``."""


def records(slug: str) -> list[dict[str, Any]]:
    """The records of an experiment, by file name; none if it has not been run yet.

    Parameters
    ----------
    slug : str
        The experiment's name, such as ``"spectr"`` or ``"nbpo"``.
    """
    files = sorted((RECORDS / slug).glob("*.json"))
    return [json.loads(file.read_text(encoding="utf-8")) for file in files]


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
