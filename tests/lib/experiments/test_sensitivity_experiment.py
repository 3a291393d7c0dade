"""The whole experiment at tiny size, and what its record says."""

import json
from dataclasses import replace

import pytest

from samplebook.experiments import sensitivity
from samplebook.experiments.clock import Clock
from samplebook.experiments.command_line import Asked
from samplebook.experiments.sensitivity_sizes import EXPONENTS, SCALES

SCALE = SCALES["tiny"]


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    out = tmp_path_factory.mktemp("record") / "folder" / "record.json"
    sensitivity.main(["run", "--size", "tiny", "--out", str(out)])
    return json.loads(out.read_text(encoding="utf-8"))


def scored(record, score, method):
    return [
        row
        for row in record["scores"]
        if (row["score"], row["method"]) == (score, method)
    ]


def without_times(value):
    """A record without what depends on the clock."""
    timed = ("finished", "seconds", "in_", "units")
    if isinstance(value, dict):
        return {
            name: without_times(entry)
            for name, entry in value.items()
            if not name.startswith(timed) or name == "inside_bounds"
        }
    return (
        [without_times(entry) for entry in value] if isinstance(value, list) else value
    )


def test_a_missing_part_alone_is_measured_again_and_gives_the_same(
    tmp_path, monkeypatch
):
    small = replace(SCALE, budgets=(100,), spaces=SCALE.spaces[:1])
    monkeypatch.setitem(SCALES, "tiny", small)
    asked = Asked("tiny", 0, 540.0, parts=tmp_path)
    first = sensitivity.run_experiment(asked)
    files = sorted(tmp_path.iterdir())
    for file in files[::4]:
        file.unlink()
    kept = {file: file.stat().st_mtime_ns for file in tmp_path.iterdir()}
    second = sensitivity.run_experiment(asked)
    assert sorted(tmp_path.iterdir()) == files
    assert kept == {file: file.stat().st_mtime_ns for file in kept}
    assert without_times(second) == without_times(first)


def test_nothing_is_missing(record):
    assert record["not_measured"] == []
    assert record["what"] == "sensitivity"
    assert record["sizes"]["num_rows"] == SCALE.num_rows
    assert len(record["provenance"]["source_sha256"]) == 64
    assert set(record["seconds"]) == {
        "make the matrix",
        "scores",
        "regression",
        "points",
    }
    assert all(seconds > 0 for seconds in record["units"].values())


def test_exact_scores_sum_to_what_is_known(record):
    exact = scored(record, "leverage", "exact") + scored(record, "lewis", "iteration")
    assert len(exact) == 1 + len(EXPONENTS)
    for row in exact:
        assert row["sum"] == pytest.approx(SCALE.num_columns, rel=1e-5)
        assert SCALE.num_rare <= row["rare_sum"] <= SCALE.num_rare + 1


def test_approximate_scores_keep_their_factor(record):
    """The seed is fixed; a failure has probability at most ``SCALE.failure`` and twice that."""
    for method in ("sketch", "sketch and projection"):
        (row,) = scored(record, "leverage", method)
        low, high = row["proven_ratios"]
        assert low <= row["smallest_ratio"] < 1 < row["largest_ratio"] <= high
        assert 0 < row["median_error"] < high - 1


def test_sensitivities_lie_inside_their_bounds(record):
    (row,) = scored(record, "sensitivity", "Newton on fourth moments")
    assert row["inside_bounds"] is True
    assert row["sampled_rows"] == SCALE.sampled_rows
    assert row["largest_gap"] < 1e-5
    low, high = row["proven_ratios"]
    assert low * 0.999 <= row["smallest_ratio"] <= row["largest_ratio"] <= high
    lower, upper = (
        next(row for row in scored(record, "sensitivity", name) if row["p"] == 4)
        for name in ("lower bound", "upper bound")
    )
    assert lower["sum"] <= row["sum_interval"][1]
    assert row["sum_interval"][0] <= upper["sum"]


def test_every_regression_is_measured(record):
    schemes = {
        1.0: ["uniform", "leverage", "root leverage", "lewis"],
        1.5: ["uniform", "leverage", "root leverage", "lewis"],
        4.0: [
            "uniform",
            "leverage",
            "lewis",
            "sensitivity",
            "leverage and sensitivity",
        ],
    }
    expected = [
        (p, scheme, budget)
        for p in EXPONENTS
        for scheme in schemes[p]
        for budget in SCALE.budgets
    ]
    rows = record["regression"]
    assert [(row["p"], row["scheme"], row["budget"]) for row in rows] == expected
    for row in rows:
        assert row["cost_ratio"]["value"] >= 1 - 1e-4
        assert row["cost_ratio_95"]["value"] >= row["cost_ratio"]["value"]
        assert row["largest_gap"] is None or row["largest_gap"] <= 1.1e-4
    assert [row["p"] for row in record["optima"]] == list(EXPONENTS)
    assert all(row["gap"] <= 1.1e-6 for row in record["optima"])


def test_scores_beat_uniform_sampling_where_rows_are_rare(record):
    rows = record["regression"]
    for p in EXPONENTS:
        of_p = [row for row in rows if row["p"] == p and row["budget"] == 300]
        uniform, *others = (row["cost_ratio_95"]["value"] for row in of_p)
        assert max(others) < uniform


def test_every_strategy_is_measured(record):
    rows = record["dpp"]
    assert len(rows) == len(SCALE.spaces) * 5
    for row in rows:
        assert row["points"] == row["copies"] * row["dimension"]
        assert row["repetitions"] == SCALE.dpp_repetitions
        values = [entry["value"] for entry in row["quantiles"].values()]
        assert values == sorted(values)
        assert values[0] >= 1
        assert row["seconds_a_dpp"] > 0


def test_a_spent_budget_leaves_everything_out_and_names_it(monkeypatch):
    monkeypatch.setattr(Clock, "is_over", property(lambda clock: True))
    record = sensitivity.run_experiment(Asked("tiny", 1, 60.0))
    for name in ("scores", "optima", "regression", "dpp"):
        assert record[name] == []
    names = [entry["name"] for entry in record["not_measured"]]
    assert names == [
        "units",
        "leverage scores",
        *(f"Lewis weights, p = {p:g}" for p in EXPONENTS),
        "regression",
        "points in 1 variables, degree 3",
        "points in 2 variables, degree 2",
    ]


def test_a_failure_costs_itself_alone(monkeypatch):
    def failing(*arguments, **settings):
        raise RuntimeError("no memory left\nmore words")

    monkeypatch.setattr(sensitivity, "lewis_rows", failing)
    monkeypatch.setattr(sensitivity, "determinantal_rows", failing)
    record = sensitivity.run_experiment(Asked("tiny", 1, 60.0))
    assert {row["score"] for row in record["scores"]} == {"leverage"}
    assert record["dpp"] == []
    assert record["regression"]
    assert {entry["reason"] for entry in record["not_measured"]} == {"no memory left"}


def test_the_full_size_needs_a_gpu(capsys, monkeypatch):
    monkeypatch.setattr(sensitivity.torch.cuda, "is_available", lambda: False)
    with pytest.raises(SystemExit):
        sensitivity.main(["run", "--out", "nowhere.json"])
    assert "needs a CUDA device" in capsys.readouterr().err
