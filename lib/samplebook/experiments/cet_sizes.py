"""How large the experiment on pooling bias is."""

from dataclasses import dataclass

TEMPERATURES = (2.0, 10.0)
"""tau: the official code's default, and what its published command has."""


@dataclass(frozen=True)
class Scale:
    """How large a run is.

    Attributes
    ----------
    num_seeds : int
        Independent repetitions that are trained side by side.
    num_queries, num_documents : int
        Training queries of a draw of the generated world, with as many test queries; documents of a query.
    vocabulary, num_tokens, width : int
        Of the generated texts and of their encoder.
    hidden : int
        Hidden units of a ranker.
    depth : int
        A retriever's negatives come from its top unlabelled documents, this many.
    num_negatives : int
        Pairs for each labelled positive.
    epochs, batch : int
        Of a ranker's training: passes over the pairs, and pairs in a batch.
    likelihood_steps, likelihood_batch : int
        Of the coupled likelihood's: steps, and documents in a batch.
    learning_rate, dropout : float
    strengths : tuple of float
        kappa of the retrievers, the more important ones first.
    block : int
        Documents that a ranker scores at a time, for each seed.
    """

    num_seeds: int
    num_queries: int
    num_documents: int
    vocabulary: int
    num_tokens: int
    width: int
    hidden: int
    depth: int
    num_negatives: int
    epochs: int
    batch: int
    likelihood_steps: int
    likelihood_batch: int
    learning_rate: float
    dropout: float
    strengths: tuple[float, ...]
    block: int


SCALES = {
    "full": Scale(
        num_seeds=32,
        num_queries=500,
        num_documents=200,
        vocabulary=4096,
        num_tokens=32,
        width=64,
        hidden=64,
        depth=20,
        num_negatives=4,
        epochs=8,
        batch=64,
        likelihood_steps=4000,
        likelihood_batch=1024,
        learning_rate=2e-3,
        dropout=0.2,
        strengths=(1.0, 0.0, 0.5, 0.25, 0.75),
        block=1 << 14,
    ),
    "tiny": Scale(
        num_seeds=2,
        num_queries=30,
        num_documents=40,
        vocabulary=64,
        num_tokens=8,
        width=8,
        hidden=8,
        depth=8,
        num_negatives=2,
        epochs=4,
        batch=16,
        likelihood_steps=40,
        likelihood_batch=64,
        learning_rate=1e-2,
        dropout=0.2,
        strengths=(1.0, 0.5),
        block=500,
    ),
}
