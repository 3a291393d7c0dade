"""What a sweep is asked for: seeds, chapters and a grid of parameters, as texts from the command line."""

import ast
import itertools
import re
from typing import Any

from nbformat import NotebookNode
from papermill import inspect_notebook

from press.book import Book, Chapter
from press.errors import PressError
from press.notebooks import read_notebook, samplebook_metadata

Value = bool | int | float | str | None
Parameters = dict[str, Any]
"""Values of a notebook's parameters, by name."""
SEED = "seed"
LARGEST_SEED = 2**32 - 1
MOST_SEEDS = 10_000


def seed_range(text: str) -> range:
    """One part of a list of seeds: ``7``, or ``100-119`` with both ends."""
    match = re.fullmatch(r"(\d+)(?:-(\d+))?", text.strip())
    if match is None:
        raise PressError(f"SEEDS: {text!r} is neither a seed nor a range such as 5-9")
    first, last = int(match[1]), int(match[2] or match[1])
    if not first <= last <= LARGEST_SEED:
        raise PressError(f"SEEDS: {text!r} must go upwards, to {LARGEST_SEED} at most")
    return range(first, last + 1)


def seeds_from(text: str) -> list[int]:
    """The seeds that a text names.

    Parameters
    ----------
    text : str
        A number n for the seeds 0 to n - 1, or a list of seeds and ranges such as ``3,7`` or ``100-119``.

    Raises
    ------
    PressError
        If it is neither, or names no seed or more than ``MOST_SEEDS``.
    """
    if text.strip().isdecimal():
        ranges = [range(int(text))]
    else:
        ranges = [seed_range(part) for part in text.split(",")]
    count = sum(map(len, ranges))
    if not 1 <= count <= MOST_SEEDS:
        raise PressError(
            f"SEEDS: {text!r} names {count} seeds; from 1 to {MOST_SEEDS} can be run"
        )
    return list(dict.fromkeys(itertools.chain(*ranges)))


def chapters_from(book: Book, text: str) -> list[Chapter]:
    """The chapters whose slugs a text names; all of them where it names none.

    Raises
    ------
    PressError
        If there is no such chapter.
    """
    slugs = text.replace(",", " ").split()
    chosen = [book.chapter(slug) for slug in slugs] or book.chapters()
    return list(dict.fromkeys(chosen))


def value_from(text: str, name: str) -> Value:
    """A number, a truth value or None as Python writes them, or else the text itself.

    Raises
    ------
    PressError
        If it is nothing, or a literal of another type.
    """
    if not text:
        raise PressError(f"GRID: {name} has an empty value")
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
    if value is not None and not isinstance(value, bool | int | float | str):
        raise PressError(f"GRID: {name}={text} is neither a number nor a text")
    return value


def grid_from(text: str) -> dict[str, list[Value]]:
    """The values that each parameter takes.

    Parameters
    ----------
    text : str
        Such as ``num_draws=8,16 profile=smoke``.

    Raises
    ------
    PressError
        If a part has another form, or names a parameter twice or the seed.
    """
    grid: dict[str, list[Value]] = {}
    for part in text.split():
        name, equals, values = part.partition("=")
        if not (equals and name.isidentifier()):
            raise PressError(f"GRID: {part!r} must read name=value or name=value,value")
        if name == SEED:
            raise PressError(f"GRID: {part!r}: seeds are given by SEEDS")
        if name in grid:
            raise PressError(f"GRID: {name} occurs twice; write {name}=value,value")
        grid[name] = [value_from(one, name) for one in values.split(",")]
    return grid


def parameters_cell(book: Book, chapter: Chapter) -> Parameters:
    """The parameters of a chapter with the values of its notebook's cell.

    Raises
    ------
    PressError
        If there is no seed among them, or a value is not a literal.
    """
    found = inspect_notebook(book.notebook(chapter))
    if SEED not in found:
        raise PressError(
            f"{chapter.name} has no cell with the tag 'parameters' that sets {SEED}, so it cannot be swept"
        )
    try:
        return {name: ast.literal_eval(one["default"]) for name, one in found.items()}
    except (ValueError, SyntaxError) as error:
        raise PressError(
            f"{chapter.name}: a parameter's value is not a number or a text: {error}"
        ) from error


def sweep_defaults(notebook: NotebookNode) -> Parameters:
    """What every sweep of a chapter sets, unless the grid does: ``sweep`` in the notebook's metadata."""
    return dict(samplebook_metadata(notebook).get("sweep", {}))


def own_parameters(book: Book, chapter: Chapter) -> Parameters:
    """The parameters of a chapter with the values that they have in a sweep without a grid.

    Raises
    ------
    PressError
        If the notebook's metadata name a parameter that is not in its cell, or as
        :func:`parameters_cell`.
    """
    cell = parameters_cell(book, chapter)
    defaults = sweep_defaults(read_notebook(book.notebook(chapter)))
    unknown = sorted(defaults.keys() - (cell.keys() - {SEED}))
    if unknown:
        raise PressError(
            f"{chapter.name}: the notebook's metadata, samplebook.sweep, name {unknown[0]!r}, "
            "which is not in the cell of parameters"
        )
    return cell | defaults


def check_type(name: str, value: Value, own: Value, chapter: Chapter) -> None:
    """See that a value can stand where the chapter has its own; a whole number can stand for any number.

    Raises
    ------
    PressError
        If it is of another type.
    """
    allowed = (float, int) if isinstance(own, float) else (type(own),)
    if own is not None and type(value) not in allowed:
        raise PressError(
            f"GRID: {name}={value} cannot be used, for {chapter.name} has {name} = {own!r} "
            f"({allowed[0].__name__})"
        )


def points(
    grid: dict[str, list[Value]], own: Parameters, chapter: Chapter
) -> list[Parameters]:
    """The points of the grid for one chapter, each with the parameters that differ from the chapter's own.

    Raises
    ------
    PressError
        If a value is of another type than the chapter's own.
    """
    names = [name for name in grid if name in own]
    for name in names:
        for value in grid[name]:
            check_type(name, value, own[name], chapter)
    found = []
    for values in itertools.product(*(grid[name] for name in names)):
        pairs = zip(names, values, strict=True)
        changed = {name: value for name, value in pairs if value != own[name]}
        found += [changed] if changed not in found else []
    return found


def points_of_chapters(
    book: Book, chapters: list[Chapter], grid: dict[str, list[Value]]
) -> dict[Chapter, list[Parameters]]:
    """The points of the grid for each chapter, which takes the names that it has.

    Raises
    ------
    PressError
        If no chapter has a name of the grid, or as :func:`own_parameters` and :func:`points`.
    """
    own = {chapter: own_parameters(book, chapter) for chapter in chapters}
    known = {name for parameters in own.values() for name in parameters}
    for name in grid:
        if name not in known:
            raise PressError(
                f"GRID: no chosen chapter has a parameter {name!r}; there are "
                + ", ".join(sorted(known - {SEED}))
            )
    return {chapter: points(grid, own[chapter], chapter) for chapter in chapters}
