"""Functions of arrays and tensors keep their digits at the ends of the range."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from samplebook.core.arrays import log_sigmoid, sigmoid

FAST = settings(derandomize=True, deadline=None, max_examples=60, database=None)
KINDS = {
    "array": np.float64,
    "tensor": lambda value: torch.tensor(value, dtype=torch.float64),
}


@pytest.mark.parametrize("kind", KINDS)
@FAST
@given(logit=st.floats(-30, 30))
def test_sigmoid_and_its_logarithm(kind, logit):
    found, logarithm = (f(KINDS[kind](logit)) for f in (sigmoid, log_sigmoid))
    expected = 1 / (1 + np.exp(-logit))
    np.testing.assert_allclose(float(found), expected, rtol=1e-13)
    np.testing.assert_allclose(float(logarithm), -np.log1p(np.exp(-logit)), rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_far_logits(kind):
    far = KINDS[kind]([-1e4, 1e4])
    assert sigmoid(far).tolist() == [0, 1]
    assert log_sigmoid(far).tolist() == [-1e4, 0]
