"""Make the environment ``.venv`` from the locks: the first step of ``make book``.

The system's Python runs this module before anything is installed, so it needs the standard library alone.
It creates ``.venv``, installs tqdm there, and goes on inside it with a progress bar. Where the locks and the
interpreter are those of the last complete installation, it does nothing and touches no network.
With ``NEWEST`` it installs the newest versions of the same packages, and the data packages as locked.
"""

from __future__ import annotations  # so that an old Python gets as far as the message

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from press.errors import PressError

OLDEST_PYTHON = (3, 11)
GIGABYTE = 10**9
NEEDED_BYTES = 8 * GIGABYTE  # PyTorch with CUDA
NEEDED_BYTES_OF_SMALL_BUILD = 3 * GIGABYTE
PINNED = re.compile(r"(?m)^([\w.-]+)==([^\s\\;]+)")
OBTAINED = re.compile(r"^\s*(?:Collecting|Requirement already satisfied:) ([\w.-]+)")
NEWEST_LIMITS = {"jupyter-book": "<2"}  # 2 reads neither _config.yml nor _toc.yml
NO_DISK_WORDS = ("No space left on device", "Disk quota exceeded")
NO_NETWORK_WORDS = (
    "from versions: none",
    "ConnectionError",
    "NameResolutionError",
    "Max retries",
    "Network is unreachable",
)


@dataclass(frozen=True)
class Environment:
    """The virtual environment of one checkout, from the lock or with the newest versions."""

    root: Path
    newest: bool = False

    @property
    def folder(self) -> Path:
        return self.root / ".venv"

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def stamp(self) -> Path:
        """File that says which locks are installed completely."""
        return self.folder / ".samplebook-locks"

    @property
    def lock(self) -> Path:
        return self.root / "requirements.lock"

    @property
    def data_lock(self) -> Path:
        return self.root / "requirements-data.lock"


def python_of(environment: Environment) -> str:
    """Version of the environment's interpreter, from its own settings file; empty if there is none."""
    settings = environment.folder / "pyvenv.cfg"
    text = settings.read_text(encoding="utf-8") if settings.is_file() else ""
    match = re.search(r"(?m)^version\s*=\s*([\d.]+)", text)
    return match[1] if match else ""


def locks_digest(environment: Environment) -> str:
    """What a complete installation is of: both locks, the interpreter, and newest versions or locked ones."""
    hashed = hashlib.sha256(python_of(environment).encode())
    if environment.newest:
        hashed.update(b"newest")
    for lock in (environment.lock, environment.data_lock):
        hashed.update(lock.read_bytes())
    return hashed.hexdigest()


def is_complete(environment: Environment) -> bool:
    """Whether the environment is installed from the locks as they are now."""
    return (
        environment.python.exists()
        and environment.stamp.is_file()
        and environment.stamp.read_text(encoding="utf-8") == locks_digest(environment)
    )


def check_python(found: Sequence[int]) -> None:
    """See that the interpreter is new enough.

    Raises
    ------
    PressError
        If it is older than ``OLDEST_PYTHON``.
    """
    if tuple(found[:2]) < OLDEST_PYTHON:
        needed, here = ".".join(map(str, OLDEST_PYTHON)), ".".join(map(str, found[:3]))
        raise PressError(
            f"Python {needed} or newer is needed, but {sys.executable} is Python {here}; "
            "name another with `make book PYTHON=...`"
        )


def check_modules(names: Iterable[str] = ("venv", "ensurepip")) -> None:
    """See that the interpreter can make virtual environments.

    Raises
    ------
    PressError
        If one of the modules is missing, as on Debian without the package python3-venv.
    """
    missing = [name for name in names if importlib.util.find_spec(name) is None]
    if missing:
        raise PressError(
            f"{sys.executable} lacks the module {missing[0]}, which makes virtual environments; "
            "on Debian and Ubuntu: apt-get install python3-venv"
        )


def folder_bytes(folder: Path) -> int:
    return sum(file.lstat().st_size for file in folder.rglob("*") if file.is_file())


def check_disk(root: Path, present: int, needed: int) -> None:
    """See that the disk has room for what is not yet installed.

    Parameters
    ----------
    root : Path
        Folder on the disk.
    present : int
        Bytes of the environment that are there already.
    needed : int
        Bytes that a complete environment takes, with room for the build.

    Raises
    ------
    PressError
        If there is too little.
    """
    free = shutil.disk_usage(root).free
    if free + present < needed:
        raise PressError(
            f"about {(needed - present) / GIGABYTE:.1f} GB of free disk are needed in {root}, "
            f"but only {free / GIGABYTE:.1f} GB are free"
        )


def check_locks(environment: Environment) -> None:
    """See that both locks are there.

    Raises
    ------
    PressError
        If one is missing.
    """
    for lock in (environment.lock, environment.data_lock):
        if not lock.is_file():
            raise PressError(
                f"{lock} is missing; is this a complete copy of the repository?"
            )


def forget_half_installed(environment: Environment) -> None:
    """Let pip install again what a killed pip left without its list of files, which pip writes last."""
    for metadata in environment.folder.glob("lib/python*/site-packages/*.dist-info"):
        if not (metadata / "RECORD").is_file():
            shutil.rmtree(metadata)


def failure_words(obtained: Sequence[str], lines: Sequence[str]) -> str:
    """What to tell a user when pip failed: the cause, what was obtained, what was not, pip's own words.

    Parameters
    ----------
    obtained : sequence of str
        Names of the packages that pip looked up, in order; it failed at the last one.
    lines : sequence of str
        The end of pip's output.
    """
    text = "\n".join(lines)
    if any(word in text for word in NO_DISK_WORDS):
        cause = "The disk is full."
    elif any(word in text for word in NO_NETWORK_WORDS):
        cause = "The package index could not be reached."
    else:
        cause = "pip could not install a package."
    failed = re.search(r"No matching distribution found for ([\w.-]+)", text)
    missing = (
        failed[1] if failed else (obtained[-1] if obtained else "the first package")
    )
    done = [name for name in obtained if name != missing]
    reached = (
        f"Obtained {len(done)}: {', '.join(done)}." if done else "Nothing was obtained."
    )
    errors = [line for line in lines if line.startswith(("ERROR", "error"))] or list(
        lines[-1:]
    )
    own_words = errors[-1].strip() if errors else "nothing"
    return (
        f"{cause} {reached}\nNot obtained: {missing}.\npip says: {own_words}\n"
        "Run the same command again to go on from here."
    )


def pip_lines(environment: Environment, arguments: Sequence[str]) -> Iterator[str]:
    """Run pip and give its output line by line.

    Raises
    ------
    PressError
        If pip fails, with what was obtained and what was not.
    """
    command = [
        str(environment.python),
        "-m",
        "pip",
        "install",
        "--no-input",
        *arguments,
    ]
    obtained: list[str] = []
    last: deque[str] = deque(maxlen=40)
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=environment.root,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            last.append(line.rstrip())
            match = OBTAINED.match(line)
            if match:
                obtained.append(match[1])
            yield line
    if process.returncode:
        raise PressError(failure_words(obtained, last))


def pip_options(torch_index: str) -> list[str]:
    """Options of every installation: no compiling now, and PyTorch's own index if the user names one."""
    options = ["--no-compile", "--progress-bar", "off", "--disable-pip-version-check"]
    return [*options, "--extra-index-url", torch_index] if torch_index else options


def newest_requirements(lock: str) -> list[str]:
    """The packages of a lock without their versions, within the limits that the book needs."""
    return [name + NEWEST_LIMITS.get(name, "") for name, _ in PINNED.findall(lock)]


def lock_arguments(environment: Environment, torch_index: str) -> list[list[str]]:
    """Arguments of the two installations: everything, then the data packages by hash and alone."""
    options = pip_options(torch_index)
    packages = ["-r", str(environment.lock)]
    if environment.newest:
        text = environment.lock.read_text(encoding="utf-8")
        packages = ["--upgrade", *newest_requirements(text)]
    return [
        [*options, *packages],
        [*options, "--no-deps", "--require-hashes", "-r", str(environment.data_lock)],
    ]


def has_working_pip(environment: Environment) -> bool:
    """Whether the environment exists and its creation was not broken off."""
    if not environment.python.exists():
        return False
    tried = subprocess.run(
        [environment.python, "-m", "pip", "--version"], capture_output=True, check=False
    )
    return tried.returncode == 0


def create(environment: Environment, torch_index: str) -> None:
    """Make the virtual environment if need be, and put tqdm there for the progress bar.

    Raises
    ------
    PressError
        If the interpreter cannot make it, the disk is too small, or pip fails.
    """
    check_modules()
    needed = NEEDED_BYTES_OF_SMALL_BUILD if torch_index else NEEDED_BYTES
    check_disk(environment.root, folder_bytes(environment.folder), needed)
    if not has_working_pip(environment):
        print("Creating .venv ...", flush=True)
        command = [sys.executable, "-m", "venv", "--clear", str(environment.folder)]
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        if made.returncode:
            raise PressError(
                f"could not create {environment.folder}:\n{made.stdout}{made.stderr}".strip()
            )
    forget_half_installed(environment)
    version = dict(PINNED.findall(environment.lock.read_text(encoding="utf-8")))["tqdm"]
    for _ in pip_lines(environment, [*pip_options(torch_index), f"tqdm=={version}"]):
        pass


def installed_count(environment: Environment) -> int:
    return sum(
        1 for _ in environment.folder.glob("lib/python*/site-packages/*.dist-info")
    )


def follow_installation(
    place: Environment, advance: Callable[[int], None], stop: threading.Event
) -> None:
    """Report each package that appears in the environment, until told to stop: pip itself is silent here."""
    before = installed_count(place)
    while not stop.wait(0.5):
        now = installed_count(place)
        advance(now - before)
        before = now


def install_locks(environment: Environment, torch_index: str) -> None:
    """Install both locks under a progress bar: one half for obtaining packages, one for installing them.

    Raises
    ------
    PressError
        If pip fails.
    """
    from press.terminal import progress_bar

    locks = [
        lock.read_text(encoding="utf-8")
        for lock in (environment.lock, environment.data_lock)
    ]
    total = 2 * sum(len(PINNED.findall(text)) for text in locks)
    stop = threading.Event()
    with progress_bar(total, "Installing packages") as bar:

        def advance(count: int) -> None:
            bar.update(max(0, min(count, total - bar.n)))

        watcher = threading.Thread(
            target=follow_installation, args=(environment, advance, stop), daemon=True
        )
        watcher.start()
        try:
            for arguments in lock_arguments(environment, torch_index):
                for line in pip_lines(environment, arguments):
                    advance(1 if OBTAINED.match(line) else 0)
            advance(total)
        finally:
            stop.set()
            watcher.join()
    environment.stamp.write_text(locks_digest(environment), encoding="utf-8")


def prepare(root: Path, torch_index: str, newest: bool = False) -> None:
    """Bring ``.venv`` up to the locks, or to the newest versions; at once if it is.

    Raises
    ------
    PressError
        If the interpreter, the disk, the locks or the network do not allow it.
    """
    environment = Environment(root, newest)
    check_locks(environment)
    if is_complete(environment):
        return
    if Path(sys.prefix).resolve() == environment.folder.resolve():
        install_locks(environment, torch_index)
        print("The environment .venv is ready.", flush=True)
        return
    check_python(sys.version_info[:3])
    create(environment, torch_index)
    os.execv(environment.python, [str(environment.python), "-m", "press.environment"])


if __name__ == "__main__":
    try:
        prepare(
            Path(__file__).resolve().parents[2],
            os.environ.get("TORCH_INDEX", ""),
            bool(os.environ.get("NEWEST")),
        )
    except PressError as error:
        sys.exit(f"\n{error}")
    except KeyboardInterrupt:
        sys.exit("\ninterrupted; run the same command again to go on from here")
