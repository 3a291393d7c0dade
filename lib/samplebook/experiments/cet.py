"""Rankers trained under pooling bias, coupled and not, on generated texts and on real passages.

Where the data packages are::

    python -m samplebook.experiments.cet prepare --data passages.npz

Where the GPU is (PyTorch, NumPy and SciPy suffice; 80 GB, ten minutes at most)::

    python -m samplebook.experiments.cet run --out record.json --data passages.npz

Without ``--data`` the generated texts are the only collection. ``--size tiny`` runs to the end on any CPU in
seconds. A run ends within ``--budget-seconds``: what is not reached is left out, and the record says so. With
``--parts FOLDER`` what is measured is kept there, and the same command goes on where a run was ended, by
``--session-seconds`` or otherwise.

Every ranker has two layers and is trained by AdamW on batches of pairs of a labelled document and an
unlabelled one, as CET's official code orders it: the weight of a negative comes from the other network, in
evaluation mode and without gradient. Relevance and selection networks have different random starts. Networks
of all seeds are trained side by side, with one tensor for the same layer of all.

The generated texts are sequences of random tokens that stand for a query with a document. Their meaning has
the three features of :class:`samplebook.data.retrieval_world.RetrievalWorld`, and relevance, selection and
retrievers are that world's. The networks see what a frozen random encoder makes of the tokens, and ``lex``,
the one lexical feature. The passages are those of :mod:`~samplebook.experiments.cet_passages`.

The record, one JSON object. An interval is Student's, of level 95 %, over seeds; a null stands for what
does not exist. A seed draws generated texts anew. All seeds share the passages, and differ in how queries are
split and labels hidden: their intervals do not tell how other queries would do.

``what``, ``finished``, ``complete``, ``seed``, ``size``, ``sizes``, ``budget_seconds``
    The experiment, the date, whether another session would add nothing, what was asked for, and the numbers
    behind the size's name.
``provenance``
    Device, versions, samplebook's version, checksums of the source: of each module and of all; ``data``, the
    file's ``about`` or null.
``seconds``
    What each phase took, in all sessions.
``collections``
    For each one its ``name``, ``features``, ``lexical_features``, ``queries`` and ``test_queries`` of a seed,
    ``documents`` of a query, ``depth`` of the retrievers' lists, and means over the training queries:
    ``relevant`` and ``labelled`` documents of a query.
``rows``
    One for each way to train. ``collection``; ``method``; ``strength`` kappa of the retriever whose top
    unlabelled documents are the negatives; ``selection_sees``, "everything" or "lexical features", where
    there is a selection network; ``temperature`` tau of CET. Measured on test queries and true relevance,
    with all documents of a query ranked, each as ``mean`` and ``interval``: ``ndcg`` (NDCG@10), ``mrr``
    (MRR@10), and ``gain``, NDCG@10 less that of "naive" at the same strength, seed by seed. Of training:
    ``pairs`` of a seed, ``skipped_queries`` that give none, ``false_negatives``, the share of relevant
    negatives, ``relative_weight``, the mean weight of the false negatives over that of the others, and
    ``seconds`` (the first row's include the libraries' start). ``selection``: of the estimate of
    pi on all test documents (for CET sigma(f_S / tau)) the mean absolute ``error``, the ``correlation`` with
    pi, and the share that was selected, ``observed``, in ten bins of rising estimate, whose means are
    ``predicted``; and ``agreement``, the correlation of both networks' scores.
``not_measured``
    What is missing, and why.

The methods: "naive" trains on all pairs. "oracle" leaves relevant documents out of the pools. "CET" couples
two networks. "coupled likelihood" fits both to the labels of all documents and ranks by rho. "Bayes weights"
weighs each negative by P(r = 0 | l = 0), estimated by the coupled likelihood with lexical features. "random
negatives" draws from all unlabelled documents. "filter" leaves out what the ranker of random negatives scores
above half of the labelled documents.
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from samplebook.data.retrieval_world import RetrievalWorld
from samplebook.experiments.cet_collections import Collection, generated_collection
from samplebook.experiments.cet_measurements import row
from samplebook.experiments.cet_methods import (
    EVERYTHING,
    LEXICAL,
    Bench,
    Cell,
    HardNegatives,
    Trained,
    cells_of,
)
from samplebook.experiments.cet_passages import (
    Passages,
    load,
    passage_collection,
    prepare,
)
from samplebook.experiments.cet_sizes import SCALES, Scale
from samplebook.experiments.clock import Sections, timed
from samplebook.experiments.command_line import (
    Asked,
    Run,
    add_run_options,
    check_device,
    experiment_parser,
    write_record,
)

Qualities = dict[str, NDArray[np.float64]]


class Grid:
    """Trains and measures the cells of one collection; ``rows`` are the record's."""

    def __init__(self, collection: str, bench: Bench, sections: Sections):
        self.collection, self.bench, self.sections = collection, bench, sections
        self.rows: list[dict[str, Any]] = []

    def measured(
        self, cell: Cell, train: Callable[[], Trained], reference: Qualities | None
    ) -> dict[str, Any]:
        """Train and measure a cell: its row, each seed's qualities, and networks that other cells need."""
        trained, seconds = timed(train, self.bench.device)
        found, quality = row(self.bench, cell, trained, reference, seconds)
        return {
            "row": {"collection": self.collection, **found},
            "quality": {name: values.tolist() for name, values in quality.items()},
            "weights": None
            if cell.strength is not None
            else trained.weights_of_networks(),
        }

    def attempt(
        self,
        cell: Cell,
        train: Callable[[], Trained],
        reference: Qualities | None = None,
    ) -> tuple[Trained | None, Qualities | None]:
        """The networks, if the cell is of no one retriever, and the qualities; or none."""
        name = f"{self.collection}, {cell.name}"
        found = self.sections.attempt_once(
            name, partial(self.measured, cell, train, reference)
        )
        if found is None:
            return None, None
        self.rows.append(found["row"])
        quality = {name: np.array(values) for name, values in found["quality"].items()}
        if found["weights"] is None:
            return None, quality
        return self.bench.with_weights(found["weights"], cell.selection_sees), quality

    def measure_all(self) -> None:
        """Every cell, the more important ones first."""
        teacher, _ = self.attempt(Cell("random negatives"), self.bench.random)
        likelihood, _ = (
            self.attempt(
                Cell("coupled likelihood", selection_sees=sees),
                partial(self.bench.likelihood, sees),
            )
            for sees in (LEXICAL, EVERYTHING)
        )
        for strength in self.bench.scale.strengths:
            self.measure_strength(strength, teacher, likelihood[0])

    def measure_strength(
        self, strength: float, teacher: Trained | None, likelihood: Trained | None
    ) -> None:
        """The cells of one retriever."""
        name = f"{self.collection}, negatives of strength {strength:g}"
        negatives = self.sections.attempt(
            name, partial(HardNegatives, self.bench, strength, teacher, likelihood)
        )
        if negatives is None:
            return
        reference: Qualities | None = None
        for cell in cells_of(strength):
            _, quality = self.attempt(cell, partial(negatives.train, cell), reference)
            if cell.method == "naive":
                reference = quality


def collection_record(collection: Collection) -> dict[str, Any]:
    """What the record says of a collection."""
    training = collection.training
    _, queries, documents = training.labels.shape
    return {
        "features": collection.features.shape[1],
        "lexical_features": collection.num_lexical,
        "queries": queries,
        "test_queries": collection.test.labels.shape[1],
        "documents": documents,
        "depth": collection.depth,
        "relevant": round(float(training.relevant.sum(axis=2).mean()), 2),
        "labelled": round(float(training.labels.sum(axis=2).mean()), 2),
    }


def collections_of(
    scale: Scale, passages: Passages | None, seed: int, device: torch.device
) -> dict[str, Callable[[], Collection]]:
    """What makes the collections, by name: first the passages, if given, since they take less time."""
    made: dict[str, Callable[[], Collection]] = {}
    if passages is not None:
        made["Wikipedia descriptions"] = partial(
            passage_collection, passages, scale.num_seeds, seed, device
        )
    made["generated texts"] = partial(
        generated_collection, scale, RetrievalWorld(), seed, device
    )
    return made


def run_experiment(passages: Passages | None, asked: Asked) -> dict[str, Any]:
    """Train and measure everything; gives the record that the module's docstring describes.

    Parameters
    ----------
    passages : Passages, optional
    asked : Asked
        Its size is ``"full"`` (needs a GPU) or ``"tiny"``. Different devices make different numbers from one
        seed.
    """
    about = None if passages is None else passages.about
    run, scale = Run("cet", asked, about), SCALES[asked.size]
    described, rows = [], []
    made = collections_of(scale, passages, asked.seed, run.device)
    for name, make in made.items():
        with run.clock.phase(f"make the {name}"):
            collection = make()
        described.append({"name": name, **collection_record(collection)})
        grid = Grid(name, Bench(collection, scale, asked.seed), run.sections)
        with run.clock.phase(f"train on the {name}"):
            grid.measure_all()
        rows += grid.rows
    return run.record(sizes=asdict(scale), collections=described, rows=rows)


def main(arguments: list[str] | None = None) -> None:
    parser = experiment_parser("cet", __doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    preparing = commands.add_parser("prepare", help="write the real passages")
    preparing.add_argument("--data", type=Path, required=True)
    running = commands.add_parser("run", help="train, measure, write the record")
    running.add_argument("--data", type=Path)
    add_run_options(running, SCALES, "full")
    chosen = parser.parse_args(arguments)
    if chosen.command == "prepare":
        print(json.dumps(prepare(chosen.data), indent=1))
        return
    check_device(parser, chosen.size, largest="full", smallest="tiny")
    passages = chosen.data and load(chosen.data)
    write_record(run_experiment(passages, Asked.of(chosen)), chosen.out)


if __name__ == "__main__":
    main()
