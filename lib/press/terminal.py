"""What the press shows in a terminal or writes to a log: progress bars, and text without colours."""

import re
import sys

from tqdm import tqdm

BAR_FORMAT = "{desc} {percentage:3.0f}% |{bar:30}| {elapsed}, about {remaining} left"
SECONDS_BETWEEN_LOG_LINES = 20.0
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def without_colours(text: str) -> str:
    return COLOURS.sub("", text)


def progress_bar(total: float, description: str) -> "tqdm[None]":
    """A bar with the time left; it moves each second in a terminal and rarely in a log file.

    Parameters
    ----------
    total : float
        Amount of work, in any unit.
    description : str
        What is being done.
    """
    seconds = 1.0 if sys.stderr.isatty() else SECONDS_BETWEEN_LOG_LINES
    tqdm.monitor_interval = seconds
    return tqdm(
        total=total,
        desc=description,
        bar_format=BAR_FORMAT,
        mininterval=min(seconds, 0.2) if seconds == 1.0 else seconds,
        maxinterval=seconds,
        smoothing=0,
    )
