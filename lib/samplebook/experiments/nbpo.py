"""NBPO at MovieLens-1M's size: does learning who overlooks what help, and when does it collapse?

Where the GPU is (PyTorch, NumPy and SciPy suffice; 80 GB, nine minutes)::

    python -m samplebook.experiments.nbpo run --out record.json

It generates two worlds with known truth: flips that differ from item to item, and constant ones. Votes of
real users join them from a file, which is written beforehand where the data are::

    python -m samplebook.experiments.nbpo prepare --source ml-1m --data votes.npz
    python -m samplebook.experiments.nbpo run --data votes.npz --out record.json

``--size tiny`` runs to the end on any CPU in seconds. Each training is of many seeds side by side. A seed
decides its split, start, negatives and order of votes; the world is the same for all. A run ends within
``--budget-seconds``: what is not reached is left out, the least important trainings first. With
``--parts FOLDER`` what is measured is kept there, and the same command goes on where a run was ended, by
``--session-seconds`` or otherwise.

The record, one JSON object. Figures are means over seeds with 95 % intervals by Student's t, as ``mean`` and
``interval``: they cover the seeds' chance in one world, not another world's. A null stands for what does not
exist.

``what``, ``finished``, ``complete``, ``seed``, ``size``, ``sizes``, ``budget_seconds``
    The experiment, the date, whether another session would add nothing, what was asked for, and the numbers
    behind the size's name.
``provenance``
    Device, versions, samplebook's version, checksums of the source: of each module and of all; the data's
    ``about`` (null without).
``seconds``
    What each phase took, in all sessions.
``worlds``
    For each its name ``world``, ``flips`` (structured, constant, or unknown for votes of real users),
    ``num_users``, ``num_items``, ``num_votes``, ``training_votes``, ``liked_share_of_unvoted``, and
    ``strength``, the lambda_r above which U and V contract to 0: the unit of the penalties that are tried.
``tuning``
    Settings that were tried, with few seeds and epochs: ``world``, ``family`` (nbpo, bpo, bpr, nbpo_original,
    or nbpo with gamma = 1/2), the settings as in ``rows``, and ``validation``, the mean NDCG@10. All families
    try the same eta and lambda_r; each is then trained with its best. NBPO is tuned at a lambda_phi of 0.4
    strength, and keeps its eta and lambda_r for the others. The official program's settings come last.
``rows``
    One for popularity and for each training in a ``world``. ``method``, ``fixed_flip`` (the constant in place
    of gamma), ``flip_regularisation`` (lambda_phi), ``learning_rate`` (eta), ``regularisation`` (lambda_r).
    ``validation`` is NDCG@10 at the ``best_epochs``, one of each seed, and ``curve`` its mean as [epoch,
    mean]. ``metrics``, by name: ndcg@k and f1@k of the test votes, at the best epochs, all items ranked that
    are neither training nor validation votes; where the truth is known ``auc``, of what is liked among pairs
    without any vote, and ``liked_ndcg@10`` of all that is liked and has no training vote. ``gamma``, after
    the last epoch and over all pairs: ``mean``, ``sd``, ``correlation`` with the true flip probability (null
    if either is constant), ``threshold``, the largest singular value of B: lambda_phi above it contracts
    gamma to 1/2. For gamma = 1/2 the threshold alone. ``seconds`` of training and validation, and
    ``milliseconds_an_epoch_and_seed``.
``differences``
    NBPO minus each other family and popularity (``over``), by ``world`` and ``metric``, in pairs of the same
    seed. Each family has the settings, lambda_phi among them, that validate best.
``collapse``
    For each training of NBPO its ``world`` and settings, ``threshold`` and ``sd`` as above, ``predicted``,
    whether lambda_phi is above the threshold, and ``collapsed``, whether sd < 0.01.
``verdicts``
    Claims about NBPO's gain ``over`` a family in a ``metric``: that it exceeds ``goal`` or, if ``within``,
    is nearer 0. ``source`` is "paper" for its abstract's claim of an improvement, or "small world" for what a
    world of 200 users and 300 items showed. ``met`` is true or false if all of the interval says so,
    otherwise null.
``not_measured``
    What is missing, and why.
"""

import json
import math
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from samplebook.experiments.clock import Clock, Sections
from samplebook.experiments.command_line import (
    Asked,
    Run,
    add_run_options,
    check_device,
    experiment_parser,
    write_record,
)
from samplebook.experiments.nbpo_record import collapses, differences, verdicts
from samplebook.experiments.nbpo_sizes import (
    FAMILIES,
    SCALES,
    TUNING_SHARE,
    UNKNOWN,
    Scale,
    candidates,
    trainings,
)
from samplebook.experiments.nbpo_training import (
    Row,
    described,
    popularity_row,
    trained,
    trained_row,
)
from samplebook.experiments.nbpo_worlds import World, generated_votes, make_world
from samplebook.experiments.recorded_votes import (
    SOURCES,
    RecordedVotes,
    load,
    prepare,
)
from samplebook.negatives import Hyperparameters


def all_worlds(
    scale: Scale, seed: int, data: RecordedVotes | None, device: torch.device
) -> list[World]:
    """Real votes first, where there are any, then the generated worlds."""
    make = partial(make_world, scale=scale, seed=seed, device=device)
    worlds = []
    if data is not None:
        worlds.append(make(data.about["source"], data.votes, None, UNKNOWN))
    for name, size in scale.worlds.items():
        worlds.append(make(name, *generated_votes(size, seed), size.flips))
    return worlds


def name_of(about: dict[str, Any]) -> str:
    """What the record calls a training that is missing."""
    return ", ".join(
        f"{key} {value}" for key, value in about.items() if value is not None
    )


def mean_validation(world: World, plan: Hyperparameters, clock: Clock) -> float:
    """Mean over seeds of the best NDCG in validation."""
    return float(trained(world, plan, clock).best_values.mean())


def tuned_settings(
    world: World, scale: Scale, sections: Sections
) -> tuple[dict[str, Hyperparameters], list[dict[str, Any]]]:
    """By family, the settings with the best mean NDCG in validation; and the record's rows.

    A family of which nothing was tried gets the first candidate.
    """
    few, table = world.of_few_seeds(scale.tuning_seeds), []
    tried = candidates(scale, world.strength)
    best = dict.fromkeys(FAMILIES, -math.inf)
    chosen = tried[0].copy()
    for candidate in tried:
        for family, plan in candidate.items():
            about = described(world, plan)
            value = sections.attempt_once(
                f"tuning: {name_of(about)}",
                partial(mean_validation, few, plan, sections.clock),
            )
            if value is None:
                continue
            table.append({**about, "family": family, "validation": round(value, 5)})
            if value > best[family]:
                best[family], chosen[family] = value, plan
    full = {
        family: replace(plan, epochs=scale.epochs) for family, plan in chosen.items()
    }
    return full, table


def kept_row(world: World, plan: Hyperparameters, clock: Clock) -> dict[str, Any]:
    """The row of a training as a part that is kept."""
    return trained_row(world, plan, clock).as_kept()


def training_rows(
    worlds: list[World],
    groups: list[list[list[Hyperparameters]]],
    sections: Sections,
) -> list[Row]:
    """Popularity, and the trainings of each world, of which all worlds' first groups come first."""
    rows = [popularity_row(world) for world in worlds]
    for of_worlds in zip(*groups, strict=True):
        for world, group in zip(worlds, of_worlds, strict=True):
            for plan in group:
                kept = sections.attempt_once(
                    name_of(described(world, plan)),
                    partial(kept_row, world, plan, sections.clock),
                )
                rows += [] if kept is None else [Row.of_kept(kept)]
    return rows


def run_experiment(data: RecordedVotes | None, asked: Asked) -> dict[str, Any]:
    """Measure everything; gives the record that the module's docstring describes.

    Parameters
    ----------
    data : RecordedVotes, optional
    asked : Asked
        Its size is ``"full"`` (needs a GPU) or ``"tiny"``; its seed is the first of the seeds.
    """
    about = None if data is None else data.about
    run, scale = Run("nbpo", asked, about), SCALES[asked.size]
    with run.clock.phase("make the worlds"):
        worlds = all_worlds(scale, asked.seed, data, run.device)
    with run.clock.phase("tune"):
        tuning = Sections(run.clock.of_share(TUNING_SHARE), run.parts)
        settings, tried = zip(
            *(tuned_settings(world, scale, tuning) for world in worlds), strict=True
        )
    with run.clock.phase("train"):
        groups = [
            trainings(scale, world.strength, tuned)
            for world, tuned in zip(worlds, settings, strict=True)
        ]
        rows = training_rows(worlds, groups, run.sections)
    return run.record(
        tuning,
        sizes=asdict(scale),
        worlds=[world.sizes for world in worlds],
        tuning=[row for of_world in tried for row in of_world],
        rows=[one.row for one in rows],
        differences=differences(rows, [world.name for world in worlds]),
        collapse=collapses(rows),
        verdicts=verdicts(rows, worlds),
    )


def main(arguments: list[str] | None = None) -> None:
    parser = experiment_parser("nbpo", __doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    preparing = commands.add_parser("prepare", help="write the votes of real users")
    preparing.add_argument("--data", type=Path, required=True)
    preparing.add_argument("--source", choices=SOURCES, default=SOURCES[0])
    running = commands.add_parser("run", help="train, measure, write the record")
    running.add_argument("--data", type=Path)
    add_run_options(running, SCALES, "full")
    chosen = parser.parse_args(arguments)
    if chosen.command == "prepare":
        print(json.dumps(prepare(chosen.data, chosen.source), indent=1))
        return
    check_device(parser, chosen.size, largest="full", smallest="tiny")
    data = None if chosen.data is None else load(chosen.data)
    write_record(run_experiment(data, Asked.of(chosen)), chosen.out)


if __name__ == "__main__":
    main()
