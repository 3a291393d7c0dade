"""Distil a two-layer draft model from SmolLM2 on Wikipedia summaries.

    python -m samplebook.data.train_smollm2_student

Seeded, on the CPU; about three quarters of an hour on two cores. Half of it is SmolLM2's own pass over the
text, which is kept in the cache (1.2 GB). Writes ``data/weights/smollm2-student.safetensors`` and beside it
the training log. Training differs a little from CPU to CPU, so the weights are committed and not made at
build time.
"""

import argparse
import hashlib
import json
import platform
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from tqdm.auto import tqdm

from samplebook.data.cache import cached_folder
from samplebook.data.smollm2 import load_model, load_tokenizer, versions
from samplebook.data.smollm2_student import own_weights, student_of
from samplebook.data.train_shakespeare_pair import learning_rate
from samplebook.data.wikipedia import training_and_held_out_summaries

LONGEST = 128  # tokens of each summary that are used
BATCH = 12  # summaries
POSITIONS = 256  # of a batch, drawn at random, at which the loss is taken
PEAK_RATE = 1e-3


def tokenised(texts: list[str]) -> list[Tensor]:
    """The first ``LONGEST`` tokens of each text."""
    numbers = load_tokenizer()(texts)["input_ids"]
    return [torch.tensor(tokens[:LONGEST]) for tokens in numbers]


def batches_of_like_length(
    texts: list[Tensor], size: int, generator: torch.Generator
) -> list[list[int]]:
    """All positions in ``texts``, in batches of texts of about one length, in random order."""
    length = torch.tensor([len(text) for text in texts]).float()
    noisy = length + 8 * torch.rand(len(texts), generator=generator)
    order = noisy.argsort().tolist()
    batches = [order[start : start + size] for start in range(0, len(order), size)]
    shuffled = torch.randperm(len(batches), generator=generator).tolist()
    return [batches[position] for position in shuffled]


def padded(rows: list[Tensor]) -> Tensor:
    """Rows under one another, filled up with zeros at the end (causal models do not look there)."""
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)


@torch.inference_mode()
def hidden_states(model: Any, texts: list[Tensor]) -> list[Tensor]:
    """The model's last hidden states along each text, in half precision."""
    states: dict[int, Tensor] = {}
    batches = batches_of_like_length(texts, BATCH, torch.Generator().manual_seed(0))
    for batch in tqdm(batches, desc="SmolLM2 reads", mininterval=5):
        output = model(padded([texts[i] for i in batch]), use_cache=False)
        for i, row in zip(batch, output.last_hidden_state, strict=True):
            states[i] = row[: len(texts[i])].half()
    return [states[i] for i in range(len(texts))]


def teacher_states(model: Any, name: str, texts: list[Tensor]) -> list[Tensor]:
    """:func:`hidden_states` of SmolLM2, from the cache if they were made before."""

    def make(folder: Path) -> None:
        np.save(folder / "states.npy", torch.cat(hidden_states(model, texts)).numpy())

    tokens = hashlib.sha256(torch.cat(texts).numpy().tobytes()).hexdigest()
    inputs = versions() | {"tokens": tokens}
    folder = cached_folder(f"smollm2-states-{name}", inputs, make)
    states = torch.from_numpy(np.load(folder / "states.npy"))
    return list(states.split([len(text) for text in texts]))


def divergence(teacher: Tensor, student: Tensor, embedding: Tensor) -> Tensor:
    """Mean Kullback-Leibler divergence of the student's next-token law from the teacher's, in nats.

    Parameters
    ----------
    teacher, student : Tensor, shape (n, width)
        Last hidden states at the same n positions.
    embedding : Tensor, shape (V, width)
    """
    target = functional.log_softmax(teacher.float() @ embedding.T, dim=-1)
    draft = functional.log_softmax(student @ embedding.T, dim=-1)
    return functional.kl_div(draft, target, reduction="batchmean", log_target=True)


@torch.inference_mode()
def mean_acceptance(student: Any, texts: list[Tensor], teacher: list[Tensor]) -> float:
    """Mean over all positions of sum_x min(p(x), q(x)), the acceptance rate of one draft."""
    embedding, total = student.embed_tokens.weight, 0.0
    for text, states in zip(texts, teacher, strict=True):
        mine = student(text[None], use_cache=False).last_hidden_state[0]
        target = (states.float() @ embedding.T).softmax(-1)
        total += torch.minimum(target, (mine @ embedding.T).softmax(-1)).sum().item()
    return total / sum(len(text) for text in texts)


def train(seed: int, steps: int | None) -> tuple[Any, dict[str, Any]]:
    """Distil a student; return it and its training log."""
    training, held_out = map(tokenised, training_and_held_out_summaries())
    target = load_model()
    teacher = teacher_states(target, "training", training)
    test = teacher_states(target, "held-out", held_out)
    generator = torch.Generator().manual_seed(seed)
    batches = batches_of_like_length(training, BATCH, generator)[:steps]
    student = student_of(target)
    embedding = student.embed_tokens.weight.requires_grad_(False)
    untrained = mean_acceptance(student, held_out[:50], test[:50])
    trainable = [weight for weight in student.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(trainable, betas=(0.9, 0.98), weight_decay=0.01)
    curve, begin = [], time.monotonic()
    bar = tqdm(batches, desc="student", mininterval=5)
    for step, batch in enumerate(bar):
        output = student(padded([training[i] for i in batch]), use_cache=False)
        states = torch.cat(
            [
                row[: len(training[i])]
                for i, row in zip(batch, output.last_hidden_state, strict=True)
            ]
        )
        wanted = torch.cat([teacher[i] for i in batch])
        chosen = torch.randperm(len(states), generator=generator)[:POSITIONS]
        loss = divergence(wanted[chosen], states[chosen], embedding)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trainable, 1.0)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, len(batches), PEAK_RATE)
        optimizer.step()
        if step % 200 == 199 or step == len(batches) - 1:
            acceptance = round(mean_acceptance(student, held_out[:50], test[:50]), 4)
            curve.append({"step": step + 1, "acceptance_on_50_texts": acceptance})
            bar.set_postfix(acceptance=acceptance, loss=loss.item())
    log = {
        "model": "smollm2-student",
        "seed": seed,
        "steps": len(batches),
        "batch": BATCH,
        "positions": POSITIONS,
        "own_parameters": sum(weight.numel() for weight in trainable),
        "training_tokens": sum(len(text) for text in training),
        "held_out_tokens": sum(len(text) for text in held_out),
        "untrained_acceptance_on_50_texts": round(untrained, 4),
        "held_out_acceptance": round(mean_acceptance(student, held_out, test), 4),
        "curve": curve,
        "seconds": round(time.monotonic() - begin),
        "torch": torch.__version__,
        "machine": platform.machine(),
    }
    return student, log


def main() -> None:
    from safetensors.torch import save_file

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, help="fewer steps, for a trial")
    parser.add_argument(
        "--folder", type=Path, default=Path(__file__).parent / "weights"
    )
    arguments = parser.parse_args()
    student, log = train(arguments.seed, arguments.steps)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    weights = {
        name: weight.half().contiguous()
        for name, weight in own_weights(student).items()
    }
    save_file(weights, arguments.folder / "smollm2-student.safetensors")
    text = json.dumps(log, indent=1) + "\n"
    (arguments.folder / "smollm2-student.log.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
