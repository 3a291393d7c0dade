"""What no student may get of an assignment, line by line."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from press.classroom.assignments import Assignment, outside_regions
from press.classroom.releases import release_notebook

SHORTEST = 20
"""Shorter lines occur by chance."""


@dataclass(frozen=True)
class HiddenCell:
    """A cell with something hidden: its kind, its name, and the lines that students do not see."""

    kind: str
    name: str
    lines: list[str]


def released_text(assignment: Assignment) -> str:
    return "\n".join(cell.source for cell in release_notebook(assignment).cells)


def distinctive(lines: Iterable[str], public: str) -> list[str]:
    """The lines, each once, that are long enough to tell and do not occur in a public text."""
    public = public.lower()
    return [
        line
        for line in dict.fromkeys(map(str.strip, lines))
        if len(line) >= SHORTEST and line.lower() not in public
    ]


def inside_regions(source: str) -> list[str]:
    seen = set(outside_regions(source))
    return [line for line in source.splitlines() if line not in seen]


def hidden_sources(assignment: Assignment) -> Iterator[tuple[str, str, list[str]]]:
    """Kind, name and hidden lines of the cells that hide something."""
    for test in assignment.tests:
        if not test.is_visible:
            yield "hidden test", test.name, inside_regions(test.source)
    for name, source in assignment.solutions.items():
        yield "solution", name, inside_regions(source)
    for cell in assignment.cells_tagged("instructor"):
        yield "instructor", cell.id, cell.source.splitlines()


def hidden_cells(assignment: Assignment) -> list[HiddenCell]:
    """The cells that hide something, with the lines that the release does not have elsewhere."""
    released = released_text(assignment)
    return [
        HiddenCell(kind, name, distinctive(lines, released))
        for kind, name, lines in hidden_sources(assignment)
    ]


def defined_name(node: ast.AST) -> str:
    """The name of a function or variable where it is defined; else empty."""
    match node:
        case ast.FunctionDef(name=name) | ast.Name(id=name, ctx=ast.Store()):
            return name
    return ""


def hidden_names(assignment: Assignment) -> set[str]:
    """Names of several words that hidden tests define."""
    return {
        name
        for test in assignment.tests
        if not test.is_visible
        for node in ast.walk(ast.parse(test.source))
        if "_" in (name := defined_name(node)).strip("_")
    }
