"""Small grey pictures of handwritten digits, as they ship in scikit-learn (UCI; CC BY 4.0)."""

import numpy as np
from numpy.typing import NDArray


def load_digit_images() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """1,797 pictures of 8 x 8 pixels, scaled to [-1, 1], and the digit that each shows.

    Returns
    -------
    images : float64 array, shape (1797, 64)
    digits : int64 array, shape (1797,)
        0 to 9.
    """
    from sklearn.datasets import load_digits

    bunch = load_digits()
    return bunch.data / 8 - 1, bunch.target.astype(np.int64)
