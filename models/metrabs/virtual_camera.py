"""Cameras that look straight at one person: rotated, not shifted, so a crop keeps its perspective.

All in float64 on the CPU: a few small matrices per person.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from models.metrabs.augmentation import Augmentation
from models.metrabs.geometry import inverse, look_at, project_directions
from models.metrabs.lens import undistort


@dataclass(frozen=True)
class VirtualCameras:
    """Cameras of B boxes, A variants of each.

    Attributes:
        rotation: (B, A, 3, 3) from the frame of the box's camera to the crop's; mirrored variants have the
            determinant -1.
        intrinsics: (B, A, 3, 3) of the crops.
        scale: (B, A) pixels of the crop per pixel of the picture.
    """

    rotation: Tensor
    intrinsics: Tensor
    scale: Tensor


def virtual_cameras(
    boxes: Tensor, intrinsics: Tensor, distortion: Tensor, up: Tensor, augmentation: Augmentation, side: int
) -> VirtualCameras:
    """Cameras whose pictures contain the boxes exactly, without a margin.

    Args:
        boxes: (B, 4) left, top, width, height, px.
        intrinsics: (B, 3, 3) of the cameras that took the pictures.
        distortion: (B, 4 to 12), see ``lens``.
        up: (B, 3) upwards, in the frame of these cameras.
        augmentation: A variants.
        side: Width and height of the crops, px.
    """
    facing, scale = straight_cameras(boxes, intrinsics, distortion, up, side)
    zoom = scale[:, None] * augmentation.scale
    rotation = augmentation.rotation @ facing[:, None]
    new = torch.zeros_like(rotation)
    new[..., :2, :2] = intrinsics[:, None, :2, :2] * zoom[..., None, None]
    new[..., :2, 2] = side / 2.0
    new[..., 2, 2] = 1.0
    return VirtualCameras(rotation, new, zoom)


def straight_cameras(
    boxes: Tensor, intrinsics: Tensor, distortion: Tensor, up: Tensor, side: int
) -> tuple[Tensor, Tensor]:
    """(B, 3, 3) rotations that face the boxes, and (B,) zoom factors that fill a crop; see above."""
    left, top, width, height = boxes.T
    middle_x, middle_y = left + width / 2.0, top + height / 2.0
    corners = torch.stack(
        [
            torch.stack([middle_x, middle_y], dim=-1),
            torch.stack([middle_x, top], dim=-1),
            torch.stack([left + width, middle_y], dim=-1),
            torch.stack([middle_x, top + height], dim=-1),
            torch.stack([left, middle_y], dim=-1),
        ],
        dim=1,
    )
    homogeneous = torch.cat([corners, torch.ones_like(corners[..., :1])], dim=-1)
    flat = (homogeneous @ inverse(intrinsics).mT)[..., :2]
    flat = undistort(flat, distortion)
    directions = torch.cat([flat, torch.ones_like(flat[..., :1])], dim=-1)
    rotation = look_at(directions[:, 0], up)
    sides = project_directions(directions[:, 1:], intrinsics @ rotation)
    vertical = (sides[:, 0] - sides[:, 2]).norm(dim=-1)
    horizontal = (sides[:, 1] - sides[:, 3]).norm(dim=-1)
    return rotation, side / torch.maximum(vertical, horizontal)
