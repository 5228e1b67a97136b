"""Which device networks run on; what was asked for is never replaced in silence."""

from __future__ import annotations

from typing import Final, Literal

import torch

from configs.errors import bad_input

PRECISIONS: Final = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def choose_device(asked: Literal["auto", "cpu", "cuda"], *, source: str) -> str:
    """The torch device for ``asked``.

    Args:
        asked: ``auto`` takes the GPU when there is one.
        source: Of the setting, for messages.

    Raises:
        BadInputError: ``cuda`` was asked for and torch sees no GPU.
    """
    if torch.cuda.is_available():
        return "cpu" if asked == "cpu" else "cuda"
    if asked == "cuda":
        built = torch.version.cuda
        raise bad_input(
            "a GPU was asked for, but torch sees none",
            file=source,
            key="device",
            value=asked,
            hint="this torch is built without CUDA" if built is None else "run: python launch.py doctor",
        )
    return "cpu"
