"""Row scores of a tall matrix, regression on sampled rows, and determinantal points, at a GPU's scale.

Where the GPU is (PyTorch, NumPy and SciPy suffice; 80 GB, ten minutes at most)::

    python -m samplebook.experiments.sensitivity run --out record.json

``--size tiny`` runs to the end on any CPU in seconds. The data are generated from the seed: a matrix of 10^7
rows and 50 columns with heavy-tailed rows and a few columns that one row in a thousand sees, and functions on
a cube. A run ends within ``--budget-seconds``: what is not reached is left out, and the record says so. With
``--parts FOLDER`` what is measured is kept there, and the same command goes on where a run was ended, by
``--session-seconds`` or otherwise.

The record, one JSON object. An interval has the level 95 %; a null stands for what does not exist.

``what``, ``finished``, ``complete``, ``seed``, ``size``, ``sizes``, ``budget_seconds``
    The experiment, the date, whether another session would add nothing, what was asked for, and the numbers
    behind the size's name.
``provenance``
    Device, versions, samplebook's version, checksums of the source: of each module and of all.
``seconds``
    What each phase took, in all sessions.
``units``
    Seconds of one pass over the matrix and of one QR factorisation of it.
``scores``
    A row for each way to score the rows of the matrix: ``score`` (leverage, lewis, sensitivity), ``method``,
    ``seconds``, ``in_passes`` and ``in_qrs``; as far as they apply ``p``, ``iterations``, ``sum`` of all
    scores, ``rare_sum`` of the rare rows' (k to k + 1 for leverage scores and Lewis weights, k =
    ``sizes.num_rare``). For sketched scores ``smallest_ratio`` and ``largest_ratio`` to the exact ones,
    ``median_error``, the median of abs(ratio - 1), and ``proven_ratios``, the ends within which all ratios
    lie with probability 1 - ``sizes.failure`` (twice that risk with a projection). For Lewis weights the
    ratios are those of the two sides of the defining equation. For l_4 sensitivities they are ratios to the
    Lewis weights, over ``sampled_rows`` drawn by these weights; ``sum`` is an estimate with ``sum_interval``;
    ``largest_gap`` is the largest certified relative gap of a sensitivity, ``steps`` the Newton steps,
    ``inside_bounds`` whether all lie inside the fast bounds.
``optima``
    By p, least-p-norm regression on all of the first ``sizes.regression_rows`` rows: ``gap`` (certified, of
    the norm) and ``seconds``.
``regression``
    A row for each ``p``, ``scheme`` and ``budget``, the expected number of kept rows: ``cost_ratio``, the
    median over ``repetitions`` of what the sample's solution costs on all rows, as a multiple of the optimum
    (p-th powers), and ``cost_ratio_95``, the 95th percentile, each as ``value`` and ``interval``;
    ``lost_rank``, the share of samples that leave a feature undetermined; ``always_kept``, rows with
    probability 1; ``largest_gap`` of a sample's solution; ``seconds_a_fit``.
``dpp``
    A row for each space (``num_variables``, ``dimension`` m), ``strategy`` and ``copies``: ``points`` =
    copies m, ``quantiles`` of the relative error ||f - f'||^2 / ||g||^2 over ``repetitions``, by level, as
    ``value`` and ``interval``; ``mean`` with interval (for i.i.d. points it means little, since the tail is
    heavy); ``stable``, the share of samples with smallest eigenvalue of the Gram matrix at least 1/2;
    ``seconds_a_dpp``, the time of a draw while many chains run side by side, and ``seconds_m_independent``
    for as many independent points. Strategies share their draws.
``not_measured``
    What is missing, and why.
"""

import math
from collections.abc import Callable
from dataclasses import asdict
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor

from samplebook.experiments.blocked_scores import (
    LewisWeights,
    exact_leverage_scores,
    lewis_weights,
)
from samplebook.experiments.clock import timed
from samplebook.experiments.command_line import (
    Asked,
    Run,
    add_run_options,
    check_device,
    experiment_parser,
    write_record,
)
from samplebook.experiments.coreset_regression import (
    Scheme,
    optimum,
    regression_row,
    whitened_problem,
)
from samplebook.experiments.determinantal_batches import LegendreProducts
from samplebook.experiments.determinantal_errors import determinantal_rows
from samplebook.experiments.intervals import significant
from samplebook.experiments.quartic_sensitivities import fourth_moments
from samplebook.experiments.random_streams import stream
from samplebook.experiments.score_measurements import (
    MOMENTS_SHARE,
    TOLERANCE,
    Units,
    leverage_rows,
    lewis_rows,
    measured_units,
    quartic_row,
    sensitivities_of,
)
from samplebook.experiments.sensitivity_sizes import (
    EXPONENTS,
    SCALES,
    Scale,
    SpaceSize,
)
from samplebook.experiments.tall_matrix import tall_matrix
from samplebook.subsets import total_degree_indices

SCORE_GAP = 0.01
"""Certified relative gap of the sensitivities that rows are sampled by: their upper bounds are."""


def schemes(problem: Tensor, p: float, block: int) -> dict[str, Callable[[], Tensor]]:
    """The ways of sampling that are compared for p, by name, and what gives their scores (n,)."""
    rows = len(problem)

    @cache
    def leverage() -> Tensor:
        return exact_leverage_scores(problem, block)

    @cache
    def lewis() -> LewisWeights:
        return lewis_weights(problem, p, block, tolerance=TOLERANCE)

    @cache
    def sensitivity() -> Tensor:
        basis = lewis().basis
        moments = fourth_moments(problem, basis, block // MOMENTS_SHARE)
        return sensitivities_of(moments, problem @ basis, SCORE_GAP).upper

    def both() -> Tensor:
        return leverage() / leverage().sum() + sensitivity() / sensitivity().sum()

    ways: dict[str, Callable[[], Tensor]] = {
        "uniform": lambda: problem.new_ones(rows),
        "leverage": leverage,
    }
    if p < 2:
        ways["root leverage"] = lambda: leverage() ** (p / 2)
    ways["lewis"] = lambda: lewis().weights
    if p == 4:
        ways |= {"sensitivity": sensitivity, "leverage and sensitivity": both}
    return ways


def score_section(rows: Tensor, scale: Scale, run: Run) -> dict[str, Any]:
    """The record's ``units`` and ``scores``."""
    seed, device, attempt = run.asked.seed, rows.device, run.sections.attempt_once
    lewis: dict[float, LewisWeights] = {}

    def of_lewis(units: Units, p: float) -> list[dict[str, Any]]:
        table, lewis[p] = lewis_rows(rows, scale, units, p)
        return table

    def quartic(units: Units) -> dict[str, Any]:
        if 4 not in lewis:
            of_lewis(units, 4)
        rng = stream(seed, "quartic", device)
        return quartic_row(rows, scale, units, lewis[4], rng)

    found = attempt("units", lambda: asdict(measured_units(rows, scale.block)))
    units = Units(**found) if found else Units(math.nan, math.nan)
    rng = stream(seed, "leverage", device)
    table = attempt("leverage scores", partial(leverage_rows, rows, scale, units, rng))
    table = table or []
    for p in EXPONENTS:
        of_p = attempt(f"Lewis weights, p = {p:g}", partial(of_lewis, units, p))
        table += of_p or []
        if p == 4 and of_p is not None:
            row = attempt("l_4 sensitivities", partial(quartic, units))
            table += [] if row is None else [row]
    return {
        "units": {
            name: significant(seconds, 3) for name, seconds in asdict(units).items()
        },
        "scores": table,
    }


def best_over_all_rows(problem: Tensor, p: float, block: int) -> dict[str, float]:
    """The least cost, the certified gap of the norm, and the seconds."""
    best, seconds = timed(partial(optimum, problem, p, block), problem.device)
    return {"cost": float(best.norm) ** p, "gap": float(best.gap), "seconds": seconds}


def regressions(
    problem: Tensor, p: float, scale: Scale, best: dict[str, float], run: Run
) -> list[dict[str, Any]]:
    """The record's rows for one p."""
    table = []

    def row(
        name: str, scores: Callable[[], Tensor], budget: int, of_row: str
    ) -> dict[str, Any]:
        return regression_row(
            problem,
            Scheme(p, name, scores()),
            budget,
            best["cost"],
            repetitions=scale.regression_repetitions,
            block=scale.block,
            rng=stream(run.asked.seed, of_row, problem.device),
        )

    for name, scores in schemes(problem, p, scale.block).items():
        for budget in scale.budgets:
            of_row = f"regression, p = {p:g}, {name}, budget {budget}"
            found = run.sections.attempt_once(
                of_row, partial(row, name, scores, budget, of_row)
            )
            table += [] if found is None else [found]
    return table


def regression_section(rows: Tensor, scale: Scale, run: Run) -> dict[str, Any]:
    """The record's ``optima`` and ``regression``."""
    problem = run.sections.attempt(
        "regression",
        partial(whitened_problem, rows[: scale.regression_rows], scale.block),
    )
    optima, table = [], []
    for p in EXPONENTS:
        if problem is None:
            break
        best = run.sections.attempt_once(
            f"regression, p = {p:g}",
            partial(best_over_all_rows, problem, p, scale.block),
        )
        if best is not None:
            gap, seconds = significant(best["gap"], 2), significant(best["seconds"], 3)
            optima.append({"p": p, "gap": gap, "seconds": seconds})
            table += regressions(problem, p, scale, best, run)
    return {"optima": optima, "regression": table}


def points_of(
    size: SpaceSize, scale: Scale, rng: torch.Generator
) -> list[dict[str, Any]]:
    """The record's rows for a space."""
    indices = total_degree_indices(size.num_variables, size.degree)
    return determinantal_rows(
        LegendreProducts(torch.from_numpy(indices).to(rng.device)),
        copies=scale.copies,
        repetitions=scale.dpp_repetitions,
        batch=scale.dpp_batch,
        rng=rng,
    )


def point_section(scale: Scale, run: Run) -> dict[str, Any]:
    """The record's ``dpp``."""
    table: list[dict[str, Any]] = []
    for size in scale.spaces:
        name = f"points in {size.num_variables} variables, degree {size.degree}"
        rng = stream(run.asked.seed, name, run.device)
        found = run.sections.attempt_once(name, partial(points_of, size, scale, rng))
        table += found or []
    return {"dpp": table}


def run_experiment(asked: Asked) -> dict[str, Any]:
    """Measure everything; gives the record that the module's docstring describes.

    Parameters
    ----------
    asked : Asked
        Its size is ``"full"`` (needs a GPU) or ``"tiny"``. Different devices make different numbers from one
        seed.
    """
    run, scale = Run("sensitivity", asked), SCALES[asked.size]
    with run.clock.phase("make the matrix"):
        rows = tall_matrix(
            scale.num_rows,
            scale.num_columns,
            num_rare=scale.num_rare,
            stride=scale.rare_stride,
            seed=asked.seed,
            block=scale.block,
            device=run.device,
        )
    with run.clock.phase("scores"):
        scores = score_section(rows, scale, run)
    with run.clock.phase("regression"):
        regression = regression_section(rows, scale, run)
    del rows
    with run.clock.phase("points"):
        points = point_section(scale, run)
    return run.record(sizes=asdict(scale), **scores, **regression, **points)


def main(arguments: list[str] | None = None) -> None:
    parser = experiment_parser("sensitivity", __doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    running = commands.add_parser("run", help="measure, write the record")
    add_run_options(running, SCALES, "full")
    chosen = parser.parse_args(arguments)
    check_device(parser, chosen.size, largest="full", smallest="tiny")
    write_record(run_experiment(Asked.of(chosen)), chosen.out)


if __name__ == "__main__":
    main()
