"""The book's own transformers: architecture, training, and what the stored weights are worth."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from samplebook.data import shakespeare, train_shakespeare_pair
from samplebook.data.character_transformer import (
    CharacterTransformer,
    TransformerSize,
    initialise,
    load_shakespeare_pair,
    load_transformer,
    next_token_laws,
    save_transformer,
)
from samplebook.data.count_model import CountModel

WEIGHTS = Path(train_shakespeare_pair.__file__).parent / "weights"
SIZE = TransformerSize(vocabulary=7, context=12, layers=2, heads=2, width=16)


@pytest.fixture
def small_model():
    model = CharacterTransformer(SIZE)
    initialise(model, torch.Generator().manual_seed(0))
    for (
        block
    ) in model.blocks:  # output projections start at zero: make the blocks matter
        torch.nn.init.normal_(
            block.attention_out.weight, generator=torch.Generator().manual_seed(1)
        )
    return model.eval()


@pytest.fixture(scope="module")
def texts():
    training, held_out = shakespeare.training_and_held_out_text()
    alphabet = "".join(sorted(set(training)))
    return (
        shakespeare.encode(training, alphabet),
        shakespeare.encode(held_out, alphabet),
        alphabet,
    )


def test_plays_are_plain_text():
    plays = shakespeare.read_plays()
    assert len(plays) == 38 and set(shakespeare.HELD_OUT) <= set(plays)
    assert not set("*_#") & set("".join(plays.values()))
    assert "To be, or not to be: that is the question:" in plays["hamlet"]


def test_encode_and_decode(texts):
    _, held_out, alphabet = texts
    text = shakespeare.decode(held_out[:500], alphabet)
    np.testing.assert_array_equal(shakespeare.encode(text, alphabet), held_out[:500])
    with pytest.raises(ValueError, match="alphabet"):
        shakespeare.encode("é", alphabet)


def test_the_transformer_is_causal(small_model):
    tokens = torch.tensor([[1, 2, 3, 4, 5, 6]])
    changed = tokens.clone()
    changed[0, 4] = 0
    with torch.no_grad():
        before, after = small_model(tokens), small_model(changed)
    torch.testing.assert_close(before[:, :4], after[:, :4])
    assert not torch.allclose(before[:, 4:], after[:, 4:])


def test_next_token_laws_follow_the_protocol(small_model):
    tokens = np.array([[1, 2, 3, 4], [4, 3, 2, 1]])
    laws = next_token_laws(small_model)
    assert laws(tokens, 3).shape == (2, 3, 7)
    np.testing.assert_allclose(laws(tokens, 3).sum(axis=-1), 1, atol=1e-12)
    np.testing.assert_allclose(
        laws(tokens, 3)[:, :2], laws(tokens[:, :3], 2), atol=1e-6
    )
    uneven = [tokens[0], tokens[1, :2]]
    np.testing.assert_allclose(
        laws(uneven, 2), [laws(row[None], 2)[0] for row in uneven], atol=1e-6
    )
    with pytest.raises(ValueError, match="last"):
        laws(uneven, 3)


def test_bad_input_is_named(small_model):
    with pytest.raises(ValueError, match="tokens"):
        small_model(torch.zeros((1, 13), dtype=torch.int64))


def test_weights_survive_storage(small_model, tmp_path):
    path = str(tmp_path / "model.safetensors")
    save_transformer(path, small_model, "abcdefg")
    loaded, alphabet = load_transformer(path)
    assert alphabet == "abcdefg" and loaded.size == SIZE
    for name, value in small_model.state_dict().items():
        torch.testing.assert_close(
            loaded.state_dict()[name], value.half().float(), rtol=0, atol=0
        )


def test_training_is_seeded(monkeypatch):
    monkeypatch.setattr(train_shakespeare_pair, "CONTEXT", 16)
    monkeypatch.setattr(
        train_shakespeare_pair, "bits_per_character", lambda model, text: 0.0
    )
    first, _, _ = train_shakespeare_pair.train("draft", seed=1, steps=3)
    again, _, _ = train_shakespeare_pair.train("draft", seed=1, steps=3)
    other, _, _ = train_shakespeare_pair.train("draft", seed=2, steps=3)
    torch.testing.assert_close(first.state_dict(), again.state_dict(), rtol=0, atol=0)
    assert not torch.equal(first.embedding.weight, other.embedding.weight)


@pytest.mark.parametrize(("name", "order"), [("target", 5), ("draft", 2)])
def test_the_stored_model_beats_its_count_model(name, order, texts):
    """On the same 40,000 held-out characters, against the best of several pseudo-counts."""
    training, held_out, alphabet = texts
    part = held_out[:40_000]
    counted = min(
        CountModel(training, order, len(alphabet), pseudo_count).bits_per_token(part)
        for pseudo_count in (2.0, 5.0, 10.0)
    )
    target, draft, stored_alphabet = load_shakespeare_pair()
    assert stored_alphabet == alphabet
    model = {"target": target, "draft": draft}[name]
    measured = train_shakespeare_pair.bits_per_character(model, torch.from_numpy(part))
    assert measured < counted


def test_the_stored_models_are_small_and_logged():
    files = sorted(WEIGHTS.glob("shakespeare-*.safetensors"))
    assert [file.stem for file in files] == ["shakespeare-draft", "shakespeare-target"]
    assert sum(file.stat().st_size for file in files) <= 8_000_000
    for name in ("target", "draft"):
        log = json.loads((WEIGHTS / f"shakespeare-{name}.log.json").read_text())
        assert log["steps"] == train_shakespeare_pair.STEPS[name]
        assert log["curve"][-1]["step"] == log["steps"]
