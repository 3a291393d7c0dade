"""Where a record's numbers come from: device, versions, source."""

import hashlib
import json
import platform
from typing import Any

import numpy as np
import scipy
import torch

from samplebook import __version__
from samplebook.experiments.measured_code import measured_modules


def digest(value: Any) -> str:
    """SHA-256 of a value that JSON can hold."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def provenance(device: torch.device, slug: str) -> dict[str, Any]:
    """What the record of an experiment says of the device, the versions and the source.

    ``modules`` has the checksum of each module that the experiment imports, ``source_sha256`` that of all.
    """
    cuda = device.type == "cuda"
    modules = measured_modules(slug)
    return {
        "device": torch.cuda.get_device_name(device) if cuda else "CPU",
        "machine": platform.machine(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "samplebook": __version__,
        "source_sha256": digest(modules),
        "modules": modules,
    }
