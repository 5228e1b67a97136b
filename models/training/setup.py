"""Everything a run consists of, built from its configuration."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from configs.errors import bad_input
from models.backbones.initialisation import initialise_backbone
from models.checkpoints.architectures import architecture, build_network
from models.checkpoints.importing import limb_settings
from models.checkpoints.opening import open_network
from models.checkpoints.reading import read_state
from models.checkpoints.strict import load_strict
from models.training.config import NetworkChoice, Part, TrainConfig
from models.training.data import TRAINING_DATA, DescribesNetwork, TrainingData
from models.training.tasks.base import Task
from models.training.tasks.registry import TASKS
from models.zoo.imported import imported_file

log = logging.getLogger(__name__)


@dataclass
class Setup:
    """Parts of a run.

    Attributes:
        network: On the CPU, with its starting weights.
        task: What is minimised.
        data: To train on.
        validation: To judge by, or None.
        settings: Of the network, as its card will say them.
    """

    network: nn.Module
    task: Task
    data: TrainingData
    validation: TrainingData | None
    settings: dict[str, Any]


def set_up(config: TrainConfig, *, source: str) -> Setup:
    """Build all parts; the network's random start follows from the seed.

    Raises:
        BadInputError: A part does not exist, or its settings or files do not fit.
    """
    data = _data(config.data, config.seed, source=source, key="data")
    validation = None
    if config.validation is not None:
        validation = _data(config.validation, config.seed, source=source, key="validation")
    TASKS.check(config.task.type, file=source, key="task.type")
    task: Task = TASKS.load(config.task.type)(config.task.settings, source=f"{source}: task.settings")
    choice = config.network
    if isinstance(data, DescribesNetwork):
        found = data.network_settings(choice.kind)
        choice = choice.model_copy(update={"settings": found | choice.settings})
    torch.manual_seed(config.seed)
    network = _network(choice, source=source)
    return Setup(network, task, data, validation, network_settings(choice))


def network_settings(choice: NetworkChoice) -> dict[str, Any]:
    """All settings of the network, defaults included, as a card keeps them."""
    return architecture(choice.kind).settings.model_validate(_chosen(choice)).model_dump(mode="json")


def _chosen(choice: NetworkChoice) -> dict[str, Any]:
    limbs = {} if choice.limbs is None else limb_settings(Path(choice.limbs))
    return choice.settings | limbs


def _data(part: Part, seed: int, *, source: str, key: str) -> TrainingData:
    TRAINING_DATA.check(part.type, file=source, key=f"{key}.type")
    data: TrainingData = TRAINING_DATA.load(part.type)(
        part.settings, source=f"{source}: {key}.settings", seed=seed
    )
    return data


def _network(choice: NetworkChoice, *, source: str) -> nn.Module:
    settings = _chosen(choice)
    network = build_network(choice.kind, settings, source=f"{source}: network.settings")
    if choice.backbone_weights is not None:
        if not hasattr(network, "backbone"):
            raise bad_input("this kind of network has no backbone", file=source, key="network.kind")
        path = _file(choice.backbone_weights)
        # files of whole networks hold the backbone under its name
        state = {name.removeprefix("backbone."): value for name, value in read_state(path).items()}
        report = initialise_backbone(network.get_submodule("backbone"), state)
        log.info("backbone from %s: %s", path, report.summary())
        if not report.copied:
            raise bad_input("nothing in this file fits the backbone", file=path)
    if choice.weights is not None:
        opened = open_network(choice.weights, choice.kind, settings, overruled=settings)
        load_strict(network, opened.network.state_dict(), file=choice.weights)
    return network


def _file(source: str) -> Path:
    path = Path(source).expanduser()
    return path if path.is_file() or path.suffix else imported_file(source)
