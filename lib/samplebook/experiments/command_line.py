"""The command line that all experiments share, and how a record is written."""

import argparse
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch


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
    """Where the record goes, the size of the run, its seed and its time."""
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--size", choices=sorted(sizes), default=largest)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--budget-seconds", type=float, default=540.0)


def check_device(
    parser: argparse.ArgumentParser, size: str, *, largest: str, smallest: str
) -> None:
    """End the program if the largest size is asked for where there is no CUDA device."""
    if size == largest and not torch.cuda.is_available():
        parser.error(
            f"--size {largest} needs a CUDA device; --size {smallest} runs on a CPU"
        )


def write_record(record: dict[str, Any], out: Path) -> None:
    """Write a record as JSON; a NaN in it is an error."""
    text = json.dumps(record, indent=1, allow_nan=False)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text + "\n", encoding="utf-8")
    print(f"wrote {out}")
