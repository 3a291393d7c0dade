"""What the record of the SpecTr experiment says of models, decoders and the paper's figures."""

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from samplebook.experiments.decoder_transformer import DecoderTransformer
from samplebook.experiments.distilled_pair import TrainingLog
from samplebook.experiments.intervals import with_interval
from samplebook.experiments.spectr_sizes import Cell

PAPER = {"speed_up": 2.13, "over_single": 1.37}
"""The abstract's figures: over plain decoding, and over one draft."""
PAPER_SETTING = {"method": "kseq", "num_drafts": 8, "draft_length": 8}


def log_of(
    model: DecoderTransformer, log: TrainingLog, held_out: str
) -> dict[str, Any]:
    """What the record says of a model."""
    return {
        "size": asdict(model.size),
        "parameters": sum(weight.numel() for weight in model.parameters()),
        held_out: round(log.best, 4),
        "curve": [[step, round(loss, 4)] for step, loss in log.curve],
        "steps": log.steps,
        "seconds": round(log.seconds, 1),
    }


@dataclass
class Timing:
    """What the passes of one decoder gave.

    Attributes
    ----------
    mode : CUDA graphs or eager, and why
    parts : seconds of each part of a step
    rates : tokens a second, all texts together, by pass
    histograms : int64 array (batch, L + 2) by pass, of a speculative decoder
    """

    mode: str = ""
    parts: dict[str, float] = field(default_factory=dict)
    rates: list[float] = field(default_factory=list)
    histograms: list[Any] = field(default_factory=list)

    def add(self, found: dict[str, Any]) -> None:
        """Note a pass: its ``rate`` and ``histogram``, and the ``mode`` and ``parts`` of the first one."""
        self.mode = self.mode or found["mode"]
        self.parts = self.parts or found["parts"]
        self.rates.append(found["rate"])
        if "histogram" in found:
            self.histograms.append(found["histogram"].numpy())


def described(key: Cell | int) -> dict[str, Any]:
    """A cell's settings, or those of plain decoding of a batch of that size."""
    if isinstance(key, int):
        return {"batch": key, "method": "plain decoding"}
    return asdict(key)


def ratio_of(timing: Timing, other: Timing | None) -> dict[str, Any] | None:
    """Mean ratio of two decoders' rates over the passes that both have, with interval."""
    if other is None:
        return None
    return with_interval(
        [a / b for a, b in zip(timing.rates, other.rates, strict=False)]
    )


def block_figures(histograms: list[Any]) -> dict[str, Any]:
    """Block efficiency with interval over texts, and the share of tested positions with an emitted draft."""
    counts = np.concatenate(histograms)
    emitted = np.arange(counts.shape[1])
    longest = counts.shape[1] - 2
    efficiency = (counts * emitted).sum(1) / counts.sum(1)
    accepted = (counts * (emitted - 1)).sum()
    tested = (counts * np.minimum(emitted, longest)).sum()
    return {
        "block_efficiency": with_interval(efficiency),
        "acceptance": round(float(accepted / tested), 4),
    }


def cell_record(cell: Cell, timings: dict[Cell | int, Timing]) -> dict[str, Any]:
    """What the record says of a cell."""
    timing = timings[cell]
    single = Cell(cell.batch, "single", 1, cell.draft_length)
    return {
        **asdict(cell),
        "tokens_per_second": with_interval(timing.rates, 1),
        "speed_up": ratio_of(timing, timings.get(cell.batch)),
        "over_single": ratio_of(timing, timings.get(single)),
        **block_figures(timing.histograms),
        "parts": {name: float(f"{time:.3g}") for name, time in timing.parts.items()},
        "passes": len(timing.rates),
        "mode": timing.mode,
    }


def verdict(figure: str, kind: str, cell: dict[str, Any]) -> dict[str, Any]:
    """The paper's figure beside a cell's."""
    goal, found = PAPER[figure], cell[figure]
    met = None
    if found["interval"]:
        low, high = found["interval"]
        met = True if low > goal else False if high < goal else None
    setting = ("batch", "method", "num_drafts", "draft_length")
    return {
        "figure": figure,
        "goal": goal,
        "cell_is": kind,
        "cell": {name: cell[name] for name in setting},
        "measured": found["mean"],
        "interval": found["interval"],
        "met": met,
    }


def verdicts(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Both figures for the fastest cell of several drafts and for the paper's own setting, by batch."""
    found = []
    for figure in PAPER:
        for batch in sorted({cell["batch"] for cell in cells}):
            several = [
                cell
                for cell in cells
                if cell["batch"] == batch and cell["num_drafts"] > 1 and cell[figure]
            ]
            if not several:
                continue
            best = max(several, key=lambda cell: cell[figure]["mean"])
            found.append(verdict(figure, "the fastest", best))
            found += [
                verdict(figure, "the paper's K and L", cell)
                for cell in several
                if PAPER_SETTING.items() <= cell.items()
            ]
    return found
