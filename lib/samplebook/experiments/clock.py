"""Where a run stands in its budget of seconds."""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import torch

Result = TypeVar("Result")

RESERVE = 0.05
"""Share of the budget that is kept for the end."""


class Clock:
    """Where the run stands in its budget, and what each phase took."""

    def __init__(self, budget: float):
        self.begin, self.budget = time.monotonic(), budget
        self.phases: dict[str, float] = {}

    def until(self, share: float) -> float:
        """Seconds, at least 1, until a share of the budget is used."""
        return max(1.0, self.begin + share * self.budget - time.monotonic())

    @property
    def is_over(self) -> bool:
        """Whether only the reserve is left."""
        return time.monotonic() - self.begin > (1 - RESERVE) * self.budget

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time a phase and say that it begins."""
        begin = time.monotonic()
        print(f"{begin - self.begin:6.1f} s  {name}", flush=True)
        yield
        self.phases[name] = round(time.monotonic() - begin, 1)


class Sections:
    """Attempts at the record's parts: what fails or comes too late is left out and named."""

    def __init__(self, clock: Clock):
        self.clock = clock
        self.missing: list[dict[str, str]] = []

    def attempt(self, name: str, action: Callable[[], Any]) -> Any:
        """What ``action`` gives, or none."""
        if self.clock.is_over:
            self.missing.append({"name": name, "reason": "the budget was used up"})
            return None
        try:
            return action()
        except (RuntimeError, ValueError, ArithmeticError) as error:
            reason = str(error).splitlines()[0]
            self.missing.append({"name": name, "reason": reason})
            return None


def timed(action: Callable[[], Result], device: torch.device) -> tuple[Result, float]:
    """What ``action`` gives, and the seconds until the device has done it."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    begin = time.perf_counter()
    result = action()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return result, time.perf_counter() - begin
