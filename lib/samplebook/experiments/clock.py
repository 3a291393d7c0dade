"""Where a run stands in its budget of seconds, over all its sessions, and in this session's time."""

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import torch

from samplebook.experiments.kept_parts import KeptParts

Result = TypeVar("Result")

RESERVE = 0.05
"""Share of the budget that is kept for the end."""
BUDGET_OVER = "the budget was used up"
SESSION_OVER = "this session's time was used up; run again to go on"
"""Why a part is missing: for good, or until the next session."""


class Clock:
    """Where the run stands in its budget, and what each phase took.

    Parameters
    ----------
    budget : float
        Seconds of work in all sessions together.
    session : float
        Seconds after which this session begins nothing more.
    whole : Clock, optional
        The whole run's, if this one is of a part of it.
    """

    def __init__(
        self, budget: float, session: float = math.inf, whole: "Clock | None" = None
    ):
        self.begin, self.budget, self.whole = time.monotonic(), budget, whole
        self.session_ends = self.begin + session
        self.phases: dict[str, float] = {}

    def of_share(self, share: float) -> "Clock":
        """A clock with this share of the budget, from now on, and the same session."""
        return Clock(share * self.budget, self.session_left, self)

    @property
    def elapsed(self) -> float:
        """Seconds of work, those of earlier sessions included."""
        return time.monotonic() - self.begin

    @property
    def session_left(self) -> float:
        """Seconds until this session ends, not negative."""
        return max(0.0, self.session_ends - time.monotonic())

    def until(self, share: float) -> float:
        """Seconds, at least 1, until a share of the budget is used."""
        return max(1.0, share * self.budget - self.elapsed)

    def count_earlier(self, seconds: float) -> None:
        """Count what an earlier session spent on what this one need not do again."""
        self.begin -= seconds
        if self.whole is not None:
            self.whole.count_earlier(seconds)

    @property
    def is_over(self) -> bool:
        """Whether only the reserve is left."""
        return self.elapsed > (1 - RESERVE) * self.budget

    def reason_to_stop(self, needs: float = 0.0) -> str | None:
        """Why nothing that needs so many seconds of this session may begin, or none."""
        if self.is_over:
            return BUDGET_OVER
        return SESSION_OVER if self.session_left <= needs else None

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time a phase and say that it begins."""
        begin = self.elapsed
        print(f"{begin:6.1f} s  {name}", flush=True)
        yield
        self.phases[name] = round(self.elapsed - begin, 1)


class Sections:
    """Attempts at the record's parts: what fails or comes too late is left out and named.

    Parameters
    ----------
    clock : Clock
    parts : KeptParts, optional
        Where parts are kept for later sessions; by default nowhere.
    """

    def __init__(self, clock: Clock, parts: KeptParts | None = None):
        self.clock, self.parts = clock, parts or KeptParts(None, {})
        self.missing: list[dict[str, str]] = []

    def attempt(
        self, name: str, action: Callable[[], Any], needs: float = 0.0
    ) -> Any | None:
        """What ``action`` gives, or none.

        Parameters
        ----------
        name : str
        action : callable
        needs : float
            Seconds that it takes: it is not begun in a session with less.
        """
        reason = self.clock.reason_to_stop(needs)
        if reason is None:
            try:
                return action()
            except (RuntimeError, ValueError, ArithmeticError) as error:
                reason = str(error).splitlines()[0]
        self.missing.append({"name": name, "reason": reason})
        return None

    def attempt_once(
        self, name: str, action: Callable[[], Any], needs: float = 0.0
    ) -> Any | None:
        """The same for a part that is kept: what an earlier session measured is not measured again.

        Parameters
        ----------
        name : str
            One of its own for each part.
        action : callable
            Gives what :class:`~samplebook.experiments.kept_parts.KeptParts` can keep.
        needs : float
        """
        kept = self.parts.read(name)
        if kept is not None:
            self.clock.count_earlier(kept["seconds"])
            return kept["result"]
        begin = self.clock.elapsed
        result = self.attempt(name, action, needs)
        if result is not None:
            self.parts.write(name, result, self.clock.elapsed - begin)
        return result

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left for another session."""
        return all(part["reason"] != SESSION_OVER for part in self.missing)


def timed(action: Callable[[], Result], device: torch.device) -> tuple[Result, float]:
    """What ``action`` gives, and the seconds until the device has done it."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    begin = time.perf_counter()
    result = action()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return result, time.perf_counter() - begin
