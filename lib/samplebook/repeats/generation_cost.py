"""What samples cost: floating-point operations of one prompt and k continuations."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samplebook.core.checks import as_finite
from samplebook.repeats.coverage import as_integers


def generation_flops(
    num_parameters: ArrayLike,
    prompt_tokens: ArrayLike,
    sample_tokens: ArrayLike,
    k: Any,
) -> NDArray[np.float64]:
    """2 N (prompt + k tokens of a sample): what k samples cost a model with N parameters.

    Each token takes one multiplication and one addition a parameter. The samples share the prompt's pass.
    Attention's own products are left out: they are few while texts are short.

    Parameters
    ----------
    num_parameters, prompt_tokens, sample_tokens : array-like of float, > 0
        N, the prompt's tokens, the tokens of one sample; they may be means.
    k : int or array-like of int, >= 1
        Number of samples. All four broadcast.

    Raises
    ------
    ValueError
        If a number is not finite and > 0, or a k is no integer >= 1.
    """
    sizes = {
        "num_parameters": num_parameters,
        "prompt_tokens": prompt_tokens,
        "sample_tokens": sample_tokens,
    }
    N, prompt, sample = (as_finite(size, name) for name, size in sizes.items())
    for name, array in zip(sizes, (N, prompt, sample), strict=True):
        if array.min() <= 0:
            raise ValueError(f"{name}: must be > 0, got {array.min():g}")
    return np.asarray(2 * N * (prompt + as_integers(k, "k", minimum=1) * sample))
