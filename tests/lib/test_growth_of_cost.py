"""The benchmarks' harness: fitted slopes, time and memory; every core algorithm runs at a tiny size."""

import importlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from growth import CASES
from harness import records
from harness.cases import Algorithm, Cost, growth
from harness.memory import CHILD_ENVIRONMENT, is_measurable
from harness.slopes import Slope, fitted_slope, stated_slope, verdict
from harness.timing import best_seconds, medians_in_turn

ROOT = Path(__file__).parents[2]
SIZES = [1_000, 2_000, 4_000, 8_000, 16_000]
MEBIBYTE = 2**20


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.5])
def test_slope_of_a_power_is_its_exponent(exponent: float) -> None:
    slope = fitted_slope(SIZES, [3e-7 * size**exponent for size in SIZES])
    np.testing.assert_allclose(
        [slope.value, slope.lower, slope.upper], exponent, atol=1e-9
    )


def test_interval_covers_the_true_slope_as_often_as_it_says() -> None:
    """With log-normal noise of 5 % the exact coverage is 0.95; 0.93 to 0.97 lies 4 deviations around it."""
    rng = np.random.default_rng(0)
    noise = np.exp(0.05 * rng.standard_normal((2_000, len(SIZES))))
    slopes = [fitted_slope(SIZES, np.array(SIZES) ** 1.5 * row) for row in noise]
    covered = np.mean([slope.lower <= 1.5 <= slope.upper for slope in slopes])
    assert 0.93 <= covered <= 0.97


def test_stated_slope_of_v_log_v_is_a_little_above_one() -> None:
    slope = stated_slope(SIZES, lambda size: size * np.log(size))
    assert 1.10 < slope < 1.13


def test_a_constant_part_bends_the_line_and_is_not_taken_for_agreement() -> None:
    """Overhead as large as the work at the middle size: the interval is too wide for a verdict."""
    slope = fitted_slope(SIZES, [4_000**2 + size**2 for size in SIZES])
    assert slope.value < 1.5
    assert verdict(slope, slope.value) == "undecided"


@pytest.mark.parametrize(
    ("slope", "said"),
    [
        (Slope(1.0, 0.9, 1.1), "agrees"),
        (Slope(1.2, 1.14, 1.26), "agrees"),
        (Slope(1.3, 1.2, 1.4), "faster"),
        (Slope(0.7, 0.6, 0.8), "slower"),
        (Slope(1.0, 0.5, 1.5), "undecided"),
    ],
)
def test_verdict(slope: Slope, said: str) -> None:
    assert verdict(slope, 1.0) == said


@pytest.mark.parametrize(
    ("sizes", "costs", "named"),
    [
        ([1, 2, 4], [1.0, 2.0], "costs"),
        ([1, 2], [1.0, 2.0], "sizes"),
        ([1, 2, 2], [1.0, 2.0, 3.0], "sizes"),
        ([1, 2, 4], [1.0, 0.0, 3.0], "costs"),
    ],
)
def test_a_slope_of_bad_numbers_is_refused(
    sizes: list[int], costs: list[float], named: str
) -> None:
    with pytest.raises(ValueError, match=rf"^{named}:"):
        fitted_slope(sizes, costs)


def spin(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_time_is_that_of_the_work_and_not_of_waiting() -> None:
    def work() -> None:
        spin(0.004)
        time.sleep(0.01)

    assert 0.004 <= best_seconds(work) < 0.008


def test_the_first_call_is_not_counted() -> None:
    waits = iter([0.2])

    def work() -> None:
        spin(next(waits, 0.002))

    assert best_seconds(work) < 0.01


def test_medians_in_turn_tell_which_takes_longer() -> None:
    medians = medians_in_turn(
        {"short": lambda: spin(0.002), "long": lambda: spin(0.006)}, rounds=3
    )
    assert 2 < medians["long"] / medians["short"] < 4


@pytest.mark.skipif(not is_measurable(), reason="needs Linux's peak of a process")
def test_memory_counts_what_was_freed_again_and_nothing_of_before() -> None:
    """In a process of its own: 40 MiB freed before the call, then 24 MiB used and freed within it."""
    code = (
        "import numpy as np; from harness.memory import peak_bytes\n"
        "before = np.ones(40 * 2**17); del before\n"
        "print(peak_bytes(lambda: np.ones(24 * 2**17).sum()))"
    )
    environment = dict(os.environ) | CHILD_ENVIRONMENT
    environment["PYTHONPATH"] = os.pathsep.join(
        str(ROOT / name) for name in ("lib", "benchmarks")
    )
    output = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert 23 <= int(output) / MEBIBYTE < 26


def test_growth_says_nothing_where_nothing_is_stated() -> None:
    found = growth(SIZES, [float(size) for size in SIZES], Cost("", None))
    assert found["slope"] == pytest.approx(1)
    assert found["stated"] is None
    assert found["verdict"] is None


def test_each_size_that_grows_makes_a_case_with_the_others_fixed() -> None:
    product = Algorithm(
        slug="product",
        part="drafts",
        function="some.function",
        work="{n} rows, {d} columns",
        prepare=lambda n, d: lambda: (n, d),
        time=Cost("n d^2", lambda n, d: n * d**2),
        memory=Cost("", None),
        at={"n": 1_000, "d": 3},
        grows={"n": SIZES, "d": [1, 2, 4, 8, 16]},
        tiny={"d": 2},
    )
    rows, columns = product.cases()
    assert [rows.slug, columns.slug] == ["product-n", "product-d"]
    assert rows.work == "$n$ rows, $d = 3$ columns"
    assert columns.work == "$n = 1{,}000$ rows, $d$ columns"
    assert [rows.prepare(7)(), columns.prepare(7)()] == [(7, 3), (1_000, 7)]
    assert [rows.tiny, columns.tiny] == [16, 2]
    for case, exponent in ((rows, 1), (columns, 2)):
        assert case.time.shape is not None
        stated = stated_slope(case.sizes, case.time.shape)
        assert stated == pytest.approx(exponent)
        assert case.memory == Cost("", None)


def test_what_grows_stands_in_the_words_of_each_case() -> None:
    for case in CASES.values():
        assert f"${case.variable}$" in case.work, case.slug
        assert "{" not in case.work.replace("{,}", ""), case.slug


@pytest.mark.parametrize("slug", CASES)
def test_core_algorithm_runs_at_a_tiny_size(slug: str) -> None:
    case = CASES[slug]
    module, _, name = case.function.rpartition(".")
    assert callable(getattr(importlib.import_module(module), name))
    assert len(case.sizes) == 5
    assert sorted(set(case.sizes)) == list(case.sizes)
    case.prepare(case.tiny)()


def test_every_stated_cost_stands_in_its_docstring() -> None:
    """As ``O(...)`` of the same letters and digits, with products written as spaces."""

    def letters(formula: str) -> str:
        plain = formula.replace(r"\log", "log").replace(r"\rho", "rho")
        return plain.replace("{", "").replace("}", "")

    for case in CASES.values():
        module, _, name = case.function.rpartition(".")
        documented = getattr(importlib.import_module(module), name).__doc__ or ""
        words = " ".join(documented.split())
        for cost in (case.time, case.memory):
            if cost is not None and cost.formula:
                assert f"O({letters(cost.formula)})" in words, (case.slug, cost.formula)


def test_equal_numbers_give_an_equal_record(tmp_path: Path) -> None:
    ratio = records.Ratio("drafts", "f", "w", "o", "peer", "s", 1.23456789, 2.0)
    files = [
        records.write_record("some", ratios=[ratio], folder=tmp_path / str(i))
        for i in range(2)
    ]
    texts = [file.read_text("utf-8") for file in files]
    assert texts[0] == texts[1]
    record = json.loads(texts[0])
    assert record["ratios"][0]["ours"] == 1.235
    assert record["machine"]["threads"] == 1
    assert record["machine"]["versions"]["numpy"] == np.__version__
