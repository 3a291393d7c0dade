"""The pieces of the student's training, on a toy model."""

import numpy as np
import pytest
import torch

from samplebook.data import train_smollm2_student as training


@pytest.fixture(scope="module")
def texts(toy_llama):
    rng = np.random.default_rng(0)
    lengths = rng.integers(2, 12, size=30)
    return [
        torch.from_numpy(rng.integers(toy_llama.config.vocab_size, size=n))
        for n in lengths
    ]


def test_each_text_is_in_one_batch_with_texts_of_like_length(texts):
    generator = torch.Generator().manual_seed(0)
    batches = training.batches_of_like_length(texts, 4, generator)
    assert sorted(i for batch in batches for i in batch) == list(range(30))
    assert max(map(len, batches)) == 4
    spread = [np.ptp([len(texts[i]) for i in batch]) for batch in batches]
    assert np.mean(spread) < np.ptp([len(text) for text in texts])


def test_padding_changes_no_state(toy_llama, texts):
    states = training.hidden_states(toy_llama, texts)
    for text, found in zip(texts, states, strict=True):
        expected = toy_llama(text[None]).last_hidden_state[0]
        assert found.shape == expected.shape
        torch.testing.assert_close(found.float(), expected, atol=5e-3, rtol=5e-3)


def test_divergence_is_the_sum_written_out():
    generator = torch.Generator().manual_seed(0)
    teacher, student = torch.randn(2, 5, 16, generator=generator)
    embedding = torch.randn(13, 16, generator=generator)
    p, q = ((states @ embedding.T).softmax(-1) for states in (teacher, student))
    expected = (p * (p / q).log()).sum(-1).mean()
    found = training.divergence(teacher, student, embedding)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    assert training.divergence(teacher, teacher, embedding) < 1e-6


def test_acceptance_is_one_for_the_teacher_itself(toy_llama, texts):
    own = [toy_llama(text[None]).last_hidden_state[0] for text in texts]
    assert training.mean_acceptance(toy_llama, texts, own) == pytest.approx(1, abs=1e-5)
    others = [-states for states in own]
    expected = np.concatenate(
        [
            torch.minimum(
                (states @ toy_llama.embed_tokens.weight.T).softmax(-1),
                (-states @ toy_llama.embed_tokens.weight.T).softmax(-1),
            ).sum(-1)
            for states in own
        ]
    ).mean()
    found = training.mean_acceptance(toy_llama, texts, others)
    assert found == pytest.approx(float(expected), abs=1e-5)
