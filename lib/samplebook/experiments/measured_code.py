"""Which code a record measured, and what of it has changed since: the record's content key.

The key is of all modules of samplebook that an experiment imports, directly or on the way, by a checksum of
each one's source. It needs the standard library alone.
"""

import hashlib
from modulefinder import ModuleFinder
from pathlib import Path
from typing import Any

LIBRARY = Path(__file__).parents[2]
"""The folder that holds ``samplebook``."""
PACKAGE = "samplebook"
OLDER = "measured with an older version of the code"
"""What is said of a record whose code has changed."""
LENGTH = 16
"""Hexadecimal digits of a module's checksum."""


def checksum(file: Path) -> str:
    """Checksum of a source file, the same for all kinds of line ends."""
    text = file.read_text(encoding="utf-8")
    return hashlib.sha256(text.encode()).hexdigest()[:LENGTH]


def measured_modules(slug: str, library: Path = LIBRARY) -> dict[str, str]:
    """Checksums of the modules that ``samplebook.experiments.<slug>`` imports, itself included, by name.

    Imports inside functions count, other packages do not.

    Raises
    ------
    ImportError
        If the library has no such experiment.
    """
    finder = ModuleFinder(path=[str(library)])
    finder.import_hook(f"{PACKAGE}.experiments.{slug}")
    files = {name: module_file(name, library) for name in sorted(finder.modules)}
    return {name: checksum(file) for name, file in files.items() if file is not None}


def module_file(name: str, library: Path) -> Path | None:
    """Source of a module of samplebook, or none if the library does not have it."""
    base = library.joinpath(*name.split("."))
    files = base / "__init__.py", base.with_suffix(".py")
    return next((file for file in files if file.is_file()), None)


def changed_modules(record: dict[str, Any], library: Path = LIBRARY) -> list[str]:
    """The modules whose source is not what the record measured; empty if it is of this code.

    A changed import changes the module that has it, so the record's own list of modules is enough.

    Parameters
    ----------
    record : dict
        With ``provenance.modules``, as :func:`measured_modules` gives them. One without them is older than
        all code.
    """
    modules = record["provenance"].get("modules")
    if not modules:
        return [PACKAGE]
    files = {name: module_file(name, library) for name in modules}
    return [
        name
        for name, file in files.items()
        if file is None or checksum(file) != modules[name]
    ]


def marked(record: dict[str, Any], library: Path = LIBRARY) -> dict[str, Any]:
    """The record; if its code has changed since, the name of its device says so."""
    if not changed_modules(record, library):
        return record
    provenance = record["provenance"]
    device = f"{provenance['device']} ({OLDER})"
    return record | {"provenance": provenance | {"device": device}}
