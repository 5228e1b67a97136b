"""Weights that others trained, checked against the network they are for and kept in a file of ours."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from configs.errors import bad_input
from models.checkpoints.architectures import architecture, build_network, settings_of
from models.checkpoints.reading import read_state
from models.checkpoints.strict import load_strict
from models.checkpoints.writing import ModelCard, read_card, write_checkpoint
from models.triangulation.limb_prior import LimbPrior
from models.zoo.checksum import sha256_of


def import_checkpoint(
    source: Path, target: Path, kind: str, settings: Mapping[str, Any], *, licence: str = "unknown"
) -> ModelCard:
    """Read weights in any layout, load them strictly, write them with a card.

    Args:
        source: ``.pth`` and relatives, flat or nested, with or without ``module.``; or ``.safetensors``.
        target: ``.safetensors``; replaced if it exists.
        kind: Name in ``ARCHITECTURES``.
        settings: What cannot be told from the file, or to insist on.
        licence: Terms of the weights.

    Raises:
        BadInputError: The file cannot be read or does not fit the kind of model; nothing is written then.
    """
    entry = architecture(kind)
    if kind == "contextpose" and "limb_mean" not in settings:
        raise bad_input(
            "weights of contextpose do not contain the limb lengths they were trained with",
            file=source,
            hint="give them: --limbs mean_and_std_limb_length.h5",
        )
    state = read_state(source)
    known = settings_of(kind, state, source.stem) | dict(settings)
    network = build_network(kind, known, source=f"settings of {kind}")
    load_strict(network, state, file=source)
    fields = entry.settings.model_validate(known).model_dump(mode="json")
    card = ModelCard(
        architecture=kind,
        settings=fields,
        skeleton=entry.skeleton(fields),
        source=source.name,
        sha256=sha256_of(source),
        licence=licence,
    )
    write_checkpoint(target, network.state_dict(), card)
    return card


def load_network(path: Path) -> tuple[nn.Module, ModelCard]:
    """The network of an imported file, on the CPU in evaluation mode.

    Raises:
        BadInputError: No such file, no card, or weights that do not fit it.
    """
    card = read_card(path)
    network = build_network(card.architecture, card.settings, source=str(path))
    load_strict(network, read_state(path), file=path)
    return network.eval(), card


def limb_settings(path: Path) -> dict[str, Any]:
    """Settings of ContextPose from the file with limb lengths, see ``LimbPrior.read``."""
    prior = LimbPrior.read(path)
    return {"limb_mean": prior.mean.tolist(), "limb_deviation": prior.deviation.tolist()}
