"""Let a process that the press starts end when the press does, however that ends.

The process's standard input is a pipe that the press holds open and never writes to.
It closes when the press dies, so nothing works on for a press that is gone.
"""

import os
import sys
import threading


def wait_for_the_end() -> None:
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)


def end_with_the_press() -> None:
    """End this process at once when its standard input closes."""
    threading.Thread(target=wait_for_the_end, daemon=True).start()
