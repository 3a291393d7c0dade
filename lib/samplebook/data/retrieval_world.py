"""A retrieval world with known truth: relevance, a judged pool that misses part of it, a retriever.

Every document of a query has features x, i.i.d. N(0, 1): by default (lexical, semantic, noise). Relevance
depends on a direction u in feature space, selection into the judged pool on another direction v.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samplebook.core.arrays import sigmoid
from samplebook.core.checks import (
    as_count,
    as_finite,
    as_finite_number,
    as_generator,
    as_number_in_range,
    as_positive,
    as_vector,
)

Direction = tuple[float, ...]


def unit_vector(
    direction: Direction, name: str = "direction", length: int | None = None
) -> NDArray[np.float64]:
    """A direction scaled to unit length, or ``ValueError`` if it is 0 or has another length."""
    vector = as_vector(direction, name, length=length)
    norm = np.linalg.norm(vector)
    if norm == 0:
        raise ValueError(f"{name}: must not be 0")
    return vector / norm


@dataclass(frozen=True)
class JudgedQueries:
    """Queries with D documents each, their truth and the labels that a pool left.

    Attributes
    ----------
    features : float64 array, shape (Q, D, F)
        x.
    relevance, selection : float64 arrays, shape (Q, D)
        rho = P(r = 1 | x) and pi = P(s = 1 | x).
    relevant, selected : bool arrays, shape (Q, D)
        r and s.
    """

    features: NDArray[np.float64]
    relevance: NDArray[np.float64]
    selection: NDArray[np.float64]
    relevant: NDArray[np.bool_]
    selected: NDArray[np.bool_]

    @property
    def labels(self) -> NDArray[np.bool_]:
        """l = r s, (Q, D): what a ranker is trained on."""
        return self.relevant & self.selected


@dataclass(frozen=True)
class RetrievalWorld:
    """Parameters of the world.

    With z = x . u and w = x . v along unit vectors u and v, rho = sigma(relevance_slope (z -
    relevance_threshold)) and pi = sigma(selection_slope (w - selection_threshold)).

    Attributes
    ----------
    num_documents : int
        D, documents of each query.
    relevance_direction, selection_direction, retriever_direction : tuple of float, length F
        Scaled to unit length. The last one is what a retriever of strength 0 ranks by.
    relevance_slope, selection_slope : float, > 0
    relevance_threshold, selection_threshold : float
    retriever_noise : float, >= 0
        Standard deviation of the noise in a retriever's scores.

    Raises
    ------
    ValueError
        If a parameter is outside its range, or the directions have different lengths or are all 0.
    """

    num_documents: int = 200
    relevance_direction: Direction = (1.0, 2.0, 0.0)
    relevance_slope: float = 8.0
    relevance_threshold: float = 1.6
    selection_direction: Direction = (1.0, 0.0, 0.0)
    selection_slope: float = 2.0
    selection_threshold: float = 0.5
    retriever_direction: Direction = (1.0, 0.0, 0.0)
    retriever_noise: float = 0.2

    def __post_init__(self) -> None:
        as_count(self.num_documents, "num_documents")
        as_positive(self.relevance_slope, "relevance_slope")
        as_positive(self.selection_slope, "selection_slope")
        as_finite_number(self.relevance_threshold, "relevance_threshold")
        as_finite_number(self.selection_threshold, "selection_threshold")
        as_number_in_range(self.retriever_noise, "retriever_noise", at_least=0.0)
        for name in ("relevance", "selection", "retriever"):
            unit_vector(
                getattr(self, f"{name}_direction"),
                f"{name}_direction",
                len(self.relevance_direction),
            )

    @property
    def num_features(self) -> int:
        """F."""
        return len(self.relevance_direction)

    @property
    def relevance_coefficients(self) -> NDArray[np.float64]:
        """Coefficients (F,) of rho's logit; its intercept is -slope threshold."""
        return self.relevance_slope * unit_vector(self.relevance_direction)

    @property
    def selection_coefficients(self) -> NDArray[np.float64]:
        """Coefficients (F,) of pi's logit; its intercept is -slope threshold."""
        return self.selection_slope * unit_vector(self.selection_direction)

    def relevance_and_selection(
        self, features: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The probabilities rho and pi of documents with these features (..., F), each (...)."""
        relevance = sigmoid(
            features @ self.relevance_coefficients
            - self.relevance_slope * self.relevance_threshold
        )
        selection = sigmoid(
            features @ self.selection_coefficients
            - self.selection_slope * self.selection_threshold
        )
        return relevance, selection

    def draw(self, num_queries: int, *, rng: np.random.Generator) -> JudgedQueries:
        """Queries, their documents, relevance and selection.

        Parameters
        ----------
        num_queries : int
            Q.
        rng : numpy.random.Generator

        Raises
        ------
        ValueError
            If an argument is outside its range.
        """
        rng = as_generator(rng)
        shape = (as_count(num_queries, "num_queries"), self.num_documents)
        features = rng.standard_normal((*shape, self.num_features))
        relevance, selection = self.relevance_and_selection(features)
        return JudgedQueries(
            features=features,
            relevance=relevance,
            selection=selection,
            relevant=rng.random(shape) < relevance,
            selected=rng.random(shape) < selection,
        )

    def retrieve(
        self,
        features: NDArray[np.float64],
        *,
        strength: float,
        rng: np.random.Generator,
    ) -> NDArray[np.float64]:
        """Scores (Q, D) of a retriever: (1 - kappa) x . w + kappa x . u + noise, with unit vectors w and u.

        At strength 0 it ranks by ``retriever_direction``, at strength 1 by what relevance depends on.

        Parameters
        ----------
        features : float64 array, shape (Q, D, F)
        strength : float
            kappa, in [0, 1].
        rng : numpy.random.Generator

        Raises
        ------
        ValueError
            If ``features`` are no such array, ``strength`` is outside [0, 1], or ``rng`` is no generator.
        """
        kappa = as_number_in_range(strength, "strength", at_least=0.0, at_most=1.0)
        features = as_finite(features, "features", ndim=3)
        if features.shape[-1] != self.num_features:
            raise ValueError(
                f"features: must have {self.num_features} a document, got {features.shape[-1]}"
            )
        direction = (1 - kappa) * unit_vector(
            self.retriever_direction
        ) + kappa * unit_vector(self.relevance_direction)
        noise = as_generator(rng).standard_normal(features.shape[:-1])
        return features @ direction + self.retriever_noise * noise


SOFT_RELEVANCE = RetrievalWorld(
    relevance_slope=math.sqrt(5), relevance_threshold=4.5 / math.sqrt(5)
)
"""A gentle slope: rho = sigma(lexical + 2 semantic - 4.5). The top documents are often irrelevant."""
