"""Records of benchmarks, ``results/benchmarks/<name>.json``, which the page of performance is made from.

A record names the machine and has two lists, both of which may be empty: ``growth``, as
:mod:`harness.cases` measures it, and ``ratios``. No date and no path: the same numbers give the same file.
"""

import json
import os
import platform
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

RECORDS = Path(__file__).parents[2] / "results" / "benchmarks"
PACKAGES = ("numpy", "scipy", "torch", "cvxpy", "highspy", "transformers")
PEERS = (
    "scikit-learn",
    "imbalanced-learn",
    "diffusers",
    "implicit",
    "cornac",
    "recbole",
    "dppy",
)
SIGNIFICANT_DIGITS = 4


@dataclass(frozen=True)
class Ratio:
    """One measurement of the library beside something else, in the same run.

    Attributes
    ----------
    part : the folder of the chapters, such as "drafts"
    function : the library's public name, such as ``samplebook.drafts.select_token``
    work : what is done, with its sizes
    other : what stands beside it
    kind : ``"peer"`` does the same work; a ``"yardstick"`` other work of the same size
    unit : of both numbers
    ours, theirs : as measured
    smaller_wins : whether less is better
    """

    part: str
    function: str
    work: str
    other: str
    kind: str
    unit: str
    ours: float
    theirs: float
    smaller_wins: bool = True


def cpu_model() -> str:
    """The processor's name."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        found = re.search(r"model name\s*:\s*(.+)", cpuinfo.read_text("utf-8"))
        if found:
            return found[1].strip()
    return platform.processor() or platform.machine()


def memory_gib() -> float:
    """Size of the main memory in GiB."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30


def operating_system() -> str:
    """Name and version of the system, such as ``Debian GNU/Linux 12 (bookworm)``."""
    try:
        name = platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return f"{platform.system()} {platform.release()}"
    return f"{name}, {platform.system()} {platform.release()}"


def blas() -> str:
    """NumPy's BLAS and, where threadpoolctl can tell, the kernel that it chose for this processor."""
    import numpy as np

    built: Any = np.show_config(mode="dicts")
    library = built["Build Dependencies"]["blas"]
    name = f"{library['name']} {library['version']}"
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return name
    kernels = {
        info["architecture"]
        for info in threadpool_info()
        if "architecture" in info and "numpy" in info["filepath"]  # not SciPy's own
    }
    return f"{name}, kernel {', '.join(sorted(kernels))}" if kernels else name


def versions() -> dict[str, str]:
    """Python and the packages that are installed here, of those that a benchmark may use."""
    found = {"python": platform.python_version()}
    for package in (*PACKAGES, *PEERS):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def machine(threads: int) -> dict[str, Any]:
    """What the numbers were measured on.

    Parameters
    ----------
    threads : int
        Threads that the numerical libraries may use.
    """
    return {
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "memory_gib": round(memory_gib(), 1),
        "system": operating_system(),
        "blas": blas(),
        "threads": threads,
        "versions": versions(),
    }


def rounded(value: Any) -> Any:
    """Floats to four significant digits, at any depth."""
    if isinstance(value, float):
        return float(f"{value:.{SIGNIFICANT_DIGITS}g}")
    if isinstance(value, dict):
        return {key: rounded(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(entry) for entry in value]
    return value


def write_record(
    name: str,
    *,
    ratios: Iterable[Ratio] = (),
    growth: Iterable[dict[str, Any]] = (),
    threads: int = 1,
    folder: Path = RECORDS,
) -> Path:
    """Write ``<folder>/<name>.json`` and say where."""
    record = {
        "name": name,
        "machine": machine(threads),
        "growth": list(growth),
        "ratios": [asdict(ratio) for ratio in ratios],
    }
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.json"
    text = json.dumps(rounded(record), indent=1, sort_keys=True, ensure_ascii=False)
    file.write_text(text + "\n", encoding="utf-8")
    print(f"written: results/benchmarks/{file.name}")
    return file
