"""Pictures as networks take them, for those that are cut without a camera's lens."""

from __future__ import annotations

import torch
from torch import Tensor

from models.crops.cropper import RGB_MEAN, RGB_STD

# As the cropper's default statistics: red's on the blue channel and the reverse.
MEAN, STD = tuple(RGB_MEAN.tolist()), tuple(RGB_STD.tolist())


def normalised(images: Tensor) -> Tensor:
    """Normalised pictures (..., 3, H, W) float32 from (..., H, W, 3) uint8 BGR."""
    mean = images.new_tensor(MEAN, dtype=torch.float32)
    gain = 1.0 / images.new_tensor(STD, dtype=torch.float32)
    # stays channels-last in memory, which convolutions like
    return ((images.float() * (1.0 / 255.0) - mean) * gain).movedim(-1, -3)
