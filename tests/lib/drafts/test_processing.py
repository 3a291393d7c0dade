"""Processing of laws: transformers' processors, definitions written out, and properties that must hold."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from samplebook.drafts import process_laws

LAWS = st.lists(st.integers(0, 9), min_size=1, max_size=8).filter(any)
"""Weights of a law; ties and zeros are common."""


def law_of(weights):
    return np.array(weights) / sum(weights)


@pytest.mark.parametrize(
    "processing",
    [
        {"temperature": 0.3},
        {"temperature": 2.0},
        {"top_k": 5},
        {"top_k": 1000},
        {"top_p": 0.8},
        {"top_p": 0.01},
        {"temperature": 0.7, "top_k": 20, "top_p": 0.9},
        {"temperature": 1.7, "top_k": 40, "top_p": 0.5},
    ],
)
def test_agrees_with_the_processors_of_transformers(processing):
    process = pytest.importorskip("transformers.generation.logits_process")
    warpers = {
        "temperature": process.TemperatureLogitsWarper,
        "top_k": process.TopKLogitsWarper,
        "top_p": process.TopPLogitsWarper,
    }
    logits = 3 * torch.randn(
        20, 100, generator=torch.Generator().manual_seed(0), dtype=torch.float64
    )
    scores = logits
    for name, value in processing.items():
        scores = warpers[name](value)(None, scores)
    ours = process_laws(logits.softmax(-1), **processing)
    torch.testing.assert_close(ours, scores.softmax(-1), rtol=1e-10, atol=1e-15)
    of_array = process_laws(logits.softmax(-1).numpy(), **processing)
    np.testing.assert_allclose(of_array, ours.numpy(), rtol=1e-12)


@given(weights=LAWS, temperature=st.floats(0.05, 20))
def test_temperature_is_a_power(weights, temperature):
    law = law_of(weights)
    power = (law / law.max()) ** (1 / temperature)
    np.testing.assert_allclose(
        process_laws(law, temperature=temperature), power / power.sum(), rtol=1e-12
    )


@pytest.mark.parametrize("temperature", [1e-300, 1e-4])
def test_low_temperatures_leave_the_most_probable_tokens(temperature):
    law = process_laws([0.4, 0.0, 0.4, 0.2], temperature=temperature)
    np.testing.assert_array_equal(law, [0.5, 0, 0.5, 0])


def test_high_temperatures_leave_impossible_tokens_impossible():
    law = process_laws([1e-300, 0.0, 1.0], temperature=1e300)
    np.testing.assert_allclose(law, [0.5, 0, 0.5], rtol=1e-12)


@given(weights=LAWS, top_k=st.integers(1, 9))
def test_top_k_keeps_the_first_k_in_falling_order(weights, top_k):
    law = law_of(weights)
    kept = np.argsort(-law, kind="stable")[:top_k]
    expected = np.zeros(len(law))
    expected[kept] = law[kept] / law[kept].sum()
    np.testing.assert_allclose(process_laws(law, top_k=top_k), expected, atol=1e-15)


@given(weights=LAWS, hundredths=st.integers(1, 99))
def test_top_p_keeps_the_smallest_set_of_that_mass(weights, hundredths):
    """Weights are whole numbers, so masses compare exactly: unlucky thresholds that tie are left out."""
    total, order = sum(weights), np.argsort(-np.array(weights), kind="stable")
    masses = np.cumsum(np.array(weights)[order])
    if (100 * masses == hundredths * total).any():
        return
    count = 1 + int((100 * masses < hundredths * total).sum())
    expected = np.zeros(len(weights))
    expected[order[:count]] = np.array(weights)[order[:count]] / masses[count - 1]
    ours = process_laws(law_of(weights), top_p=hundredths / 100)
    np.testing.assert_allclose(ours, expected, atol=1e-15)


@given(
    rows=st.lists(st.lists(st.integers(1, 9), min_size=4, max_size=4), min_size=1),
    temperature=st.floats(0.2, 5),
    top_k=st.none() | st.integers(1, 5),
    top_p=st.none() | st.floats(0.05, 1),
)
def test_rows_are_processed_one_by_one(rows, temperature, top_k, top_p):
    laws = np.array([law_of(row) for row in rows])
    processing = {"temperature": temperature, "top_k": top_k, "top_p": top_p}
    together = process_laws(laws, **processing)
    assert together.dtype == np.float64
    np.testing.assert_allclose(together.sum(axis=-1), 1, atol=1e-12)
    for law, processed in zip(laws, together, strict=True):
        np.testing.assert_allclose(
            process_laws(law, **processing), processed, atol=1e-15
        )


def test_without_parameters_nothing_changes():
    law = np.array([[0.5, 0.25, 0.25]])
    assert process_laws(law) is law
    assert process_laws(law, top_p=1.0, top_k=3) is law


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"laws": [0.5, 0.6]}, "laws: sums to"),
        ({"laws": [1.5, -0.5]}, "laws: has -0.5"),
        ({"temperature": 0}, "temperature: must be finite and > 0"),
        ({"temperature": float("inf")}, "temperature: must be finite and > 0"),
        ({"temperature": float("nan")}, "temperature: must be finite and > 0"),
        ({"temperature": "1"}, "temperature: must be a number"),
        ({"temperature": None}, "temperature: must be a number"),
        ({"top_k": 0}, "top_k: must be at least 1"),
        ({"top_k": 2.0}, "top_k: must be an integer"),
        ({"top_p": 0}, "top_p: must be > 0 and at most 1"),
        ({"top_p": 1.01}, "top_p: must be > 0 and at most 1"),
        ({"top_p": True}, "top_p: must be a number"),
    ],
)
def test_bad_input_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        process_laws(**({"laws": [0.5, 0.5]} | arguments))
