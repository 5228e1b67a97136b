"""The moving average of a network's weights, which is steadier than the weights themselves."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import nn


class MovingAverage:
    """A copy of a network that follows it slowly.

    Args:
        network: Whom it follows.
        decay: Share of the old average that stays after a step; early on less, so that the random start is
            forgotten soon.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.network = deepcopy(network).eval()
        for parameter in self.network.parameters():
            parameter.requires_grad_(False)

    @torch.no_grad()
    def follow(self, network: nn.Module, step: int) -> None:
        """Take up the weights after step ``step``, counted from 1."""
        share = 1.0 - min(self.decay, step / (step + 10.0))
        own = self.network.state_dict()
        for name, value in network.state_dict().items():
            if value.is_floating_point():
                own[name].lerp_(value, share)
            else:
                own[name].copy_(value)
