"""GridConv for inference on a CPU: the same numbers in less than half the time."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.lifting.fused_convolution import FusedAttention, FusedConvolution
from models.lifting.grid_convolution import DynamicGridConvolution, GridAttention, PlainGridConvolution
from models.lifting.gridconv import GridConv
from models.lifting.learnable_layout import UNDIVIDED

BATCH: Final = 64
"""Poses at a time: the products of one layer, 280 kB a pose, then stay near the processor."""


class FastGridConv:
    """What a ``GridConv`` computes in evaluation, from weights as they are now.

    Args:
        network: On the CPU; changes to it later, of the temperature too, are not followed.
    """

    @torch.no_grad()
    def __init__(self, network: GridConv) -> None:
        self.config = network.config
        shape = network.config.grid_shape
        self.cells = shape[0] * shape[1]

        def layer(module: nn.Module, norm: nn.Module | None) -> FusedConvolution:
            assert isinstance(module, DynamicGridConvolution | PlainGridConvolution)
            assert norm is None or isinstance(norm, nn.BatchNorm2d)
            return FusedConvolution(module, norm, shape)

        def attention(owner: nn.Module, name: str) -> FusedAttention | None:
            found = getattr(owner, name, None)
            return FusedAttention(found, self.cells) if isinstance(found, GridAttention) else None

        self.first = layer(network.w1, network.batch_norm1), attention(network, "atten_conv1")
        self.blocks = [
            (
                (layer(block.w1, block.batch_norm1), attention(block, "atten_conv1")),  # type: ignore[arg-type]
                (layer(block.w2, block.batch_norm2), attention(block, "atten_conv2")),  # type: ignore[arg-type]
            )
            for block in network.linear_stages
        ]
        self.last = layer(network.w2, None), attention(network, "atten_conv2")
        if network.config.layout == "learnable":
            cells = torch.from_numpy(network.sgt_layer.assignment().ravel())
            self.to_grid = functional.one_hot(cells, network.config.joints).float()
            self.to_joints = self.to_grid.T / (self.to_grid.sum(dim=0)[:, None] + UNDIVIDED)
        else:
            self.to_grid, self.to_joints = network.to_grid.clone(), network.to_joints.clone()

    @torch.inference_mode()
    def __call__(self, keypoints: Tensor) -> Tensor:
        """(B, J, 2) to (B, J, 3), see ``GridConv``."""
        if not len(keypoints):
            return keypoints.new_zeros(0, self.config.joints, 3)
        return torch.cat([self._lift(part) for part in torch.split(keypoints.float(), BATCH)])

    def _lift(self, keypoints: Tensor) -> Tensor:
        x = (self.to_grid @ keypoints).flatten(0, 1)
        y = _apply(self.first, x).relu_()
        for first, second in self.blocks:
            y = _apply(second, _apply(first, y).relu_()).relu_().add_(y)
        return self.to_joints @ _apply(self.last, y).view(len(keypoints), self.cells, 3)


def _apply(layer: tuple[FusedConvolution, FusedAttention | None], x: Tensor) -> Tensor:
    convolution, attention = layer
    return convolution(x, None if attention is None else attention(x))
