"""A process that runs a stranger's code: Debian's bubblewrap, limits, one connection, and nothing else.

The contained process sees the system's programs, the interpreter, NumPy and SciPy, all read-only. It sees no
home folder, no part of the book, no submission, no network and no other process.
"""

import importlib.metadata
import math
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from multiprocessing.connection import Pipe
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from press.classroom import wire
from press.errors import PressError

PACKAGES = ("numpy", "scipy")
SANDBOX = "/sandbox"
OWN_MODULES = (
    "press/__init__.py",
    "press/classroom/__init__.py",
    "press/classroom/system_calls.py",
    "press/classroom/wire.py",
    "press/classroom/worker.py",
)
OF_IPYTHON = ("IPython/core/inputtransformer2.py", "IPython/utils/tokenutil.py")
SYSTEM_FOLDERS = ("/usr", "/bin", "/lib", "/lib32", "/lib64", "/sbin")
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
SECONDS_TO_START = 60.0
SECONDS_BETWEEN_LOOKS = 0.05
START = "from press.classroom.worker import main; main({}, {}, {}, {})"


@dataclass(frozen=True)
class Limits:
    """What one submission may use: seconds a call, seconds in all, bytes of memory."""

    seconds_per_call: float = 10.0
    seconds: float = 120.0
    memory: int = 2 << 30


class EndedError(Exception):
    """The contained process is gone: it ended itself, or was ended for breaking a rule."""


class TimeUpError(EndedError):
    """The contained process was ended because it took too long."""


def passable(paths: Iterable[Path]) -> list[str]:
    """Arguments that make the folders above some paths, open to any user."""
    folders = {
        folder: None for path in paths for folder in list(reversed(path.parents))[1:]
    }
    return [
        word for folder in folders for word in ("--perms", "0755", "--dir", str(folder))
    ]


def shown(path: Path, place: Path) -> list[str]:
    """Arguments that show a file or folder, read-only."""
    return ["--ro-bind", str(path), str(place)]


def system_programs() -> list[str]:
    """Arguments that show the system's programs and libraries; links stay links."""
    arguments = []
    for folder in map(Path, SYSTEM_FOLDERS):
        if folder.is_symlink():
            arguments += ["--symlink", str(folder.readlink()), str(folder)]
        elif folder.is_dir():
            arguments += shown(folder, folder)
    return [*arguments, "--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"]


def programs() -> dict[Path, Path]:
    """Where NumPy, SciPy, IPython's syntax and the worker lie, and where the contained process finds them."""
    library = Path(__file__).parents[2]
    places = {library / name: Path(SANDBOX, "own", name) for name in OWN_MODULES}
    for package in PACKAGES:
        distribution = importlib.metadata.distribution(package)
        for name in {file.parts[0] for file in distribution.files or ()} - {".."}:
            path = Path(str(distribution.locate_file(name))).resolve()
            places[path] = Path(SANDBOX, "packages", name)
    ipython = importlib.metadata.distribution("ipython")
    for name in OF_IPYTHON:
        path = Path(str(ipython.locate_file(name))).resolve()
        places[path] = Path(SANDBOX, "packages", name)
    return places


def covers(hidden: Iterable[Path]) -> list[str]:
    """Arguments that lay an empty folder over each folder that would be seen and must not be.

    Installed packages are covered too: the contained process finds those it may use elsewhere.
    """
    base = Path(sys.base_prefix).resolve()
    in_sight = [base, *map(Path, SYSTEM_FOLDERS)]
    installed = [
        folder
        for prefix in {base, Path("/usr"), Path("/usr/local")}
        for folder in prefix.glob("lib/python3*/*-packages")
    ]
    covered = {
        folder.resolve()
        for folder in [*installed, *hidden]
        if folder.is_dir()
        and any(folder.resolve().is_relative_to(place) for place in in_sight)
    }
    return [
        word
        for folder in sorted(covered)
        for word in ("--tmpfs", str(folder), "--remount-ro", str(folder))
    ]


def separation() -> list[str]:
    """Arguments that separate users, processes, networks and whatever else can be separated."""
    kinds = ["ipc", "pid", "net", "uts", "cgroup-try"]
    if (
        os.getuid() == 0
    ):  # the worker becomes another user itself: root has no process limit
        capabilities = ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        kinds.append("user")
        capabilities = []
    flags = [f"--unshare-{kind}" for kind in kinds]
    return [*flags, "--die-with-parent", "--new-session", "--clearenv", *capabilities]


def containment_command(
    descriptor: int, limits: Limits, hidden: Iterable[Path]
) -> list[str]:
    """The command that starts a contained worker on an open socket."""
    base = Path(sys.base_prefix).resolve()
    places = programs()
    cpu_seconds = math.ceil(limits.seconds + SECONDS_TO_START)
    start = START.format(descriptor, os.getpid(), limits.memory, cpu_seconds)
    paths = f"import sys; sys.path[:0] = ['{SANDBOX}/own', '{SANDBOX}/packages']; "
    return [
        "bwrap",
        *separation(),
        *(word for name in ONE_THREAD for word in ("--setenv", name, "1")),
        *system_programs(),
        *passable([base, *places.values()]),
        *shown(base, base),
        *covers(hidden),
        *(word for path, place in places.items() for word in shown(path, place)),
        *("--dev", "/dev", "--remount-ro", "/dev", "--remount-ro", "/"),
        str(Path(sys.executable).resolve()),
        *("-I", "-S", "-B", "-c", paths + start),
    ]


class ContainedProcess:
    """One contained worker, from its start to its end; a context manager.

    Parameters
    ----------
    limits : Limits
        What it may use.
    hidden : iterable of pathlib.Path
        Folders that it must not see, wherever they lie.
    """

    def __init__(self, limits: Limits, hidden: Iterable[Path] = ()):
        self.deadline = math.inf
        self.late = False
        self.connection, theirs = Pipe()
        with theirs:
            self.process = subprocess.Popen(
                containment_command(theirs.fileno(), limits, hidden),
                pass_fds=[theirs.fileno()],
                env={"PATH": os.environ.get("PATH", os.defpath)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
        threading.Thread(target=self.watch, daemon=True).start()

    def watch(self) -> None:
        """End the process at a deadline, whatever the grader waits for."""
        while self.process.poll() is None:
            if time.monotonic() > self.deadline:
                self.late = True
                self.process.kill()
            time.sleep(SECONDS_BETWEEN_LOOKS)

    def ask(self, *request: Any, seconds: float) -> tuple[Any, ...]:
        """Send a request and wait for its answer.

        Returns
        -------
        tuple
            ``("done", value)`` or ``("error", name of a built-in exception, its text)``.

        Raises
        ------
        TimeUpError
            If the answer takes longer than ``seconds``; the process is ended.
        EndedError
            If the process ends, or answers with anything else.
        """
        question = wire.pack(request)
        self.deadline = time.monotonic() + seconds
        try:
            self.connection.send_bytes(question)
            answer = wire.unpack(self.connection.recv_bytes(wire.LARGEST_MESSAGE))
        except (EOFError, OSError, ValueError, MemoryError) as error:
            self.end()
            raise TimeUpError if self.late else EndedError from error
        finally:
            self.deadline = math.inf
        match answer:
            case ("done", _) | ("error", str(), str()):
                return answer
        self.end()
        raise EndedError

    def end(self) -> None:
        """End the process, and every process that it started."""
        self.process.kill()
        self.process.wait()
        self.connection.close()

    def last_words(self) -> str:
        """The last line that the containment wrote when it could not start."""
        assert self.process.stderr is not None
        lines = self.process.stderr.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "the contained process ended at its start"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()
        assert self.process.stderr is not None
        self.process.stderr.close()


def why_not_contained(hidden: Iterable[Path]) -> str | None:
    """Why submissions can't be contained on this machine; none if they can.

    A contained process is started and tries what it must not be able to do.
    """
    if shutil.which("bwrap") is None:
        return "bubblewrap is not installed (Debian: apt-get install bubblewrap)"
    folders = list(hidden)
    with ContainedProcess(Limits(), folders) as contained:
        try:
            answer = contained.ask(
                "weaknesses", list(map(str, folders)), seconds=SECONDS_TO_START
            )
        except EndedError:
            words = contained.last_words()
            return f"bubblewrap cannot contain a process here: {words}"
    if answer[0] == "error":
        return f"the contained process could not test itself: {answer[2]}"
    if answer[1]:
        return f"a contained process could {', '.join(answer[1])}"
    return None


def require_containment(hidden: Iterable[Path]) -> None:
    """See that submissions can be contained.

    Raises
    ------
    PressError
        With the reason why not.
    """
    reason = why_not_contained(hidden)
    if reason:
        raise PressError(
            f"no submission was run, since it could not be contained: {reason}"
        )
