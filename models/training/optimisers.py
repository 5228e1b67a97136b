"""Optimisers by groups of parameters, and their learning rates at every step."""

from __future__ import annotations

from math import cos, pi

import torch
from torch import nn

from configs.errors import bad_input
from models.training.config import GroupConfig, ScheduleConfig, TrainConfig
from models.training.schedules import two_phase_factor


def build_optimiser(network: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """One group of parameters for each group of the configuration that has any.

    Raises:
        BadInputError: A parameter is in no group, or a group is empty.
    """
    members: dict[str, list[nn.Parameter]] = {group.prefix: [] for group in config.groups}
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            members[_group_of(name, config.groups).prefix].append(parameter)
    for prefix, parameters in members.items():
        if not parameters:
            raise bad_input(
                "no trainable parameter of the network starts like this", key="groups.prefix", value=prefix
            )
    groups = [
        {"params": members[group.prefix], "lr": group.rate, "weight_decay": group.weight_decay}
        for group in config.groups
    ]
    kind = torch.optim.AdamW if config.optimiser == "adamw" else torch.optim.Adam
    return kind(groups)


def set_rates(optimiser: torch.optim.Optimizer, config: TrainConfig, factor: float) -> None:
    """Learning rates of the configuration times ``factor``."""
    for group, wanted in zip(optimiser.param_groups, config.groups, strict=True):
        group["lr"] = wanted.rate * factor


def rate_factor(schedule: ScheduleConfig, step: int, steps: int, steps_per_epoch: int) -> float:
    """Factor on all learning rates for a step.

    Args:
        schedule: How rates change.
        step: From 0.
        steps: Of the whole run.
        steps_per_epoch: Of an epoch.
    """
    if step < schedule.warmup_steps:
        return 0.01 + 0.99 * step / schedule.warmup_steps
    epoch = step // steps_per_epoch
    match schedule.type:
        case "constant":
            return 1.0
        case "cosine":
            done = (step - schedule.warmup_steps) / max(1, steps - schedule.warmup_steps)
            return schedule.final + (1.0 - schedule.final) * 0.5 * (1.0 + cos(pi * done))
        case "milestones":
            return float(schedule.factor ** sum(epoch >= milestone for milestone in schedule.milestones))
        case "staircase":  # as ``schedules.staircase_rate``, which counts steps from 1
            return float(schedule.factor ** (max((step + 1) // schedule.every, 0)))
        case "continuous":  # as ``schedules.continuous_rate``
            return float(schedule.factor ** ((step + 1) / schedule.every))
        case "two_phases":
            return two_phase_factor(step, steps)
        case "epochs":  # as ``schedules.epoch_rate``
            return float(schedule.factor ** (0 if epoch == 0 else 1 + (epoch - 1) // schedule.every))


def _group_of(name: str, groups: tuple[GroupConfig, ...]) -> GroupConfig:
    fitting = [group for group in groups if name.startswith(group.prefix)]
    if not fitting:
        raise bad_input(
            f"the parameter {name} is in no group", key="groups", hint='add one with the prefix ""'
        )
    return max(fitting, key=lambda group: len(group.prefix))
