"""Print what the library costs: growth with the work, ratios to other packages, the machine.

Every number comes from the records that ``make bench`` writes into ``results/benchmarks``.
"""

import json
from collections.abc import Iterable
from itertools import groupby
from typing import Any

from press.book import Book
from press.claims_table import cell, table
from press.errors import PressError
from press.growth_figure import growth_figure
from press.ledger_page import inline
from press.register import parts

Entry = dict[str, Any]
NOTHING_MEASURED = "Nothing has been measured yet: `make bench` writes the records."
RECORD_FIELDS = {"name", "machine", "growth", "ratios"}
VERDICT_WORDS = {
    "agrees": "as stated",
    "slower": "grows more slowly",
    "faster": "**grows faster**",
    "undecided": "too noisy to say",
    None: "no growth stated",
}
STYLE = "ledger performance"
"""The tables are the ledger's, which narrow screens show as cards; ``claim`` names the row."""
GROWTH_COLUMNS = {
    "claim": "Work",
    "grows": "What grows",
    "time": "Time",
    "memory": "Memory",
}
RATIO_COLUMNS = {
    "claim": "Work",
    "other": "Beside",
    "ours": "The book",
    "theirs": "The other",
}
CLOSE = 1.05
"""Ratios up to this count as a tie."""
UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))


def part_questions(book: Book) -> dict[str, str]:
    """What each part answers, by name, in the book's order."""
    return {part.name: part.question for part in parts(book).values()}


def records(book: Book) -> list[Entry]:
    """The records of all benchmarks, by name.

    Raises
    ------
    PressError
        If a file is no such record.
    """
    found = []
    for file in sorted((book.root / "results" / "benchmarks").glob("*.json")):
        try:
            record = json.loads(file.read_text(encoding="utf-8"))
        except ValueError as error:
            raise PressError(f"{book.shown(file)} is not JSON: {error}") from error
        if not isinstance(record, dict) or set(record) != RECORD_FIELDS:
            raise PressError(
                f"{book.shown(file)}: a record has {', '.join(sorted(RECORD_FIELDS))}; "
                "`make bench` writes it anew"
            )
        found.append(record)
    return found


def function_words(entry: Entry) -> str:
    """The name of the function, without its package."""
    return f"`{entry['function'].rpartition('.')[2]}`"


def slope_words(growth: Entry) -> str:
    """A slope with its interval, and the stated one."""
    lower, upper = growth["interval"]
    stated = "" if growth["stated"] is None else f", stated {growth['stated']:z.2f}"
    return f"{growth['slope']:z.2f} [{lower:z.2f}, {upper:z.2f}]{stated}"


def growth_words(growth: Entry | None) -> str:
    """What is known of one cost, in paragraphs: as stated, as measured, and the verdict."""
    if growth is None:
        return "not measured"
    formula = [f"$O({growth['formula']})$"] if growth["formula"] else []
    verdict = VERDICT_WORDS[growth["verdict"]]
    return "\n\n".join([*formula, f"slope {slope_words(growth)}", verdict])


def row(columns: dict[str, str], contents: Iterable[str]) -> str:
    """A row of a table; its cells in the order of the columns."""
    cells = zip(columns, contents, strict=True)
    content = "".join(cell(columns, name, text) for name, text in cells)
    return f'<tr role="row">\n{content}</tr>'


def growth_row(number: int, entry: Entry) -> str:
    """One case: what is done, what grows, and what is known of time and memory."""
    sizes = entry["sizes"]
    return row(
        GROWTH_COLUMNS,
        [
            f"{inline(f'{number}.', 'number')} {function_words(entry)}: {entry['work']}",
            f"${entry['variable']}$: {sizes[0]:,} to {sizes[-1]:,}",
            growth_words(entry["time"]),
            growth_words(entry["memory"]),
        ],
    )


def of_parts(
    entries: Iterable[Entry], order: list[str]
) -> list[tuple[str, list[Entry]]]:
    """Entries by part, in the book's order."""
    ordered = sorted(entries, key=lambda entry: order.index(entry["part"]))
    return [
        (part, list(group)) for part, group in groupby(ordered, lambda e: e["part"])
    ]


def figure_words(part: str, entries: list[Entry]) -> str:
    """The figure of a part, with what it shows in words."""
    functions = sorted({entry["function"].rpartition(".")[2] for entry in entries})
    return (
        f"```{{figure}} generated/growth-{part}.svg\n"
        f":name: fig-growth-{part}\n"
        f":alt: Two log-log plots, of processor time in seconds and of peak memory in MiB, against the size "
        f"of the work relative to its smallest size, for {', '.join(functions)}; nearly straight lines, "
        "whose slopes are in the table.\n\n"
        "Time and memory against the work, both axes logarithmic. The numbers are those of the rows of the "
        "table below. Dotted: slopes 1 and 2.\n```"
    )


def summary(entries: list[Entry]) -> str:
    """How many slopes came out which way, in a sentence."""
    costs = [cost for e in entries for cost in (e["time"], e["memory"]) if cost]
    verdicts = [cost["verdict"] for cost in costs]
    counts = [
        f"{verdicts.count(key)} {words.strip('*')}"
        for key, words in VERDICT_WORDS.items()
        if key in verdicts
    ]
    return f"Of {len(costs)} measured slopes: {', '.join(counts)}."


def growth_section(entries: list[Entry], questions: dict[str, str]) -> list[str]:
    """Figures and tables of the growths, by part."""
    if not entries:
        return []
    blocks = ["## How the cost grows", summary(entries)]
    for part, of_part in of_parts(entries, list(questions)):
        rows = [growth_row(i, entry) for i, entry in enumerate(of_part, start=1)]
        blocks += [
            f"### {questions[part]}",
            figure_words(part, of_part),
            table(GROWTH_COLUMNS, rows, STYLE, f"Growth of cost: {questions[part]}"),
        ]
    return blocks


def quantity(value: float, unit: str) -> str:
    """A measured value with its unit; seconds as s, ms or µs."""
    if unit != "s":
        return f"{value:.4g} {unit}".strip()
    scale, name = next((u for u in UNITS if value >= u[0]), UNITS[-1])
    return f"{value / scale:.3g} {name}"


def advantage(ratio: Entry) -> float:
    """How many times better the library is; below 1, how many times worse."""
    better = ratio["theirs"] / ratio["ours"]
    return better if ratio["smaller_wins"] else 1 / better


def winner_words(ratio: Entry) -> str:
    """Who wins and by how much; rows that the library loses are in bold."""
    factor = advantage(ratio)
    if 1 / CLOSE <= factor <= CLOSE:
        return f"a tie ({factor:.2f})"
    if factor > 1:
        return f"the book, {factor:.3g} times"
    return f"**{ratio['other']}, {1 / factor:.3g} times**"


def unbroken(work: str) -> str:
    """A text in which no line ends beside an equals sign."""
    return work.replace(" = ", "\u00a0=\u00a0")


def ratio_row(columns: dict[str, str], ratio: Entry) -> str:
    """One comparison; a yardstick wins nothing."""
    is_peer = ratio["kind"] == "peer"
    last = winner_words(ratio) if is_peer else f"{ratio['ours'] / ratio['theirs']:.3g}"
    return row(
        columns,
        [
            f"{function_words(ratio)}: {unbroken(ratio['work'])}",
            ratio["other"],
            quantity(ratio["ours"], ratio["unit"]),
            quantity(ratio["theirs"], ratio["unit"]),
            last,
        ],
    )


def ratio_table(ratios: list[Entry], order: list[str], last: str, title: str) -> str:
    """Comparisons in the book's order; ``last`` heads the last column."""
    columns = RATIO_COLUMNS | {"last": last}
    rows = [
        ratio_row(columns, ratio)
        for _, of_part in of_parts(ratios, order)
        for ratio in of_part
    ]
    return table(columns, rows, STYLE, title)


def ratio_sections(ratios: list[Entry], order: list[str]) -> list[str]:
    """The table of peers, and that of yardsticks."""
    peers, yardsticks = (
        [ratio for ratio in ratios if ratio["kind"] == kind]
        for kind in ("peer", "yardstick")
    )
    blocks = []
    if peers:
        lost = sum(advantage(ratio) < 1 / CLOSE for ratio in peers)
        title = "Beside other packages"
        blocks += [
            f"## {title}",
            "Both sides do the same work, in turn, in one run. Rows that the book loses are in bold: "
            f"{lost} of {len(peers)}.",
            ratio_table(peers, order, "Who wins", title),
        ]
    if yardsticks:
        title = "Beside a yardstick"
        blocks += [
            f"## {title}",
            "Where no package does the same, the cost stands beside that of a well-known operation of the "
            "same size.",
            ratio_table(yardsticks, order, "Ours / yardstick", title),
        ]
    return blocks


def machine_words(machine: Entry) -> str:
    """A machine in a sentence."""
    versions = ", ".join(f"{name} {v}" for name, v in machine["versions"].items())
    return (
        f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']:g} GiB; {machine['system']}; "
        f"BLAS {machine['blas']}; threads: {machine['threads']}; {versions}."
    )


def machine_section(found: list[Entry]) -> list[str]:
    """The machines that the records name, each once, with the records that share it."""
    by_machine: dict[str, list[str]] = {}
    for record in found:
        words = machine_words(record["machine"])
        by_machine.setdefault(words, []).append(f"`{record['name']}`")
    lines = [f"- {', '.join(names)}: {words}" for words, names in by_machine.items()]
    return ["## The machine", "\n".join(lines)]


def performance_page(book: Book) -> str:
    """The page as MyST Markdown."""
    found = records(book)
    if not found:
        return NOTHING_MEASURED + "\n"
    questions = part_questions(book)
    growth = [entry for record in found for entry in record["growth"]]
    ratios = [ratio for record in found for ratio in record["ratios"]]
    blocks = [
        *growth_section(growth, questions),
        *ratio_sections(ratios, list(questions)),
        *machine_section(found),
    ]
    return "\n\n".join(blocks) + "\n"


def performance_figures(book: Book) -> dict[str, str]:
    """SVG pictures by file name, one a part that has a growth."""
    growth = [entry for record in records(book) for entry in record["growth"]]
    return {
        f"growth-{part}.svg": growth_figure(entries)
        for part, entries in of_parts(growth, list(part_questions(book)))
    }
