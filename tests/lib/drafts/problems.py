"""Pairs of laws that tests share: plain ones, and every degenerate kind."""

import numpy as np

from samplebook.drafts import METHODS

PROBLEMS = {
    "plain": ([0.5, 0.3, 0.2], [0.2, 0.3, 0.5]),
    "two-point extremal": ([4 / 9, 5 / 9], [2 / 3, 1 / 3]),
    "equal": ([0.25, 0.5, 0.25], [0.25, 0.5, 0.25]),
    "tied ratios": ([0.2, 0.4, 0.3, 0.1], [0.3, 0.6, 0.075, 0.025]),
    "zeros in draft": ([0.3, 0.4, 0.3], [0.6, 0.0, 0.4]),
    "zeros in target": ([0.7, 0.0, 0.3], [0.2, 0.5, 0.3]),
    "disjoint supports": ([0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.4, 0.6]),
    "one-hot target": ([0.0, 1.0, 0.0], [0.3, 0.3, 0.4]),
    "one-hot draft": ([0.2, 0.5, 0.3], [0.0, 1.0, 0.0]),
    "one-hot both": ([0.0, 1.0], [0.0, 1.0]),
    "one token": ([1.0], [1.0]),
    "nearly disjoint": ([1e-9, 0.5, 0.5 - 1e-9], [1 - 1e-9, 1e-9, 0.0]),
    "both zero somewhere": ([0.4, 0.0, 0.6, 0.0], [0.1, 0.0, 0.9, 0.0]),
}


def random_problem(
    rng: np.random.Generator, vocabulary: int, concentration: float
) -> tuple[np.ndarray, np.ndarray]:
    """A random pair; the smaller the concentration, the nearer to one-hot."""
    target, draft = rng.dirichlet(np.full(vocabulary, concentration), size=2)
    return target, draft


WAYS = {name: {"method": name, "replacement": True} for name in METHODS} | {
    f"{name} without replacement": {"method": name, "replacement": False}
    for name in ("rrs", "optimal")
}
"""Every method with every way in which its drafts are drawn, as keyword arguments."""
IN_BATCH = {name: way for name, way in WAYS.items() if way["method"] != "optimal"}


def drafts_taken(way, most: int) -> int:
    """How many drafts to give a method, at most ``most``."""
    return 1 if way["method"] == "single" else most
