"""Small worlds of votes for the tests of training."""

import numpy as np
import torch

from samplebook.core.interactions import Interactions


def random_interactions(seed=0, num_users=12, num_items=17, density=0.3):
    """Votes at random, with at least one vote and one unvoted item for each user."""
    rng = np.random.default_rng(seed)
    matrix = rng.random((num_users, num_items)) < density
    matrix[:, 0], matrix[:, 1] = True, False
    return Interactions.of_matrix(matrix)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)
