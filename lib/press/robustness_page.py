"""Print the page of robustness: on how many seeds each claim holds, how its value spreads, what misses."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

from press.book import Book
from press.claims_ledger import Record, stored_records
from press.claims_table import cell, table
from press.ledger_page import inline, rounded
from press.register import papers
from press.robustness import ChapterRuns, Runs
from press.strip_plot import strip_plot
from press.sweeps.results import DEFAULTS, UNDECIDED, Row, Sweep, sweep_file

COLUMNS = {
    "claim": "Claim",
    "statement": "Statement",
    "share": "Seeds on which it holds",
    "spread": "Measured value",
    "worst": "Worst seed",
    "plot": "Each seed's value",
}
SETTING_COLUMNS = {
    "claim": "Claim",
    "setting": "Parameters",
    "share": "Seeds on which it holds",
    "spread": "Measured value",
}
CHAPTER_COLUMNS = (
    "Chapter",
    "Seeds",
    "Claims measured",
    "Hold on each seed",
    "Findings: fail on each seed",
    "Seeds disagree",
    "Not measured",
)
NOTHING_STORED = (
    "No sweep is stored yet, so there is nothing to show. "
    "`make sweep SEEDS=20` runs every chapter with 20 seeds."
)
NO_MISS = "No claim misses a seed: each holds on every seed, or is a finding and fails on every seed."
SWEEP_COMMAND = "make sweep SEEDS=20 CHAPTERS={slug}"


def seed_words(seeds: Iterable[int]) -> str:
    """Seeds in words, those that follow each other as a range: ``0 to 4, 7``."""
    ranges: list[list[int]] = []
    for seed in sorted(set(seeds)):
        if ranges and seed == ranges[-1][1] + 1:
            ranges[-1][1] = seed
        else:
            ranges.append([seed, seed])
    parts = []
    for first, last in ranges:
        between = " to " if last > first + 1 else ", "
        parts.append(str(first) if first == last else f"{first}{between}{last}")
    return ", ".join(parts) or "none"


def count_words(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def on_seeds(seeds: Sequence[int]) -> str:
    return f"{'seed' if len(seeds) == 1 else 'seeds'} {seed_words(seeds)}"


def setting_words(parameters: str) -> str:
    """Parameters as a call would give them; those of the chapter in words."""
    return call_words(json.loads(parameters)) or "the chapter's own"


def call_words(values: dict[str, Any]) -> str:
    return ", ".join(f"`{name}={value!r}`" for name, value in values.items())


def chance_words(runs: Runs) -> str:
    """How probable the missed seeds are, were the claim true."""
    if runs.claim.false_alarm == 0:
        return "Its rule is exact, so a true claim misses no seed."
    chance = f"{runs.chance_of_misses():.1g}"
    return f"Were it true, its rule would miss as many seeds with a probability of at most {chance}."


def miss_words(name: str, runs: Runs, parameters: str) -> str:
    """One entry of the list of claims that miss seeds."""
    where = "" if parameters == DEFAULTS else f" with {setting_words(parameters)}"
    label = "robust" if parameters == DEFAULTS else "claim"
    against = [row.seed for row in runs.against]
    head = f"{{ref}}`{runs.claim.id} <{label}-{runs.claim.id}>` ({name}){where}"
    if runs.expected == "fails":
        text = f"is a finding, but holds on {on_seeds(against)} ({runs.share})."
    else:
        text = f"fails on {on_seeds(against)}; it holds on {runs.share}. {chance_words(runs)}"
    return f"- {head} {text} {inline(runs.claim.statement, 'words')}"


def misses(names: dict[str, str], chapters: Iterable[ChapterRuns]) -> list[str]:
    """The claims that miss seeds, those with the chapters' own parameters first."""
    found = [
        (parameters != DEFAULTS, miss_words(names[one.chapter.slug], runs, parameters))
        for one in chapters
        for parameters, runs in [
            *((DEFAULTS, runs) for runs in one.measured.values()),
            *one.elsewhere,
        ]
        if runs.against
    ]
    return [text for _, text in sorted(found, key=lambda entry: entry[0])]


def command(slug: str) -> str:
    return SWEEP_COMMAND.format(slug=slug)


def old_sweep(one: ChapterRuns) -> list[str]:
    """A remark that the chapter is no longer the one that was run, if so."""
    if not one.changes or one.sweep is None:
        return []
    gone = sorted({row.claim for row in one.sweep.rows} - set(one.claims))
    lost = f" Claims that it no longer has: {', '.join(gone)}." if gone else ""
    return [
        ":::{warning}\n"
        f"These runs are older than the chapter. Changed since: {', '.join(one.changes)}.{lost} "
        f"New runs: `{command(one.chapter.slug)}`.\n:::"
    ]


def smaller_sizes(sweep: Sweep) -> list[str]:
    """The parameters that sweeps of the chapter set in place of the page's, if any."""
    if not sweep.defaults:
        return []
    return [f"These runs set {call_words(sweep.defaults)}; the page's run does not."]


def confirmed_runs(sweep: Sweep) -> list[str]:
    """A remark that runs are of an earlier state, which the present one confirmed, if so."""
    if not sweep.earlier:
        return []
    seeds = on_seeds(sweep.confirmed_by)
    return [
        "Measured with an earlier state of the code. "
        f"{seeds.capitalize()}, run again with the present one, gave equal values."
    ]


def run_words(sweep: Sweep) -> str:
    """Which seeds were run, how long a run took, and with which versions."""
    own = {row.seed: row.seconds for row in sweep.rows if row.parameters == DEFAULTS}
    versions = ", ".join(f"{name} {number}" for name, number in sweep.versions.items())
    if not own:
        return f"No run with the chapter's own parameters is stored. {versions}."
    return (
        f"{count_words(len(own), 'run')} with the chapter's own parameters, {on_seeds(list(own))}; "
        f"about {median(own.values()):.0f} seconds a run. Versions: {versions}."
    )


def interval_words(runs: Runs) -> str:
    lower, upper = (f"{end:.2f}" for end in runs.share_interval())
    return f'<span class="interval">[{lower}, {upper}]</span>'


def share_words(runs: Runs, record: Record | None = None) -> str:
    """The share with its interval; a miss is marked, a finding is named as one."""
    name = "missed" if runs.against else "full"
    lines = [f"{inline(runs.share, name)} {interval_words(runs)}"]
    if runs.claim.finding is not None:
        word = "finding"
        if record is not None and record["verdict"] == "fails":
            word = f"{{ref}}`finding <finding-{runs.claim.id}>`"
        lines.append(f"a {word}: expected to fail")
    against = [row.seed for row in runs.against]
    if against:
        verb = "fails" if runs.expected == "holds" else "holds"
        lines.append(f"{verb} on {on_seeds(against)}")
    undecided = runs.seeds(UNDECIDED)
    if undecided:
        lines.append(f"no verdict on {on_seeds(undecided)}")
    return "\n\n".join(lines)


def spread_words(runs: Runs) -> str:
    """Median, smallest and largest value."""
    smallest, largest = min(runs.values), max(runs.values)
    if smallest == largest:
        return f"always {rounded(smallest)}"
    return f"median {rounded(median(runs.values))}\n\n{rounded(smallest)} to {rounded(largest)}"


def worst_words(worst: Row | None) -> str:
    if worst is None or worst.value is None:
        return "all alike"
    return f"seed {worst.seed}: {rounded(worst.value)}"


def plot_words(runs: Runs, stored: float | None) -> str:
    """What the plot shows, for a reader who does not see it."""
    spread = " from ".join(spread_words(runs).split("\n\n"))
    parts = [f"{runs.claim.id} on {count_words(len(runs.rows), 'seed')}: {spread}"]
    for verb, verdict in (("holds", "holds"), ("fails", "fails")):
        seeds = runs.seeds(verdict)
        if len(seeds) == len(runs.rows):
            parts.append(f"{verb} on each")
        elif seeds and verdict == "fails":
            parts.append(f"{verb} on {on_seeds(seeds)}")
    if stored is not None:
        parts.append(f"stored value {rounded(stored)}")
    return "; ".join(parts)


def claim_link(claim_id: str) -> str:
    return f"{{ref}}`{claim_id} <claim-{claim_id}>`"


def claim_row(runs: Runs, stored: Record | None, record: Record | None) -> str:
    """One claim as a row; the label ``robust-<id>`` leads to it."""
    claim = runs.claim
    value = None if stored is None else stored["value"]
    links = f"(robust-{claim.id})=\n{claim_link(claim.id)}\n\n{{ref}}`ledger <ledger-{claim.id}>`"
    cells = {
        "claim": links,
        "statement": inline(claim.statement, "words"),
        "share": share_words(runs, record),
        "spread": spread_words(runs),
        "worst": worst_words(runs.worst()),
        "plot": strip_plot(runs.rows, value, plot_words(runs, value)),
    }
    return row_of(COLUMNS, cells, runs)


def row_of(columns: dict[str, str], cells: dict[str, str], runs: Runs) -> str:
    kind = "missed" if runs.against else "expected"
    content = "".join(cell(columns, name, text) for name, text in cells.items())
    return f'<tr role="row" class="{kind}">\n{content}</tr>'


def setting_row(parameters: str, runs: Runs) -> str:
    """One claim with other parameters than its chapter's."""
    cells = {
        "claim": claim_link(runs.claim.id),
        "setting": setting_words(parameters),
        "share": share_words(runs),
        "spread": spread_words(runs),
    }
    return row_of(SETTING_COLUMNS, cells, runs)


def setting_table(name: str, one: ChapterRuns) -> list[str]:
    """The claims with other parameters, claim by claim, folded away; nothing where none was run."""
    if not one.elsewhere:
        return []
    order = list(one.claims)
    found = sorted(one.elsewhere, key=lambda entry: order.index(entry[1].claim.id))
    settings = len({parameters for parameters, _ in found})
    rows = [setting_row(*entry) for entry in found]
    title = f"{name}, other parameters"
    return [
        f"<details><summary>With other parameters ({count_words(settings, 'setting')})</summary>",
        table(SETTING_COLUMNS, rows, "ledger robustness settings", title),
        "</details>",
    ]


def without_runs(one: ChapterRuns) -> list[str]:
    """The claims that no run with the chapter's own parameters decided, by reason."""
    reasons: dict[str, list[str]] = {}
    for name, claim in one.claims.items():
        if name not in one.measured:
            reason = one.reason_without_runs(claim)
            reasons.setdefault(reason, []).append(claim_link(name))
    if not reasons:
        return []
    lines = [
        f"- {', '.join(links)}: {inline(reason, 'words')}"
        for reason, links in reasons.items()
    ]
    return ["Not measured by sweeps:", "\n".join(lines)]


def download(book: Book, one: ChapterRuns) -> str:
    name = sweep_file(book, one.chapter).name
    return f"{{download}}`{name} <generated/sweeps/{name}>`"


def chapter_section(
    book: Book,
    name: str,
    one: ChapterRuns,
    records: dict[str, Record],
    stored: dict[str, Record],
) -> str:
    """All of one chapter: the runs, the table, what was not measured, other parameters."""
    heading = f"## {name}"
    link = f"{{doc}}`The chapter </chapters/{one.chapter.name}>`."
    if one.sweep is None:
        text = f"{link} No sweep is stored: `{command(one.chapter.slug)}` makes one."
        return "\n\n".join([heading, text, *without_runs(one)])
    rows = [
        claim_row(runs, stored.get(claim_id), records.get(claim_id))
        for claim_id, runs in one.measured.items()
    ]
    label = f"{name}: claims by seed"
    return "\n\n".join(
        [
            heading,
            f"{link} {run_words(one.sweep)} All rows: {download(book, one)}.",
            *old_sweep(one),
            *([table(COLUMNS, rows, "ledger robustness", label)] if rows else []),
            *smaller_sizes(one.sweep),
            *confirmed_runs(one.sweep),
            *without_runs(one),
            *setting_table(name, one),
        ]
    )


def chapter_counts(one: ChapterRuns) -> "Counter[str]":
    """How many claims of a chapter fare how."""
    return Counter(
        "disagree" if runs.against else runs.expected for runs in one.measured.values()
    ) + Counter({"none": len(one.claims) - len(one.measured)})


def chapter_line(name: str, one: ChapterRuns) -> list[str]:
    """One chapter in the table of chapters."""
    counts = chapter_counts(one)
    seeds = {row.seed for runs in one.measured.values() for row in runs.rows}
    old = ", older than the chapter" if one.changes else ""
    return [
        f"{{doc}}`{name} </chapters/{one.chapter.name}>`",
        f"{len(seeds)}{old}" if seeds else "no sweep",
        str(len(one.measured)),
        *(str(counts[word]) for word in ("holds", "fails", "disagree", "none")),
    ]


def summary_table(names: dict[str, str], chapters: Iterable[ChapterRuns]) -> str:
    """The chapters with the numbers of their claims."""
    lines = [list(CHAPTER_COLUMNS), ["---"] + ["---:"] * (len(CHAPTER_COLUMNS) - 1)]
    lines += [chapter_line(names[one.chapter.slug], one) for one in chapters]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def summary(book: Book, chapters: Sequence[ChapterRuns]) -> str:
    """What comes first on the page: the claims that miss seeds, and the chapters in numbers."""
    names = {slug: paper.short for slug, paper in papers(book).items()}
    if not any(one.sweep for one in chapters):
        return NOTHING_STORED
    found = misses(names, chapters)
    listed = "\n".join(found) if found else NO_MISS
    return "\n\n".join(
        [
            "## Claims that miss a seed",
            listed,
            "## The chapters in numbers",
            summary_table(names, chapters),
        ]
    )


def robustness_page(
    book: Book, records: dict[str, Record], chapters: Iterable[ChapterRuns]
) -> str:
    """The tables of all chapters as MyST Markdown.

    Parameters
    ----------
    records : dict
        This execution's records: a claim that fails in it has a place on the page of findings.
    chapters : iterable of ChapterRuns
        In reading order.
    """
    names = {slug: paper.short for slug, paper in papers(book).items()}
    stored = stored_records(book)
    return "\n\n".join(
        chapter_section(book, names[one.chapter.slug], one, records, stored)
        for one in chapters
    )


def ledger_link(one: ChapterRuns, runs: Runs) -> str:
    """What the ledger says of a claim's seeds, with a link to this page."""
    old = " of an older state" if one.changes else ""
    words = f"holds on {runs.share} seeds{old}"
    return f"{{ref}}`{words} <robust-{runs.claim.id}>`"


def ledger_links(chapters: Iterable[ChapterRuns]) -> dict[str, str]:
    """The ledger's words on the seeds of each claim that was measured, by its id."""
    return {
        name: ledger_link(one, runs)
        for one in chapters
        for name, runs in one.measured.items()
    }
