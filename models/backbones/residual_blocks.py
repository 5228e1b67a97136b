"""The two building blocks of residual networks (He et al., Deep Residual Learning, CVPR 2016)."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

Style = Literal["simple", "caffe"]
"""Where a bottleneck halves the resolution: in its 3x3 convolution or in the first 1x1."""


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut; the first one carries the stride."""

    expansion = 1

    def __init__(self, channels: int, width: int, stride: int, style: Style) -> None:
        super().__init__()
        del style  # there is only one place for the stride
        self.conv1 = nn.Conv2d(channels, width, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = shortcut(channels, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, h, w) to (N, width, h / stride, w / stride)."""
        skip = x if self.downsample is None else self.downsample(x)
        out: Tensor = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out = self.relu(out + skip)
        return out


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolutions and a shortcut."""

    expansion = 4

    def __init__(self, channels: int, width: int, stride: int, style: Style) -> None:
        super().__init__()
        first, second = (stride, 1) if style == "caffe" else (1, stride)
        outputs = width * self.expansion
        self.conv1 = nn.Conv2d(channels, width, 1, stride=first, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=second, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = shortcut(channels, outputs, stride)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, h, w) to (N, 4 * width, h / stride, w / stride)."""
        skip = x if self.downsample is None else self.downsample(x)
        out: Tensor = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        out = self.relu(out + skip)
        return out


def shortcut(channels: int, outputs: int, stride: int) -> nn.Sequential | None:
    """What the skip connection needs to fit: a 1x1 convolution, or nothing."""
    if stride == 1 and channels == outputs:
        return None
    return nn.Sequential(nn.Conv2d(channels, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs))
