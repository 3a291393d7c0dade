"""The known world draws what it says, and its retrievers get stronger."""

import math

import numpy as np
import pytest

from samplebook.core.statistics import reliability_table
from samplebook.data.retrieval_world import SOFT_RELEVANCE, RetrievalWorld

FALSE_ALARM = 1e-6


@pytest.fixture(scope="module")
def queries():
    return RetrievalWorld().draw(300, rng=np.random.default_rng(0))


def test_parameters_of_the_logits():
    world = RetrievalWorld()
    np.testing.assert_allclose(
        world.relevance_coefficients, [8 / math.sqrt(5), 16 / math.sqrt(5), 0]
    )
    np.testing.assert_array_equal(world.selection_coefficients, [2, 0, 0])
    np.testing.assert_allclose(SOFT_RELEVANCE.relevance_coefficients, [1, 2, 0])
    soft = SOFT_RELEVANCE.relevance_slope * SOFT_RELEVANCE.relevance_threshold
    assert soft == pytest.approx(4.5)


def test_probabilities_are_those_of_the_features(queries):
    lexical, semantic, _ = np.moveaxis(queries.features, -1, 0)
    z = (lexical + 2 * semantic) / math.sqrt(5)
    np.testing.assert_allclose(
        queries.relevance, 1 / (1 + np.exp(-8 * (z - 1.6))), rtol=1e-9
    )
    np.testing.assert_allclose(
        queries.selection, 1 / (1 + np.exp(-2 * (lexical - 0.5))), rtol=1e-9
    )


@pytest.mark.parametrize("what", ["relevance", "selection"])
def test_outcomes_follow_their_probabilities(queries, what):
    """Twenty intervals of level 1 - 1e-6 / 20: they hold the mean prediction unless the draws are wrong."""
    outcomes = {"relevance": queries.relevant, "selection": queries.selected}[what]
    table = reliability_table(
        getattr(queries, what).ravel(),
        outcomes.ravel(),
        num_bins=20,
        level=1 - FALSE_ALARM / 20,
    )
    assert (table.low <= table.predicted).all()
    assert (table.predicted <= table.high).all()


def test_relevance_and_selection_are_independent_given_the_features(queries):
    """E[(r - rho)(s - pi)] = 0, within five standard errors."""
    residuals = (queries.relevant - queries.relevance) * (
        queries.selected - queries.selection
    )
    error = residuals.std() / np.sqrt(residuals.size)
    assert abs(residuals.mean()) < 5 * error
    np.testing.assert_array_equal(queries.labels, queries.relevant & queries.selected)


def test_features_are_standard_normal(queries):
    features = queries.features.reshape(-1, 3)
    error = 1 / np.sqrt(len(features))
    assert (abs(features.mean(axis=0)) < 5 * error).all()
    assert (abs(np.cov(features.T) - np.eye(3)) < 5 * math.sqrt(2) * error).all()


def test_counts_of_relevant_and_labelled_documents(queries):
    """11.9 and 7.3 a query, by an integral over the two features that matter."""
    grid = np.linspace(-8, 8, 801)
    density = np.exp(-(grid**2) / 2) / math.sqrt(2 * math.pi) * (grid[1] - grid[0])
    lexical, semantic = np.meshgrid(grid, grid, indexing="ij")
    z = (lexical + 2 * semantic) / math.sqrt(5)
    relevance = 1 / (1 + np.exp(-8 * (z - 1.6)))
    labelled = relevance / (1 + np.exp(-2 * (lexical - 0.5)))
    for counts, law, expected in (
        (queries.relevant.sum(axis=1), relevance, 11.86),
        (queries.labels.sum(axis=1), labelled, 7.30),
    ):
        mean = 200 * density @ law @ density
        assert mean == pytest.approx(expected, abs=0.01)
        assert abs(counts.mean() - mean) < 5 * counts.std() / math.sqrt(len(counts))


def test_retrievers_rank_by_what_they_should(queries):
    silent = RetrievalWorld(retriever_noise=0.0)
    features, rng = queries.features, np.random.default_rng(1)
    lexical, semantic, _ = np.moveaxis(features, -1, 0)
    z = (lexical + 2 * semantic) / math.sqrt(5)
    for strength in (0, 0.3, 1):
        np.testing.assert_allclose(
            silent.retrieve(features, strength=strength, rng=rng),
            (1 - strength) * lexical + strength * z,
            atol=1e-12,
        )
    noise = RetrievalWorld().retrieve(features, strength=0.3, rng=rng) - (
        silent.retrieve(features, strength=0.3, rng=rng)
    )
    assert abs(noise.std() - 0.2) < 5 * 0.2 / np.sqrt(2 * noise.size)


def test_other_worlds_have_other_directions():
    world = RetrievalWorld(
        num_documents=7,
        relevance_direction=(3.0, 0.0, 4.0, 0.0),
        selection_direction=(0.0, 0.0, 0.0, -2.0),
        retriever_direction=(0.0, 5.0, 0.0, 0.0),
        retriever_noise=0.0,
    )
    queries = world.draw(2, rng=np.random.default_rng(2))
    assert queries.features.shape == (2, 7, 4)
    np.testing.assert_allclose(world.relevance_coefficients, [4.8, 0, 6.4, 0])
    np.testing.assert_array_equal(world.selection_coefficients, [0, 0, 0, -2])
    np.testing.assert_array_equal(
        world.retrieve(queries.features, strength=0, rng=np.random.default_rng(3)),
        queries.features[..., 1],
    )


def test_the_same_generator_draws_the_same():
    first, second = (
        RetrievalWorld().draw(3, rng=np.random.default_rng(4)) for _ in range(2)
    )
    np.testing.assert_array_equal(first.features, second.features)
    np.testing.assert_array_equal(first.labels, second.labels)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"num_documents": 0}, "num_documents: must be at least 1"),
        ({"relevance_slope": 0}, "relevance_slope: must be finite and > 0"),
        ({"selection_slope": -1.0}, "selection_slope: must be finite and > 0"),
        ({"relevance_threshold": math.nan}, "relevance_threshold: must be finite"),
        ({"retriever_noise": -0.1}, "retriever_noise: must be finite and >= 0"),
        ({"relevance_direction": (0.0, 0.0, 0.0)}, "relevance_direction: must not be"),
        ({"selection_direction": (1.0, 0.0)}, "selection_direction: must have 3"),
        ({"retriever_direction": (math.inf, 0, 0)}, "retriever_direction: has inf"),
    ],
)
def test_bad_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        RetrievalWorld(**parameters)


def test_bad_calls(queries):
    world, rng = RetrievalWorld(), np.random.default_rng(5)
    with pytest.raises(ValueError, match="num_queries: must be at least 1"):
        world.draw(0, rng=rng)
    with pytest.raises(ValueError, match="rng: must be a numpy.random.Generator"):
        world.draw(1, rng=0)
    for strength in (-0.1, 1.1, math.nan):
        with pytest.raises(
            ValueError, match="strength: must be finite and >= 0 and <= 1"
        ):
            world.retrieve(queries.features, strength=strength, rng=rng)
    for features, message in (
        (queries.features[..., :2], "features: must have 3 a document, got 2"),
        (queries.features[0], "features: must be of 3 axes"),
        (queries.features * math.nan, "features: has nan"),
    ):
        with pytest.raises(ValueError, match=message):
            world.retrieve(features, strength=0.5, rng=rng)
