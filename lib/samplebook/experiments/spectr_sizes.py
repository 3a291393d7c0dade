"""How large the SpecTr experiment is, and which decoders it times."""

from dataclasses import dataclass

from samplebook.data.character_transformer import TransformerSize

MULTIPLE = ("kseq", "rrs", "greedy", "naive")
"""Methods for several drafts, the more important ones first."""


@dataclass(frozen=True)
class Scale:
    """How large a run is.

    Attributes
    ----------
    layers, heads, width, peak_rate, steps, batch : dict
        Of ``"target"`` and ``"draft"``: the model's sizes, the largest learning rate, and how many steps of
        how many windows it trains at most.
    context, prompt : int
        Tokens of a text, at most, and of its beginning that is given.
    written_batch, written_rounds : int
        Texts that the target writes at a time for the draft, and how many times at most.
    counts, lengths, batches : tuple of int
        K, L and the batch sizes that are timed.
    passes : int
        How often each decoder is timed at most.
    acceptance_texts, acceptance_positions : int
        Texts, and positions in all of them, at which acceptance is computed.
    target_ends, writing_ends, draft_ends : float
        Shares of the budget, from the run's start, at which these phases end at the latest.
    """

    layers: dict[str, int]
    heads: dict[str, int]
    width: dict[str, int]
    peak_rate: dict[str, float]
    steps: dict[str, int]
    batch: dict[str, int]
    context: int
    prompt: int
    written_batch: int
    written_rounds: int
    counts: tuple[int, ...]
    lengths: tuple[int, ...]
    batches: tuple[int, ...]
    passes: int
    acceptance_texts: int
    acceptance_positions: int
    target_ends: float = 0.42
    writing_ends: float = 0.48
    draft_ends: float = 0.62

    def shape(self, name: str, vocabulary: int) -> TransformerSize:
        """Size of the target or the draft."""
        return TransformerSize(
            vocabulary=vocabulary,
            context=self.context,
            layers=self.layers[name],
            heads=self.heads[name],
            width=self.width[name],
        )


SCALES = {
    "large": Scale(
        layers={"target": 96, "draft": 2},
        heads={"target": 6, "draft": 8},
        width={"target": 384, "draft": 512},
        peak_rate={"target": 6e-4, "draft": 1.5e-3},
        steps={"target": 900, "draft": 6000},
        batch={"target": 64, "draft": 32},
        context=256,
        prompt=64,
        written_batch=256,
        written_rounds=24,
        counts=(1, 2, 4, 8),
        lengths=(4, 8),
        batches=(1, 8),
        passes=24,
        acceptance_texts=32,
        acceptance_positions=1024,
    ),
    "toy": Scale(
        layers={"target": 3, "draft": 1},
        heads={"target": 2, "draft": 2},
        width={"target": 16, "draft": 16},
        peak_rate={"target": 1e-2, "draft": 1e-2},
        steps={"target": 30, "draft": 30},
        batch={"target": 8, "draft": 8},
        context=40,
        prompt=8,
        written_batch=8,
        written_rounds=2,
        counts=(1, 2, 4),
        lengths=(2, 3),
        batches=(1, 2),
        passes=2,
        acceptance_texts=4,
        acceptance_positions=32,
    ),
}


@dataclass(frozen=True)
class Cell:
    """One decoder to be timed."""

    batch: int
    method: str
    num_drafts: int
    draft_length: int

    @property
    def importance(self) -> tuple[bool, bool, int, int, int]:
        """Sorts cells, the most important first: one draft and the most drafts, then the rest, naive last."""
        rank = MULTIPLE.index(self.method) if self.method in MULTIPLE else -1
        extreme = self.num_drafts in (1, 8)
        return (
            self.method == "naive",
            not extreme,
            rank,
            self.batch,
            self.draft_length,
        )


def all_cells(scale: Scale) -> list[Cell]:
    """Every cell of a scale, the most important first."""
    cells = [
        Cell(batch, method, count, length)
        for batch in scale.batches
        for count in scale.counts
        for length in scale.lengths
        for method in (MULTIPLE if count > 1 else ("single",))
    ]
    return sorted(cells, key=lambda cell: cell.importance)
