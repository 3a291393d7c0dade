"""A contained process can do no harm, ends when it should, and its tests of itself can each fail."""

import os
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from classroom_answers import REPOSITORY
from contained_processes import contained_processes, gone

from press.classroom import containment as module
from press.classroom import system_calls
from press.classroom.containment import (
    ContainedProcess,
    EndedError,
    Limits,
    TimeUpError,
    require_containment,
    why_not_contained,
)
from press.errors import PressError

pytestmark = pytest.mark.usefixtures("containment")

COMMAND = module.containment_command
NOTHING = "lambda *_: None"
NOBODY = 65_534
SECONDS = 60.0


def change_command(
    monkeypatch: pytest.MonkeyPatch, change: Callable[[list[str]], list[str]]
) -> None:
    monkeypatch.setattr(
        module, "containment_command", lambda *given: change(COMMAND(*given))
    )


def change_worker(monkeypatch: pytest.MonkeyPatch, **steps: str) -> None:
    """Let the worker do something else where it does some steps of its start."""
    changes = [f"worker.{step} = {source}" for step, source in steps.items()]
    begin = "import os; from press.classroom import worker"
    main = "worker.main({}, {}, {}, {})"
    monkeypatch.setattr(module, "START", "; ".join([begin, *changes, main]))


def before(flag: str, *words: str) -> Callable[[list[str]], list[str]]:
    """A change of the command: some words before a flag."""

    def change(command: list[str]) -> list[str]:
        place = command.index(flag)
        return [*command[:place], *words, *command[place:]]

    return change


@pytest.fixture
def contained() -> Iterator[ContainedProcess]:
    with ContainedProcess(Limits(), [REPOSITORY]) as process:
        yield process


def run(process: ContainedProcess, source: str) -> object:
    """Run a cell; its exception, or what it left in ``result``."""
    define = f"result = None\n{source}\ndef get_result(): return result"
    kind, *answer = process.ask("run", define, seconds=SECONDS)
    if kind == "error":
        return answer
    return process.ask("call", "get_result", (), [], seconds=SECONDS)[1]


def test_submissions_can_be_contained_here() -> None:
    assert why_not_contained([REPOSITORY]) is None


def test_without_bubblewrap_the_reason_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PressError, match="no submission was run.*install bubblewrap"):
        require_containment([])


def test_without_namespaces_the_reason_is_bubblewraps_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bubblewrap = tmp_path / "bwrap"
    bubblewrap.write_text(
        "#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n"
    )
    bubblewrap.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert why_not_contained([]) == (
        "bubblewrap cannot contain a process here: "
        "bwrap: No permissions to create new namespace"
    )


def test_a_worker_that_cannot_start_is_no_containment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "START", "raise OSError('no filter') # {} {} {} {}")
    reason = why_not_contained([])
    assert reason == "bubblewrap cannot contain a process here: OSError: no filter"


def test_a_shared_network_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    change_worker(monkeypatch, forbid_system_calls=NOTHING)
    change_command(
        monkeypatch,
        lambda words: [word for word in words if word != "--unshare-net"],
    )
    assert "reach a network" in str(why_not_contained([]))


def test_a_network_is_out_of_reach_even_without_the_filter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    change_worker(monkeypatch, forbid_system_calls=NOTHING)
    assert "network" not in str(why_not_contained([]))


def test_system_calls_that_no_limit_covers_are_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    change_worker(monkeypatch, forbid_system_calls=NOTHING)
    assert why_not_contained([]) == (
        "a contained process could keep memory beyond its limit"
    )


def test_a_folder_that_can_be_written_to_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    change_worker(monkeypatch, set_limits=NOTHING)
    change_command(monkeypatch, before("--dev", "--perms", "0777", "--tmpfs", "/tmp"))
    assert "write files" in str(why_not_contained([]))


def test_no_limits_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    change_worker(monkeypatch, set_limits=NOTHING)
    assert "take any amount of memory" in str(why_not_contained([]))


def test_processes_in_sight_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    change_command(monkeypatch, before("--dev", "--proc", "/proc"))
    assert "look into processes" in str(why_not_contained([]))


def test_new_processes_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    change_worker(monkeypatch, forbid_system_calls=NOTHING, set_limits=NOTHING)
    assert "start processes" in str(why_not_contained([]))


def test_a_folder_in_sight_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "covers", lambda hidden: [])
    folder = Path(sys.base_prefix).resolve() / "lib"
    assert f"read {folder}" in str(why_not_contained([folder]))


def test_a_hidden_folder_is_covered_wherever_it_lies(tmp_path: Path) -> None:
    inside = Path(sys.base_prefix).resolve() / "include"
    assert why_not_contained([tmp_path, REPOSITORY, inside]) is None


@pytest.mark.skipif(os.getuid() != 0, reason="only root becomes another user")
def test_privileges_that_come_back_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    halfway = "lambda number: os.setresuid(50_000, 50_000, 0)"
    change_worker(monkeypatch, give_up_privileges=halfway)
    assert "regain root's privileges" in str(why_not_contained([]))


@pytest.mark.skipif(os.getuid() != 0, reason="needs root to become another user")
def test_submissions_are_contained_where_no_root_starts_them() -> None:
    """With the system's interpreter: the environment's own may lie in a folder of root's."""
    packages = Path(pytest.__file__).parents[1]
    paths = f"import sys; sys.path += [{str(REPOSITORY / 'lib')!r}, {str(packages)!r}]"
    ask = "from press.classroom.containment import why_not_contained as why"
    test = f"{paths}; import numpy; {ask}; print(why([]))"
    interpreter = f"/usr/bin/python3.{sys.version_info.minor}"
    try:
        done = subprocess.run(
            [interpreter, "-B", "-c", test],
            user=NOBODY,
            group=NOBODY,
            extra_groups=[],
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        pytest.skip(f"no interpreter that any user can start: {error}")
    if "ModuleNotFoundError" in done.stderr or "PermissionError" in done.stderr:
        pytest.skip("the packages are not readable for any user")
    assert done.stdout == "None\n", done.stderr


def test_a_call_that_takes_too_long_ends_the_process(
    contained: ContainedProcess,
) -> None:
    start = time.monotonic()
    run(contained, "")
    with pytest.raises(TimeUpError):
        contained.ask("run", "while True: pass", seconds=0.5)
    assert time.monotonic() - start < SECONDS / 2


def test_nothing_is_left_of_a_process_that_was_ended() -> None:
    others = contained_processes()
    with ContainedProcess(Limits()) as process:
        run(process, "")
        started = contained_processes() - others
        assert len(started) >= 2
    assert gone(started)


def test_nothing_is_left_when_the_grader_is_killed() -> None:
    others = contained_processes()
    grader = (
        "from press.classroom.containment import *\n"
        "process = ContainedProcess(Limits())\n"
        "process.ask('run', 'pass', seconds=60)\n"
        "print('ready', flush=True)\n"
        "process.ask('run', 'while True: pass', seconds=600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", grader],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY / "lib")},
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        started = contained_processes() - others
        process.kill()
    assert len(started) >= 2
    assert gone(started)


def test_a_process_that_ended_says_so(contained: ContainedProcess) -> None:
    with pytest.raises(EndedError) as caught:
        run(contained, "import os; os._exit(0)")
    assert not isinstance(caught.value, TimeUpError)


@pytest.mark.parametrize(
    ("call", "numbers"),
    [
        ("ptrace", (16, 1, 0, 0)),
        ("unshare", (0x10000000,)),
        ("shmget", (0, 1, 0o600)),
        ("msgget", (0, 0o600)),
        ("semget", (0, 1, 0o600)),
        ("setns", (0, 0)),
        ("fork", ()),
    ],
)
def test_a_system_call_is_refused(
    contained: ContainedProcess, call: str, numbers: tuple[int, ...]
) -> None:
    source = f"""
import ctypes
system = ctypes.CDLL(None, use_errno=True)
result = system.{call}(*{numbers}), ctypes.get_errno()
"""
    assert run(contained, source) == (-1, 1)


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="numbers of x86-64")
@pytest.mark.parametrize("number", [41, 29, 0x4000_0000 + 41, 0x4000_0000 + 39])
def test_a_system_call_by_its_number_is_refused(
    contained: ContainedProcess, number: int
) -> None:
    source = f"""
import ctypes
system = ctypes.CDLL(None, use_errno=True)
result = system.syscall({number}, 1, 1, 0), ctypes.get_errno()
"""
    assert run(contained, source) == (-1, 1)


def test_numpy_scipy_and_drawing_work_inside(contained: ContainedProcess) -> None:
    source = """
import IPython, matplotlib.pyplot as plt, numpy as np
from IPython.display import display
from scipy import linalg, optimize, sparse, special, stats
figure, axes = plt.subplots()
_, (left, right) = plt.subplots(1, ncols=2, figsize=(6, 3))
axes.plot([1, 2])
right.set_title("right")
plt.show()
display(figure)
%matplotlib inline
optimum = optimize.linprog([1, 1], A_ub=[[-1, -2]], b_ub=[-4])
result = round(optimum.fun, 9), np.linalg.eigvalsh(np.eye(300)).sum()
"""
    assert run(contained, source) == (2.0, 300.0)


def filtered(machine: str, number: int, caller: int) -> int:
    """What the filter of a machine returns for a call, as the kernel reads its instructions."""
    program = list(struct.iter_unpack("HBBI", system_calls.filter_program(machine)))
    loaded, place = 0, 0
    while True:
        code, if_true, if_false, value = program[place]
        place += 1
        if code == system_calls.RETURN:
            return value
        if code == system_calls.LOAD:
            loaded = caller if value == system_calls.MACHINE_OFFSET else number
        elif code == system_calls.JUMP_IF_EQUAL:
            place += if_true if loaded == value else if_false
        else:
            place += if_true if loaded >= value else if_false


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_refuses_the_forbidden_calls_and_no_others(machine: str) -> None:
    forbidden = set(system_calls.FORBIDDEN[machine].values())
    caller = system_calls.AUDIT_NUMBERS[machine]
    for number in range(600):
        expected = system_calls.REFUSE if number in forbidden else system_calls.ALLOW
        assert filtered(machine, number, caller) == expected
    assert filtered(machine, 0, caller ^ 1) == system_calls.KILL
