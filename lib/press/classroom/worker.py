"""Runs a submission inside its containment, and answers calls of its functions.

The containment starts ``main``. It gives up every privilege, sets the limits, and serves requests on one
connection: run a cell, call a function. It knows no test: the grader has them, in another process.
"""

import builtins
import ctypes
import importlib.abc
import importlib.machinery
import os
import resource
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import numpy as np
from IPython.core.inputtransformer2 import TransformerManager

from press.classroom import wire
from press.classroom.system_calls import forbid_system_calls

LONGEST_MESSAGE = 500
DRAWING_PACKAGES = ("IPython", "matplotlib")
UNPRIVILEGED_USERS = range(50_000, 60_000)
"""User numbers that no system hands out; the process limit counts each number's processes."""


def give_up_privileges(number: int) -> None:
    """Become a user who owns nothing, where root started the containment."""
    if os.getuid() == 0:
        user = UNPRIVILEGED_USERS[number % len(UNPRIVILEGED_USERS)]
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)


def set_limits(memory: int, cpu_seconds: int) -> None:
    """One process with one thread, no file to write, bounded memory and time."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # else SciPy starts threads
    limits = {
        resource.RLIMIT_NPROC: 1,
        resource.RLIMIT_AS: memory,
        resource.RLIMIT_CPU: cpu_seconds,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NOFILE: 64,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_SIGPENDING: 64,
    }
    for limit, value in limits.items():
        resource.setrlimit(limit, (value, value))


def silence() -> None:
    """Let whatever the submission prints or reads go nowhere."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)


def empty_subplots(rows: int = 1, columns: int = 1, *_: Any, **named: Any) -> Any:
    """A figure and axes for ``figure, axes = plt.subplots(...)``, in an array if they are several."""
    shape = named.get("nrows", rows), named.get("ncols", columns)
    axes = np.empty(shape, dtype=object)
    for place in np.ndindex(shape):
        axes[place] = MagicMock()
    if named.get("squeeze", True):
        return MagicMock(), axes.squeeze() if axes.size > 1 else axes[0, 0]
    return MagicMock(), axes


class DrawingStandsStill(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports plotting packages as objects that accept everything and draw nothing."""

    @classmethod
    def begin(cls) -> None:
        """Let these packages be imported so from now on."""
        for name in [name for name in sys.modules if cls.is_drawing(name)]:
            del sys.modules[name]
        sys.meta_path.insert(0, cls())

    @staticmethod
    def is_drawing(name: str) -> bool:
        return name.partition(".")[0] in DRAWING_PACKAGES

    def find_spec(
        self, name: str, path: Any = None, target: Any = None
    ) -> importlib.machinery.ModuleSpec | None:
        if not self.is_drawing(name):
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> Any:
        module = MagicMock(name=spec.name)
        module.__name__ = spec.name
        return module

    def exec_module(self, module: Any) -> None:
        if module.__name__ == "matplotlib.pyplot":
            module.subplots = empty_subplots


def can_fork() -> None:
    if os.fork() == 0:
        os._exit(0)


def can_reach_a_network() -> None:
    names = [name for _, name in socket.if_nameindex()]
    if names == ["lo"]:
        raise OSError("only the loopback device")


def can_write_files() -> None:
    for folder in ("/", "/dev", "/dev/shm", "/tmp", "."):
        with suppress(OSError):
            (Path(folder) / "written").write_bytes(b"x")
            return
    raise OSError("no place to write")


def can_take_memory() -> None:
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit != resource.RLIM_INFINITY:
        bytearray(limit)


def can_share_memory() -> None:
    """Memory of this kind counts towards no limit of a process."""
    if ctypes.CDLL(None).shmget(0, 1, 0o600) == -1:
        raise PermissionError


def can_see_processes() -> None:
    Path("/proc/self/mem").stat()


def can_regain_privileges() -> None:
    os.setuid(0)


def can_list(folder: str) -> None:
    with os.scandir(folder) as entries:
        next(entries)


def weaknesses(hidden: list[str]) -> list[str]:
    """What this process can do, or see, that a contained process must not; tried, not assumed."""
    forbidden: dict[str, Callable[[], object]] = {
        "start processes": can_fork,
        "reach a network": can_reach_a_network,
        "write files": can_write_files,
        "take any amount of memory": can_take_memory,
        "keep memory beyond its limit": can_share_memory,
        "look into processes": can_see_processes,
    }
    if os.getuid() in UNPRIVILEGED_USERS:
        forbidden["regain root's privileges"] = can_regain_privileges
    for path in hidden:
        forbidden[f"read {path}"] = partial(can_list, path)
    found = []
    for deed, attempt in forbidden.items():
        with suppress(OSError, MemoryError, StopIteration):
            attempt()
            found.append(deed)
    return found


def as_python(source: str) -> str:
    """A cell without IPython's own syntax; a cell that cannot be translated stays as it is."""
    try:
        return str(TransformerManager().transform_cell(source))
    except Exception:
        return source


class Submission:
    """The names that a submission's cells have defined."""

    def __init__(self) -> None:
        def nothing(*_: Any, **__: Any) -> None:
            """Notebook functions such as display, which have no effect here."""

        self.names: dict[str, Any] = {
            "__name__": "__main__",
            "display": nothing,
            "get_ipython": MagicMock,
        }

    def run(self, source: str) -> None:
        exec(compile(as_python(source), "<cell>", "exec"), self.names)

    def call(
        self, name: str, arguments: tuple[Any, ...], named: list[tuple[str, Any]]
    ) -> Any:
        if name not in self.names:
            raise NameError(f"there is no function {name}")
        return self.names[name](*arguments, **dict(named))


def builtin_name(error: BaseException) -> str:
    """Name of the built-in exception type that an exception is, or derives from."""
    for ancestor in type(error).__mro__:
        if getattr(builtins, ancestor.__name__, None) is ancestor:
            return ancestor.__name__
    return "Exception"


def described(error: BaseException) -> tuple[str, str, str]:
    """An exception as an answer; its own text may fail too."""
    text = ""
    with suppress(BaseException):
        text = str(error)[:LONGEST_MESSAGE]
    return "error", builtin_name(error), text


def answers(connection: Connection, submission: Submission) -> Iterator[bytes]:
    """Take requests until the grader hangs up; one message an answer."""
    deeds: dict[str, Callable[..., Any]] = {
        "run": submission.run,
        "call": submission.call,
        "weaknesses": weaknesses,
    }
    while True:
        deed, *arguments = wire.unpack(connection.recv_bytes())
        try:
            yield wire.pack(("done", deeds[deed](*arguments)))
        except BaseException as error:
            yield wire.pack(described(error))


def main(descriptor: int, number: int, memory: int, cpu_seconds: int) -> None:
    """Serve one grader on an open socket.

    Parameters
    ----------
    descriptor : int
        The socket.
    number : int
        Distinguishes the contained processes that run at the same time.
    memory : int
        Bytes of address space.
    cpu_seconds : int
        Time on the processor.
    """
    give_up_privileges(number)
    set_limits(memory, cpu_seconds)
    DrawingStandsStill.begin()
    forbid_system_calls()
    silence()
    connection = Connection(descriptor)
    with suppress(EOFError):
        for answer in answers(connection, Submission()):
            connection.send_bytes(answer)
