"""The whole experiment at tiny size, and what its record says."""

import json

import numpy as np
import pytest

from samplebook.core.interactions import Interactions
from samplebook.experiments import nbpo
from samplebook.experiments.clock import Clock
from samplebook.experiments.command_line import Asked
from samplebook.experiments.nbpo_record import (
    ANY,
    Claim,
    best_validated,
    collapses,
    differences,
)
from samplebook.experiments.nbpo_sizes import (
    FAMILIES,
    FIXED,
    NBPO,
    SCALES,
    candidates,
    trainings,
)
from samplebook.experiments.nbpo_training import Row
from samplebook.experiments.recorded_votes import prepare

SCALE = SCALES["tiny"]
WORLDS = ["ours", "structured flips", "constant flips"]


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    folder = tmp_path_factory.mktemp("record")
    data, out = folder / "votes.npz", folder / "folder" / "record.json"
    matrix = np.random.default_rng(0).random((40, 120)) < 0.1
    prepare(data, "ours", Interactions.of_matrix(matrix))
    nbpo.main(["run", "--size", "tiny", "--data", str(data), "--out", str(out)])
    return json.loads(out.read_text(encoding="utf-8"))


def test_nothing_is_missing(record):
    assert record["not_measured"] == []
    assert record["what"] == "nbpo"
    assert [world["world"] for world in record["worlds"]] == WORLDS
    assert [world["flips"] for world in record["worlds"]] == [
        "unknown",
        "structured",
        "constant",
    ]
    assert record["provenance"]["data"]["source"] == "ours"
    assert set(record["seconds"]) == {"make the worlds", "tune", "train"}


def test_every_candidate_is_tried_and_the_best_is_trained(record):
    count = len(SCALE.rates) * len(SCALE.penalties)
    settings = ("method", "fixed_flip", "learning_rate", "regularisation")
    for world in WORLDS:
        for family in FAMILIES:
            tried = [
                row
                for row in record["tuning"]
                if (row["world"], row["family"]) == (world, family)
            ]
            assert len(tried) == count
            best = max(tried, key=lambda row: row["validation"])
            assert any(
                row["world"] == world
                and all(row.get(name) == best[name] for name in settings)
                for row in record["rows"]
            )


def test_every_training_is_measured(record):
    for world in record["worlds"]:
        rows = [row for row in record["rows"] if row["world"] == world["world"]]
        methods = {row["method"] for row in rows}
        assert methods == {"popularity", "bpr", "bpo", "nbpo", "nbpo_original"}
        nbpo_rows = [row for row in rows if row["method"] == "nbpo"]
        constants = {row["fixed_flip"] for row in nbpo_rows} - {None}
        assert constants == set(SCALE.fixed_flips)
        penalties = {row["flip_regularisation"] for row in nbpo_rows} - {None}
        shares = [*SCALE.flip_penalties, 1 / world["strength"]]
        assert sorted(penalties) == pytest.approx(
            sorted(share * world["strength"] for share in shares), rel=1e-4
        )


def test_figures_are_consistent(record):
    for row in record["rows"]:
        for name, value in row["metrics"].items():
            low, high = value["interval"]
            assert low <= value["mean"] <= high
            assert 0 <= value["mean"] <= 1, name
        assert ("auc" in row["metrics"]) == (row["world"] != "ours")
        if row["method"] != "popularity":
            assert len(row["best_epochs"]) == SCALE.seeds
            assert [epoch for epoch, _ in row["curve"]] == [2, 4, 6]
            assert row["validation"]["mean"] >= max(value for _, value in row["curve"])


def test_gamma_is_described_where_it_is_learned(record):
    for row in record["rows"]:
        gamma = row.get("gamma", {})
        learned = row.get("flip_regularisation") is not None
        assert ("sd" in gamma) == learned
        assert ("threshold" in gamma) == (learned or row.get("fixed_flip") == 0.5)
        if learned:
            assert ("correlation" in gamma) == (row["world"] != "ours")
        if row["world"] == "constant flips" and learned:
            assert gamma["correlation"] is None


def test_a_large_penalty_collapses_gamma(record):
    strength = {world["world"]: world["strength"] for world in record["worlds"]}
    shares = []
    for row in record["collapse"]:
        shares.append(round(row["flip_regularisation"] / strength[row["world"]], 3))
        if shares[-1] == max(SCALE.flip_penalties):
            assert row["predicted"] and row["collapsed"]
        if shares[-1] == min(SCALE.flip_penalties):
            assert not row["predicted"] and not row["collapsed"]
    for share in SCALE.flip_penalties:
        assert shares.count(share) == len(WORLDS)


def test_what_is_compared(record):
    found = {
        (row["world"], row["over"], row["metric"]) for row in record["differences"]
    }
    assert len(found) == 5 * (2 + 4 + 4)
    for row in record["verdicts"]:
        low, high = row["interval"]
        assert low <= row["measured"] <= high
    assert len(record["verdicts"]) == 2 * 3 + 2 + 1


def test_differences_are_of_the_settings_that_validate_best():
    def row(validation, penalty, values, **about):
        about = {
            "world": "w",
            "method": "nbpo",
            "fixed_flip": None,
            "flip_regularisation": penalty,
            "validation": {"mean": validation},
            **about,
        }
        return Row(about, {"ndcg@10": np.array(values)})

    rows = [
        row(0.2, 1.0, [0.3, 0.5]),
        row(0.3, 2.0, [0.2, 0.4]),
        row(0.1, None, [0.1, 0.1], fixed_flip=0.5),
        row(0.9, 1.0, [0.9, 0.9], world="another"),
    ]
    assert best_validated(rows, "w", NBPO) is rows[1]
    (found,) = differences(rows, ["w"])
    assert (found["over"], found["mean"]) == (FIXED, 0.2)
    # Student's t with one degree of freedom: 0.2 +- 12.7062 * 0.1
    assert found["interval"] == pytest.approx([0.2 - 1.27062, 0.2 + 1.27062], abs=1e-4)


def test_collapse_is_set_beside_its_prediction():
    gamma = {"threshold": {"mean": 2.0}, "sd": {"mean": 0.003}}
    about = {
        "method": "nbpo",
        "fixed_flip": None,
        "world": "w",
        "learning_rate": 0.1,
        "regularisation": 0.2,
        "gamma": gamma,
    }
    rows = [
        Row({**about, "flip_regularisation": penalty}, {}) for penalty in (1.0, 3.0)
    ]
    found = collapses(rows)
    assert [row["predicted"] for row in found] == [False, True]
    assert all(row["collapsed"] for row in found)


@pytest.mark.parametrize(
    ("within", "interval", "met"),
    [
        (False, [0.02, 0.05], True),
        (False, [-0.05, 0.0], False),
        (False, [0.0, 0.02], None),
        (True, [-0.005, 0.009], True),
        (True, [0.011, 0.02], False),
        (True, [-0.03, -0.02], False),
        (True, [-0.02, 0.005], None),
        (True, None, None),
    ],
)
def test_a_claim_is_met_if_all_of_the_interval_says_so(within, interval, met):
    claim = Claim("paper", ANY, FIXED, "auc", 0.01, within)
    assert claim.is_met(interval) is met


@pytest.mark.parametrize("size", sorted(SCALES))
def test_trainings_cover_the_grid_once(size):
    scale, strength = SCALES[size], 3.0
    tuned = candidates(scale, strength)[0]
    assert set(tuned) == set(FAMILIES)
    groups = trainings(scale, strength, tuned)
    plans = [plan for group in groups for plan in group]
    assert len(plans) == len(set(plans))
    assert groups[0] == [tuned[family] for family in FAMILIES]
    assert {plan.fixed_flip for plan in plans} - {None} == set(scale.fixed_flips)
    learned = {
        plan.flip_regularisation
        for group in groups[:2]
        for plan in group
        if plan.method == "nbpo" and plan.learns_flips
    }
    assert learned == {strength * share for share in scale.flip_penalties}


def test_all_families_try_the_same_settings():
    strength = 3.0
    for candidate in candidates(SCALE, strength):
        tried = {
            (plan.learning_rate, plan.regularisation) for plan in candidate.values()
        }
        assert len(tried) == 1
        assert {plan.epochs for plan in candidate.values()} == {SCALE.tuning_epochs}


def test_a_spent_budget_leaves_everything_out_and_names_it(monkeypatch):
    monkeypatch.setattr(Clock, "is_over", property(lambda clock: True))
    record = nbpo.run_experiment(None, Asked("tiny", 1, 60.0))
    assert {row["method"] for row in record["rows"]} == {"popularity"}
    for name in ("tuning", "differences", "collapse", "verdicts"):
        assert record[name] == []
    reasons = {entry["reason"] for entry in record["not_measured"]}
    assert reasons == {"the budget was used up"}
    assert len(record["not_measured"]) > 2 * len(FAMILIES)


def test_a_budget_that_ends_in_a_training_costs_that_training(monkeypatch):
    asked = iter([False] * 3)
    monkeypatch.setattr(Clock, "is_over", property(lambda clock: next(asked, True)))
    record = nbpo.run_experiment(None, Asked("tiny", 1, 60.0))
    assert record["tuning"] == []
    assert record["not_measured"][0]["reason"] == "the budget was used up"


def test_a_failure_costs_itself_alone(monkeypatch):
    original = nbpo.trained_row

    def failing(world, plan, clock):
        if plan.method == "bpr":
            raise RuntimeError("no memory left\nmore words")
        return original(world, plan, clock)

    monkeypatch.setattr(nbpo, "trained_row", failing)
    record = nbpo.run_experiment(None, Asked("tiny", 1, 60.0))
    assert {entry["reason"] for entry in record["not_measured"]} == {"no memory left"}
    assert "bpr" not in {row["over"] for row in record["differences"]}
    assert "bpo" in {row["over"] for row in record["differences"]}


def test_the_full_size_needs_a_gpu(capsys, monkeypatch):
    monkeypatch.setattr(nbpo.torch.cuda, "is_available", lambda: False)
    with pytest.raises(SystemExit):
        nbpo.main(["run", "--out", "nowhere.json"])
    assert "needs a CUDA device" in capsys.readouterr().err
