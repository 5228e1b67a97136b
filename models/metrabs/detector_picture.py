"""Pictures for person detectors as published systems made them: reduced in linear light, padded with grey."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from models.metrabs.augmentation import GAMMA

MULTIPLE: Final = 32
_GREY: Final = 0.5


@dataclass(frozen=True)
class DetectorPicture:
    """What a detector gets, and the way back.

    Attributes:
        pixels: (3, h, w) float32 RGB in [0, 1], sides multiples of 32.
        before: Columns and rows of padding on the left and on top.
        factor: Pixels of the given picture per pixel, along x and y.
    """

    pixels: Tensor
    before: tuple[int, int]
    factor: tuple[float, float]

    def boxes(self, corners: Tensor, scores: Tensor) -> Tensor:
        """(n, 4) left, top, right, bottom in ``pixels`` and (n,) to (n, 5) left, top, width, height, score.

        In pixels of the given picture.
        """
        factor = corners.new_tensor(self.factor)
        low = (corners[:, :2] - corners.new_tensor(self.before)) * factor
        size = (corners[:, 2:] - corners[:, :2]) * factor
        return torch.cat([low, size, scores[:, None]], dim=1)


def detector_picture(picture: Tensor, longer_side: int = 416) -> DetectorPicture:
    """(3, H, W) uint8 RGB resized so that its longer side has ``longer_side`` px, and padded."""
    height, width = picture.shape[1:]
    scale = longer_side / max(height, width)
    rows, columns = max(int(height * scale), 1), max(int(width * scale), 1)
    linear = (picture.float() / 255.0) ** GAMMA
    resized = functional.interpolate(
        linear[None], (rows, columns), mode="bilinear", align_corners=False, antialias=scale < 1.0
    )[0]
    stored = resized.clamp(0.0, 1.0) ** (1.0 / GAMMA)
    pad_x, pad_y = -columns % MULTIPLE, -rows % MULTIPLE
    before = pad_x // 2, pad_y // 2
    padded = functional.pad(stored, (before[0], pad_x - before[0], before[1], pad_y - before[1]), value=_GREY)
    return DetectorPicture(padded, before, (width / columns, height / rows))
