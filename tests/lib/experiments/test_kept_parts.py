"""What a later session finds of an earlier one, and how both share a budget."""

import pytest
import torch

from samplebook.experiments.clock import BUDGET_OVER, SESSION_OVER, Clock, Sections
from samplebook.experiments.kept_parts import KeptParts

CONDITIONS = {"seed": 0, "code": "abc"}


@pytest.fixture
def parts(tmp_path):
    return KeptParts(tmp_path / "parts", CONDITIONS)


def test_a_part_comes_back_as_it_was(parts):
    result = {"rows": [{"mean": 0.1, "interval": None}], "weights": torch.arange(3)}
    parts.write("a part", result, 2.5)
    found = KeptParts(parts.folder, dict(CONDITIONS)).read("a part")
    assert found["seconds"] == 2.5
    assert found["result"]["rows"] == result["rows"]
    assert torch.equal(found["result"]["weights"], result["weights"])
    assert [file.suffix for file in parts.folder.iterdir()] == [".pt"]


def test_a_part_of_other_conditions_or_another_name_is_missing(parts):
    parts.write("a part", 1, 0.0)
    assert parts.read("another part") is None
    assert KeptParts(parts.folder, CONDITIONS | {"code": "abd"}).read("a part") is None


@pytest.mark.parametrize("length", [0, 10, 300])
def test_a_damaged_part_is_missing(parts, length):
    parts.write("a part", list(range(50)), 0.0)
    file = parts.file("a part")
    file.write_bytes(file.read_bytes()[:length])
    assert parts.read("a part") is None


def test_without_a_folder_nothing_is_kept():
    parts = KeptParts(None, CONDITIONS)
    parts.write("a part", 1, 0.0)
    assert parts.read("a part") is None


def test_what_is_kept_is_not_measured_again_and_counts_in_the_budget(parts):
    assert Sections(Clock(100.0), parts).attempt_once("a part", lambda: 7) == 7
    parts.write("a part", 7, 50.0)
    clock = Clock(100.0)
    share = Sections(clock.of_share(0.3), parts)
    assert share.attempt_once("a part", lambda: 8) == 7
    assert share.attempt_once("another part", lambda: 8) is None
    assert share.missing == [{"name": "another part", "reason": BUDGET_OVER}]
    assert 50 <= clock.elapsed < 60 and not clock.is_over


def test_a_session_that_is_over_leaves_parts_to_the_next(parts):
    sections = Sections(Clock(100.0, session=50.0), parts)
    assert sections.attempt_once("short", lambda: 1, needs=10.0) == 1
    assert sections.attempt_once("long", lambda: 1, needs=60.0) is None
    assert sections.missing == [{"name": "long", "reason": SESSION_OVER}]
    assert not sections.is_complete
    over = Sections(Clock(100.0, session=0.0), parts)
    assert over.attempt_once("short", lambda: 2) == 1
    assert over.is_complete
    assert over.attempt_once("unmeasured", lambda: 2) is None
    assert not over.is_complete


def test_what_the_budget_or_a_failure_costs_is_missing_for_good(parts):
    def failing():
        raise RuntimeError("no memory left\nmore words")

    sections = Sections(Clock(100.0), parts)
    assert sections.attempt_once("failing", failing) is None
    assert Sections(Clock(0.0), parts).attempt_once("late", lambda: 1) is None
    assert sections.missing == [{"name": "failing", "reason": "no memory left"}]
    assert sections.is_complete
