"""Where notebooks find the records of large experiments, and what the experiments import."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from samplebook import experiments


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(experiments, "RECORDS", tmp_path)
    return tmp_path


def test_an_experiment_that_was_not_run_has_no_record(folder):
    assert experiments.records("spectr") == []


def test_records_come_by_file_name(folder):
    for slug, name in [("spectr", "h200"), ("spectr", "h100"), ("other", "a100")]:
        (folder / slug).mkdir(exist_ok=True)
        (folder / slug / f"{name}.json").write_text(json.dumps({"device": name}))
    assert experiments.records("spectr") == [{"device": "h100"}, {"device": "h200"}]


@pytest.mark.parametrize("slug", ["spectr", "sensitivity", "nbpo", "cet"])
def test_the_stored_records_are_readable(slug):
    for record in experiments.records(slug):
        assert record["what"] == slug


def printed_by(program):
    """What a Python program prints that can import nothing of ours but the library."""
    library = Path(experiments.__file__).parents[2]
    return subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(library)},
    ).stdout.strip()


def test_they_import_pytorch_numpy_and_scipy_alone():
    program = (
        "import sys, torch, numpy, scipy.stats\n"
        "before = set(sys.modules)\n"
        "import samplebook.experiments.sensitivity, samplebook.experiments.spectr\n"
        "import samplebook.experiments.nbpo, samplebook.experiments.cet\n"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "print(sorted(new - sys.stdlib_module_names - {'torch', 'numpy', 'scipy'}))"
    )
    assert printed_by(program) == "['samplebook']"


def test_notebooks_read_records_without_pytorch():
    program = "import sys, samplebook.experiments; print('torch' in sys.modules)"
    assert printed_by(program) == "False"
