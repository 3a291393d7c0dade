"""Parts of an experiment that are kept as they are measured, so that a later session goes on from there."""

import hashlib
import pickle
import tempfile
from pathlib import Path
from typing import Any

import torch


class KeptParts:
    """A folder with one file for each part that was measured.

    A part counts if all of its conditions are those of now: code, versions, device, data, size and seed.

    Parameters
    ----------
    folder : Path, optional
        Made with the first part. None keeps nothing.
    conditions : dict
        What parts of one record share, in numbers, texts, lists and dicts.
    """

    def __init__(self, folder: Path | None, conditions: dict[str, Any]):
        self.folder, self.conditions = folder, conditions

    def file(self, name: str) -> Path | None:
        """Where the part with this name lies."""
        if self.folder is None:
            return None
        return self.folder / f"{hashlib.sha256(name.encode()).hexdigest()[:20]}.pt"

    def read(self, name: str) -> dict[str, Any] | None:
        """``result`` and ``seconds`` of a part; none if it is missing, unreadable, or of other conditions."""
        file = self.file(name)
        if file is None or not file.is_file():
            return None
        try:
            part = torch.load(file, map_location="cpu", weights_only=True)
        except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError):
            return None
        wanted = {"name": name, "conditions": self.conditions}
        if not isinstance(part, dict) or not wanted.items() <= part.items():
            return None
        return part

    def write(self, name: str, result: Any, seconds: float) -> None:
        """Keep a part in one step: a reader sees all of it or nothing.

        Parameters
        ----------
        name : str
        result : tensors, numbers, texts, and lists and dicts of these
        seconds : float
            What it took.
        """
        file = self.file(name)
        if file is None:
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        part = {
            "name": name,
            "conditions": self.conditions,
            "result": result,
            "seconds": seconds,
        }
        with tempfile.NamedTemporaryFile(
            dir=file.parent, prefix=".tmp-", delete=False
        ) as temporary:
            torch.save(part, temporary)
        Path(temporary.name).replace(file)
