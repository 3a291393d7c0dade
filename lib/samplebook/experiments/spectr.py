"""SpecTr's speed on one GPU: a deep target and a shallow draft, many drafts against one and against none.

Where the data packages and the library ``tokenizers`` are::

    python -m samplebook.experiments.spectr prepare --data text.npz

Where the GPU is (PyTorch, NumPy and SciPy suffice; 80 GB, nine minutes)::

    python -m samplebook.experiments.spectr run --data text.npz --out record.json

``--size toy`` runs to the end on any CPU in seconds. A run trains the target on the text, lets it write,
distils the draft from it, and then times all decoders on prompts from held-out text, in passes: each pass
gives every decoder the same new prompts. It ends within ``--budget-seconds``: the last passes are dropped
first, then the cells of least importance, and the record says which.

The decoders emit the law of the target's pass over the draft tree. In bfloat16 a pass over one token at a
time rounds differently, so the two laws agree to that rounding only.

The record, one JSON object:

``what``, ``finished``, ``seed``, ``size``, ``budget_seconds``
    The experiment, the date, and what was asked for.
``provenance``
    Device, versions, samplebook's version, a checksum of the source, the data's ``about``.
``models``
    For target and draft: sizes, parameters, the training curve as [step, held-out loss in nats a token] (of
    the draft: divergence from the target), steps, seconds.
``seconds``
    What each phase took.
``latency``
    Seconds a token of plain decoding for both models and their ratio, by batch.
``acceptance``
    By number of drafts k, for each method and for the optimum: the mean exact acceptance probability at the
    same positions of text that the target wrote, with a 95 % interval.
``baselines``
    Plain decoding of the target by batch: tokens a second, mode (CUDA graphs or eager, and why).
``cells``
    One for each batch, method, K and L. ``tokens_per_second``; ``speed_up`` over plain decoding and
    ``over_single`` (over one draft of the same L), means over passes with 95 % intervals (null for one pass);
    ``block_efficiency`` with interval; ``acceptance``, the share of tested positions at which a draft was
    emitted; ``parts``, seconds of a step's three parts, each waited for; ``passes``; ``mode``.
``not_measured``
    Cells, and plain decoding of a batch, without a number, and why.
``verdicts``
    The paper's two figures beside the fastest cell's and beside the cell of the paper's K = L = 8. ``met`` is
    true if the interval lies above the figure, false if below, null if it holds the figure. (The largest of
    many noisy means is a little too large.)
"""

import datetime
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from samplebook.drafts import acceptance_rate
from samplebook.experiments import distilled_pair, graphed_decoding
from samplebook.experiments.clock import Clock
from samplebook.experiments.command_line import (
    add_run_options,
    check_device,
    experiment_parser,
    write_record,
)
from samplebook.experiments.decoder_transformer import DecoderTransformer
from samplebook.experiments.distilled_pair import random_windows, spread_windows
from samplebook.experiments.graphed_decoding import (
    AutoregressiveDecoder,
    SpeculativeDecoder,
    plain_decoder,
    timed_parts,
    timed_steps,
    with_graphs,
)
from samplebook.experiments.intervals import with_interval
from samplebook.experiments.spectr_record import (
    Timing,
    cell_record,
    described,
    log_of,
    text_provenance,
    verdicts,
)
from samplebook.experiments.spectr_sizes import (
    MULTIPLE,
    SCALES,
    Cell,
    Scale,
    all_cells,
)
from samplebook.experiments.tokenised_text import TokenisedText, load, prepare

VOCABULARY = 8192


@dataclass
class Run:
    """What all phases share: sizes, data on the device, generators and the clock."""

    scale: Scale
    text: TokenisedText
    device: torch.device
    seed: int
    clock: Clock
    training: Tensor = field(init=False)
    held_out: Tensor = field(init=False)
    generator: torch.Generator = field(init=False)

    def __post_init__(self) -> None:
        self.generator = torch.Generator().manual_seed(self.seed)
        for name in ("training", "held_out"):
            tokens = torch.from_numpy(getattr(self.text, name).astype(np.int32))
            setattr(self, name, tokens.to(self.device))

    def prompts(self, number: int, source: Tensor) -> Tensor:
        """Random windows (number, prompt) of a text."""
        return random_windows(source, number, self.scale.prompt, self.generator)


def trained_target(run: Run) -> tuple[DecoderTransformer, dict[str, Any]]:
    """The target, trained on the text, ready to decode."""
    scale, name = run.scale, "target"
    size = scale.shape(name, run.text.vocabulary)
    model = distilled_pair.fresh_model(size, run.device, run.generator)
    log = distilled_pair.fit(
        model,
        lambda windows: distilled_pair.next_token_loss(model, windows),
        lambda: random_windows(
            run.training, scale.batch[name], scale.context, run.generator
        ),
        spread_windows(run.held_out, 128, scale.context),
        peak_rate=scale.peak_rate[name],
        steps=scale.steps[name],
        seconds=run.clock.until(scale.target_ends),
    )
    return distilled_pair.for_decoding(model), log_of(
        model, log, "held_out_nats_per_token"
    )


def distilled_draft(
    run: Run, target: DecoderTransformer, written: Tensor
) -> tuple[DecoderTransformer, dict[str, Any]]:
    """The draft, distilled on training text and on what the target wrote, half and half."""
    scale, name = run.scale, "draft"
    size = scale.shape(name, run.text.vocabulary)
    model = distilled_pair.fresh_model(size, run.device, run.generator)
    half = scale.batch[name] // 2

    def batch() -> Tensor:
        rows = torch.randint(len(written), (half,), generator=run.generator)
        own = written[rows.to(run.device)]
        given = random_windows(run.training, half, scale.context, run.generator)
        return torch.cat([given, own])

    log = distilled_pair.fit(
        model,
        lambda windows: distilled_pair.divergence(target, model, windows),
        batch,
        spread_windows(run.held_out, 64, scale.context),
        peak_rate=scale.peak_rate[name],
        steps=scale.steps[name],
        seconds=run.clock.until(scale.draft_ends),
    )
    return distilled_pair.for_decoding(model), log_of(
        model, log, "held_out_divergence_nats"
    )


def latencies(
    run: Run, models: dict[str, DecoderTransformer]
) -> dict[str, dict[str, float]]:
    """Seconds a token of plain decoding by each model, and their ratio, for each batch."""
    found = {}
    steps = run.scale.context - run.scale.prompt
    for batch in run.scale.batches:
        prompts = run.prompts(batch, run.held_out)
        seconds = {}
        for name, model in models.items():
            decoder = plain_decoder(model, prompts, run.seed)
            timed_steps(decoder, prompts, steps)
            times = [timed_steps(decoder, prompts, steps) / steps for _ in range(3)]
            seconds[name] = float(np.median(times))
        ratio = seconds["target"] / seconds["draft"]
        found[str(batch)] = {**seconds, "ratio": round(ratio, 2)}
    return found


@torch.no_grad()
def acceptances(
    run: Run, models: dict[str, DecoderTransformer]
) -> dict[str, dict[str, Any]]:
    """Exact acceptance probabilities at positions of text that the target wrote, by k and method."""
    scale = run.scale
    texts = distilled_pair.written_texts(
        models["target"],
        lambda: run.prompts(scale.acceptance_texts, run.held_out),
        rounds=1,
        seconds=0.0,
        seed=run.seed,
    )
    each = max(1, scale.acceptance_positions // len(texts))
    places = torch.linspace(scale.prompt, scale.context - 1, each).long()
    laws = {
        name: model(texts)[:, places.to(run.device)].double().softmax(-1).flatten(0, 1)
        for name, model in models.items()
    }
    found: dict[str, dict[str, Any]] = {}
    for count in scale.counts:
        methods = (*MULTIPLE, "optimal") if count > 1 else ("single", "optimal")
        found[str(count)] = {}
        for method in methods:
            values = acceptance_rate(
                laws["target"], laws["draft"], count, method=method
            )
            of_texts = values.view(len(texts), -1).mean(1).cpu().numpy()
            found[str(count)][method] = with_interval(of_texts)
    return found


def new_timing(
    run: Run, models: dict[str, DecoderTransformer], key: Cell | int, prompts: Tensor
) -> Timing:
    """A decoder for a cell, or for plain decoding of a batch of that size, warmed up."""
    room = run.scale.context - run.scale.prompt

    def make(rng: torch.Generator) -> graphed_decoding.Decoder:
        if isinstance(key, int):
            return AutoregressiveDecoder(models["target"], batch=key, rng=rng)
        return SpeculativeDecoder(
            models["target"], models["draft"], rng=rng, **asdict(key)
        )

    decoder, mode = with_graphs(make, prompts, run.seed)
    steps = room if isinstance(key, int) else room // (key.draft_length + 1)
    timed_steps(decoder, prompts, 2)
    return Timing(decoder, mode, steps, timed_parts(decoder, prompts, min(4, steps)))


def measured(
    run: Run, models: dict[str, DecoderTransformer]
) -> tuple[dict[Cell | int, Timing], dict[Cell | int, str]]:
    """Timings of all cells and of plain decoding (by batch size), and why one is missing.

    What fails is left out, so that one failure does not cost the others' numbers.
    """
    timings: dict[Cell | int, Timing] = {}
    failed: dict[Cell | int, str] = {}
    queue: list[Cell | int] = [*run.scale.batches, *all_cells(run.scale)]
    for number in range(run.scale.passes):
        prompts = run.prompts(max(run.scale.batches), run.held_out)
        for key in queue:
            if run.clock.is_over:
                break
            few = prompts[: key if isinstance(key, int) else key.batch]
            try:
                if number == 0:
                    timings[key] = new_timing(run, models, key, few)
                if key in timings and len(timings[key].rates) == number:
                    timings[key].run_pass(few)
            except RuntimeError as error:
                failed[key] = str(error).splitlines()[0]
    measured_keys = [key for key in queue if key in timings and timings[key].rates]
    late = "the budget was used up"
    missing = {key: failed.get(key, late) for key in queue if key not in measured_keys}
    return {key: timings[key] for key in measured_keys}, missing


def run_experiment(
    text: TokenisedText, *, size: str, seed: int, budget_seconds: float
) -> dict[str, Any]:
    """Train, distil, measure; gives the record that the module's docstring describes.

    Parameters
    ----------
    text : TokenisedText
    size : str
        ``"large"`` (needs a GPU) or ``"toy"``.
    seed : int
    budget_seconds : float
        The run ends within it.
    """
    clock = Clock(budget_seconds)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if (
        device.type == "cuda"
    ):  # this backend plans a kernel for every new shape, which takes long
        torch.backends.cuda.enable_cudnn_sdp(False)
    run = Run(SCALES[size], text, device, seed, clock)
    scale = run.scale
    with clock.phase("train the target"):
        target, target_log = trained_target(run)
    with clock.phase("let the target write"):
        written = distilled_pair.written_texts(
            target,
            lambda: run.prompts(scale.written_batch, run.training),
            rounds=scale.written_rounds,
            seconds=clock.until(scale.writing_ends),
            seed=seed,
        )
    with clock.phase("distil the draft"):
        draft, draft_log = distilled_draft(run, target, written)
    models = {"target": target, "draft": draft}
    with clock.phase("latency"):
        latency = latencies(run, models)
    with clock.phase("acceptance"):
        acceptance = acceptances(run, models)
    with clock.phase("decoding"):
        timings, missing = measured(run, models)
    cells = [cell_record(cell, timings) for cell in all_cells(scale) if cell in timings]
    return {
        "what": "spectr",
        "finished": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "seed": seed,
        "size": size,
        "budget_seconds": budget_seconds,
        "provenance": text_provenance(device, text),
        "models": {"target": target_log, "draft": draft_log},
        "written_tokens": written[:, scale.prompt :].numel(),
        "seconds": clock.phases,
        "latency": latency,
        "acceptance": acceptance,
        "baselines": {
            str(batch): {
                "tokens_per_second": with_interval(timings[batch].rates, 1),
                "mode": timings[batch].mode,
            }
            for batch in scale.batches
            if batch in timings
        },
        "cells": cells,
        "not_measured": [
            {**described(key), "reason": reason} for key, reason in missing.items()
        ],
        "verdicts": verdicts(cells),
    }


def main(arguments: list[str] | None = None) -> None:
    parser = experiment_parser("spectr", __doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    preparing = commands.add_parser("prepare", help="write the tokens of real text")
    preparing.add_argument("--data", type=Path, required=True)
    preparing.add_argument("--vocabulary", type=int, default=VOCABULARY)
    running = commands.add_parser("run", help="train, measure, write the record")
    running.add_argument("--data", type=Path, required=True)
    add_run_options(running, SCALES, "large")
    chosen = parser.parse_args(arguments)
    if chosen.command == "prepare":
        print(json.dumps(prepare(chosen.data, chosen.vocabulary), indent=1))
        return
    check_device(parser, chosen.size, largest="large", smallest="toy")
    record = run_experiment(
        load(chosen.data),
        size=chosen.size,
        seed=chosen.seed,
        budget_seconds=chosen.budget_seconds,
    )
    write_record(record, chosen.out)


if __name__ == "__main__":
    main()
