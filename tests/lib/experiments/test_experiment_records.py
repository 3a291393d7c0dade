"""Where notebooks find the records of large experiments."""

import json

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


def test_the_stored_records_are_readable():
    for record in experiments.records("spectr"):
        assert record["what"] == "spectr"
