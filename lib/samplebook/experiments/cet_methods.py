"""The ways to train on a collection with pooling bias, each for all seeds at once."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from samplebook.core.arrays import sigmoid
from samplebook.experiments.cet_collections import Collection, Mask, Table
from samplebook.experiments.cet_pairs import (
    DrawnPairs,
    draw_pairs,
    filtered_pools,
    hard_pools,
)
from samplebook.experiments.cet_rankers import (
    BatchedRankers,
    scores_of,
    train_by_likelihood,
    train_coupled,
    train_rankers,
)
from samplebook.experiments.cet_sizes import TEMPERATURES, Scale
from samplebook.negatives import (
    bayes_weights,
    coupled_estimation_weights,
    random_negatives,
)
from samplebook.negatives.coupled_training import TrainingPlan

EVERYTHING, LEXICAL = "everything", "lexical features"
"""What a selection network sees."""


@dataclass(frozen=True)
class Cell:
    """A way to train.

    Attributes
    ----------
    method : str
    strength : float, optional
        kappa of the retriever that the negatives come from.
    selection_sees : str, optional
        :data:`EVERYTHING` or :data:`LEXICAL`, where there is a selection network.
    temperature : float, optional
        tau of CET.
    """

    method: str
    strength: float | None = None
    selection_sees: str | None = None
    temperature: float | None = None

    @property
    def name(self) -> str:
        """The method with its settings."""
        settings = {
            "strength": self.strength,
            "S sees": self.selection_sees,
            "tau": self.temperature,
        }
        given = [
            f"{key} {value}" for key, value in settings.items() if value is not None
        ]
        return ", ".join([self.method, *given])


def cells_of(strength: float) -> list[Cell]:
    """The ways to train on a retriever's negatives; the first one is what the others are compared with."""
    return [
        Cell("naive", strength),
        Cell("oracle", strength),
        *(
            Cell("CET", strength, sees, temperature)
            for sees in (LEXICAL, EVERYTHING)
            for temperature in TEMPERATURES
        ),
        Cell("Bayes weights", strength, LEXICAL),
        Cell("filter", strength),
    ]


@dataclass(frozen=True)
class Trained:
    """What a training gave.

    Attributes
    ----------
    relevance : BatchedRankers
    selection : BatchedRankers, optional
    pairs : DrawnPairs, optional
    weights : float64 array, shape (S, n), optional
        The pairs' weights, as the trained networks give them.
    """

    relevance: BatchedRankers
    selection: BatchedRankers | None = None
    pairs: DrawnPairs | None = None
    weights: Table | None = None

    def weights_of_networks(self) -> list[dict[str, torch.Tensor]]:
        """Copies of the weights of the relevance networks and, if they exist, of the selection networks."""
        models = [self.relevance, self.selection]
        return [
            {name: weight.clone() for name, weight in model.state_dict().items()}
            for model in models
            if model is not None
        ]


class Bench:
    """Trains networks on one collection.

    Each training begins with the same networks and shuffles in the same way, so that methods can be compared
    seed by seed.
    """

    def __init__(self, collection: Collection, scale: Scale, seed: int):
        self.collection, self.scale, self.seed = collection, scale, seed
        self.device = collection.features.device

    def generator(self, number: int, device: torch.device | str) -> torch.Generator:
        """A generator with a stream of its own for each ``number`` < 10."""
        return torch.Generator(device).manual_seed(10 * self.seed + number)

    def networks(self, number: int, sees: str = EVERYTHING) -> BatchedRankers:
        """New networks, the same ones for a ``number`` each time."""
        lexical = slice(-self.collection.num_lexical, None)
        return BatchedRankers(
            self.collection.num_seeds,
            self.collection.features.shape[1],
            self.scale.hidden,
            rng=self.generator(number, self.device),
            columns=lexical if sees == LEXICAL else slice(None),
            dropout=self.scale.dropout,
        )

    def with_weights(
        self, weights: list[dict[str, torch.Tensor]], sees: str | None
    ) -> Trained:
        """The networks of :meth:`Trained.weights_of_networks`, whose selection networks see ``sees``."""
        relevance, selection = self.networks(1), self.networks(2, sees or EVERYTHING)
        relevance.load_state_dict(weights[0])
        if len(weights) == 1:
            return Trained(relevance)
        selection.load_state_dict(weights[1])
        return Trained(relevance, selection)

    def plan(self, **changes: Any) -> TrainingPlan:
        """How networks are trained."""
        settings: dict[str, Any] = {
            "num_epochs": self.scale.epochs,
            "batch_size": self.scale.batch,
            "learning_rate": self.scale.learning_rate,
        }
        return TrainingPlan(**(settings | changes))

    def scores(self, model: BatchedRankers, rows: torch.Tensor) -> Table:
        """Scores of the documents in ``rows`` (S, ...), of that shape."""
        return scores_of(model, self.collection.features, rows, self.scale.block)

    def pairs(self, pools: Mask) -> DrawnPairs:
        """Training pairs from pools (S, Q, D), each time with the same random numbers."""
        rngs = [
            np.random.default_rng((self.seed, number))
            for number in range(self.collection.num_seeds)
        ]
        training, count = self.collection.training, self.scale.num_negatives
        return draw_pairs(training, pools, count, rngs)

    def rankers(self, pairs: DrawnPairs, weights: Table | None = None) -> Trained:
        """Rankers from pairs with fixed weights (S, n)."""
        model = self.networks(1)
        train_rankers(
            model,
            self.collection.features,
            pairs.rows,
            plan=self.plan(),
            rng=self.generator(3, "cpu"),
            weights=None
            if weights is None
            else torch.from_numpy(weights).float().to(self.device),
        )
        return Trained(model, pairs=pairs, weights=weights)

    def coupled(self, pairs: DrawnPairs, sees: str, temperature: float) -> Trained:
        """Relevance and selection networks by CET."""
        models = self.networks(1), self.networks(2, sees)
        train_coupled(
            *models,
            self.collection.features,
            pairs.rows,
            plan=self.plan(temperature=temperature),
            rng=self.generator(3, "cpu"),
        )
        scores = [self.scores(model, pairs.rows.negatives) for model in models]
        weights, _ = coupled_estimation_weights(*scores, temperature=temperature)
        return Trained(*models, pairs=pairs, weights=weights)

    def likelihood(self, sees: str) -> Trained:
        """Relevance and selection networks by coupled likelihood of all training documents."""
        models = self.networks(1), self.networks(2, sees)
        training = self.collection.training
        train_by_likelihood(
            *models,
            self.collection.features,
            training.rows.flatten(1),
            torch.from_numpy(training.labels).flatten(1).to(self.device),
            plan=self.plan(batch_size=self.scale.likelihood_batch),
            steps=self.scale.likelihood_steps,
            rng=self.generator(4, self.device),
        )
        return Trained(*models)

    def random(self) -> Trained:
        """Rankers from negatives drawn among all unlabelled documents."""
        labels = self.collection.training.labels
        return self.rankers(
            self.pairs(np.stack([random_negatives(table) for table in labels]))
        )


class HardNegatives:
    """Trainings on the negatives of one retriever.

    Parameters
    ----------
    bench : Bench
    strength : float
        kappa.
    teacher : Trained, optional
        Rankers by which the filter finds false negatives.
    likelihood : Trained, optional
        Estimates of rho and pi for Bayes weights.
    """

    def __init__(
        self,
        bench: Bench,
        strength: float,
        teacher: Trained | None,
        likelihood: Trained | None,
    ):
        self.bench, self.teacher, self.likelihood = bench, teacher, likelihood
        rng = np.random.default_rng((bench.seed, round(1000 * strength)))
        self.pools = hard_pools(bench.collection, strength, rng)
        self.pairs = bench.pairs(self.pools)

    def train(self, cell: Cell) -> Trained:
        """What a cell's method gives; ``RuntimeError`` where it needs a training that is missing."""
        match cell:
            case Cell(method="naive"):
                return self.bench.rankers(self.pairs)
            case Cell(method="oracle"):
                relevant = self.bench.collection.training.relevant
                return self.bench.rankers(self.bench.pairs(self.pools & ~relevant))
            case Cell("CET", _, str(sees), float(temperature)):
                return self.bench.coupled(self.pairs, sees, temperature)
            case Cell(method="Bayes weights"):
                return self.bench.rankers(self.pairs, self.bayes_weights())
            case Cell(method="filter"):
                return self.bench.rankers(self.bench.pairs(self.filtered_pools()))
        raise ValueError(f"method: {cell.method!r} is not known")

    def bayes_weights(self) -> Table:
        """P(r = 0 | l = 0) of each negative, (S, n), by the likelihood's estimates."""
        if self.likelihood is None or self.likelihood.selection is None:
            raise RuntimeError("the coupled likelihood is missing")
        models = self.likelihood.relevance, self.likelihood.selection
        negatives = self.pairs.rows.negatives
        weights, _ = bayes_weights(
            *(sigmoid(self.bench.scores(model, negatives)) for model in models)
        )
        return weights

    def filtered_pools(self) -> Mask:
        """The pools without what the teacher takes for relevant."""
        if self.teacher is None:
            raise RuntimeError("the ranker of random negatives is missing")
        training = self.bench.collection.training
        scores = self.bench.scores(self.teacher.relevance, training.rows)
        return filtered_pools(self.pools, scores, training.labels)
