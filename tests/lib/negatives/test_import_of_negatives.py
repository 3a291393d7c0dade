"""The part needs NumPy alone until something heavier is used."""

import subprocess
import sys

HEAVY = {"torch", "scipy", "sklearn", "pyarrow", "matplotlib", "pandas"}


def test_importing_the_part_brings_in_nothing_heavy():
    code = (
        f"import sys, samplebook.negatives; print(sorted({HEAVY} & set(sys.modules)))"
    )
    output = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert output.stdout.strip() == "[]"
