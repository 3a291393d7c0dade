"""A two-layer draft model for SmolLM2, distilled from it: same tokens, same embedding, 1/4 of the parameters.

Its two layers and final norm are trained by :mod:`samplebook.data.train_smollm2_student` and stored in half
precision (14 MB). The embedding, which is also the output layer, is SmolLM2's own and was kept frozen.
"""

import json
from copy import deepcopy
from typing import Any

from samplebook.data.packages import stored_file
from samplebook.data.transformers_offline import transformers_library

LAYERS_OF_THE_TARGET = (0, 29)  # where the student's layers start from


def student_of(target: Any) -> Any:
    """An untrained student: SmolLM2's first and last layer, its final norm, and its embedding, shared.

    Parameters
    ----------
    target : transformers.LlamaModel
        SmolLM2.
    """
    configuration = deepcopy(target.config)
    configuration.num_hidden_layers = len(LAYERS_OF_THE_TARGET)
    student = transformers_library().LlamaModel(configuration)
    student.embed_tokens = target.embed_tokens
    for layer, position in zip(student.layers, LAYERS_OF_THE_TARGET, strict=True):
        layer.load_state_dict(target.layers[position].state_dict())
    student.norm.load_state_dict(target.norm.state_dict())
    return student.eval()


def own_weights(student: Any) -> dict[str, Any]:
    """The student's weights without the embedding, by name."""
    return {
        name: weight
        for name, weight in student.state_dict().items()
        if not name.startswith("embed_tokens")
    }


def load_student(target: Any) -> Any:
    """The trained student, in float32 and evaluation mode, which shares the embedding of ``target``."""
    from safetensors.torch import load_file

    student = student_of(target)
    weights = load_file(stored_file("data/weights/smollm2-student.safetensors"))
    full = {name: weight.float() for name, weight in weights.items()}
    student.load_state_dict(full | {"embed_tokens.weight": target.embed_tokens.weight})
    return student


def read_training_log() -> dict[str, Any]:
    """The stored training log of the student."""
    file = stored_file("data/weights/smollm2-student.log.json")
    return json.loads(file.read_text(encoding="utf-8"))
