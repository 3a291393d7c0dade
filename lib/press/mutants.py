"""Mutation test: are there tests that notice when the mathematics is changed a little?

mutmut changes one operator, number, argument or name at a time and runs the tests that call the changed
function. A mutant that no test notices survives. ``tests/mutants/targets.yml`` names the functions and the
tests, ``tests/mutants/survivors.yml`` the known survivors, each with the reason why no test can or need tell.
Results are kept in ``_build/mutants``: an interrupted run goes on where it stopped, unless the library or the
tests have changed.
"""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import ndiff
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from press.book import Book
from press.errors import PressError
from press.terminal import progress_bar

FOLDER = Path("tests", "mutants")
SMALLEST_SHARE = 0.85
"""Share of the mutants that the tests must kill."""
WORKERS = 2
SECONDS_BETWEEN_LOOKS = 2.0
KILLED = {1, 3}
"""mutmut's exit codes of a mutant that made a test fail, or pytest itself."""
TIMED_OUT = {-24, 24, 36, 152, 255}
"""Those of a mutant that ran for several times the tests' seconds; it counts as killed."""
PYTEST_PLUGINS = (
    "_hypothesis_pytestplugin",
    "pytest_timeout",
    "fastest_first",
    "no:unraisableexception",  # it collects garbage twice, half the time of a mutant
    "no:threadexception",
)
CONFIGURATION = """\
[tool.mutmut]
source_paths = ["src"]
only_mutate = {modules}
pytest_add_cli_args_test_selection = {tests}
pytest_add_cli_args = {options}
process_isolation = "forkserver"
use_git_change_detection = false
use_setproctitle = false
timeout_multiplier = 2.0
timeout_constant = 15.0

[tool.pytest.ini_options]
pythonpath = ["src", "tests/mutants"]
"""

Mutation: TypeAlias = tuple[str, str, str]
"""A function's full name, the lines before and the lines after: what survives a shift of line numbers."""


@dataclass(frozen=True)
class Group:
    """Functions that the same tests cover.

    Attributes
    ----------
    name : str
    tests : files relative to the book's folder
    without : parts of the names of tests in these files that are not run: too slow for what they would add
    functions : names of functions, or of methods as ``Class.method``, by module
    """

    name: str
    tests: list[str]
    without: list[str]
    functions: dict[str, list[str]]

    def prefixes(self) -> Iterator[str]:
        """What mutmut's names of these functions' mutants begin with."""
        for module, names in self.functions.items():
            for name in names:
                owner, _, method = name.rpartition(".")
                key = f"xǁ{owner}ǁ{method}" if owner else f"x_{method}"
                yield f"{module}.{key}__mutmut_"

    def pytest_options(self) -> list[str]:
        """What pytest is called with, beside the names of tests."""
        options = ["-p", "no:cacheprovider", "--hypothesis-seed=0"]
        options += [part for plugin in PYTEST_PLUGINS for part in ("-p", plugin)]
        if self.without:
            options += ["-k", f"not ({' or '.join(self.without)})"]
        return options


def read_groups(root: Path) -> list[Group]:
    """The groups of ``tests/mutants/targets.yml``."""
    text = (root / FOLDER / "targets.yml").read_text("utf-8")
    groups = yaml.safe_load(text).items()
    return [
        Group(name, group["tests"], group.get("without", []), group["functions"])
        for name, group in groups
    ]


def read_survivors(root: Path) -> dict[Mutation, str]:
    """The reason for each survivor of ``tests/mutants/survivors.yml``.

    Raises
    ------
    PressError
        If an entry is incomplete, or stands there twice.
    """
    survivors: dict[Mutation, str] = {}
    text = (root / FOLDER / "survivors.yml").read_text("utf-8")
    for entry in yaml.safe_load(text) or []:
        reason = entry.get("reason", "").strip()
        for mutant in entry.get("mutants", []):
            if not reason or set(mutant) != {"function", "before", "after"}:
                raise PressError(
                    f"{FOLDER / 'survivors.yml'}: an entry needs a reason, and a function, before and after "
                    f"for each mutant: {mutant}"
                )
            key = (mutant["function"], mutant["before"], mutant["after"])
            if key in survivors:
                raise PressError(
                    f"{FOLDER / 'survivors.yml'}: stands there twice: {key}"
                )
            survivors[key] = reason
    return survivors


def source_of(module: str) -> Path:
    """A module's file, relative to the folder of the sources."""
    return Path(*module.split(".")).with_suffix(".py")


def changed_lines(before: str, after: str) -> tuple[str, str]:
    """The lines that differ, without indentation, each side as one text."""
    lines = list(ndiff(before.splitlines(), after.splitlines()))
    sides = ([line[2:].strip() for line in lines if line[0] == sign] for sign in "-+")
    old, new = ("\n".join(side) for side in sides)
    return old, new


def mutations_of(root: Path, group: Group) -> dict[str, Mutation]:
    """What each mutant of a group's functions changes, by mutmut's name of it."""
    from mutmut.mutation.file_mutation import mutate_file_contents

    mutations: dict[str, Mutation] = {}
    prefixes = tuple(group.prefixes())
    for module in group.functions:
        path = root / "lib" / source_of(module)
        mutated = mutate_file_contents(str(path), path.read_text("utf-8"))
        lines, spans = mutated.code.splitlines(), mutated.line_span_by_function_name
        for name in mutated.mutant_names:
            if f"{module}.{name}".startswith(prefixes):
                stem = name.rpartition("_")[0]
                texts = [
                    "\n".join(lines[spans[key].start - 1 : spans[key].end]).replace(
                        key, stem
                    )
                    for key in (f"{stem}_orig", name)
                ]
                function = stem.removesuffix("__mutmut").removeprefix("x_")
                function = function.removeprefix("xǁ").replace("ǁ", ".")
                mutations[f"{module}.{name}"] = (
                    f"{module}.{function}", *changed_lines(*texts)
                )  # fmt: skip
    return mutations


class MutantRun:
    """mutmut's run over one group, in a folder of its own.

    Parameters
    ----------
    root : Path
        The book's folder.
    group : Group
    """

    def __init__(self, root: Path, group: Group):
        self.root, self.group = root, group
        self.folder = root / "_build" / "mutants" / group.name
        self.mutations = mutations_of(root, group)

    def results(self) -> dict[str, int]:
        """The exit codes of the mutants that were run, by name."""
        files = [
            self.folder / "mutants" / "src" / source_of(m) for m in self.group.functions
        ]
        codes: dict[str, int] = read_json(self.folder / "kept.json")
        for file in files:
            codes |= {
                name: code
                for name, code in read_json(Path(f"{file}.meta"))
                .get("exit_code_by_key", {})
                .items()
                if code is not None
            }
        return {name: codes[name] for name in self.mutations if name in codes}

    def key(self) -> str:
        """A digest of the library, the tests and what decides how they are run."""
        files = [*(self.root / "lib" / "samplebook").rglob("*.py")]
        files += (self.root / "tests" / "lib").rglob("*.py")
        files += [*(self.root / FOLDER).glob("*.py"), Path(__file__)]
        digest = hashlib.sha256(repr(self.group).encode())
        for file in sorted(files):
            digest.update(file.read_bytes())
        return digest.hexdigest()

    def prepare(self, survivors_only: bool) -> None:
        """Make the folder. What other code or tests gave is forgotten, or what survived them alone."""
        key_file = self.folder / "key"
        if not key_file.exists() or key_file.read_text() != self.key():
            old = self.results() if survivors_only else {}
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True)
            kept = {
                name: code for name, code in old.items() if code in KILLED | TIMED_OUT
            }
            (self.folder / "kept.json").write_text(json.dumps(kept))
            self.fill_folder()
            key_file.write_text("" if kept else self.key())

    def fill_folder(self) -> None:
        """Links to the sources and the tests, and mutmut's configuration."""
        (self.folder / "tests").mkdir()
        for link, target in (
            ("src", "lib"),
            ("tests/lib", "tests/lib"),
            ("tests/mutants", FOLDER),
        ):
            (self.folder / link).symlink_to(self.root / target)
        modules = [str("src" / source_of(module)) for module in self.group.functions]
        values = {
            "modules": modules,
            "tests": self.group.tests,
            "options": self.group.pytest_options(),
        }
        (self.folder / "pyproject.toml").write_text(
            CONFIGURATION.format(
                **{key: json.dumps(value) for key, value in values.items()}
            )
        )

    def run(self, survivors_only: bool) -> None:
        """Run the mutants that have no result yet.

        Raises
        ------
        PressError
            If mutmut stops, as it does where a test fails without any mutant.
        """
        self.prepare(survivors_only)
        done = self.results()
        names = [name for name in self.mutations if name not in done]
        if not names:
            return
        log = self.folder / "mutmut.log"
        with log.open("w") as output:
            command = [str(Path(sys.executable).with_name("mutmut")), "run"]
            process = subprocess.Popen(
                [*command, "--max-children", str(WORKERS), *names],
                cwd=self.folder,
                env=environment(),
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            try:
                self.watch(process, len(names), len(done))
            finally:
                process.terminate()
                process.wait()
        if process.returncode or len(self.results()) < len(self.mutations):
            raise PressError(f"mutmut stopped; the end of {log} says why:\n{tail(log)}")

    def watch(
        self, process: "subprocess.Popen[bytes]", total: int, before: int
    ) -> None:
        """A progress bar until mutmut ends."""
        with progress_bar(total, f"Mutants of {self.group.name}") as bar:
            while process.poll() is None:
                bar.update(len(self.results()) - before - bar.n)
                time.sleep(SECONDS_BETWEEN_LOOKS)
            bar.update(len(self.results()) - before - bar.n)


def end_by_exception() -> None:
    """Let a plea to terminate raise ``SystemExit``: what this process has started is then ended too."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def read_json(path: Path) -> dict[str, Any]:
    """A JSON file's content, empty if there is none, or if it is just being written."""
    try:
        content: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        content = {}
    return content


def environment() -> dict[str, str]:
    """Of mutmut: one thread a worker, a fixed order of sets, and of pytest's plugins those that are named."""
    changes = {
        "OMP_NUM_THREADS": "1",
        "PYTHONHASHSEED": "0",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONPATH": str(FOLDER),
    }
    return os.environ | changes


def tail(log: Path) -> str:
    return "\n".join(log.read_text("utf-8", errors="replace").splitlines()[-20:])


@dataclass
class Count:
    """Mutants of one function."""

    killed: int = 0
    timed_out: int = 0
    survived: int = 0

    @property
    def total(self) -> int:
        return self.killed + self.timed_out + self.survived

    @property
    def share(self) -> float:
        return (self.killed + self.timed_out) / self.total if self.total else 1.0

    def add(self, code: int) -> None:
        """Count one mutant by mutmut's exit code."""
        self.killed += code in KILLED
        self.timed_out += code in TIMED_OUT
        self.survived += code not in KILLED | TIMED_OUT


def table(counts: dict[str, Count]) -> str:
    """The counts by function, and of all."""
    everything = Count(
        *(
            sum(getattr(c, field) for c in counts.values())
            for field in ("killed", "timed_out", "survived")
        )
    )
    rows = [f"{'function':66} mutants  killed  time limit  survived  share"]
    rows += [
        f"{name:66} {c.total:7} {c.killed:7} {c.timed_out:11} {c.survived:9}  {c.share:5.1%}"
        for name, c in [*sorted(counts.items()), ("all", everything)]
    ]
    return "\n".join(rows)


def described(mutations: Iterable[Mutation]) -> str:
    """Mutations in the form in which ``survivors.yml`` lists them."""
    keys = ("function", "before", "after")
    entries = [dict(zip(keys, mutation, strict=True)) for mutation in mutations]
    return yaml.safe_dump(entries, sort_keys=False, width=1000, allow_unicode=True)


def run_mutants(book: Book, survivors_only: bool = False) -> None:
    """Run all mutants, print the shares by function, and compare the survivors with those that are known.

    Parameters
    ----------
    book : Book
    survivors_only : bool
        Whether to run, after a change of the tests, only those again that survived the last run.

    Raises
    ------
    PressError
        If the tests kill less than 85 %, or if a survivor is not listed with a reason.
    """
    end_by_exception()
    known = read_survivors(book.root)
    counts: dict[str, Count] = {}
    survivors: set[Mutation] = set()
    for group in read_groups(book.root):
        run = MutantRun(book.root, group)
        run.run(survivors_only)
        for name, code in run.results().items():
            mutation = run.mutations[name]
            counts.setdefault(mutation[0], Count()).add(code)
            if code not in KILLED | TIMED_OUT:
                survivors.add(mutation)
    print(table(counts))
    killed_now = sorted(known.keys() - survivors)
    if killed_now:
        print(
            f"Listed in {FOLDER / 'survivors.yml'}, but killed now:\n{described(killed_now)}"
        )
    judge(counts, sorted(survivors - known.keys()))


def judge(counts: dict[str, Count], unknown: list[Mutation]) -> None:
    """Raise ``PressError`` where too few mutants are killed, or a survivor is unknown."""
    if unknown:
        raise PressError(
            f"{len(unknown)} survivors are not in {FOLDER / 'survivors.yml'}: write tests that kill them, or "
            f"list them with the reason why none can or need:\n{described(unknown)}"
        )
    total = sum(count.total for count in counts.values())
    killed = total - sum(count.survived for count in counts.values())
    if killed < SMALLEST_SHARE * total:
        raise PressError(
            f"{killed} of {total} mutants are killed, less than {SMALLEST_SHARE:.0%}"
        )
