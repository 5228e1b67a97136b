"""From features to joints in pixels and in millimetres: MeTRAbs' metric-scale heatmaps.

Sarandi et al., MeTRAbs: Metric-Scale Truncation-Robust Heatmaps for Absolute 3D Human Pose Estimation,
T-BIOM 2020. One 1x1 convolution gives a flat heatmap and a volume for every joint. The flat one lives in the
crop's pixels; the volume measures a fixed extent in millimetres, whatever the crop shows, so joints outside
the crop have a place in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from models.backbones.efficientnet_v2 import FEATURES


@dataclass(frozen=True)
class HeatmapScale:
    """What heatmap coordinates from 0 to 1 mean.

    Attributes:
        side: Width and height of the crop, px.
        stride: Pixels per heatmap cell.
        box_mm: Extent of the volume along each axis.
        centered_stride: Cells are centred on odd multiples of half the stride.
        legacy_offset: Add half a stride although the cells are not centred there, as some weights learnt it.
    """

    side: int
    stride: int
    box_mm: float
    centered_stride: bool = True
    legacy_offset: bool = False

    @property
    def last(self) -> int:
        """Pixels from the first to the last cell."""
        return (self.side - 1) - (self.side - 1) % self.stride

    @property
    def offset(self) -> int:
        """Pixel of the first cell."""
        return self.stride // 2 * (self.centered_stride + self.legacy_offset)

    def to_pixels(self, points: Tensor) -> Tensor:
        """(..., 2 or more) in 0..1 to (..., 2) px of the crop."""
        return points[..., :2] * self.last + self.offset

    def to_millimetres(self, points: Tensor) -> Tensor:
        """(..., 3) in 0..1 to mm, up to a translation that all joints share."""
        flat = self.to_pixels(points) * (self.box_mm / self.side)
        return torch.cat([flat, points[..., 2:] * self.box_mm], dim=-1)

    def to_pixels_and_depth(self, points: Tensor) -> Tensor:
        """(..., 3) in 0..1 to px, px and mm: the reading of 2.5D models."""
        return torch.cat([self.to_pixels(points), points[..., 2:] * self.box_mm], dim=-1)


def expected_points(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Centre of mass of the softmax over all spatial axes.

    Args:
        logits: (N, J, h, w) or (N, J, d, h, w), of any precision; computed in float32.

    Returns:
        (N, J, 2 or 3) x, y (, z) from 0 (first cell) to 1 (last cell), 0.5 along an axis with one cell; and
        (N, J) the probability of the fullest cell.
    """
    shape = logits.shape[2:]
    flat = logits.float().flatten(2)
    likely = torch.softmax(flat, dim=-1)
    peak = likely.amax(dim=-1)
    likely = likely.reshape(*logits.shape)
    coordinates = []
    for axis in range(len(shape), 0, -1):
        others = tuple(1 + other for other in range(1, len(shape) + 1) if other != axis)
        marginal = likely.sum(dim=others)
        cells = shape[axis - 1]
        place = (
            torch.linspace(0.0, 1.0, cells, device=logits.device)
            if cells > 1
            else torch.full((1,), 0.5, device=logits.device)
        )
        coordinates.append((marginal * place).sum(dim=-1))
    return torch.stack(coordinates, dim=-1), peak


class HeatmapReading(NamedTuple):
    """What the heads say about N crops.

    Attributes:
        pixels: (N, J, 2) px of the crop.
        metric: (N, J, 3) mm, up to a translation.
        peak: (N, J) probability of the fullest cell of the flat heatmap: near 1 where the network is sure,
            1 / cells where it has no idea.
    """

    pixels: Tensor
    metric: Tensor
    peak: Tensor


class MetrabsHeads(nn.Module):
    """The convolution behind the backbone and the reading of its heatmaps.

    Args:
        joints: J points.
        depth: Cells of the volume along z.
        inputs: Channels of the features.
    """

    def __init__(self, joints: int, depth: int = 8, inputs: int = FEATURES) -> None:
        super().__init__()
        self.joints, self.depth = joints, depth
        self.conv_final = nn.Conv2d(inputs, joints * (1 + depth), 1)

    def forward(self, features: Tensor, scale: HeatmapScale) -> HeatmapReading:
        """(N, inputs, h, w) features to joints."""
        return self.read(self.conv_final(features), scale)

    def read(self, logits: Tensor, scale: HeatmapScale) -> HeatmapReading:
        """(N, (1 + depth) J, h, w) logits to joints; first J flat heatmaps, then volumes slice by slice."""
        flat, volume = logits[:, : self.joints], logits[:, self.joints :]
        points2d, peak = expected_points(flat)
        points3d, _ = expected_points(
            volume.reshape(volume.shape[0], self.depth, self.joints, *volume.shape[2:]).transpose(1, 2)
        )
        return HeatmapReading(scale.to_pixels(points2d), scale.to_millimetres(points3d), peak)
