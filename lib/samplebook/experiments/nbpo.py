"""NBPO at MovieLens-1M's size: does learning who overlooks what help, and when does it collapse?

Where the GPU is (PyTorch, NumPy and SciPy suffice; 80 GB, nine minutes)::

    python -m samplebook.experiments.nbpo run --out record.json

It generates two worlds with known truth: flips that differ from item to item, and constant ones. Votes of
real users join them from a file, which is written beforehand where the data are::

    python -m samplebook.experiments.nbpo prepare --source ml-1m --data votes.npz
    python -m samplebook.experiments.nbpo run --data votes.npz --out record.json

``--size tiny`` runs to the end on any CPU in seconds. Each training is of many seeds side by side. A seed
decides its split, start, negatives and order of votes; the world is the same for all. A run ends within
``--budget-seconds``: what is not reached is left out, the least important trainings first.

The record, one JSON object. Figures are means over seeds with 95 % intervals by Student's t, as ``mean`` and
``interval``: they cover the seeds' chance in one world, not another world's. A null stands for what does not
exist.

``what``, ``finished``, ``seed``, ``size``, ``sizes``, ``budget_seconds``
    The experiment, the date, what was asked for, and the numbers behind the size's name.
``provenance``
    Device, versions, samplebook's version, a checksum of the source, the data's ``about`` (null without).
``seconds``
    What each phase took.
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

import datetime
import json
import math
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from samplebook.experiments.clock import Clock, Sections
from samplebook.experiments.command_line import (
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
from samplebook.experiments.provenance import provenance
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
            run = sections.attempt(
                f"tuning: {name_of(about)}", partial(trained, few, plan, sections.clock)
            )
            if run is None:
                continue
            value = float(run.best_values.mean())
            table.append({**about, "family": family, "validation": round(value, 5)})
            if value > best[family]:
                best[family], chosen[family] = value, plan
    full = {
        family: replace(plan, epochs=scale.epochs) for family, plan in chosen.items()
    }
    return full, table


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
                row = sections.attempt(
                    name_of(described(world, plan)),
                    partial(trained_row, world, plan, sections.clock),
                )
                rows += [] if row is None else [row]
    return rows


def run_experiment(
    data: RecordedVotes | None, *, size: str, seed: int, budget_seconds: float
) -> dict[str, Any]:
    """Measure everything; gives the record that the module's docstring describes.

    Parameters
    ----------
    data : RecordedVotes, optional
    size : str
        ``"full"`` (needs a GPU) or ``"tiny"``.
    seed : int
        Not negative, the first of the seeds.
    budget_seconds : float
        The run ends within it.
    """
    clock = Clock(budget_seconds)
    sections = Sections(clock)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    scale = SCALES[size]
    with clock.phase("make the worlds"):
        worlds = all_worlds(scale, seed, data, device)
    with clock.phase("tune"):
        tuning = Sections(Clock(TUNING_SHARE * budget_seconds))
        settings, tried = zip(
            *(tuned_settings(world, scale, tuning) for world in worlds), strict=True
        )
    with clock.phase("train"):
        groups = [
            trainings(scale, world.strength, tuned)
            for world, tuned in zip(worlds, settings, strict=True)
        ]
        rows = training_rows(worlds, groups, sections)
    return {
        "what": "nbpo",
        "finished": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "seed": seed,
        "size": size,
        "sizes": asdict(scale),
        "budget_seconds": budget_seconds,
        "provenance": {
            **provenance(device, "data", "negatives"),
            "data": None if data is None else data.about,
        },
        "seconds": clock.phases,
        "worlds": [world.sizes for world in worlds],
        "tuning": [row for of_world in tried for row in of_world],
        "rows": [one.row for one in rows],
        "differences": differences(rows, [world.name for world in worlds]),
        "collapse": collapses(rows),
        "verdicts": verdicts(rows, worlds),
        "not_measured": tuning.missing + sections.missing,
    }


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
    record = run_experiment(
        None if chosen.data is None else load(chosen.data),
        size=chosen.size,
        seed=chosen.seed,
        budget_seconds=chosen.budget_seconds,
    )
    write_record(record, chosen.out)


if __name__ == "__main__":
    main()
