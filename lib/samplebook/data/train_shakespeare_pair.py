"""Train the book's own target and draft on Shakespeare.

    python -m samplebook.data.train_shakespeare_pair

Seeded, on the CPU; about an hour on two cores. Writes ``data/weights/shakespeare-*.safetensors`` and beside
each a training log with the bits a character on the held-out plays. Training differs a little from CPU to
CPU, so the weights are committed and not made at build time.
"""

import argparse
import json
import math
import platform
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from tqdm.auto import tqdm

from samplebook.data.character_transformer import (
    CharacterTransformer,
    TransformerSize,
    initialise,
    save_transformer,
)
from samplebook.data.shakespeare import HELD_OUT, encode, training_and_held_out_text

CONTEXT = 256
SHAPES = {
    "target": {"layers": 4, "heads": 6, "width": 192},
    "draft": {"layers": 1, "heads": 4, "width": 128},
}
STEPS = {"target": 5_000, "draft": 3_000}
BATCH = {"target": 8, "draft": 16}
PEAK_RATE = {"target": 2e-3, "draft": 4e-3}


def learning_rate(step: int, steps: int, peak: float, warm_up: int = 100) -> float:
    """Linear warm-up to ``peak``, then a half cosine down to 2 % of it."""
    if step < warm_up:
        return peak * (step + 1) / warm_up
    progress = (step - warm_up) / max(1, steps - warm_up)
    return peak * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress)))


def random_windows(
    text: Tensor, batch: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """A batch of windows of the text and the same windows shifted by one, each (batch, CONTEXT)."""
    starts = torch.randint(len(text) - CONTEXT, (batch,), generator=generator)
    windows = text[starts[:, None] + torch.arange(CONTEXT + 1)]
    return windows[:, :-1], windows[:, 1:]


@torch.no_grad()
def bits_per_character(
    model: CharacterTransformer, text: Tensor, batch: int = 32
) -> float:
    """Mean -log2 p of the second half of each window, so that each has >= CONTEXT / 2 before it.

    Windows overlap by half: each character after the first CONTEXT / 2 is scored once.
    """
    half = CONTEXT // 2
    windows = text.unfold(0, CONTEXT + 1, half)
    total, count = 0.0, 0
    for chunk in windows.split(batch):
        logits = model(chunk[:, :-1])[:, half:]
        loss = functional.cross_entropy(
            logits.flatten(0, 1), chunk[:, half + 1 :].flatten(), reduction="sum"
        )
        total, count = total + loss.item(), count + chunk.shape[0] * half
    return total / count / math.log(2)


def train(
    name: str, seed: int, steps: int
) -> tuple[CharacterTransformer, str, dict[str, Any]]:
    """Train one model of the pair; return it, its alphabet and its training log."""
    training, held_out = training_and_held_out_text()
    alphabet = "".join(sorted(set(training)))
    text = torch.from_numpy(encode(training, alphabet))
    test = torch.from_numpy(encode(held_out, alphabet))
    generator = torch.Generator().manual_seed(seed)
    size = TransformerSize(vocabulary=len(alphabet), context=CONTEXT, **SHAPES[name])
    model = CharacterTransformer(size)
    initialise(model, generator)
    optimizer = torch.optim.AdamW(
        model.parameters(), betas=(0.9, 0.98), weight_decay=0.05
    )
    curve, begin = [], time.monotonic()
    bar = tqdm(range(steps), desc=name, mininterval=5)
    for step in bar:
        inputs, targets = random_windows(text, BATCH[name], generator)
        loss = functional.cross_entropy(model(inputs).flatten(0, 1), targets.flatten())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, steps, PEAK_RATE[name])
        optimizer.step()
        if step % 250 == 249 or step == steps - 1:
            bits = round(bits_per_character(model, test[:30_000]), 4)
            curve.append({"step": step + 1, "held_out_bits_first_30000": bits})
            bar.set_postfix(bits=bits)
    log = {
        "model": name,
        "seed": seed,
        "steps": steps,
        "batch": BATCH[name],
        "size": {"vocabulary": len(alphabet), "context": CONTEXT, **SHAPES[name]},
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "training_characters": len(training),
        "held_out_plays": list(HELD_OUT),
        "held_out_bits_per_character": round(bits_per_character(model, test), 4),
        "curve": curve,
        "seconds": round(time.monotonic() - begin),
        "torch": torch.__version__,
        "machine": platform.machine(),
    }
    return model, alphabet, log


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "models", nargs="*", default=list(SHAPES), help="target, draft or both"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--steps", type=int, help="fewer steps than the stored models had, for a trial"
    )
    parser.add_argument(
        "--folder", type=Path, default=Path(__file__).parent / "weights"
    )
    arguments = parser.parse_args()
    for name in arguments.models:
        model, alphabet, log = train(
            name, arguments.seed, arguments.steps or STEPS[name]
        )
        arguments.folder.mkdir(parents=True, exist_ok=True)
        save_transformer(
            str(arguments.folder / f"shakespeare-{name}.safetensors"), model, alphabet
        )
        log_file = arguments.folder / f"shakespeare-{name}.log.json"
        log_file.write_text(json.dumps(log, indent=1) + "\n")


if __name__ == "__main__":
    main()
