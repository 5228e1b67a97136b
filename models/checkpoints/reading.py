"""Weights from files, whatever wrapped them: ``.safetensors``, and ``.pth`` as training programs write it."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from configs.errors import BadInputError, bad_input
from models.checkpoints.inert_pickle import read_inert

SAFETENSORS = ".safetensors"
PICKLED = (".pth", ".pt", ".tar", ".bin", ".ckpt")
WRAPPERS = ("state_dict", "model_state_dict", "model")
"""Keys under which training programs put the weights beside other things."""
DISTRIBUTED = "module."
"""Prefix of every name that a distributed run writes; it may stand anywhere in the name."""


def read_state(path: Path) -> dict[str, Tensor]:
    """All weights of a file by name, on the CPU, without prefixes of distributed training.

    Pickled files are read so that they cannot run code; an optimiser beside the weights is passed over.

    Raises:
        BadInputError: There is no such file, it is no file of weights, or its weights need code.
    """
    if not path.is_file():
        raise bad_input("no such file", file=path)
    if path.suffix == SAFETENSORS:
        try:
            return unprefixed(load_file(path), path)
        except SafetensorError as error:
            raise bad_input(f"is damaged or no file of weights ({error})", file=path) from error
    if path.suffix not in PICKLED:
        raise bad_input(
            "is no file of weights by its name", file=path, allowed=", ".join((SAFETENSORS, *PICKLED))
        )
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, UnicodeDecodeError):
        return unprefixed(_tensors_among_others(path), path)
    # A damaged file fails in whatever step its bytes happen to stand for.
    except Exception as error:
        raise bad_input(f"is damaged or no file of weights ({error})", file=path) from error
    return unprefixed(unwrapped(content, path), path)


def _tensors_among_others(path: Path) -> dict[str, Tensor]:
    try:
        return unwrapped(read_inert(path), path)
    except BadInputError as error:
        raise bad_input(
            "is damaged, or holds more than tensors and cannot be read safely",
            file=path,
            hint="save its state_dict alone",
        ) from error


def unwrapped(content: Any, path: Path) -> dict[str, Tensor]:
    """The mapping of names to tensors, flat or one level down.

    Raises:
        BadInputError: There is none.
    """
    if isinstance(content, Mapping):
        for key in WRAPPERS:
            if isinstance(content.get(key), Mapping):
                content = content[key]
                break
        if content and all(isinstance(value, Tensor) for value in content.values()):
            return {str(name): value for name, value in content.items()}
    raise bad_input(
        "holds no weights: expected a mapping of names to tensors",
        file=path,
        allowed="flat, or under " + ", ".join(f'"{key}"' for key in WRAPPERS),
    )


def unprefixed(state: Mapping[str, Tensor], path: Path) -> dict[str, Tensor]:
    """Names without ``module.``.

    Raises:
        BadInputError: Two names become one.
    """
    result = {name.replace(DISTRIBUTED, ""): value for name, value in state.items()}
    if len(result) < len(state):
        raise bad_input(f'two names are equal without "{DISTRIBUTED}"', file=path)
    return result
