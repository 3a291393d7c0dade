"""The process that executes one notebook: how its kernel is reached."""

import subprocess
import sys
from pathlib import Path

import nbformat
from miniature_book import REPOSITORY

TRANSPORT = """
import json
from ipykernel.connect import get_connection_file
print(json.load(open(get_connection_file()))["transport"])
"""


def test_the_kernel_takes_no_port_of_the_machine(tmp_path: Path) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(TRANSPORT)])
    nbformat.write(notebook, tmp_path / "input.ipynb")
    paths = [tmp_path / "input.ipynb", tmp_path / "output.ipynb", tmp_path]
    with subprocess.Popen(
        [sys.executable, "-m", "press.run_notebook", *map(str, paths), "{}"],
        stdin=subprocess.PIPE,
        cwd=REPOSITORY / "lib",
    ) as process:
        assert process.wait() == 0
    executed = nbformat.read(tmp_path / "output.ipynb", as_version=4)
    assert executed.cells[0].outputs[0].text == "ipc\n"
