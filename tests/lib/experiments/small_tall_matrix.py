"""A small tall matrix with two rare columns, for the tests of scores and of samples."""

import torch

from samplebook.experiments.tall_matrix import tall_matrix

CPU = torch.device("cpu")
SHAPE = {"num_rare": 2, "stride": 20, "seed": 3, "block": 150, "device": CPU}


def small_tall_matrix(num_rows):
    """Five columns, two of them rare."""
    return tall_matrix(num_rows, 5, **SHAPE)
