"""EfficientNetV2 (Tan and Le, ICML 2021) with the padding and the names of the published MeTRAbs weights.

Padding is symmetric, so strided convolutions look at even pixels; the last strided stage can be shifted to
odd ones ("centred stride"), which puts the centre of feature (i, j) at pixel 32 i + 16.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

Size = Literal["s", "m", "l"]
FEATURES: Final = 1280
"""Channels of the result."""
STRIDE: Final = 32
"""Input pixels per feature."""


@dataclass(frozen=True)
class Stage:
    """Blocks in a row; only the first one has the stride."""

    fused: bool
    expansion: int
    stride: int
    outputs: int
    blocks: int


_SHAPES: Final = (
    (True, 1, 1),
    (True, 4, 2),
    (True, 4, 2),
    (False, 4, 2),
    (False, 6, 1),
    (False, 6, 2),
    (False, 6, 1),
)
_WIDTHS: Final[dict[Size, tuple[tuple[int, int], ...]]] = {
    "s": ((24, 2), (48, 4), (64, 4), (128, 6), (160, 9), (256, 15)),
    "m": ((24, 3), (48, 5), (80, 5), (160, 7), (176, 14), (304, 18), (512, 5)),
    "l": ((32, 4), (64, 7), (96, 7), (192, 10), (224, 19), (384, 25), (640, 7)),
}
STAGES: Final[dict[Size, tuple[Stage, ...]]] = {
    size: tuple(Stage(*shape, *width) for shape, width in zip(_SHAPES, widths, strict=False))
    for size, widths in _WIDTHS.items()
}
_LAST_STRIDED: Final = 5
_DROP: Final = 0.2
"""Probability that training leaves out the last block's branch; it grows linearly from the first."""


class ShiftedConv(nn.Conv2d):
    """A 3x3 convolution that pads right and bottom only: with stride 2 it looks at odd pixels."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, h, w) to (N, C', h / stride, w / stride)."""
        return super().forward(functional.pad(x, (0, 2, 0, 2)))


def convolution(
    inputs: int,
    outputs: int,
    kernel: int,
    stride: int = 1,
    *,
    groups: int = 1,
    active: bool = True,
    shifted: bool = False,
) -> nn.Sequential:
    """Convolution without bias, batch normalisation and, where ``active``, SiLU."""
    kind, padding = (ShiftedConv, 0) if shifted else (nn.Conv2d, kernel // 2)
    layers: list[nn.Module] = [
        kind(inputs, outputs, kernel, stride, padding, groups=groups, bias=False),
        nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.1),
    ]
    if active:
        layers.append(nn.SiLU(inplace=True))
    return nn.Sequential(*layers)


class SqueezeExcite(nn.Module):
    """Scales channels by what their means say (Hu et al., CVPR 2018)."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, squeezed, 1)
        self.fc2 = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, h, w) to the same shape."""
        means = x.mean(dim=(2, 3), keepdim=True)
        return x * torch.sigmoid(self.fc2(functional.silu(self.fc1(means))))


class Block(nn.Module):
    """Inverted residual: expand, filter, squeeze-excite and project; fused: expand and filter at once.

    Args:
        inputs: Channels.
        stage: What kind of block.
        stride: 1 or 2.
        drop: Probability that training leaves the branch out, for each picture on its own.
        shifted: Look at odd pixels, see ``ShiftedConv``.
    """

    def __init__(self, inputs: int, stage: Stage, stride: int, drop: float, *, shifted: bool = False) -> None:
        super().__init__()
        width, outputs = inputs * stage.expansion, stage.outputs
        layers: list[nn.Module] = []
        if stage.fused and stage.expansion == 1:
            layers.append(convolution(inputs, outputs, 3, stride, shifted=shifted))
        elif stage.fused:
            layers.append(convolution(inputs, width, 3, stride, shifted=shifted))
            layers.append(convolution(width, outputs, 1, active=False))
        else:
            if stage.expansion != 1:
                layers.append(convolution(inputs, width, 1))
            layers.append(convolution(width, width, 3, stride, groups=width, shifted=shifted))
            layers.append(SqueezeExcite(width, max(1, inputs // 4)))
            layers.append(convolution(width, outputs, 1, active=False))
        self.block = nn.Sequential(*layers)
        self.residual = stride == 1 and inputs == outputs
        self.drop = drop

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, h, w) to (N, outputs, h / stride, w / stride)."""
        branch: Tensor = self.block(x)
        if not self.residual:
            return branch
        if self.training and self.drop > 0.0:
            keep = 1.0 - self.drop
            chosen = torch.empty(len(x), 1, 1, 1, dtype=x.dtype, device=x.device).bernoulli_(keep)
            branch = branch * (chosen / keep)
        return x + branch


class SignedInput(nn.Module):
    """Colours from [0, 1] to [-1, 1]."""

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) to the same shape."""
        return 2.0 * images - 1.0


def efficientnet_v2(size: Size, *, centered_stride: bool) -> nn.Sequential:
    """The network without its classifier: (N, 3, H, W) RGB in [0, 1] to (N, 1280, H / 32, W / 32).

    Entries are named ``1.0.*`` (stem), ``1.1.*`` and so on (stages), and last the 1x1 head; started at random
    after He et al. (ICCV 2015).

    Args:
        size: s, m or l.
        centered_stride: Shift the last strided stage, see the module's text. A network works with the setting
            that it was trained with only.

    Raises:
        ValueError: No such size.
    """
    if size not in STAGES:
        raise ValueError(f"size is one of {', '.join(STAGES)}, not {size!r}")
    stages = STAGES[size]
    total = sum(stage.blocks for stage in stages)
    channels = stages[0].outputs
    layers: list[nn.Module] = [convolution(3, channels, 3, 2)]
    index = 0
    for number, stage in enumerate(stages):
        blocks: list[nn.Module] = []
        for position in range(stage.blocks):
            first = position == 0
            shifted = first and number == _LAST_STRIDED and centered_stride
            drop = _DROP * index / total
            blocks.append(Block(channels, stage, stage.stride if first else 1, drop, shifted=shifted))
            channels, index = stage.outputs, index + 1
        layers.append(nn.Sequential(*blocks))
    layers.append(convolution(channels, FEATURES, 1))
    network = nn.Sequential(SignedInput(), nn.Sequential(*layers))
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return network
