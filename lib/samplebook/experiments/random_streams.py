"""Random numbers of its own for each part of an experiment: no part depends on which came before."""

import hashlib

import torch


def stream(seed: int, name: str, device: torch.device | str = "cpu") -> torch.Generator:
    """The generator of a seed and a name. Different devices give different numbers."""
    found = hashlib.sha256(f"{seed} {name}".encode()).digest()
    return torch.Generator(device).manual_seed(int.from_bytes(found[:8]) >> 1)
