"""Run one experiment's command line: the process that the press starts for each.

    python -m press.run_experiment SLUG ARGUMENTS...

The process ends with the press.
"""

import runpy
import sys

from press.lifeline import end_with_the_press


def main(slug: str, arguments: list[str]) -> None:
    """What ``python -m samplebook.experiments.<slug>`` does."""
    sys.argv = [slug, *arguments]
    module = f"samplebook.experiments.{slug}"
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    end_with_the_press()
    main(sys.argv[1], sys.argv[2:])
