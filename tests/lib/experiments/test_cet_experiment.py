"""The whole experiment at tiny size, and what its record says."""

import json
from dataclasses import replace

import numpy as np
import pytest

from samplebook.experiments import cet, cet_measurements, cet_methods
from samplebook.experiments.cet_methods import EVERYTHING, LEXICAL, Cell, cells_of
from samplebook.experiments.cet_passages import prepare
from samplebook.experiments.cet_sizes import SCALES, TEMPERATURES
from samplebook.experiments.clock import Clock
from samplebook.experiments.command_line import Asked

SCALE = SCALES["tiny"]
COLLECTIONS = ["Wikipedia descriptions", "generated texts"]
KINDS = 3 + 8 * len(SCALE.strengths)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """Made-up passages: relevant ones score higher."""
    rng = np.random.default_rng(0)
    relevant = rng.random((45, 60)) < 0.06
    relevant[:, :2] = True
    features = rng.standard_normal((45, 60, 6)) + 1.5 * relevant[..., None]
    arrays = {
        name: rng.standard_normal((count, 20)).astype(np.float32)
        for name, count in (("queries", 45), ("texts", 60), ("titles", 60))
    }
    arrays |= {"features": features.astype(np.float32), "relevant": relevant}
    file = tmp_path_factory.mktemp("data") / "passages.npz"
    prepare(file, 40, arrays)
    return file


@pytest.fixture(scope="module")
def record(file):
    out = file.with_name("folder") / "record.json"
    arguments = ["run", "--size", "tiny", "--data", str(file), "--out", str(out)]
    cet.main(arguments)
    return json.loads(out.read_text(encoding="utf-8"))


def rows_of(record, **settings):
    return [row for row in record["rows"] if settings.items() <= row.items()]


def test_nothing_is_missing(record):
    assert record["not_measured"] == []
    assert record["what"] == "cet"
    assert record["sizes"]["num_seeds"] == SCALE.num_seeds
    assert len(record["provenance"]["source_sha256"]) == 64
    assert record["provenance"]["data"]["queries"] == 45
    assert set(record["seconds"]) == {
        f"{verb} the {name}" for verb in ("make", "train on") for name in COLLECTIONS
    }
    assert [found["name"] for found in record["collections"]] == COLLECTIONS
    _, generated = record["collections"]
    assert generated["documents"] == SCALE.num_documents
    assert 0 < generated["labelled"] < generated["relevant"]


def test_every_way_to_train_is_measured(record):
    cells = [
        Cell("random negatives"),
        Cell("coupled likelihood", None, LEXICAL),
        Cell("coupled likelihood", None, EVERYTHING),
        *(cell for strength in SCALE.strengths for cell in cells_of(strength)),
    ]
    assert len(cells) == KINDS
    found = [
        (row["collection"], row["method"], row["strength"],
         row["selection_sees"], row["temperature"])
        for row in record["rows"]
    ]  # fmt: skip
    assert found == [
        (name, cell.method, cell.strength, cell.selection_sees, cell.temperature)
        for name in COLLECTIONS
        for cell in cells
    ]


def test_quality_has_means_inside_intervals(record):
    for row in record["rows"]:
        for name in ("ndcg", "mrr"):
            low, high = row[name]["interval"]
            assert 0 < row[name]["mean"] <= 1
            assert low <= row[name]["mean"] <= high
        compared = row["strength"] is not None and row["method"] != "naive"
        assert (row["gain"] is not None) == compared


def test_gains_are_over_the_naive_ranker_of_the_same_strength(record):
    for row in record["rows"]:
        if row["gain"] is not None:
            (naive,) = rows_of(
                record,
                collection=row["collection"],
                strength=row["strength"],
                method="naive",
            )
            difference = row["ndcg"]["mean"] - naive["ndcg"]["mean"]
            assert row["gain"]["mean"] == pytest.approx(difference, abs=2e-4)


def test_methods_differ_in_their_false_negatives(record):
    for name in COLLECTIONS:
        for strength in SCALE.strengths:
            rows = rows_of(record, collection=name, strength=strength)
            rates = {row["method"]: row["false_negatives"]["mean"] for row in rows}
            assert rates["oracle"] == 0 < rates["filter"] < rates["naive"]
            assert rates["CET"] == rates["Bayes weights"] == rates["naive"]
    assert all(
        (row["false_negatives"] is None) == (row["method"] == "coupled likelihood")
        for row in record["rows"]
    )


def test_bayes_weighs_false_negatives_less(record):
    for row in rows_of(record, method="Bayes weights"):
        assert row["relative_weight"]["mean"] < 1
    for row in rows_of(record, method="CET"):
        assert row["relative_weight"]["mean"] > 0
    for method in ("naive", "oracle", "filter", "random negatives"):
        assert {row["relative_weight"] for row in rows_of(record, method=method)} == {
            None
        }


def test_selection_is_judged_where_there_is_a_network_for_it(record):
    for row in record["rows"]:
        coupled = row["method"] in ("CET", "coupled likelihood")
        assert (row["selection"] is not None) == coupled
        if coupled:
            selection = row["selection"]
            assert 0 < selection["error"]["mean"] < 1
            assert selection["predicted"] == sorted(selection["predicted"])
            assert len(selection["observed"]) == cet_measurements.NUM_BINS
            for name in ("correlation", "agreement"):
                assert -1 <= selection[name]["mean"] <= 1
    temperatures = [row["temperature"] for row in rows_of(record, method="CET")]
    assert set(temperatures) == set(TEMPERATURES)


def test_qualities_are_means_over_queries_with_something_relevant():
    scores, relevant = np.zeros((1, 3, 12)), np.zeros((1, 3, 12), dtype=bool)
    scores[0, :, :3] = [3, 2, 1], [1, 2, 3], [1, 2, 3]
    relevant[0, :, :3] = [False, True, False], [True, False, True], [False] * 3
    found = cet_measurements.qualities(scores, relevant)
    ndcg = [1 / np.log2(3), 1.5 / (1 + 1 / np.log2(3))]
    assert found["ndcg"] == pytest.approx([np.mean(ndcg)])
    assert found["mrr"] == pytest.approx([(1 / 2 + 1) / 2])


def test_relative_weights_come_from_seeds_with_both_kinds():
    weights = np.array([[1.0, 2.0, 3.0], [1.0, 5.0, 5.0], [2.0, 2.0, 1.0]])
    false = np.array([[True, False, False], [False] * 3, [False, False, True]])
    found = cet_measurements.relative_weight(weights, false)
    assert found["mean"] == pytest.approx((1 / 2.5 + 1 / 2) / 2)
    assert cet_measurements.relative_weight(weights[1:2], false[1:2]) is None


def test_without_data_there_are_generated_texts_alone():
    record = cet.run_experiment(None, Asked("tiny", 1, 60.0))
    assert {row["collection"] for row in record["rows"]} == {"generated texts"}
    assert record["provenance"]["data"] is None


def test_a_spent_budget_leaves_everything_out_and_names_it(monkeypatch):
    monkeypatch.setattr(Clock, "is_over", property(lambda clock: True))
    record = cet.run_experiment(None, Asked("tiny", 1, 60.0))
    assert record["rows"] == []
    assert [entry["name"] for entry in record["not_measured"]] == [
        "generated texts, random negatives",
        "generated texts, coupled likelihood, S sees lexical features",
        "generated texts, coupled likelihood, S sees everything",
        *(f"generated texts, negatives of strength {kappa:g}" for kappa in (1, 0.5)),
    ]


def test_a_failure_costs_what_needs_it_alone(monkeypatch):
    def failing(*arguments, **settings):
        raise RuntimeError("no memory left\nmore words")

    monkeypatch.setattr(cet_methods, "train_by_likelihood", failing)
    monkeypatch.setitem(SCALES, "tiny", replace(SCALE, strengths=(1.0,)))
    record = cet.run_experiment(None, Asked("tiny", 1, 60.0))
    assert len(record["rows"]) == 1 + 8 - 1
    assert {entry["reason"] for entry in record["not_measured"]} == {
        "no memory left",
        "the coupled likelihood is missing",
    }


def test_the_full_size_needs_a_gpu(capsys, monkeypatch):
    monkeypatch.setattr(cet.torch.cuda, "is_available", lambda: False)
    with pytest.raises(SystemExit):
        cet.main(["run", "--out", "nowhere.json"])
    assert "needs a CUDA device" in capsys.readouterr().err
