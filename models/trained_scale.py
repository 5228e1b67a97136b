"""Random weights brought to the scale of trained ones, without which differences of rounding mean nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor, nn

SPREAD: Final = 4.0
"""Deviation of a joint's scores over its cells: a softmax with clear peaks, as of trained weights."""


def settle_batch_norm(network: nn.Module, call: Callable[[], object]) -> None:
    """Let batch normalisation take its statistics from one call; in place, in evaluation mode afterwards."""
    for norm in network.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.momentum = None
            norm.reset_running_stats()
            norm.train()
    with torch.no_grad():
        call()
    network.eval()


def scale_scores(layer: nn.Conv2d | nn.Conv3d, scores: Tensor, multiplier: float = 1.0) -> None:
    """Scale the layer that gives scores so that they have clear peaks; in place.

    Args:
        layer: The last one.
        scores: (N, J, ...) of it.
        multiplier: By which they are multiplied afterwards.
    """
    flat = scores.flatten(2)
    factor = SPREAD / (multiplier * float((flat - flat.mean(dim=2, keepdim=True)).std()))
    with torch.no_grad():
        layer.weight.mul_(factor)
        if layer.bias is not None:
            layer.bias.mul_(factor)
