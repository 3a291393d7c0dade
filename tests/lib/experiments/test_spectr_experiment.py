"""The whole experiment at toy size, and what its record says."""

import json
from dataclasses import replace

import numpy as np
import pytest

from samplebook import experiments
from samplebook.experiments import spectr
from samplebook.experiments.clock import Clock
from samplebook.experiments.command_line import Asked
from samplebook.experiments.tokenised_text import load, tokens_digest

VOCABULARY = 13


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """Tokens of a random walk on a circle, which a model can learn."""
    rng = np.random.default_rng(0)
    steps = rng.choice([1, 2, 5], p=[0.6, 0.3, 0.1], size=4_000)
    tokens = (np.cumsum(steps) % VOCABULARY).astype(np.uint16)
    arrays = {"training": tokens[:3_000], "held_out": tokens[3_000:]}
    about = {"vocabulary": VOCABULARY, "tokens_sha256": tokens_digest(**arrays)}
    file = tmp_path_factory.mktemp("data") / "walk.npz"
    np.savez(file, **arrays, about=json.dumps(about))
    return file


@pytest.fixture(scope="module")
def record(file):
    out = file.with_name("record.json")
    arguments = ["run", "--size", "toy", "--data", str(file), "--out", str(out)]
    spectr.main(arguments)
    return json.loads(out.read_text(encoding="utf-8"))


def test_every_cell_is_measured(record):
    assert record["not_measured"] == []
    settings = [
        (cell["batch"], cell["method"], cell["num_drafts"], cell["draft_length"])
        for cell in record["cells"]
    ]
    scale = spectr.SCALES["toy"]
    per_length = 1 + len(spectr.MULTIPLE) * (len(scale.counts) - 1)
    expected = len(scale.batches) * len(scale.lengths) * per_length
    assert len(set(settings)) == len(settings) == expected
    assert settings[0] == (1, "single", 1, 2)
    for cell in record["cells"]:
        assert cell["passes"] == scale.passes
        assert 1 <= cell["block_efficiency"]["mean"] <= cell["draft_length"] + 1
        assert 0 <= cell["acceptance"] <= 1
        for figure in ("tokens_per_second", "speed_up", "over_single"):
            low, high = cell[figure]["interval"]
            assert low <= cell[figure]["mean"] <= high
            assert cell[figure]["mean"] > 0
        assert set(cell["parts"]) == {"draft", "target", "rest"}


def test_a_single_draft_is_as_fast_as_itself(record):
    singles = [cell for cell in record["cells"] if cell["method"] == "single"]
    assert [cell["over_single"]["mean"] for cell in singles] == [1.0] * len(singles)


def test_models_learn(record):
    for name in ("target", "draft"):
        curve = record["models"][name]["curve"]
        assert curve[-1][1] < 0.95 * curve[0][1]
    assert record["models"]["target"]["held_out_nats_per_token"] < np.log(VOCABULARY)


def test_no_method_exceeds_the_optimum(record):
    for methods in record["acceptance"].values():
        optimum = methods.pop("optimal")["mean"]
        methods.pop("greedy", None)  # its drafts are not independent: another optimum
        assert all(0 < found["mean"] <= optimum + 1e-3 for found in methods.values())


def test_the_paper_stands_beside_the_fastest_cell(record):
    assert {found["figure"]: found["goal"] for found in record["verdicts"]} == {
        "speed_up": 2.13,
        "over_single": 1.37,
    }
    for found in record["verdicts"]:
        low, high = found["interval"]
        met = True if low > found["goal"] else False if high < found["goal"] else None
        assert found["met"] is met
        rivals = [
            cell[found["figure"]]["mean"]
            for cell in record["cells"]
            if cell["num_drafts"] > 1 and cell["batch"] == found["cell"]["batch"]
        ]
        assert found["measured"] == max(rivals)


def test_the_record_says_where_it_comes_from(record, file):
    provenance = record["provenance"]
    assert len(provenance["source_sha256"]) == 64
    assert provenance["data"]["vocabulary"] == VOCABULARY
    assert record["seed"] == 0
    assert set(record["latency"]) == {"1", "2"}
    assert sum(record["seconds"].values()) < record["budget_seconds"]


def test_a_spent_budget_leaves_cells_out_and_names_them(file, monkeypatch):
    monkeypatch.setattr(Clock, "is_over", property(lambda clock: True))
    record = spectr.run_experiment(load(file), Asked("toy", 1, 60.0))
    assert record["cells"] == record["verdicts"] == []
    scale = spectr.SCALES["toy"]
    expected = len(scale.batches) + len(spectr.all_cells(scale))
    cells = [entry for entry in record["not_measured"] if "method" in entry]
    assert len(cells) == expected
    assert {cell["reason"] for cell in record["not_measured"]} == {
        "the budget was used up"
    }


def test_a_failure_costs_its_own_cell_only(file, monkeypatch):
    emit = spectr.SpeculativeDecoder.emit

    def failing(decoder):
        if decoder.method == "rrs":
            raise RuntimeError("no memory left\nmore words")
        emit(decoder)

    small = {"counts": (1, 2), "lengths": (2,), "batches": (1,), "passes": 1}
    monkeypatch.setitem(spectr.SCALES, "toy", replace(spectr.SCALES["toy"], **small))
    monkeypatch.setattr(spectr.SpeculativeDecoder, "emit", failing)
    record = spectr.run_experiment(load(file), Asked("toy", 0, 1e6))
    assert {cell["method"] for cell in record["not_measured"]} == {"rrs"}
    assert {cell["reason"] for cell in record["not_measured"]} == {"no memory left"}
    assert {cell["method"] for cell in record["cells"]} == {
        "single",
        "kseq",
        "greedy",
        "naive",
    }


def test_importance_puts_the_papers_question_first():
    cells = spectr.all_cells(spectr.SCALES["large"])
    assert len(cells) == 2 * 2 * (1 + 3 * 4)
    assert {cell.method for cell in cells[:4]} == {"single"}
    assert {(cell.method, cell.num_drafts) for cell in cells[4:8]} == {("kseq", 8)}
    assert cells[-1].method == "naive"


def test_the_large_size_needs_a_gpu(file, capsys, monkeypatch):
    monkeypatch.setattr(spectr.torch.cuda, "is_available", lambda: False)
    with pytest.raises(SystemExit):
        spectr.main(["run", "--data", str(file), "--out", "nowhere.json"])
    assert "needs a CUDA device" in capsys.readouterr().err


def test_verdicts_become_the_rows_of_a_table(record):
    columns = experiments.verdict_columns([record, record])
    assert {len(rows) for rows in columns.values()} == {2 * len(record["verdicts"])}
    assert set(columns["paper"]) == {"2.13", "1.37"}
    assert set(columns["device"]) == {"CPU"}
    assert experiments.verdict_columns([])["paper"] == []
