"""Where a record's numbers come from: device, versions, source."""

import hashlib
import platform
from pathlib import Path
from typing import Any

import numpy as np
import scipy
import torch

from samplebook import __version__


def source_digest(*parts: str) -> str:
    """SHA-256 of the modules of experiments and of the sub-packages that they use."""
    package = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for part in sorted({"core", "experiments", *parts}):
        for file in sorted((package / part).glob("*.py")):
            digest.update(file.read_bytes())
    return digest.hexdigest()


def provenance(device: torch.device, *parts: str) -> dict[str, Any]:
    """What every record says of the device, the versions and the source, which uses these sub-packages."""
    cuda = device.type == "cuda"
    return {
        "device": torch.cuda.get_device_name(device) if cuda else "CPU",
        "machine": platform.machine(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "samplebook": __version__,
        "source_sha256": source_digest(*parts),
    }
