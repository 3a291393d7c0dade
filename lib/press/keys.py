"""The key of a chapter's result: a result is fresh exactly when its key is the current one."""

import ast
import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from press.book import Book, Chapter
from press.dependencies import dependencies
from press.experiment_records import age_of
from press.notebooks import without_outputs

Key = dict[str, Any]

KEY_FILE = "key.json"
"""Where a result has its key."""
RECORD_READER = "samplebook.experiments"
"""The module through which notebooks read records of experiments."""


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def file_digest(path: Path) -> str:
    return digest(path.read_bytes()) if path.is_file() else "missing"


@cache
def distributions_by_import() -> dict[str, list[str]]:
    """Distributions that provide each top-level import name in this environment."""
    return {
        name: sorted(set(found))
        for name, found in importlib.metadata.packages_distributions().items()
    }


def distribution_versions(imports: set[str]) -> dict[str, str]:
    """Versions of the distributions that provide these import names."""
    versions = {}
    for name in sorted(imports):
        for distribution in distributions_by_import().get(name, []):
            versions[distribution] = importlib.metadata.version(distribution)
        if name not in distributions_by_import():
            versions[name] = "not installed"
    return versions


def record_digests(book: Book) -> dict[str, str]:
    """Digests of the library's records of experiments, and what pages say of their age."""
    folder = book.experiment_records_folder
    return {
        str(path.relative_to(folder)): f"{file_digest(path)} {age_of(book, path)}"
        for path in sorted(folder.glob("*/*.json"))
    }


class WithoutTexts(ast.NodeTransformer):
    """Drops docstrings, and whatever else is a text that nothing uses."""

    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        is_text = isinstance(node.value, ast.Constant) and isinstance(
            node.value.value, str
        )
        return None if is_text else node


def code_digest(path: Path) -> str:
    """Digest of what a module does: layout, comments and docstrings do not count."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, OSError):
        return file_digest(path)
    return digest(ast.unparse(WithoutTexts().visit(tree)).encode())


def current_key(
    book: Book,
    chapter: Chapter,
    notebook: NotebookNode,
    module_digest: Callable[[Path], str] = file_digest,
    claims_digest: Callable[[Path], str] = file_digest,
) -> Key:
    """Everything that a chapter's result depends on, in readable form.

    Parameters
    ----------
    book : Book
    chapter : Chapter
    notebook : NotebookNode
    module_digest, claims_digest : callable
        What counts of a library module and of the claims file.

    Raises
    ------
    PressError
        If the source does not spell out what it reads.
    """
    needs = dependencies(notebook, book.library, chapter.name)
    claims = book.claims_file(chapter)
    package = book.library / "samplebook"
    data_packages = book.data_requirements_folder / f"{chapter.slug}.txt"
    parts = {
        "interpreter": platform.python_version(),
        "notebook": digest(nbformat.writes(without_outputs(notebook)).encode()),
        "modules": {
            name: module_digest(needs.modules[name]) for name in sorted(needs.modules)
        },
        "claims": {claims.name: claims_digest(claims)},
        "data packages": {data_packages.name: file_digest(data_packages)},
        "files": {name: file_digest(package / name) for name in sorted(needs.files)},
        "distributions": distribution_versions(needs.imports | needs.folders),
    }
    if RECORD_READER in needs.modules:
        parts["records"] = record_digests(book)
    return {
        "digest": digest(json.dumps(parts, sort_keys=True).encode()),
        "parts": parts,
    }


def stored_key(folder: Path, files: Sequence[str]) -> Key | None:
    """The key of the result in a folder, or none if one of the result's files is missing."""
    if not all((folder / name).is_file() for name in files):
        return None
    key: Key = json.loads((folder / KEY_FILE).read_text(encoding="utf-8"))
    return key


def reasons_for_staleness(stored: Key | None, current: Key) -> list[str]:
    """What changed since the last result, in words; empty when the result is fresh."""
    if stored is None:
        return ["no result yet"]
    if stored["digest"] == current["digest"]:
        return []
    reasons = []
    for part, now in current["parts"].items():
        before = stored["parts"].get(part)
        if not isinstance(now, dict):
            reasons += [part] if before != now else []
            continue
        names = sorted(now.keys() | (before or {}))
        reasons += [
            f"{part}: {name}"
            for name in names
            if now.get(name) != (before or {}).get(name)
        ]
    return reasons or ["the form of the key"]
