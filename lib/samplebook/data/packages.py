"""Find the files of data packages without running those packages' code.

Most packages that carry data pin old or heavy dependencies which reading the data does not need.
They are installed without dependencies (``requirements-data.lock``) and never imported.

The build reads the literal arguments of :func:`installed_folder` and :func:`stored_file` from the
source, to know which packages and files a chapter's results depend on: pass string literals.
"""

import importlib.util
from pathlib import Path


class DataPackageMissingError(RuntimeError):
    """A package that carries data is not installed."""


def installed_folder(package: str) -> Path:
    """Folder of an installed package, found without importing it.

    Parameters
    ----------
    package : str
        Import name, such as ``"pocketsphinx"``.

    Raises
    ------
    DataPackageMissingError
        If the package is not installed.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise DataPackageMissingError(
            f"the data package {package!r} is not installed; "
            "samplebook.session.start(...) installs what a chapter needs"
        )
    return Path(spec.submodule_search_locations[0])


def stored_file(name: str) -> Path:
    """Path of a file that ships with samplebook, such as ``"data/weights/pair.safetensors"``.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    """
    path = Path(__file__).resolve().parents[1] / name
    if not path.is_file():
        raise FileNotFoundError(f"samplebook ships no file {name!r}")
    return path
