"""Where notebooks find the records of large experiments, and what the experiments import."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from samplebook import experiments
from samplebook.experiments.measured_code import measured_modules

NOTHING_CHANGED = measured_modules("nbpo_sizes")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(experiments, "RECORDS", tmp_path)
    return tmp_path


def test_an_experiment_that_was_not_run_has_no_record(folder):
    assert experiments.records("spectr") == []


def test_records_come_by_file_name(folder):
    for slug, name in [("spectr", "h200"), ("spectr", "h100"), ("other", "a100")]:
        (folder / slug).mkdir(exist_ok=True)
        record = {"provenance": {"device": name, "modules": NOTHING_CHANGED}}
        (folder / slug / f"{name}.json").write_text(json.dumps(record))
    devices = [one["provenance"]["device"] for one in experiments.records("spectr")]
    assert devices == ["h100", "h200"]


@pytest.mark.parametrize("slug", ["spectr", "sensitivity", "nbpo", "cet"])
def test_the_stored_records_are_readable(slug):
    for record in experiments.records(slug):
        assert record["what"] == slug


def test_a_record_says_where_it_is_shown_that_its_code_has_changed(folder):
    changed = NOTHING_CHANGED | {"samplebook.core.statistics": "another checksum"}
    (folder / "spectr").mkdir()
    for name, modules in [("new", NOTHING_CHANGED), ("old", changed)]:
        record = {"provenance": {"device": name, "modules": modules}}
        (folder / "spectr" / f"{name}.json").write_text(json.dumps(record))
    devices = [one["provenance"]["device"] for one in experiments.records("spectr")]
    assert devices == ["new", "old (measured with an older version of the code)"]


@pytest.mark.parametrize("text", ["", '{"what": "spectr"', "[1]", '{"what": "cet"}'])
def test_a_damaged_record_is_named(folder, text):
    (folder / "cet").mkdir()
    (folder / "cet" / "gpu.json").write_text(text)
    with pytest.raises(ValueError, match=r"cet/gpu.json: not the record"):
        experiments.records("cet")


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
