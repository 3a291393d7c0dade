"""Generated texts whose meaning is a retrieval world's."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from samplebook.core.arrays import sigmoid
from samplebook.data.retrieval_world import RetrievalWorld
from samplebook.experiments.cet_collections import TokenMeanings, generated_collection
from samplebook.experiments.cet_sizes import SCALES

CPU = torch.device("cpu")
SCALE = replace(SCALES["tiny"], num_queries=100, num_documents=50)
WORLD = RetrievalWorld()


def generator(seed):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def language():
    return TokenMeanings(200, 16, generator(0))


@pytest.fixture(scope="module")
def collection():
    return generated_collection(SCALE, WORLD, 3, CPU)


def test_tokens_have_standardised_meanings(language):
    for table in (language.meanings, language.embeddings):
        assert table.mean(0).abs().max() < 1e-6
        covariance = table.T @ table / 200
        assert (covariance - torch.eye(table.shape[1])).abs().max() < 1e-5


def test_meanings_are_orthogonal_directions_of_the_embeddings(language):
    directions = torch.linalg.lstsq(language.embeddings, language.meanings).solution
    assert (directions.T @ directions - torch.eye(3)).abs().max() < 1e-5
    rest = language.embeddings @ directions - language.meanings
    assert rest.abs().max() < 1e-5


def test_a_text_means_the_scaled_sum_of_its_tokens(language):
    tokens = torch.tensor([[3, 3, 5, 7]])
    meanings = language.meanings
    expected = (2 * meanings[3] + meanings[5] + meanings[7]) / 2
    torch.testing.assert_close(language.features(tokens)[0], expected)


def test_a_text_is_encoded_by_itself_and_whatever_its_order(language):
    tokens = torch.randint(200, (6, 9), generator=generator(1))
    encoded = language.encoded(tokens)
    assert encoded.shape == (6, 16)
    torch.testing.assert_close(encoded[2:3], language.encoded(tokens[2:3].flip(1)))
    assert (encoded[0] - encoded[1]).abs().max() > 0.1


def test_an_encoding_tells_most_of_the_meaning(language):
    tokens = torch.randint(200, (4000, 32), generator=generator(1))
    encoded, features = language.encoded(tokens), language.features(tokens)
    fitted = encoded @ torch.linalg.lstsq(encoded, features).solution
    unexplained = (features - fitted).square().mean(0) / features.square().mean(0)
    assert (unexplained < 0.5).all()
    assert (unexplained > 1e-4).all()


def test_shapes_and_rows(collection):
    shape = (SCALE.num_seeds, SCALE.num_queries, SCALE.num_documents)
    rows = torch.cat([collection.training.rows, collection.test.rows])
    assert collection.features.shape == (rows.numel(), SCALE.width + 1)
    assert torch.equal(rows.flatten().sort().values, torch.arange(rows.numel()))
    for part in (collection.training, collection.test):
        assert part.rows.shape == part.relevant.shape == part.selection.shape == shape
        lexical = collection.features[part.rows, -1]
        np.testing.assert_allclose(lexical, part.lexical, rtol=1e-6)


def test_truth_is_drawn_by_the_worlds_law(collection):
    """Each sum lies within 5 standard deviations; false alarms below 1e-6."""
    for part in (collection.training, collection.test):
        pi = sigmoid(WORLD.selection_slope * (part.lexical - WORLD.selection_threshold))
        rho = sigmoid(WORLD.relevance_slope * (part.strong - WORLD.relevance_threshold))
        np.testing.assert_allclose(part.selection, pi)
        for law, events in ((pi, part.selected), (rho, part.relevant)):
            deviation = np.sqrt((law * (1 - law)).sum())
            assert abs(events.sum() - law.sum()) < 5 * deviation
        assert part.lexical.std() == pytest.approx(1, abs=0.05)
        assert part.strong.std() == pytest.approx(1, abs=0.05)
        blend = np.corrcoef(part.lexical.ravel(), part.strong.ravel())[0, 1]
        assert blend == pytest.approx(1 / 5**0.5, abs=0.05)
        assert (part.labels == (part.relevant & part.selected)).all()


def test_a_retriever_blends_lexical_and_strong_scores(collection):
    quiet = replace(collection, retriever_noise=0.0)
    part, rng = collection.training, np.random.default_rng(0)
    np.testing.assert_array_equal(quiet.retrieved(0.0, rng), part.lexical)
    np.testing.assert_array_equal(quiet.retrieved(1.0, rng), part.strong)
    noise = collection.retrieved(0.25, rng) - quiet.retrieved(0.25, rng)
    assert noise.std() == pytest.approx(WORLD.retriever_noise, rel=0.05)


def test_a_seed_gives_the_same_texts_again(collection):
    again = generated_collection(SCALE, WORLD, 3, CPU)
    assert torch.equal(again.features, collection.features)
    assert (again.training.labels == collection.training.labels).all()
    other = generated_collection(SCALE, WORLD, 4, CPU)
    assert (other.training.labels != collection.training.labels).any()
