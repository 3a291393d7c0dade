"""The memory of a call: how far the process's resident set rises above where it was before the call.

The kernel keeps the peak of the resident set, and lets a process set it back, so whatever allocates is
counted: NumPy, torch and solvers alike. Run it in a process of its own, with ``CHILD_ENVIRONMENT``: the C
library then hands every freed block of 64 kB or more back to the system, and Python takes its own memory from
the C library. So the call cannot reuse unseen what was freed before it.
"""

import ctypes
import gc
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

CHILD_ENVIRONMENT = {
    "MALLOC_MMAP_THRESHOLD_": "65536",
    "MALLOC_TRIM_THRESHOLD_": "65536",
    "PYTHONMALLOC": "malloc",
}
"""For glibc and Python, which read them when the process starts."""
STATUS = Path("/proc/self/status")
RESET = Path("/proc/self/clear_refs")


def is_measurable() -> bool:
    """Whether this system lets a process set back its peak: Linux does."""
    try:
        RESET.write_text("5")
    except OSError:
        return False
    return True


def resident(field: str) -> int:
    """Bytes of a field of the process's status: ``VmRSS`` now, ``VmHWM`` at its peak."""
    found = re.search(rf"{field}:\s+(\d+) kB", STATUS.read_text("ascii"))
    assert found is not None, field
    return 1024 * int(found[1])


def hand_back() -> None:
    """Give the system all memory that is free, between used blocks as well, if the C library is glibc."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def peak_bytes(call: Callable[[], Any]) -> int:
    """Bytes by which the resident set rises during a call; its result counts, its input does not.

    Warm the call up with a small input first, so that libraries are loaded.
    """
    hand_back()
    RESET.write_text("5")
    before = resident("VmRSS")
    call()
    return max(0, resident("VmHWM") - before)
