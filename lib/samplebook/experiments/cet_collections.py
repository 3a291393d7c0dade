"""Queries with documents, known truth and hidden labels for each seed, as networks read them."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from samplebook.data.retrieval_world import RetrievalWorld
from samplebook.experiments.cet_sizes import Scale

Mask = NDArray[np.bool_]
Table = NDArray[np.float64]

ENCODER_SCALE = 0.5
"""What the encoder's block adds to the embeddings, relative to their own size."""
ENCODER_BLOCK = 1 << 14
"""Texts that are encoded at a time."""


@dataclass(frozen=True)
class Candidates:
    """Q queries with D documents for each of S seeds.

    Attributes
    ----------
    rows : int64 Tensor, shape (S, Q, D)
        Where a document's features stand in the collection's table; on the table's device.
    relevant, selected : bool arrays, shape (S, Q, D)
        r and s.
    selection : float64 array, shape (S, Q, D)
        pi.
    lexical, strong : float64 arrays, shape (S, Q, D)
        Scores of the retrievers of strength 0 and 1, up to noise.
    """

    rows: Tensor
    relevant: Mask
    selected: Mask
    selection: Table
    lexical: Table
    strong: Table

    @property
    def labels(self) -> Mask:
        """l = r s, (S, Q, D)."""
        return self.relevant & self.selected


@dataclass(frozen=True)
class Collection:
    """Training and test queries for each seed, and what a network reads of a document of a query.

    Attributes
    ----------
    features : float32 Tensor, shape (N, F)
        The last ``num_lexical`` columns are lexical.
    num_lexical : int
    retriever_noise : float
        Standard deviation of the noise in a retriever's scores.
    depth : int
        N of a retriever's top N.
    training, test : Candidates
    """

    features: Tensor
    num_lexical: int
    retriever_noise: float
    depth: int
    training: Candidates
    test: Candidates

    @property
    def num_seeds(self) -> int:
        """S."""
        return len(self.training.rows)

    def retrieved(self, strength: float, rng: np.random.Generator) -> Table:
        """Scores (S, Q, D) of a retriever for the training queries."""
        lexical, strong = self.training.lexical, self.training.strong
        noise = rng.standard_normal(lexical.shape)
        blend = (1 - strength) * lexical + strength * strong
        return blend + self.retriever_noise * noise


class TokenMeanings:
    """A vocabulary with random embeddings (V, H), and a frozen random encoder of sequences of its tokens.

    The embeddings have mean 0 and covariance I over the vocabulary. What a token means, its ``lex``, ``sem``
    and ``noise``, are its first three coordinates in a random basis.

    Parameters
    ----------
    vocabulary, width : int
        V and H >= 3.
    rng : torch.Generator
        Its device is where texts are encoded.
    """

    def __init__(self, vocabulary: int, width: int, rng: torch.Generator):
        def normal(*shape: int) -> Tensor:
            return torch.randn(*shape, generator=rng, device=rng.device)

        raw = normal(vocabulary, width).double()
        centred = raw - raw.mean(0)
        # orthonormal columns have the covariance I / V
        whitened = torch.linalg.qr(centred)[0] * vocabulary**0.5
        basis = torch.linalg.qr(normal(width, width).double())[0]
        self.meanings = whitened[:, :3].float()
        self.embeddings = (whitened @ basis).float()
        self.queries, self.keys, self.values = normal(3, width, width) / width**0.5
        self.inner = normal(width, 4 * width) / width**0.5
        self.outer = normal(4 * width, width) / (4 * width) ** 0.5

    def features(self, tokens: Tensor) -> Tensor:
        """(lex, sem, noise) of texts (.., L), (.., 3): sums over tokens, scaled to variance 1."""
        return self.meanings[tokens].sum(-2) / tokens.shape[-1] ** 0.5

    def encoded(self, tokens: Tensor) -> Tensor:
        """Encodings (n, H) of texts (n, L): embeddings, a random block with attention, and their mean."""
        states = self.embeddings[tokens]
        attended = torch.nn.functional.scaled_dot_product_attention(
            states @ self.queries, states @ self.keys, states @ self.values
        )
        states = states + ENCODER_SCALE * attended
        inner = torch.nn.functional.gelu(states @ self.inner)
        states = states + ENCODER_SCALE * (inner @ self.outer)
        return states.mean(1)


def generated_collection(
    scale: Scale, world: RetrievalWorld, seed: int, device: torch.device
) -> Collection:
    """A retrieval world whose documents are texts of random tokens, read by a frozen random encoder.

    A text stands for a query with a document, as a cross-encoder reads them. Relevance, selection and the
    retrievers depend on its meaning as in ``world``; a network sees its encoding, and ``lex``.
    """
    rng = torch.Generator(device).manual_seed(seed)
    language = TokenMeanings(scale.vocabulary, scale.width, rng)
    shape = (2, scale.num_seeds, scale.num_queries, scale.num_documents)
    rows = torch.arange(int(np.prod(shape)), device=device).view(shape)
    encodings, meanings = [], []
    for part in rows.flatten().split(ENCODER_BLOCK):
        tokens = torch.randint(
            scale.vocabulary,
            (len(part), scale.num_tokens),
            generator=rng,
            device=device,
        )
        encodings.append(language.encoded(tokens))
        meanings.append(language.features(tokens))
    meaning, encoding = torch.cat(meanings), torch.cat(encodings)
    encoding = (encoding - encoding.mean(0)) / encoding.std(0)
    x = meaning.cpu().numpy().astype(np.float64).reshape(*shape, -1)
    numbers = np.random.default_rng(seed)
    training, test = (
        world_candidates(world, part, part_rows, numbers)
        for part, part_rows in zip(x, rows, strict=True)
    )
    return Collection(
        features=torch.cat([encoding, meaning[:, :1]], dim=1),
        num_lexical=1,
        retriever_noise=world.retriever_noise,
        depth=scale.depth,
        training=training,
        test=test,
    )


def world_candidates(
    world: RetrievalWorld, x: Table, rows: Tensor, rng: np.random.Generator
) -> Candidates:
    """Candidates with features x (S, Q, D, 3); relevance and selection are drawn as in the world."""
    relevance, selection = world.relevance_and_selection(x)
    return Candidates(
        rows=rows,
        relevant=rng.random(relevance.shape) < relevance,
        selected=rng.random(selection.shape) < selection,
        selection=selection,
        lexical=x[..., 0],
        strong=x @ world.relevance_coefficients / world.relevance_slope,
    )
