"""SpecTr's speed on one GPU: a deep target and a shallow draft, many drafts against one and against none.

Where the data packages and the library ``tokenizers`` are::

    python -m samplebook.experiments.spectr prepare --data text.npz

Where the GPU is (PyTorch, NumPy and SciPy suffice; 80 GB, nine minutes)::

    python -m samplebook.experiments.spectr run --data text.npz --out record.json

``--size toy`` runs to the end on any CPU in seconds. A run trains the target on the text, lets it write,
distils the draft from it, and then times all decoders on prompts from held-out text, in passes: each pass
gives every decoder the same new prompts. It ends within ``--budget-seconds``: the last passes are dropped
first, then the cells of least importance, and the record says which. With ``--parts FOLDER`` what is
measured, and the two models, are kept there, and the same command goes on where a run was ended, by
``--session-seconds`` or otherwise. A session with too little time to train the target does not begin it.

The decoders emit the law of the target's pass over the draft tree. In bfloat16 a pass over one token at a
time rounds differently, so the two laws agree to that rounding only.

The record, one JSON object:

``what``, ``finished``, ``complete``, ``seed``, ``size``, ``budget_seconds``
    The experiment, the date, whether another session would add nothing, and what was asked for.
``provenance``
    Device, versions, samplebook's version, checksums of the source: of each module and of all; the arithmetic
    and the data's ``about``.
``models``
    For target and draft: sizes, parameters, the training curve as [step, held-out loss in nats a token] (of
    the draft: divergence from the target), steps, seconds.
``seconds``
    What each phase took, in all sessions.
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
    Cells, and plain decoding of a batch, without a number, other parts by ``name``, and why.
``verdicts``
    The paper's two figures beside the fastest cell's and beside the cell of the paper's K = L = 8. ``met`` is
    true if the interval lies above the figure, false if below, null if it holds the figure. (The largest of
    many noisy means is a little too large.)
"""

import json
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from samplebook.drafts import acceptance_rate
from samplebook.experiments import distilled_pair, graphed_decoding
from samplebook.experiments.clock import Sections
from samplebook.experiments.command_line import (
    Asked,
    Run,
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
from samplebook.experiments.random_streams import stream
from samplebook.experiments.spectr_record import (
    Timing,
    cell_record,
    described,
    log_of,
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


Models = dict[str, DecoderTransformer]


@dataclass
class Bench:
    """What all phases share: sizes, data on the device, and the session."""

    scale: Scale
    text: TokenisedText
    run: Run
    training: Tensor = field(init=False)
    held_out: Tensor = field(init=False)

    def __post_init__(self) -> None:
        for name in ("training", "held_out"):
            tokens = torch.from_numpy(getattr(self.text, name).astype(np.int32))
            setattr(self, name, tokens.to(self.run.device))

    @property
    def seed(self) -> int:
        return self.run.asked.seed

    def stream(self, name: str) -> torch.Generator:
        """The random numbers of a phase, on the CPU."""
        return stream(self.seed, name)

    def prompts(self, number: int, source: Tensor, rng: torch.Generator) -> Tensor:
        """Random windows (number, prompt) of a text."""
        return random_windows(source, number, self.scale.prompt, rng)

    def kept_model(self, model: DecoderTransformer, log: dict[str, Any]) -> Any:
        """A trained model as a part that is kept: the weights that decode, and the log."""
        return {
            "weights": distilled_pair.for_decoding(model).state_dict(),
            "log": log,
        }

    def model_of(self, name: str, kept: dict[str, Any]) -> DecoderTransformer:
        """The model that :meth:`kept_model` kept, ready to decode."""
        model = DecoderTransformer(self.scale.shape(name, self.text.vocabulary))
        model = distilled_pair.for_decoding(model.to(self.run.device))
        model.load_state_dict(kept["weights"])
        return model


def trained_target(bench: Bench) -> dict[str, Any]:
    """The target, trained on the text, as a part that is kept."""
    scale, name, rng = bench.scale, "target", bench.stream("target")
    size = scale.shape(name, bench.text.vocabulary)
    model = distilled_pair.fresh_model(size, bench.run.device, rng)
    log = distilled_pair.fit(
        model,
        lambda windows: distilled_pair.next_token_loss(model, windows),
        lambda: random_windows(bench.training, scale.batch[name], scale.context, rng),
        spread_windows(bench.held_out, 128, scale.context),
        peak_rate=scale.peak_rate[name],
        steps=scale.steps[name],
        seconds=bench.run.clock.until(scale.target_ends),
    )
    return bench.kept_model(model, log_of(model, log, "held_out_nats_per_token"))


def texts_of(bench: Bench, target: DecoderTransformer) -> Tensor:
    """Texts (n, context) that the target writes for the draft."""
    scale, rng = bench.scale, bench.stream("texts")
    return distilled_pair.written_texts(
        target,
        lambda: bench.prompts(scale.written_batch, bench.training, rng),
        rounds=scale.written_rounds,
        seconds=bench.run.clock.until(scale.writing_ends),
        seed=bench.seed,
    )


def distilled_draft(
    bench: Bench, target: DecoderTransformer, written: Tensor
) -> dict[str, Any]:
    """The draft, distilled on training text and on what the target wrote, half and half; a part, too."""
    scale, name, rng = bench.scale, "draft", bench.stream("draft")
    size = scale.shape(name, bench.text.vocabulary)
    model = distilled_pair.fresh_model(size, bench.run.device, rng)
    half = scale.batch[name] // 2

    def batch() -> Tensor:
        rows = torch.randint(len(written), (half,), generator=rng)
        own = written[rows.to(written.device)].to(bench.run.device)
        given = random_windows(bench.training, half, scale.context, rng)
        return torch.cat([given, own])

    log = distilled_pair.fit(
        model,
        lambda windows: distilled_pair.divergence(target, model, windows),
        batch,
        spread_windows(bench.held_out, 64, scale.context),
        peak_rate=scale.peak_rate[name],
        steps=scale.steps[name],
        seconds=bench.run.clock.until(scale.draft_ends),
    )
    return bench.kept_model(model, log_of(model, log, "held_out_divergence_nats"))


@dataclass
class Pair:
    """Both models as far as they could be trained, what is said of them, and how much the target wrote."""

    models: Models = field(default_factory=dict)
    logs: dict[str, Any] = field(default_factory=dict)
    written_tokens: int = 0


def trained_pair(bench: Bench) -> Pair:
    """Train the target, let it write, distil the draft; the next session does what this has no time for."""
    pair, scale, run = Pair(), bench.scale, bench.run
    attempt, clock = run.sections.attempt_once, run.clock
    with clock.phase("train the target"):
        needs = clock.until(scale.target_ends)
        kept = attempt("the target", partial(trained_target, bench), needs)
        if kept is None:
            return pair
        target = bench.model_of("target", kept)
        pair.models["target"], pair.logs["target"] = target, kept["log"]
    with clock.phase("let the target write"):
        needs = clock.until(scale.writing_ends)
        written = attempt("its texts", partial(texts_of, bench, target), needs)
        if written is None:
            return pair
        pair.written_tokens = written[:, scale.prompt :].numel()
    with clock.phase("distil the draft"):
        needs = clock.until(scale.draft_ends)
        kept = attempt(
            "the draft", partial(distilled_draft, bench, target, written), needs
        )
        if kept is not None:
            pair.models["draft"] = bench.model_of("draft", kept)
            pair.logs["draft"] = kept["log"]
    return pair


def latencies(bench: Bench, models: Models) -> dict[str, dict[str, float]]:
    """Seconds a token of plain decoding by each model, and their ratio, for each batch."""
    found, rng = {}, bench.stream("latency")
    steps = bench.scale.context - bench.scale.prompt
    for batch in bench.scale.batches:
        prompts = bench.prompts(batch, bench.held_out, rng)
        seconds = {}
        for name, model in models.items():
            decoder = plain_decoder(model, prompts, bench.seed)
            timed_steps(decoder, prompts, steps)
            times = [timed_steps(decoder, prompts, steps) / steps for _ in range(3)]
            seconds[name] = float(np.median(times))
        ratio = seconds["target"] / seconds["draft"]
        found[str(batch)] = {**seconds, "ratio": round(ratio, 2)}
    return found


@torch.no_grad()
def acceptances(bench: Bench, models: Models) -> dict[str, dict[str, Any]]:
    """Exact acceptance probabilities at positions of text that the target wrote, by k and method."""
    scale, rng = bench.scale, bench.stream("acceptance")
    texts = distilled_pair.written_texts(
        models["target"],
        lambda: bench.prompts(scale.acceptance_texts, bench.held_out, rng),
        rounds=1,
        seconds=0.0,
        seed=bench.seed,
    )
    each = max(1, scale.acceptance_positions // len(texts))
    places = torch.linspace(scale.prompt, scale.context - 1, each).long()
    laws = {
        name: model(texts)[:, places.to(bench.run.device)]
        .double()
        .softmax(-1)
        .flatten(0, 1)
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


class Decoders:
    """Decoders of all cells, and plain ones by batch size, made when they are first timed."""

    def __init__(self, bench: Bench, models: Models):
        self.bench, self.models = bench, models
        self.room = bench.scale.context - bench.scale.prompt
        self.made: dict[Cell | int, graphed_decoding.Decoder] = {}

    def steps(self, key: Cell | int) -> int:
        """Steps that fill a text."""
        return (
            self.room if isinstance(key, int) else self.room // (key.draft_length + 1)
        )

    def prompts(self, key: Cell | int, number: int) -> Tensor:
        """The prompts of a pass, the same for all decoders of a batch size."""
        most, rng = max(self.bench.scale.batches), self.bench.stream(f"pass {number}")
        prompts = self.bench.prompts(most, self.bench.held_out, rng)
        return prompts[: key if isinstance(key, int) else key.batch]

    def warmed_up(self, key: Cell | int, number: int, prompts: Tensor) -> str:
        """Make the decoder; gives its mode."""

        def make(rng: torch.Generator) -> graphed_decoding.Decoder:
            if isinstance(key, int):
                return AutoregressiveDecoder(self.models["target"], batch=key, rng=rng)
            return SpeculativeDecoder(
                self.models["target"], self.models["draft"], rng=rng, **asdict(key)
            )

        seed = self.bench.seed + number
        self.made[key], mode = with_graphs(make, prompts, seed)
        timed_steps(self.made[key], prompts, 2)
        return mode

    def timed_pass(self, key: Cell | int, number: int) -> dict[str, Any]:
        """What one pass gives: ``rate``, ``histogram``, and of a new decoder ``mode`` and ``parts``."""
        prompts, steps = self.prompts(key, number), self.steps(key)
        found: dict[str, Any] = {}
        if key not in self.made:
            found["mode"] = self.warmed_up(key, number, prompts)
            found["parts"] = timed_parts(self.made[key], prompts, min(4, steps))
        decoder = self.made[key]
        seconds = timed_steps(decoder, prompts, steps)
        emitted = int(decoder.lengths.sum()) - prompts.numel()
        if isinstance(decoder, SpeculativeDecoder):
            found["histogram"] = decoder.histogram.cpu().clone()
        return {**found, "rate": emitted / seconds}


def measured(
    bench: Bench, models: Models, sections: Sections
) -> tuple[dict[Cell | int, Timing], dict[Cell | int, str]]:
    """Timings of all cells and of plain decoding (by batch size), and why one is missing.

    What fails is left out, so that one failure does not cost the others' numbers.
    """
    decoders = Decoders(bench, models)
    timings: dict[Cell | int, Timing] = {}
    missing: dict[Cell | int, str] = {}
    queue: list[Cell | int] = [*bench.scale.batches, *all_cells(bench.scale)]
    for number in range(bench.scale.passes):
        for key in [key for key in queue if key not in missing]:
            if len(models) < 2:
                missing[key] = bench.run.sections.missing[-1]["reason"]
                continue
            found = sections.attempt_once(
                f"pass {number}, {described(key)}",
                partial(decoders.timed_pass, key, number),
            )
            if found is None:
                missing[key] = sections.missing[-1]["reason"]
            else:
                timings.setdefault(key, Timing()).add(found)
    return timings, {key: missing[key] for key in queue if key not in timings}


def run_experiment(text: TokenisedText, asked: Asked) -> dict[str, Any]:
    """Train, distil, measure; gives the record that the module's docstring describes.

    Parameters
    ----------
    text : TokenisedText
    asked : Asked
        Its size is ``"large"`` (needs a GPU) or ``"toy"``.
    """
    run, scale = Run("spectr", asked, text.about), SCALES[asked.size]
    cuda = run.device.type == "cuda"
    if cuda:  # this backend plans a kernel for every new shape, which takes long
        torch.backends.cuda.enable_cudnn_sdp(False)
    run.provenance["arithmetic"] = "bfloat16, laws in float32" if cuda else "float32"
    bench, passes = Bench(scale, text, run), Sections(run.clock, run.parts)
    pair = trained_pair(bench)
    found: dict[str, Any] = {}
    for name, measure in (("latency", latencies), ("acceptance", acceptances)):
        with run.clock.phase(name):
            if len(pair.models) == 2:
                action = partial(measure, bench, pair.models)
                found[name] = run.sections.attempt_once(name, action)
    with run.clock.phase("decoding"):
        timings, missing = measured(bench, pair.models, passes)
    cells = [cell_record(cell, timings) for cell in all_cells(scale) if cell in timings]
    others = [{**described(key), "reason": reason} for key, reason in missing.items()]
    return run.record(
        passes,
        models=pair.logs,
        written_tokens=pair.written_tokens,
        latency=found.get("latency") or {},
        acceptance=found.get("acceptance") or {},
        baselines={
            str(batch): {
                "tokens_per_second": with_interval(timings[batch].rates, 1),
                "mode": timings[batch].mode,
            }
            for batch in scale.batches
            if batch in timings
        },
        cells=cells,
        not_measured=[*run.sections.missing, *others],
        verdicts=verdicts(cells),
    )


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
    write_record(run_experiment(load(chosen.data), Asked.of(chosen)), chosen.out)


if __name__ == "__main__":
    main()
