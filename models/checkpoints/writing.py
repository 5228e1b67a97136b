"""Weights to files that cannot run code and say what they are: safetensors with a card."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from configs.atomic_file import write_atomic
from configs.errors import bad_input
from configs.loading import Config

CARD_KEY = "posestage_card"
"""Key of the card in the metadata of a safetensors file."""


class ModelCard(Config):
    """What is in a file of weights.

    Attributes:
        architecture: Name in ``ARCHITECTURES``.
        settings: Of its configuration, everything needed to build the network.
        skeleton: Name of the skeleton that the joints follow, or None if unknown.
        source: The file the weights came from, or the run that made them.
        sha256: Of that file, or None.
        licence: Terms of the weights as far as known.
        note: Anything else worth knowing.
    """

    architecture: str
    settings: dict[str, Any]
    skeleton: str | None = None
    source: str
    sha256: str | None = None
    licence: str = "unknown"
    note: str = ""


def write_checkpoint(path: Path, state: Mapping[str, Tensor], card: ModelCard) -> None:
    """Write weights and card; the file is complete or not there.

    Raises:
        BadInputError: The name does not end in ``.safetensors``, or the folder cannot be written.
    """
    if path.suffix != ".safetensors":
        raise bad_input("is not named like a file of weights", file=path, allowed="*.safetensors")
    tensors = {name: value.detach().cpu().contiguous().clone() for name, value in state.items()}
    write_atomic(path, save(tensors, metadata={CARD_KEY: card.model_dump_json()}))


def read_card(path: Path) -> ModelCard:
    """The card of a file that ``write_checkpoint`` wrote.

    Raises:
        BadInputError: No such file, or it has no card.
    """
    if not path.is_file():
        raise bad_input("no such file", file=path)
    hint = "make one with: launch.py models import FILE --as KIND"
    try:
        with safe_open(path, framework="pt") as stored:
            metadata = stored.metadata() or {}
    except SafetensorError as error:
        raise bad_input(f"is no safetensors file ({error})", file=path, hint=hint) from error
    if CARD_KEY not in metadata:
        raise bad_input("has no card that says what it is", file=path, hint=hint)
    try:
        return ModelCard.model_validate(json.loads(metadata[CARD_KEY]))
    except (json.JSONDecodeError, ValidationError) as error:
        raise bad_input(f"has an unreadable card ({error})", file=path, hint=hint) from error
