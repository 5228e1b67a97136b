"""Building blocks of the networks that work on volumes.

Attribute names are those of the released checkpoints.
"""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn
from torch.nn import functional


def conv_norm(channels_in: int, channels_out: int, kernel: int) -> list[nn.Module]:
    """A convolution that keeps the size, with bias, and its batch normalisation."""
    return [
        nn.Conv3d(channels_in, channels_out, kernel, padding=(kernel - 1) // 2),
        nn.BatchNorm3d(channels_out),
    ]


class BasicBlock(nn.Module):
    """Convolution, batch normalisation, ReLU.

    Args:
        channels_in: Channels of the input.
        channels_out: Channels of the output.
        kernel: Odd side of the kernel in voxels.
    """

    def __init__(self, channels_in: int, channels_out: int, kernel: int) -> None:
        super().__init__()
        self.block = nn.Sequential(*conv_norm(channels_in, channels_out, kernel), nn.ReLU(inplace=True))

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels_in, X, Y, Z) to (B, channels_out, X, Y, Z)."""
        return cast(Tensor, self.block(x))


class ResidualBlock(nn.Module):
    """Two 3x3x3 convolutions beside a skip connection, which is a 1x1x1 convolution if channels change."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.res_branch = nn.Sequential(
            *conv_norm(channels_in, channels_out, 3),
            nn.ReLU(inplace=True),
            *conv_norm(channels_out, channels_out, 3),
        )
        same = channels_in == channels_out
        self.skip_con = nn.Sequential() if same else nn.Sequential(*conv_norm(channels_in, channels_out, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels_in, X, Y, Z) to (B, channels_out, X, Y, Z)."""
        return functional.relu(self.res_branch(x) + self.skip_con(x))


class UpsamplingBlock(nn.Module):
    """Transposed convolution that doubles every side, batch normalisation, ReLU."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.block = nn.Sequential(
            nn.ConvTranspose3d(channels_in, channels_out, 2, stride=2),
            nn.BatchNorm3d(channels_out),
            nn.ReLU(inplace=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels_in, X, Y, Z) to (B, channels_out, 2X, 2Y, 2Z)."""
        return cast(Tensor, self.block(x))


def halve(x: Tensor) -> Tensor:
    """Largest value of every 2x2x2 voxels: (B, C, X, Y, Z) to (B, C, X/2, Y/2, Z/2)."""
    return functional.max_pool3d(x, 2)
