"""The pieces of the student's training, on a toy model."""

import numpy as np
import pytest
import torch

from samplebook.data import train_smollm2_student as training

transformers = pytest.importorskip("transformers")
VOCABULARY = 13


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    configuration = transformers.LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
    )
    model = transformers.LlamaModel(configuration).eval()
    torch.nn.init.normal_(model.embed_tokens.weight)
    return model.requires_grad_(False)


@pytest.fixture(scope="module")
def texts():
    rng = np.random.default_rng(0)
    lengths = rng.integers(2, 12, size=30)
    return [torch.from_numpy(rng.integers(VOCABULARY, size=n)) for n in lengths]


def test_each_text_is_in_one_batch_with_texts_of_like_length(texts):
    generator = torch.Generator().manual_seed(0)
    batches = training.batches_of_like_length(texts, 4, generator)
    assert sorted(i for batch in batches for i in batch) == list(range(30))
    assert max(map(len, batches)) == 4
    spread = [np.ptp([len(texts[i]) for i in batch]) for batch in batches]
    assert np.mean(spread) < np.ptp([len(text) for text in texts])


def test_padding_changes_no_state(model, texts):
    states = training.hidden_states(model, texts)
    for text, found in zip(texts, states, strict=True):
        expected = model(text[None]).last_hidden_state[0]
        assert found.shape == expected.shape
        torch.testing.assert_close(found.float(), expected, atol=5e-3, rtol=5e-3)


def test_divergence_is_the_sum_written_out():
    generator = torch.Generator().manual_seed(0)
    teacher, student = torch.randn(2, 5, 16, generator=generator)
    embedding = torch.randn(VOCABULARY, 16, generator=generator)
    p, q = ((states @ embedding.T).softmax(-1) for states in (teacher, student))
    expected = (p * (p / q).log()).sum(-1).mean()
    found = training.divergence(teacher, student, embedding)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    assert training.divergence(teacher, teacher, embedding) < 1e-6


def test_acceptance_is_one_for_the_teacher_itself(model, texts):
    own = [model(text[None]).last_hidden_state[0] for text in texts]
    assert training.mean_acceptance(model, texts, own) == pytest.approx(1, abs=1e-5)
    others = [-states for states in own]
    expected = np.concatenate(
        [
            torch.minimum(
                (states @ model.embed_tokens.weight.T).softmax(-1),
                (-states @ model.embed_tokens.weight.T).softmax(-1),
            ).sum(-1)
            for states in own
        ]
    ).mean()
    found = training.mean_acceptance(model, texts, others)
    assert found == pytest.approx(float(expected), abs=1e-5)
