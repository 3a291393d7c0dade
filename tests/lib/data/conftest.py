"""A toy transformer of the kind that SmolLM2 is."""

from typing import Any

import pytest
import torch


@pytest.fixture(scope="session")
def toy_llama() -> Any:
    """A random ``LlamaModel`` of two small layers; its laws depend on all tokens of a text."""
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    configuration = transformers.LlamaConfig(
        vocab_size=13,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
    )
    model = transformers.LlamaModel(configuration).eval()
    for weights in model.parameters():
        if weights.ndim == 2:
            torch.nn.init.normal_(weights, std=2 * weights.shape[1] ** -0.5)
    return model.requires_grad_(False)
