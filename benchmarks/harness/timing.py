"""The time of a call, warmed up and repeated until it is steady."""

import ctypes
import math
import statistics
import time
from collections.abc import Callable
from typing import Any

Call = Callable[[], Any]
SHORTEST = 0.02
"""Seconds of one measurement, at least: shorter calls are looped."""
FEWEST, MOST = 3, 15
"""Measurements of one call."""
STEADY = 0.03
"""The best measurement counts as steady once another one lies within this share of it."""
PATIENCE = 2.0
"""Seconds after which no further measurement is begun, once there are the fewest."""
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
"""What ``mallopt`` of glibc calls so."""


def keep_freed_memory() -> None:
    """From now on the process keeps what calls free, if its C library is glibc.

    Else large arrays go back to the system after each call, and from some size on the next call waits for
    fresh pages: a bend in the line that is none of the algorithm's.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, -1)


def processor_seconds(call: Call, loops: int = 1) -> float:
    """Processor time of one call, the mean of ``loops``: other processes do not count."""
    start = time.process_time()
    for _ in range(loops):
        call()
    return (time.process_time() - start) / loops


def loops_for(seconds: float, shortest: float = SHORTEST) -> int:
    """How many calls of so many seconds fill one measurement."""
    return max(1, math.ceil(shortest / max(seconds, 1e-9)))


def is_steady(times: list[float]) -> bool:
    """Whether there are enough measurements, and two of them agree on the best."""
    ordered = sorted(times)
    return len(times) >= FEWEST and ordered[1] <= (1 + STEADY) * ordered[0]


def best_seconds(call: Call, *, patience: float = PATIENCE) -> float:
    """Processor time of one call: the best measurement, of at least 20 ms each.

    What disturbs a measurement only adds to it, so the best one is nearest to the cost of the work. The first
    call is not counted. Measurements go on until two agree within 3 % on the best, there are 15, or
    ``patience`` is over.

    Parameters
    ----------
    call : callable
        Without arguments. Its work may vary with chance if a measurement holds much of it.
    patience : float, > 0
        Seconds.
    """
    processor_seconds(call)
    loops = loops_for(processor_seconds(call))
    times: list[float] = []
    start = time.perf_counter()
    while len(times) < FEWEST or (
        not is_steady(times)
        and len(times) < MOST
        and time.perf_counter() - start < patience
    ):
        times.append(processor_seconds(call, loops))
    return min(times)


def medians_in_turn(calls: dict[str, Call], rounds: int) -> dict[str, float]:
    """Median processor time of each call, warmed up; all are called in turn, so that they share disturbances.

    Parameters
    ----------
    calls : dict
        By name.
    rounds : int, >= 1
        How often each is measured, for at least 20 ms.
    """
    for call in calls.values():
        processor_seconds(call)
    loops = {name: loops_for(processor_seconds(call)) for name, call in calls.items()}
    measured = [
        {name: processor_seconds(call, loops[name]) for name, call in calls.items()}
        for _ in range(rounds)
    ]
    return {
        name: statistics.median(of_all[name] for of_all in measured) for name in calls
    }
