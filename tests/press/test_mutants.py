"""What `make mutants` reads names functions and tests that exist; its verdict is right."""

import ast
from functools import cache
from pathlib import Path

import pytest

from press.errors import PressError
from press.mutants import (
    Count,
    Group,
    changed_lines,
    judge,
    read_groups,
    read_survivors,
    source_of,
    table,
)

ROOT = Path(__file__).parents[2]
GROUPS = read_groups(ROOT)
SURVIVORS = read_survivors(ROOT)


@cache
def sources(module: str) -> dict[str, str]:
    """The source text of each function of a module, and of each method as ``Class.method``."""
    text = (ROOT / "lib" / source_of(module)).read_text("utf-8")
    found = {}
    for node in ast.parse(text).body:
        methods = node.body if isinstance(node, ast.ClassDef) else [node]
        prefix = f"{node.name}." if isinstance(node, ast.ClassDef) else ""
        for function in methods:
            if isinstance(function, ast.FunctionDef):
                found[prefix + function.name] = ast.get_source_segment(text, function)
    return found


def targets() -> list[str]:
    return [
        f"{module}.{name}"
        for group in GROUPS
        for module, names in group.functions.items()
        for name in names
    ]


def source_of_target(target: str) -> str:
    module = next(
        module
        for group in GROUPS
        for module in group.functions
        if target.startswith(f"{module}.")
    )
    return sources(module)[target.removeprefix(f"{module}.")]


@pytest.mark.parametrize("target", targets())
def test_each_function_to_change_exists(target):
    assert source_of_target(target).startswith("def ")


def test_no_function_is_changed_twice():
    assert len(set(targets())) == len(targets())


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_each_test_file_exists(group):
    assert group.tests
    assert [file for file in group.tests if not (ROOT / file).is_file()] == []


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_what_is_left_out_occurs_in_the_test_files(group):
    texts = "".join((ROOT / file).read_text("utf-8") for file in group.tests)
    assert [part for part in group.without if part.strip("-[]") not in texts] == []


def test_tests_are_left_out_by_parts_of_their_names():
    group = Group("g", ["tests/t.py"], ["slow_", "-naive]"], {"a.b": ["f"]})
    assert group.pytest_options()[-2:] == ["-k", "not (slow_ or -naive])"]
    assert "-k" not in Group("g", ["tests/t.py"], [], {}).pytest_options()


def test_each_survivor_changes_lines_that_its_function_has():
    strange = []
    for function, before, after in SURVIVORS:
        lines = {line.strip() for line in source_of_target(function).splitlines()}
        if not set(before.splitlines()) <= lines or before == after:
            strange.append((function, before, after))
    assert strange == []


def write_survivors(root: Path, text: str) -> None:
    (root / "tests" / "mutants").mkdir(parents=True)
    (root / "tests" / "mutants" / "survivors.yml").write_text(text)


ENTRY = """
- reason: no test can tell
  mutants:
    - {function: a.b, before: x + 1, after: x - 1}
"""


def test_a_survivor_is_read_with_its_reason(tmp_path):
    write_survivors(tmp_path, ENTRY)
    assert read_survivors(tmp_path) == {("a.b", "x + 1", "x - 1"): "no test can tell"}


@pytest.mark.parametrize(
    "text, complaint",
    [
        (ENTRY.replace("no test can tell", "''"), "needs a reason"),
        (ENTRY.replace("before: x + 1, ", ""), "needs a reason"),
        (2 * ENTRY, "stands there twice"),
    ],
)
def test_an_entry_without_reason_or_lines_or_twice_is_refused(
    tmp_path, text, complaint
):
    write_survivors(tmp_path, text)
    with pytest.raises(PressError, match=complaint):
        read_survivors(tmp_path)


def test_a_change_is_the_same_wherever_its_line_stands():
    before = "def f(x):\n    y = x + 1\n    return y"
    after = before.replace("+", "-")
    assert changed_lines(before, after) == ("y = x + 1", "y = x - 1")
    assert changed_lines("# new\n" + before, "# new\n" + after) == (
        "y = x + 1",
        "y = x - 1",
    )


def test_a_time_limit_counts_as_killed_and_no_test_as_survived():
    count = Count()
    for code in (1, 3, -24, 36, 0, 33):
        count.add(code)
    assert (count.killed, count.timed_out, count.survived) == (2, 2, 2)
    assert count.share == 4 / 6


def test_the_table_has_a_row_for_each_function_and_for_all():
    rows = table({"b.f": Count(3, 0, 1), "a.g": Count(1, 1, 0)}).splitlines()
    assert [row.split() for row in rows[1:]] == [
        ["a.g", "2", "1", "1", "0", "100.0%"],
        ["b.f", "4", "3", "0", "1", "75.0%"],
        ["all", "6", "4", "1", "1", "83.3%"],
    ]


def test_the_run_fails_below_85_percent():
    judge({"a.f": Count(84, 1, 15)}, unknown=[])
    with pytest.raises(PressError, match="84 of 100 mutants are killed"):
        judge({"a.f": Count(84, 0, 16)}, unknown=[])


def test_the_run_fails_on_a_survivor_that_is_not_listed():
    with pytest.raises(PressError, match="before: x \\+ 1"):
        judge({"a.f": Count(99, 0, 1)}, unknown=[("a.f", "x + 1", "x - 1")])
