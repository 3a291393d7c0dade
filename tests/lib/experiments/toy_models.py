"""Tiny random transformers whose laws are far from uniform."""

import torch

from samplebook.data.character_transformer import TransformerSize
from samplebook.experiments.decoder_transformer import DecoderTransformer


def toy_model(vocabulary, *, layers=2, seed=0, context=24):
    """A model of width 16 with large random weights, without gradients."""
    generator = torch.Generator().manual_seed(seed)
    model = DecoderTransformer(
        TransformerSize(vocabulary, context, layers=layers, heads=2, width=16)
    )
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 2:
                parameter.normal_(0.0, 0.5, generator=generator)
    return model.eval().requires_grad_(False)


def random_tokens(shape, vocabulary, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(vocabulary, shape, generator=generator)
