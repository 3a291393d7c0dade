"""Row scores of a tall matrix, regression on sampled rows, and determinantal points, at a GPU's scale.

Where the GPU is (PyTorch, NumPy and SciPy suffice; 80 GB, ten minutes at most)::

    python -m samplebook.experiments.sensitivity run --out record.json

``--size tiny`` runs to the end on any CPU in seconds. The data are generated from the seed: a matrix of 10^7
rows and 50 columns with heavy-tailed rows and a few columns that one row in a thousand sees, and functions on
a cube. A run ends within ``--budget-seconds``: what is not reached is left out, and the record says so.

The record, one JSON object. An interval has the level 95 %; a null stands for what does not exist.

``what``, ``finished``, ``seed``, ``size``, ``sizes``, ``budget_seconds``
    The experiment, the date, what was asked for, and the numbers behind the size's name.
``provenance``
    Device, versions, samplebook's version, a checksum of the source.
``seconds``
    What each phase took.
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

import datetime
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from typing import Any

import torch
from torch import Tensor

from samplebook.experiments.blocked_scores import exact_leverage_scores, lewis_weights
from samplebook.experiments.clock import Clock, Sections, timed
from samplebook.experiments.command_line import (
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
from samplebook.experiments.provenance import provenance
from samplebook.experiments.quartic_sensitivities import fourth_moments
from samplebook.experiments.score_measurements import (
    MOMENTS_SHARE,
    TOLERANCE,
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
from samplebook.experiments.tall_matrix import seeded, tall_matrix
from samplebook.subsets import total_degree_indices

SCORE_GAP = 0.01
"""Certified relative gap of the sensitivities that rows are sampled by: their upper bounds are."""


def schemes(problem: Tensor, p: float, block: int) -> Iterator[Scheme]:
    """The ways of sampling that are compared for p."""
    leverage = exact_leverage_scores(problem, block)
    lewis = lewis_weights(problem, p, block, tolerance=TOLERANCE)
    yield Scheme(p, "uniform", torch.ones_like(leverage))
    yield Scheme(p, "leverage", leverage)
    if p < 2:
        yield Scheme(p, "root leverage", leverage ** (p / 2))
    yield Scheme(p, "lewis", lewis.weights)
    if p == 4:
        moments = fourth_moments(problem, lewis.basis, block // MOMENTS_SHARE)
        found = sensitivities_of(moments, problem @ lewis.basis, SCORE_GAP)
        sensitivity = found.upper
        yield Scheme(p, "sensitivity", sensitivity)
        both = leverage / leverage.sum() + sensitivity / sensitivity.sum()
        yield Scheme(p, "leverage and sensitivity", both)


def score_section(
    rows: Tensor, scale: Scale, seed: int, sections: Sections
) -> dict[str, Any]:
    """The record's ``units`` and ``scores``."""
    rng = seeded(seed + 1, rows.device)
    units = measured_units(rows, scale.block)
    table = sections.attempt(
        "leverage scores", partial(leverage_rows, rows, scale, units, rng)
    )
    table = table or []
    for p in EXPONENTS:
        found = sections.attempt(
            f"Lewis weights, p = {p:g}", partial(lewis_rows, rows, scale, units, p)
        )
        if found is None:
            continue
        table += found[0]
        if p == 4:
            row = sections.attempt(
                "l_4 sensitivities",
                partial(quartic_row, rows, scale, units, found[1], rng),
            )
            table += [] if row is None else [row]
    return {
        "units": {
            name: significant(seconds, 3) for name, seconds in asdict(units).items()
        },
        "scores": table,
    }


def regressions(
    problem: Tensor, p: float, scale: Scale, rng: torch.Generator, sections: Sections
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The optimum over all rows for one p, and the record's rows."""
    best, seconds = timed(
        partial(optimum, problem, p, scale.block), device=problem.device
    )
    about = {
        "p": p,
        "gap": significant(float(best.gap), 2),
        "seconds": significant(seconds, 3),
    }
    table = []
    for scheme in schemes(problem, p, scale.block):
        for budget in scale.budgets:
            row = sections.attempt(
                f"regression, p = {p:g}, {scheme.name}, budget {budget}",
                partial(
                    regression_row,
                    problem,
                    scheme,
                    budget,
                    float(best.norm) ** p,
                    repetitions=scale.regression_repetitions,
                    block=scale.block,
                    rng=rng,
                ),
            )
            table += [] if row is None else [row]
    return about, table


def regression_section(
    rows: Tensor, scale: Scale, seed: int, sections: Sections
) -> dict[str, Any]:
    """The record's ``optima`` and ``regression``."""
    rng = seeded(seed + 2, rows.device)
    problem = sections.attempt(
        "regression",
        partial(whitened_problem, rows[: scale.regression_rows], scale.block),
    )
    optima, table = [], []
    for p in EXPONENTS if problem is not None else ():
        found = sections.attempt(
            f"regression, p = {p:g}",
            partial(regressions, problem, p, scale, rng, sections),
        )
        if found is not None:
            optima.append(found[0])
            table += found[1]
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


def point_section(
    scale: Scale, seed: int, device: torch.device, sections: Sections
) -> dict[str, Any]:
    """The record's ``dpp``."""
    rng = seeded(seed + 3, device)
    table: list[dict[str, Any]] = []
    for size in scale.spaces:
        name = f"points in {size.num_variables} variables, degree {size.degree}"
        table += sections.attempt(name, partial(points_of, size, scale, rng)) or []
    return {"dpp": table}


def run_experiment(*, size: str, seed: int, budget_seconds: float) -> dict[str, Any]:
    """Measure everything; gives the record that the module's docstring describes.

    Parameters
    ----------
    size : str
        ``"full"`` (needs a GPU) or ``"tiny"``.
    seed : int
        Not negative. Different devices make different numbers from one seed.
    budget_seconds : float
        What is not begun by then is left out.
    """
    clock = Clock(budget_seconds)
    sections = Sections(clock)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    scale = SCALES[size]
    with clock.phase("make the matrix"):
        rows = tall_matrix(
            scale.num_rows,
            scale.num_columns,
            num_rare=scale.num_rare,
            stride=scale.rare_stride,
            seed=seed,
            block=scale.block,
            device=device,
        )
    with clock.phase("scores"):
        scores = score_section(rows, scale, seed, sections)
    with clock.phase("regression"):
        regression = regression_section(rows, scale, seed, sections)
    del rows
    with clock.phase("points"):
        points = point_section(scale, seed, device, sections)
    return {
        "what": "sensitivity",
        "finished": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "seed": seed,
        "size": size,
        "sizes": asdict(scale),
        "budget_seconds": budget_seconds,
        "provenance": provenance(device, "subsets"),
        "seconds": clock.phases,
        **scores,
        **regression,
        **points,
        "not_measured": sections.missing,
    }


def main(arguments: list[str] | None = None) -> None:
    parser = experiment_parser("sensitivity", __doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    running = commands.add_parser("run", help="measure, write the record")
    add_run_options(running, SCALES, "full")
    chosen = parser.parse_args(arguments)
    check_device(parser, chosen.size, largest="full", smallest="tiny")
    record = run_experiment(
        size=chosen.size, seed=chosen.seed, budget_seconds=chosen.budget_seconds
    )
    write_record(record, chosen.out)


if __name__ == "__main__":
    main()
