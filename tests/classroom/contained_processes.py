"""Which contained processes are there, for tests that none is left."""

import time
from contextlib import suppress
from pathlib import Path

SECONDS_TO_END = 5.0


def contained_processes() -> set[int]:
    """Numbers of the processes that bubblewrap runs, and of bubblewrap's own."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if b"press.classroom.worker" in (folder / "cmdline").read_bytes():
                found.add(int(folder.name))
    return found


def gone(processes: set[int]) -> bool:
    """Whether some processes end soon."""
    end = time.monotonic() + SECONDS_TO_END
    while time.monotonic() < end:
        if not processes & contained_processes():
            return True
        time.sleep(0.05)
    return False
