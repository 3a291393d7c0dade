"""The command line that all experiments share, how a run begins, and how a record is written."""

import argparse
import datetime
import json
import math
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from samplebook.experiments.clock import Clock, Sections
from samplebook.experiments.kept_parts import KeptParts
from samplebook.experiments.provenance import digest, provenance


def experiment_parser(name: str, description: str | None) -> argparse.ArgumentParser:
    """The parser of ``python -m samplebook.experiments.<name>``, whose help is the module's docstring."""
    return argparse.ArgumentParser(
        prog=f"python -m samplebook.experiments.{name}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def add_run_options(
    parser: argparse.ArgumentParser, sizes: Iterable[str], largest: str
) -> None:
    """Where the record goes, the size of the run, its seed and its time, and where its parts are kept."""
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--size", choices=sorted(sizes), default=largest)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--budget-seconds", type=float, default=540.0)
    parser.add_argument(
        "--parts", type=Path, help="folder that keeps what is measured for a later run"
    )
    parser.add_argument(
        "--session-seconds",
        type=float,
        default=math.inf,
        help="begin nothing more after this time; with --parts a later run goes on",
    )


def check_device(
    parser: argparse.ArgumentParser, size: str, *, largest: str, smallest: str
) -> None:
    """End the program if the largest size is asked for where there is no CUDA device."""
    if size == largest and not torch.cuda.is_available():
        parser.error(
            f"--size {largest} needs a CUDA device; --size {smallest} runs on a CPU"
        )


@dataclass(frozen=True)
class Asked:
    """What a run was asked for.

    Attributes
    ----------
    size : str
        One of the experiment's sizes.
    seed : int
        Not negative.
    budget_seconds : float
        What is not begun in this time, over all sessions, is left out.
    session_seconds : float
        What is not begun in this time is left to the next session.
    parts : Path, optional
        Where a later session finds what was measured.
    """

    size: str
    seed: int
    budget_seconds: float
    session_seconds: float = math.inf
    parts: Path | None = None

    @classmethod
    def of(cls, chosen: argparse.Namespace) -> "Asked":
        """The options of :func:`add_run_options`."""
        return cls(
            chosen.size,
            chosen.seed,
            chosen.budget_seconds,
            chosen.session_seconds,
            chosen.parts,
        )


class Run:
    """One session of an experiment: its device, its clock, the attempts at its parts.

    Parameters
    ----------
    slug : str
    asked : Asked
    data : dict, optional
        The ``about`` of the file that the experiment reads.
    """

    def __init__(self, slug: str, asked: Asked, data: dict[str, Any] | None = None):
        self.slug, self.asked = slug, asked
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.provenance = {**provenance(self.device, slug), "data": data}
        self.clock = Clock(asked.budget_seconds, asked.session_seconds)
        conditions = {
            "size": asked.size,
            "seed": asked.seed,
            "provenance": digest(self.provenance),
        }
        self.parts = KeptParts(asked.parts, conditions)
        self.sections = Sections(self.clock, self.parts)

    def record(self, *others: Sections, **measured: Any) -> dict[str, Any]:
        """The record: what was asked for, where it was run, what was measured, and what is missing.

        Parameters
        ----------
        *others : Sections
            Further attempts, made before ``sections``.
        **measured
            The experiment's own entries, and others in the place of these.
        """
        of_all = (*others, self.sections)
        return {
            "what": self.slug,
            "finished": datetime.datetime.now(datetime.UTC).isoformat(
                timespec="seconds"
            ),
            "complete": all(sections.is_complete for sections in of_all),
            "seed": self.asked.seed,
            "size": self.asked.size,
            "budget_seconds": self.asked.budget_seconds,
            "provenance": self.provenance,
            "seconds": self.clock.phases,
            "not_measured": [part for sections in of_all for part in sections.missing],
            **measured,
        }


def write_record(record: dict[str, Any], out: Path) -> None:
    """Write a record as JSON in one step, and say what another run would add; a NaN in it is an error."""
    text = json.dumps(record, indent=1, allow_nan=False)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=out.parent, prefix=".tmp-", delete=False
    ) as temporary:
        temporary.write(text + "\n")
    Path(temporary.name).chmod(0o644)
    Path(temporary.name).replace(out)
    print(f"wrote {out}")
