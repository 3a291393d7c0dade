"""Claims: the YAML files are valid, and check() gives and records the right verdict."""

import json
from pathlib import Path

import pytest
import yaml

from samplebook import claims, session

GOOD = {
    "id": "toy-c1",
    "kind": "derived",
    "statement": "One is one.",
    "figure": None,
    "place": "here",
    "source": "ours",
    "rule": "The number is 1.",
    "false_alarm": 0,
    "scale": "laptop",
}
BEYOND = {
    "id": "toy-c2",
    "figure": "2x",
    "source": "read",
    "scale": "beyond",
    "scale_reason": "Too large.",
}


def write(folder: Path, *changes: dict) -> Path:
    """A claims file for the slug ``toy`` in which each entry is GOOD with some fields changed or removed."""
    entries = [
        {
            field: value
            for field, value in {**GOOD, **change}.items()
            if value != "REMOVED"
        }
        for change in changes
    ]
    path = folder / "toy.yml"
    path.write_text(yaml.safe_dump(entries))
    return path


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """Makes ``toy`` the only chapter with claims, and returns the path of the record."""
    write(tmp_path, {}, BEYOND)
    monkeypatch.setattr(claims, "FOLDER", tmp_path)
    monkeypatch.setattr(session, "_current", None)
    claims.load.cache_clear()
    record = tmp_path / "claims.jsonl"
    monkeypatch.setenv("SAMPLEBOOK_CLAIMS", str(record))
    yield record
    claims.load.cache_clear()


@pytest.mark.parametrize("slug", claims.all_slugs())
def test_every_committed_claims_file_is_valid(slug):
    for claim in claims.load(slug).values():
        assert claim.false_alarm <= claims.LARGEST_FALSE_ALARM


def test_there_is_a_claims_file():
    assert "spectr" in claims.all_slugs()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"statement": "REMOVED"}, "statement"),
        ({"colour": "red"}, "colour"),
        ({"kind": "guess"}, "kind"),
        ({"source": "hearsay"}, "source"),
        ({"scale": "moon"}, "scale"),
        ({"rule": " "}, "rule"),
        ({"figure": 2.13}, "figure"),
        ({"figure": "2.13x", "source": "memory"}, "figure"),
        ({"false_alarm": 0.01}, "false_alarm"),
        ({"false_alarm": -1}, "false_alarm"),
        ({"false_alarm": True}, "false_alarm"),
        ({"false_alarm": "small"}, "false_alarm"),
        ({"scale": "beyond"}, "scale_reason"),
        ({"scale_reason": "none needed"}, "scale_reason"),
        ({"finding": " "}, "finding"),
        ({"finding": None}, "finding"),
        ({**BEYOND, "finding": "It cannot fail."}, "finding"),
        ({"id": "other-c1"}, "id"),
        ({"id": "toy"}, "id"),
        ({"id": 1}, "id"),
    ],
)
def test_a_wrong_entry_names_file_id_and_field(tmp_path, change, field):
    path = write(tmp_path, change)
    with pytest.raises(ValueError, match=rf"toy\.yml, .*, {field}: "):
        claims.read_claims(path)


def test_a_missing_id_names_the_entry(tmp_path):
    with pytest.raises(ValueError, match=r"toy\.yml, entry 1, id: is missing"):
        claims.read_claims(write(tmp_path, {"id": "REMOVED"}))


def test_an_id_may_occur_only_once(tmp_path):
    with pytest.raises(ValueError, match="occurs twice"):
        claims.read_claims(write(tmp_path, {}, {}))


@pytest.mark.parametrize("text", ["", "id: toy-c1", "- just a text"])
def test_a_file_of_another_shape_is_refused(tmp_path, text):
    path = tmp_path / "toy.yml"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"toy\.yml"):
        claims.read_claims(path)


def test_an_unknown_slug_or_id_is_refused(toy):
    with pytest.raises(ValueError, match="slug"):
        claims.load("nothing")
    with pytest.raises(ValueError, match="id: 'toy-c9'"):
        claims.check("toy-c9", 1.0, holds=True)


@pytest.mark.parametrize(("holds", "word"), [(True, "holds"), (False, "fails")])
def test_check_records_the_verdict(toy, holds, word):
    verdict = claims.check("toy-c1", 1.0, interval=(0.5, 1.5), holds=holds)
    assert verdict.verdict == word
    (line,) = [json.loads(line) for line in toy.read_text().splitlines()]
    assert line["id"] == "toy-c1"
    assert line["verdict"] == word
    assert line["value"] == 1.0
    assert line["interval"] == [0.5, 1.5]
    assert set(line) == {
        "id", "verdict", "value", "interval", "seed", "profile", "seconds", "versions", "device",
    }  # fmt: skip


def test_the_record_names_the_session(toy, capsys):
    session.start("smoke", 7, chapter="toy")
    claims.check("toy-c1", 1.0, holds=True)
    line = json.loads(toy.read_text())
    assert (line["seed"], line["profile"]) == (7, "smoke")
    assert line["seconds"] >= 0
    assert line["device"] in ("cpu", "cuda")


def test_a_stand_in_decides_nothing(toy):
    verdict = claims.check("toy-c1", 1.0, holds=True, stand_in="a small set")
    assert verdict.verdict == "not-at-this-scale"
    assert "on a stand-in, a small set" in repr(verdict)
    assert json.loads(toy.read_text())["stand_in"] == "a small set"
    claims.check("toy-c1", 1.0, holds=True)
    assert "stand_in" not in json.loads(toy.read_text().splitlines()[-1])


def test_a_claim_beyond_this_scale_is_never_decided(toy):
    assert claims.check("toy-c2", None, holds=None).verdict == "not-at-this-scale"
    assert claims.check("toy-c2", 1.0, holds=False).verdict == "not-at-this-scale"
    assert len(toy.read_text().splitlines()) == 2


def test_without_the_environment_variable_nothing_is_written(toy, monkeypatch):
    monkeypatch.delenv("SAMPLEBOOK_CLAIMS")
    claims.check("toy-c1", 1.0, holds=True)
    assert not toy.exists()


@pytest.mark.parametrize(
    ("measured", "interval", "holds", "message"),
    [
        (float("nan"), None, True, "measured"),
        (1.0, (2.0, 1.0), True, "interval"),
        (1.0, (0.0, float("inf")), True, "interval"),
        (None, None, True, "measured, holds"),
        (1.0, None, None, "measured, holds"),
    ],
)
def test_bad_measurements_are_refused_and_not_recorded(
    toy, measured, interval, holds, message
):
    with pytest.raises(ValueError, match=message):
        claims.check("toy-c1", measured, interval=interval, holds=holds)
    assert not toy.exists()


def test_the_display_is_rounded(toy):
    verdict = claims.check("toy-c1", 1 / 3, interval=(0.25, 2 / 3), holds=True)
    assert repr(verdict) == "toy-c1: holds (measured 0.333, interval [0.25, 0.667])"
    assert "0.333" in verdict._repr_markdown_()
    assert GOOD["rule"] in verdict._repr_markdown_()


def test_only_figures_that_were_read_are_shown_as_the_papers(tmp_path):
    for source, words in [
        ("read", "The paper's figure"),
        ("secondary", "Figure from a secondary source"),
    ]:
        claim = claims.read_claims(write(tmp_path, {**BEYOND, "source": source}))[
            "toy-c2"
        ]
        shown = claims.Verdict(claim, "not-at-this-scale", None, None)._repr_markdown_()
        assert f"*{words}:* 2x" in shown


@pytest.mark.parametrize(("holds", "times"), [(True, 0), (False, 1)])
def test_a_finding_is_shown_only_where_the_claim_fails(toy, tmp_path, holds, times):
    write(tmp_path, {"finding": "The sum counts one twice."})
    shown = claims.check("toy-c1", 1.0, holds=holds)._repr_markdown_()
    assert shown.count("The sum counts one twice.") == times
