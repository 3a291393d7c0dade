"""Run one notebook with papermill: the process that the press starts for each chapter.

    python -m press.run_notebook INPUT OUTPUT FOLDER PARAMETERS

PARAMETERS is a JSON object: what papermill sets after the notebook's cell of parameters. Prints the id of
each code cell that is done. A cell that fails is described in the JSON file ``failure.json`` beside OUTPUT,
with exit code 1. The process ends with the press, and the kernel with the process.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import papermill
from nbformat import NotebookNode
from papermill.exceptions import PapermillExecutionError
from traitlets.config import Config

from press.lifeline import end_with_the_press


def socket_files(folder: Path) -> Config:
    """Let the kernel listen on socket files in ``folder`` rather than on ports of the machine.

    Jupyter picks free ports and lets them go before the kernel takes them, so that another process can take
    them in between: the kernel then dies at its start. Nobody else uses the names of the socket files. The
    path must be short (104 to 108 characters, by system).
    """
    connection = str(folder / "kernel.json")
    return Config(KernelManager={"transport": "ipc", "connection_file": connection})


def run_notebook(
    source: Path, output: Path, folder: Path, parameters: dict[str, Any]
) -> int:
    """Execute ``source`` in ``folder``, write ``output``; return the exit code."""
    done = []

    def report_cell(cell: NotebookNode, **_: Any) -> None:
        done.append(cell.id)
        print(cell.id, flush=True)

    try:
        with tempfile.TemporaryDirectory(prefix="kernel-") as sockets:
            papermill.execute_notebook(
                source,
                output,
                parameters=parameters or None,
                cwd=folder,
                kernel_name="python3",
                progress_bar=False,
                request_save_on_cell_execute=False,
                on_cell_executed=report_cell,
                config=socket_files(Path(sockets)),
            )
    except PapermillExecutionError as error:
        failure = {
            "cell": done[-1],
            "traceback": error.traceback,
        }
        (output.parent / "failure.json").write_text(
            json.dumps(failure), encoding="utf-8"
        )
        return 1
    return 0


if __name__ == "__main__":
    end_with_the_press()
    notebook, result, working_folder = map(Path, sys.argv[1:4])
    sys.exit(run_notebook(notebook, result, working_folder, json.loads(sys.argv[4])))
