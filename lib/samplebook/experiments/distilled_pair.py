"""Train a target on text, let it write, and distil a draft from it, each in a given time.

Randomness comes from one ``torch.Generator`` on the CPU. On a GPU the arithmetic is bfloat16 (weights of the
optimizer stay in float32).
"""

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional

from samplebook.data.character_transformer import TransformerSize, initialise
from samplebook.experiments.decoder_transformer import DecoderTransformer
from samplebook.experiments.graphed_decoding import plain_decoder

WARM_UP = 0.05
"""Share of a training in which the learning rate rises."""
EVALUATIONS = 20
"""How often a model is tried on held-out text in the course of its training."""
PATIENCE = 4
"""Training ends after so many evaluations in a row without a better one."""


@dataclass
class TrainingLog:
    """What a training run did.

    Attributes
    ----------
    curve : list of (step, held-out loss in nats a token)
    steps, seconds : how far it came
    best : the smallest held-out loss, whose weights were kept
    """

    curve: list[tuple[int, float]] = field(default_factory=list)
    steps: int = 0
    seconds: float = 0.0

    @property
    def best(self) -> float:
        return min(loss for _, loss in self.curve)

    @property
    def evaluations_since_best(self) -> int:
        losses = [loss for _, loss in self.curve]
        return len(losses) - 1 - losses.index(min(losses))


def rate_fraction(progress: float) -> float:
    """Linear warm-up, times a half cosine from 1 down to 0.05, as ``progress`` goes from 0 to 1."""
    cosine = 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * progress))
    return min(1.0, progress / WARM_UP) * cosine


def random_windows(
    text: Tensor, batch: int, length: int, generator: torch.Generator
) -> Tensor:
    """Windows (batch, length) of a text (n,), as int64."""
    starts = torch.randint(len(text) - length + 1, (batch, 1), generator=generator)
    places = starts + torch.arange(length)
    return text[places.to(text.device)].long()


def spread_windows(text: Tensor, number: int, length: int) -> Tensor:
    """Windows (number, length) at even distances along a text (n,), as int64."""
    starts = torch.linspace(0, len(text) - length, number).long()
    places = starts[:, None] + torch.arange(length)
    return text[places.to(text.device)].long()


def in_half_precision(device: torch.device) -> torch.autocast:
    """A context in which a GPU multiplies matrices in bfloat16; on a CPU nothing changes."""
    return torch.autocast(
        device.type, dtype=torch.bfloat16, enabled=device.type == "cuda"
    )


def next_token_loss(model: DecoderTransformer, windows: Tensor) -> Tensor:
    """Mean cross entropy of each window's tokens but the first, in nats."""
    logits = model(windows[:, :-1])
    return functional.cross_entropy(
        logits.flatten(0, 1).float(), windows[:, 1:].flatten()
    )


def divergence(
    target: DecoderTransformer, draft: DecoderTransformer, windows: Tensor
) -> Tensor:
    """Mean Kullback-Leibler divergence of the draft's laws from the target's along windows, in nats."""
    with torch.no_grad():
        wanted = functional.log_softmax(target(windows).float(), dim=-1)
    found = functional.log_softmax(draft(windows).float(), dim=-1)
    return functional.kl_div(
        found.flatten(0, 1),
        wanted.flatten(0, 1),
        reduction="batchmean",
        log_target=True,
    )


def fit(
    model: DecoderTransformer,
    loss_on: Callable[[Tensor], Tensor],
    next_batch: Callable[[], Tensor],
    held_out: Tensor,
    *,
    peak_rate: float,
    steps: int,
    seconds: float,
) -> TrainingLog:
    """Minimise a loss by AdamW, and keep the weights that were best on held-out windows.

    Parameters
    ----------
    loss_on : callable
        The model's mean loss on windows (batch, length).
    next_batch : callable
        Gives the next windows.
    held_out : int64 Tensor, shape (windows, length)
    peak_rate : float
        The largest learning rate.
    steps, seconds
        Training ends with the first of the two; the learning rate falls with whichever is nearer to its end.
    """
    device = held_out.device
    optimizer = torch.optim.AdamW(
        model.parameters(),
        betas=(0.9, 0.95),
        weight_decay=0.1,
        fused=device.type == "cuda",
    )
    log, begin, best = (
        TrainingLog(),
        time.monotonic(),
        copy.deepcopy(model.state_dict()),
    )
    due = 0.0
    while True:
        progress = max(log.steps / steps, (time.monotonic() - begin) / seconds)
        if progress >= due or progress >= 1:
            log.curve.append((log.steps, mean_loss(loss_on, held_out)))
            if log.evaluations_since_best == 0:
                best = copy.deepcopy(model.state_dict())
            due = progress + 1 / EVALUATIONS
        if progress >= 1 or log.evaluations_since_best >= PATIENCE:
            break
        with in_half_precision(device):
            loss = loss_on(next_batch())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for group in optimizer.param_groups:
            group["lr"] = peak_rate * rate_fraction(progress)
        optimizer.step()
        loss.item()  # waits for the device, so that the clock tells the truth
        log.steps += 1
    model.load_state_dict(best)
    log.seconds = time.monotonic() - begin
    return log


@torch.no_grad()
def mean_loss(loss_on: Callable[[Tensor], Tensor], windows: Tensor) -> float:
    """Mean loss over windows, a few at a time."""
    with in_half_precision(windows.device):
        losses = [loss_on(few).item() * len(few) for few in windows.split(16)]
    return sum(losses) / len(windows)


def fresh_model(
    size: TransformerSize, device: torch.device, generator: torch.Generator
) -> DecoderTransformer:
    """A model with random weights, drawn on the CPU."""
    model = DecoderTransformer(size)
    initialise(model, generator)
    return model.to(device)


def for_decoding(model: DecoderTransformer) -> DecoderTransformer:
    """The model without gradients, in bfloat16 on a GPU."""
    half = model.embedding.weight.device.type == "cuda"
    model = model.to(torch.bfloat16) if half else model
    return model.eval().requires_grad_(False)


def written_texts(
    model: DecoderTransformer,
    prompts: Callable[[], Tensor],
    *,
    rounds: int,
    seconds: float,
    seed: int,
) -> Tensor:
    """Texts (n, context) that the model writes after prompts (batch, length), at temperature 1.

    It writes at least one batch and at most ``rounds``, and begins none after the given seconds.
    """
    begin, few = time.monotonic(), prompts()
    texts: list[Tensor] = []
    decoder = plain_decoder(model, few, seed)
    while not texts or (len(texts) < rounds and time.monotonic() - begin < seconds):
        decoder.start(few)
        for _ in range(decoder.context - few.shape[1]):
            decoder.step()
        texts.append(decoder.tokens.clone())
        few = prompts()
    return torch.cat(texts)
