"""The library ``transformers``, told to use no network: models come from installed packages."""

import os
from typing import Any


def transformers_library() -> Any:
    """The module ``transformers``, told to use no network and to draw no progress bars."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    import transformers

    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    return transformers
