"""Compare the last execution with the stored notebooks.

The rules are nbval's own: its tags, its sanitisers, its way to join streams and to leave pictures out.
Two of them are wider. A number may differ by one unit of its last printed digit, since float arithmetic
differs from machine to machine. A cell that checks a claim is compared by the record of the claim.
"""

import difflib
import re
from collections import defaultdict
from typing import Any

from nbformat import NotebookNode
from nbval.plugin import (
    coalesce_streams,
    find_comment_markers,
    find_metadata_tags,
    get_sanitize_patterns,
    transform_streams_for_comparison,
)

from press.book import Book, Chapter
from press.claims_ledger import (
    Record,
    check_positions,
    claims_of,
    records_of,
    stored_records,
)
from press.errors import PressError
from press.execution import make_job, stale_reasons
from press.notebooks import code_cells, read_notebook

SANITISERS = "tests/nbval-sanitize.cfg"
NOT_COMPARED = (
    "metadata",
    "traceback",
    "prompt_number",
    "output_type",
    "name",
    "execution_count",
    "application/vnd.jupyter.widget-view+json",
    "image/png",
    "image/jpeg",
)
NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?(?![\w.]*\w)")
LARGEST_EXCLUDED_SHARE = 0.15
CLAIM_DIGITS = 3
NUMERICAL_ZERO = 1e-9


def is_excluded(cell: NotebookNode) -> bool:
    """Whether tags or comments exclude a cell's output from comparison, as nbval reads them."""
    options = dict(find_metadata_tags(cell.metadata)) | dict(
        find_comment_markers(cell.source)
    )
    return bool(options.get("skip")) or not options.get("check", True)


def excluded_share(notebook: NotebookNode) -> float:
    """Share of a notebook's code cells whose output is not compared."""
    cells = code_cells(notebook)
    return sum(map(is_excluded, cells)) / max(1, len(cells))


def sanitisers(book: Book) -> list[tuple[str, str]]:
    """Pairs of a pattern and its replacement, applied to both sides before comparing."""
    file = book.root / SANITISERS
    return (
        list(get_sanitize_patterns(file.read_text(encoding="utf-8")))
        if file.is_file()
        else []
    )


def outputs_by_type(
    cell: NotebookNode, patterns: list[tuple[str, str]]
) -> dict[str, list[Any]]:
    """A cell's outputs as nbval flattens them: the values of each stream and each MIME type."""

    def sanitised(value: Any) -> Any:
        if isinstance(value, str):
            for pattern, replacement in patterns:
                value = re.sub(pattern, replacement, value)
        return value

    flat: dict[str, list[Any]] = defaultdict(list)
    for output in transform_streams_for_comparison(coalesce_streams(cell.outputs)):
        for name, value in output.items():
            for inner_name, inner in (
                value.items() if name == "data" else [(name, value)]
            ):
                if inner_name not in NOT_COMPARED:
                    flat[inner_name].append(sanitised(inner))
    return flat


def last_digit_unit(number: str) -> float:
    """One unit of the last printed digit: 0.01 for ``3.14``, and 0 for a whole number, which is exact."""
    mantissa, _, exponent = number.lower().partition("e")
    if "." not in mantissa and not exponent:
        return 0.0
    decimals = len(mantissa.partition(".")[2])
    return float(10.0 ** (int(exponent or 0) - decimals))


def same_number(stored: str, fresh: str) -> bool:
    unit = max(last_digit_unit(stored), last_digit_unit(fresh))
    return abs(float(stored) - float(fresh)) <= unit * (1 + 1e-6)


def same_text(stored: str, fresh: str) -> bool:
    """Whether two texts agree but for the last digits of their numbers and the width of spaces."""
    words = [re.sub(r"\s+", " ", NUMBER.sub("#", text)) for text in (stored, fresh)]
    numbers = zip(NUMBER.findall(stored), NUMBER.findall(fresh), strict=False)
    return words[0] == words[1] and all(same_number(*pair) for pair in numbers)


def same_value(stored: Any, fresh: Any) -> bool:
    if isinstance(stored, str) and isinstance(fresh, str):
        return same_text(stored, fresh)
    return bool(stored == fresh)


def difference(stored: Any, fresh: Any) -> str:
    """The lines in which two outputs differ."""
    lines = difflib.unified_diff(
        str(stored).splitlines(),
        str(fresh).splitlines(),
        "stored",
        "fresh",
        lineterm="",
        n=0,
    )
    return "\n".join(lines)


def output_problem(
    stored: NotebookNode, fresh: NotebookNode, patterns: list[tuple[str, str]]
) -> str | None:
    """How the outputs of one cell differ, or none if they agree."""
    if stored.execution_count is None:
        return "was not run when the notebook was stored"
    before, now = outputs_by_type(stored, patterns), outputs_by_type(fresh, patterns)
    if before.keys() != now.keys():
        return f"had outputs {sorted(before)}, now has {sorted(now)}"
    for name in before:
        if len(before[name]) != len(now[name]):
            return f"had {len(before[name])} outputs of type {name}, now has {len(now[name])}"
        for old, new in zip(before[name], now[name], strict=True):
            if not same_value(old, new):
                return f"differs in {name}:\n{difference(old, new)}"
    return None


def printed_unit(value: float) -> float:
    """One unit of the last digit that a claim's value is printed with."""
    return last_digit_unit(f"{value:.{CLAIM_DIGITS - 1}e}")


def claim_problem(stored: Record | None, fresh: Record) -> str | None:
    """How a claim's record differs from the stored one, or none if they agree."""
    if stored is None:
        return f"claim {fresh['id']} has no stored record in results/claims.json"
    if stored["verdict"] != fresh["verdict"]:
        return f"claim {fresh['id']}: the stored verdict is {stored['verdict']}, now {fresh['verdict']}"
    old, new = stored["value"], fresh["value"]
    if old is None or new is None:
        agree, range_words = old is new, str(old)
    elif stored["interval"] is not None:
        lower, upper = stored["interval"]
        slack = printed_unit(old)
        agree, range_words = (
            lower - slack <= new <= upper + slack,
            f"the interval [{lower:.4g}, {upper:.4g}]",
        )
    else:
        agree, range_words = (
            abs(old - new) <= max(printed_unit(old), NUMERICAL_ZERO),
            f"{old:.4g}",
        )
    return None if agree else f"claim {fresh['id']}: stored {range_words}, now {new}"


def compare_chapter(book: Book, chapter: Chapter) -> list[str]:
    """Differences between a chapter's last execution and its stored notebook and records; empty if none.

    Raises
    ------
    PressError
        If the last execution is not fresh.
    """
    if stale_reasons(book, make_job(book, chapter)):
        raise PressError(f"{chapter.name} has no fresh result; run `make book` first")
    stored = read_notebook(book.notebook(chapter))
    fresh = read_notebook(book.result(chapter) / "notebook.ipynb")
    by_claim, now = stored_records(book), records_of(book, chapter)
    texts = [claim_problem(by_claim.get(record["id"]), record) for record in now]
    problems = [f"{chapter.name}, {text}" for text in texts if text]
    of_claims = {
        stored.cells[position].id
        for claim_id in claims_of(book, chapter)
        for position in check_positions(stored, claim_id)
    }
    patterns = sanitisers(book)
    for number, (old, new) in enumerate(
        zip(stored.cells, fresh.cells, strict=True), start=1
    ):
        if old.cell_type != "code" or old.id in of_claims or is_excluded(old):
            continue
        problem = output_problem(old, new, patterns)
        if problem:
            problems.append(f"{chapter.name}, cell {number}: {problem}")
    return problems


def compare_book(book: Book) -> None:
    """Compare every chapter.

    Raises
    ------
    PressError
        With all differences, if there are any.
    """
    problems = [
        text for chapter in book.chapters() for text in compare_chapter(book, chapter)
    ]
    if problems:
        advice = (
            "If the new results are right, store them with `make refresh CHAPTER=...`."
        )
        raise PressError("\n\n".join([*problems, advice]))
    print("The stored notebooks agree with this execution.")
