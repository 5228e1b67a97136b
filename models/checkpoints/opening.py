"""A network by what a user says: an imported name, a file, or untrained."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from configs.errors import bad_input
from configs.loading import parse_config
from models.backbones.studio_lite import StudioLite
from models.checkpoints.architectures import architecture, build_network, settings_of
from models.checkpoints.importing import load_network
from models.checkpoints.reading import SAFETENSORS, read_state
from models.checkpoints.strict import load_strict
from models.checkpoints.writing import read_card
from models.zoo.checksum import sha256_of
from models.zoo.imported import imported_file


@dataclass(frozen=True)
class OpenedNetwork:
    """A network on the CPU in evaluation mode.

    Attributes:
        network: With its weights.
        kind: Name in ``ARCHITECTURES``.
        path: The file, None for an untrained network.
        skeleton: Name of the skeleton its joints follow, None where nobody says.
    """

    network: nn.Module
    kind: str
    path: Path | None
    skeleton: str | None

    def hashes(self) -> dict[str, str]:
        """SHA-256 of the file by its name."""
        return {} if self.path is None else {self.path.name: sha256_of(self.path)}


def open_network(
    source: str, kind: str | None, settings: Mapping[str, Any], *, overruled: Collection[str] = ()
) -> OpenedNetwork:
    """A network with trained weights.

    Args:
        source: Name of an imported network, or a file: one of ours with a card, or a published one.
        kind: What a file without a card holds; must agree with the card of one that has it.
        settings: Of a file without a card, where its names do not tell them; must agree with the card of one
            that has it.
        overruled: Settings in which a card is right without a word, such as those that a preset holds for
            untrained weights.

    Raises:
        BadInputError: There is no such network, or the file does not fit.

    A trained ``studio_lite`` can also be opened as ``algebraic`` or ``ransac``.
    """
    path = Path(source).expanduser()
    if not path.is_file() and not path.suffix:
        path = imported_file(source)
    if path.suffix == SAFETENSORS:
        network, card = load_network(path)
        wanted = {name: value for name, value in settings.items() if name not in overruled}
        if isinstance(network, StudioLite) and kind in ("algebraic", "ransac"):
            _agree(wanted, kind, _settings_on(network, kind), path)
            return OpenedNetwork(_triangulation_on(network, kind), kind, path, card.skeleton)
        if kind not in (None, card.architecture):
            raise bad_input(f"holds a network of the kind {card.architecture}", file=path, allowed=kind)
        _agree(wanted, card.architecture, card.settings, path)
        return OpenedNetwork(network, card.architecture, path, card.skeleton)
    if kind is None:
        raise bad_input("does not say what network it holds", file=path, hint="add --as KIND")
    state = read_state(path)
    known = settings_of(kind, state, path.stem) | dict(settings)
    network = build_network(kind, known, source=f"settings of {kind}")
    load_strict(network, state, file=path)
    return OpenedNetwork(network.eval(), kind, path, None)


def kind_of(source: str) -> str | None:
    """The kind of network that a card states, for a file or an imported name; None where there is no card."""
    path = Path(source).expanduser()
    if not path.is_file() and not path.suffix:
        path = imported_file(source)
    return read_card(path).architecture if path.suffix == SAFETENSORS and path.is_file() else None


def _triangulation_on(backbone: StudioLite, kind: str) -> nn.Module:
    """What needs no more training than its backbone had: heatmaps that are read as probabilities."""
    settings = _settings_on(backbone, kind)
    state = backbone.state_dict()
    if kind == "ransac":
        state = {name: value for name, value in state.items() if not name.startswith("alg_confidences.")}
    network = build_network(kind, settings)
    load_strict(network.get_submodule("backbone"), state)
    return network.eval()


def _settings_on(backbone: StudioLite, kind: str) -> dict[str, Any]:
    settings: dict[str, Any] = {"backbone": "studio_lite", "joints": backbone.joints}
    if kind == "algebraic":
        settings |= {
            "heatmap_multiplier": 1.0,
            "use_confidences": backbone.alg_confidences is not None,
        }
    return settings


def _agree(wanted: Mapping[str, Any], kind: str, own: Mapping[str, Any], path: Path) -> None:
    """Raise BadInputError where settings say something else than the card of the file."""
    if not wanted:
        return
    config = architecture(kind).settings
    # Both in one form: defaults written out, lists for tuples, numbers for words of them.
    said = parse_config(config, {**own, **wanted}, source=f"settings of {kind}").model_dump(mode="json")
    known = parse_config(config, own, source=str(path)).model_dump(mode="json")
    for name in wanted:
        if said[name] != known[name]:
            raise bad_input(
                f"contradicts the card of {path}",
                key=f"settings.{name}",
                value=wanted[name],
                allowed=repr(known[name]),
                hint="leave it out: these weights say themselves what they are",
            )


def untrained_network(kind: str, settings: Mapping[str, Any], *, source: str) -> OpenedNetwork:
    """A network with random weights, the same in every run; what it says about people means nothing."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = build_network(kind, settings, source=source)
    return OpenedNetwork(network.eval(), kind, None, None)
