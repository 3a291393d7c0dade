"""Costly intermediate products, made once and kept outside the repository."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

FOLDER_VARIABLE = "SAMPLEBOOK_CACHE"


def cache_root() -> Path:
    """Where products are kept.

    The folder named by the environment variable ``SAMPLEBOOK_CACHE``; else ``_build/cache`` of the checkout
    that this file lies in; else ``samplebook`` in the user's cache folder (``XDG_CACHE_HOME``, or
    ``~/.cache``).
    """
    named = os.environ.get(FOLDER_VARIABLE)
    if named:
        return Path(named)
    checkout = Path(__file__).resolve().parents[3]
    if (checkout / "_toc.yml").is_file():
        return checkout / "_build" / "cache"
    return (
        Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "samplebook"
    )


def cached_folder(
    name: str, inputs: Mapping[str, str], make: Callable[[Path], None]
) -> Path:
    """The folder that ``make`` filled, from the cache if it was made before from the same inputs.

    A folder appears complete or not at all, also when the maker is killed or two processes make it at once.

    Parameters
    ----------
    name : str
        What the product is, such as ``"smollm2-float32"``.
    inputs : mapping of str to str
        Everything that the product depends on: versions of packages, sizes, a number for the format.
    make : callable
        Given an empty folder, writes the product's files into it.

    Returns
    -------
    Path
        ``<cache root>/<name>-<16 hex digits of the inputs' hash>``.
    """
    digest = hashlib.sha256(json.dumps(dict(inputs), sort_keys=True).encode())
    folder = cache_root() / f"{name}-{digest.hexdigest()[:16]}"
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=folder.parent))
    try:
        make(unfinished)
        unfinished.replace(folder)
    except OSError:
        if not folder.is_dir():  # else another process has made it meanwhile
            raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return folder
