"""What selecting the tokens of 64 positions costs at a real vocabulary's size.

Run ``PYTHONPATH=lib:benchmarks python benchmarks/selection_at_scale.py``. It calls ``select_token`` on
float32 tensors of 64 rows, V = 128,000 and k = 8, for every method that takes a batch. Beside each time
stands the number of passes, counted while the method runs: how often an array of 64 x 128,000 entries is read
or written, one of float64 counted twice.

On a CPU the yardstick is one ``torch.sort`` of the target laws, timed in turn with the methods. It fails if a
method takes more than 5 times as long.

On a GPU the yardstick is the time to read the two arrays once, at the bandwidth of a large copy, which is the
bytes read and written over the time. All is replayed from CUDA graphs, so the times are the GPU's, without
the launches. It fails if the single-draft rule, as it is or with its passes merged by ``torch.compile``,
takes more than 3 times the yardstick.
"""

import harness.single_thread  # noqa: F401, I001

import statistics
import sys
from collections.abc import Callable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from harness.records import Ratio, write_record
from harness.timing import medians_in_turn
from samplebook.drafts import draw_drafts, select_token

ROWS = 64
VOCABULARY = 128_000
NUM_DRAFTS = 8
METHODS = {
    "single": ("single", True, 1),
    "naive": ("naive", True, NUM_DRAFTS),
    "kseq": ("kseq", True, NUM_DRAFTS),
    "rrs": ("rrs", True, NUM_DRAFTS),
    "rrs without replacement": ("rrs", False, NUM_DRAFTS),
    "greedy": ("greedy", True, NUM_DRAFTS),
}
REPEATS_CPU = 5
REPEATS_GPU = 50
LARGEST_RATIO_TO_SORT = 5.0
LARGEST_RATIO_TO_READING = 3.0
COPIED = 2**28  # entries: too many for any cache


class CountedPasses(TorchDispatchMode):
    """Counts how often arrays of at least ``size`` float32 entries are read or written."""

    def __init__(self, size: int):
        super().__init__()
        self.size = size
        self.passes = 0.0

    def __torch_dispatch__(
        self, operation: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        result = operation(*args, **(kwargs or {}))
        touches_all = (
            not operation.is_view and operation is not torch.ops.aten.gather.default
        )
        if touches_all:
            for value in (*args, result):
                if isinstance(value, torch.Tensor) and value.numel() >= self.size:
                    self.passes += value.element_size() / 4
        return result


Selection = Callable[[Callable[..., Any]], Any]


def selections(
    device: str,
) -> tuple[torch.Tensor, torch.Generator, dict[str, Selection]]:
    """Target laws, the generator, and a call of ``select_token`` or of what it was compiled to, by method."""
    rng = torch.Generator(device).manual_seed(0)
    shape = (ROWS, VOCABULARY)
    logits = 3 * torch.randn(shape, generator=rng, device=device)
    noise = torch.randn(shape, generator=rng, device=device)
    target, draft = logits.softmax(-1), (logits + noise).softmax(-1)

    def selection(method: str, replacement: bool, num_drafts: int) -> Selection:
        way = {"method": method, "replacement": replacement, "rng": rng}
        drafts = draw_drafts(draft, num_drafts, **way)
        return lambda select: select(target, draft, drafts, **way, validate=False)

    return target, rng, {name: selection(*way) for name, way in METHODS.items()}


def passes(select: Selection) -> float:
    """Passes of one call over arrays of all rows and tokens."""
    with CountedPasses(ROWS * VOCABULARY) as counted:
        select(select_token)
    return counted.passes


def worst_ratio_on_cpu() -> float:
    """Largest ratio of a method's median time to a sort's."""
    target, _, selects = selections("cpu")
    calls: dict[str, Callable[[], object]] = {"sort": lambda: torch.sort(target)}
    calls |= {
        name: lambda select=select: select(select_token)
        for name, select in selects.items()
    }
    medians = medians_in_turn(calls, REPEATS_CPU)
    print(
        f"torch.sort: {1e3 * medians['sort']:.0f} ms, {torch.get_num_threads()} threads"
    )
    print(f"{'method':24} {'passes':>6} {'ms':>8} {'sorts':>6}")
    ratios = {name: medians[name] / medians["sort"] for name in selects}
    for name, ratio in ratios.items():
        count, time_taken = passes(selects[name]), 1e3 * medians[name]
        print(f"{name:24} {count:6.0f} {time_taken:8.1f} {ratio:6.2f}")
    write_record(
        "selection-at-scale",
        ratios=[
            Ratio(
                part="drafts",
                function="samplebook.drafts.select_token",
                work=f"{name}, {ROWS} rows, V = {VOCABULARY:,}, at most {NUM_DRAFTS} drafts",
                other="torch.sort of the laws",
                kind="yardstick",
                unit="s",
                ours=medians[name],
                theirs=medians["sort"],
            )
            for name in selects
        ],
        threads=torch.get_num_threads(),
    )
    return max(ratios.values())


def gpu_seconds(call: Callable[[], object], rng: torch.Generator) -> float:
    """Median time of a call on the GPU, replayed from a CUDA graph."""
    for _ in range(3):
        call()
    graph = torch.cuda.CUDAGraph()
    graph.register_generator_state(rng)
    torch.cuda.synchronize()
    with torch.cuda.graph(graph):
        call()
    times = []
    for _ in range(REPEATS_GPU):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        graph.replay()
        end.record()
        end.synchronize()
        times.append(start.elapsed_time(end) / 1e3)
    return statistics.median(times)


def copy_bandwidth(rng: torch.Generator) -> float:
    """Bytes that a copy reads and writes in a second."""
    source = torch.ones(COPIED, device="cuda")
    copy = torch.empty_like(source)
    return 2 * 4 * COPIED / gpu_seconds(lambda: copy.copy_(source), rng)


def ratio_to_reading_on_gpu() -> float:
    """Time of the single-draft rule over the time to read target and draft once."""
    target, rng, selects = selections("cuda")
    bandwidth = copy_bandwidth(rng)
    reading = 2 * target.numel() * target.element_size() / bandwidth
    print(f"{torch.cuda.get_device_name()}, copies at {bandwidth / 1e9:.0f} GB/s")
    print(f"reading both arrays once: {1e6 * reading:.0f} us")
    print(f"{'method':24} {'passes':>6} {'us':>8} {'ratio':>6}")
    for name, select in selects.items():
        taken = gpu_seconds(lambda select=select: select(select_token), rng)
        count = passes(select)
        print(f"{name:24} {count:6.0f} {1e6 * taken:8.1f} {taken / reading:6.2f}")
    single, merged = selects["single"], torch.compile(select_token)
    as_it_is = gpu_seconds(lambda: single(select_token), rng) / reading
    compiled = gpu_seconds(lambda: single(merged), rng) / reading
    print(f"single, as it is {as_it_is:.2f}, compiled {compiled:.2f}")
    return min(as_it_is, compiled)


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(f"{ROWS} rows, V = {VOCABULARY:,}, k = {NUM_DRAFTS}, float32")
    ratio = worst_ratio_on_cpu()
    print(f"largest ratio {ratio:.2f}, at most {LARGEST_RATIO_TO_SORT}")
    failed = ratio > LARGEST_RATIO_TO_SORT
    if torch.cuda.is_available():
        ratio = ratio_to_reading_on_gpu()
        print(f"ratio {ratio:.2f}, at most {LARGEST_RATIO_TO_READING}")
        failed |= ratio > LARGEST_RATIO_TO_READING
    else:
        print("no CUDA device: the GPU's part is left out")
    sys.exit(failed)
