"""What a notebook depends on, read from source without running it.

The samplebook modules it imports transitively, the distributions they import, and the data files and
data packages they name in calls of ``stored_file`` and ``installed_folder``. A name that the source
does not spell out is an error: a result could then be stale unnoticed. Source that is not Python
mentions nothing: it cannot run either, and the execution shows where it breaks.
"""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from nbformat import NotebookNode

from press.errors import PressError
from press.notebooks import code_cells, python_source

FILE_READERS = ("stored_file",)
FOLDER_READERS = ("installed_folder",)
IMPORTERS = ("import_module", "__import__")


@dataclass
class Mentions:
    """Names that one source text mentions.

    ``modules`` holds candidates: for ``from a import b`` both ``a`` and ``a.b``.
    """

    modules: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)
    folders: set[str] = field(default_factory=set)


@dataclass
class Dependencies:
    """Everything a chapter's result depends on besides its notebook and its claims.

    Parameters
    ----------
    modules : dict
        Source file of each module of the book's library, by dotted name.
    imports : set of str
        Top-level import names of other packages, the standard library left out.
    files : set of str
        Files that ship with samplebook, as ``stored_file`` names them.
    folders : set of str
        Import names of the data packages whose folders are read.
    """

    modules: dict[str, Path] = field(default_factory=dict)
    imports: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)
    folders: set[str] = field(default_factory=set)


def with_parents(name: str) -> list[str]:
    """``a.b.c`` and the packages it lies in: importing it runs them all."""
    parts = name.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts) + 1)]


def package_of(module: str, is_package: bool, level: int) -> str:
    """The package that a relative import with ``level`` dots starts from."""
    parts = module.split(".")
    return ".".join(parts[: len(parts) - level + (1 if is_package else 0)])


def called_name(call: ast.Call) -> str:
    """Last part of a called name: ``stored_file`` for ``packages.stored_file(...)``."""
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def literal_argument(call: ast.Call, where: str) -> str:
    """The string literal that a call is given.

    Raises
    ------
    PressError
        If its first argument is anything else.
    """
    values = [*call.args, *(keyword.value for keyword in call.keywords)]
    if (
        values
        and isinstance(values[0], ast.Constant)
        and isinstance(values[0].value, str)
    ):
        return values[0].value
    raise PressError(
        f"{where}, line {call.lineno}: {called_name(call)}(...) needs a string literal, so that the press "
        "can see what a chapter depends on"
    )


def imported_names(
    node: ast.Import | ast.ImportFrom, module: str, is_package: bool
) -> Iterator[str]:
    """Dotted names of the modules that an import statement may load."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    start = package_of(module, is_package, node.level) if node.level else ""
    base = ".".join(part for part in (start, node.module) if part)
    yield base
    yield from (f"{base}.{alias.name}" for alias in node.names)


def parsed(source: str) -> ast.Module:
    """Syntax tree of a source text, empty if it is not Python."""
    try:
        return ast.parse(source)
    except SyntaxError:
        return ast.Module(body=[], type_ignores=[])


def mentions(
    source: str, where: str, module: str = "", is_package: bool = False
) -> Mentions:
    """Names that a source text mentions, inside functions too.

    Parameters
    ----------
    source : str
        Python source.
    where : str
        What errors call the text.
    module : str
        Its dotted name, for relative imports.
    is_package : bool
        Whether it is the ``__init__`` of that package.

    Raises
    ------
    PressError
        If a file, a folder or a module is named by an expression, or a reader is imported by another name.
    """
    found = Mentions()
    for node in ast.walk(parsed(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                if alias.name in FILE_READERS + FOLDER_READERS and alias.asname:
                    raise PressError(
                        f"{where}, line {node.lineno}: import {alias.name} under its own name"
                    )
            found.modules.update(imported_names(node, module, is_package))
        elif isinstance(node, ast.Call):
            for names, target in (
                (FILE_READERS, found.files),
                (FOLDER_READERS, found.folders),
                (IMPORTERS, found.modules),
            ):
                if called_name(node) in names:
                    target.add(literal_argument(node, where))
    return found


def module_file(library: Path, name: str) -> Path | None:
    """Source file of a module of the book's library, or none if the library has no such module."""
    base = library.joinpath(*name.split("."))
    for file in (base / "__init__.py", base.with_suffix(".py")):
        if file.is_file():
            return file
    return None


@cache
def module_mentions(file: Path, name: str, modified_ns: int) -> Mentions:
    """Names that a library module mentions; remembered as long as the file is not modified."""
    return mentions(
        file.read_text(encoding="utf-8"), str(file), name, file.name == "__init__.py"
    )


def notebook_mentions(notebook: NotebookNode, where: str) -> Iterator[Mentions]:
    """Names that each code cell of a notebook mentions."""
    for number, cell in enumerate(code_cells(notebook), start=1):
        yield mentions(python_source(cell), f"{where}, code cell {number}")


def dependencies(notebook: NotebookNode, library: Path, where: str) -> Dependencies:
    """Follow a notebook's imports through the library.

    Raises
    ------
    PressError
        As :func:`mentions`.
    """
    found = Dependencies()
    waiting = list(notebook_mentions(notebook, where))
    while waiting:
        mentioned = waiting.pop()
        found.files |= mentioned.files
        found.folders |= mentioned.folders
        for candidate in mentioned.modules:
            for name in with_parents(candidate):
                file = module_file(library, name)
                if file is None:
                    top = name.split(".")[0]
                    if (
                        module_file(library, top) is None
                        and top not in sys.stdlib_module_names
                    ):
                        found.imports.add(top)
                elif name not in found.modules:
                    found.modules[name] = file
                    waiting.append(module_mentions(file, name, file.stat().st_mtime_ns))
    return found
