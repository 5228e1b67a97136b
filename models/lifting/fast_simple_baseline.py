"""The Simple 3D Pose Baseline for inference: batch normalisation is part of the weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.lifting.simple_baseline import ConstrainedLinear, ResidualStage, SimpleBaseline

Layer = tuple[Tensor, Tensor]


class FastSimpleBaseline:
    """What a ``SimpleBaseline`` computes in evaluation, from weights as they are now; on its device."""

    @torch.no_grad()
    def __init__(self, network: SimpleBaseline) -> None:
        self.first = _folded(network.w1, network.batch_norm1)
        stages = [stage for stage in network.linear_stages if isinstance(stage, ResidualStage)]
        self.stages = [
            (_folded(stage.w1, stage.batch_norm1), _folded(stage.w2, stage.batch_norm2)) for stage in stages
        ]
        self.last = _weight(network.w2), network.w2.bias.clone()

    @torch.inference_mode()
    def __call__(self, x: Tensor) -> Tensor:
        """(B, 2 * joints_in) to (B, 3 * joints_out), see ``SimpleBaseline``."""
        y = functional.linear(x, *self.first).relu_()
        for first, second in self.stages:
            hidden = functional.linear(y, *first).relu_()
            y = functional.linear(hidden, *second).relu_().add_(y)
        return functional.linear(y, *self.last)


def _weight(layer: ConstrainedLinear) -> Tensor:
    limit = layer.weight.norm().clamp(min=1.0) if layer.max_norm else 1.0
    return layer.weight / limit


def _folded(layer: ConstrainedLinear, norm: nn.BatchNorm1d) -> Layer:
    assert norm.running_mean is not None and norm.running_var is not None
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    return _weight(layer) * scale[:, None], (layer.bias - norm.running_mean) * scale + norm.bias
