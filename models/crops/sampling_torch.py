"""The same sampling step as ``sampling_kernel``, in torch on any device."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from models.crops.view_crop import NODE_STEP


def sample_on_device(
    parts: Sequence[tuple[NDArray[np.uint8], NDArray[np.float32]]],
    size: int,
    gain: torch.Tensor,
    offset: torch.Tensor,
    device: str,
) -> torch.Tensor:
    """Sample several pictures of any sizes.

    Args:
        parts: Pictures (h, w, 3) with the nodes (N, N, 2) of their crops, px.
        size: Width and height of the crops.
        gain: (3,) factor per channel.
        offset: (3,) added afterwards.
        device: Torch device; pictures travel there as bytes.

    Returns:
        (len(parts), 3, size, size) float32 on ``device``.
    """
    crops = [
        _sample(torch.from_numpy(picture), torch.from_numpy(nodes), size, device) for picture, nodes in parts
    ]
    scaled = torch.stack(crops) * gain.to(device).view(1, 3, 1, 1)
    return scaled + offset.to(device).view(1, 3, 1, 1)


def _sample(picture: torch.Tensor, nodes: torch.Tensor, size: int, device: str) -> torch.Tensor:
    """(3, size, size) grey levels 0..255."""
    height, width = picture.shape[:2]
    pixels = picture.to(device, non_blocking=True).permute(2, 0, 1)[None].float()
    # Nodes lie on crop pixels 0, 8, ...: interpolate with aligned corners, then drop what is past the crop.
    span = (nodes.shape[0] - 1) * NODE_STEP + 1
    grid = functional.interpolate(
        nodes.to(device).permute(2, 0, 1)[None], (span, span), mode="bilinear", align_corners=True
    )[0, :, :size, :size]
    # grid_sample counts borders from -1 to 1 when corners are not aligned.
    u = (grid[0] + 0.5) * (2.0 / width) - 1.0
    v = (grid[1] + 0.5) * (2.0 / height) - 1.0
    sampled = functional.grid_sample(
        pixels, torch.stack([u, v], dim=-1)[None], mode="bilinear", padding_mode="zeros", align_corners=False
    )
    return sampled[0]
