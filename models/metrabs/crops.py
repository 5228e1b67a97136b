"""Crops of virtual cameras out of whole pictures: one sampling step in linear light."""

from __future__ import annotations

import functools
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from models.metrabs.augmentation import GAMMA
from models.metrabs.geometry import corner_scaling
from models.metrabs.lens import distort
from models.metrabs.virtual_camera import VirtualCameras

LEVELS: Final = 3
"""Of the pyramid of pictures, each half as large as the one before."""
_REACH: Final = 8
"""Pixels around what is sampled that the coarsest level's interpolation can touch: two of its pixels."""
_COARSEST: Final = 2 ** (LEVELS - 1)


def cut_crops(
    picture: Tensor,
    cameras: VirtualCameras,
    intrinsics: Tensor,
    distortion: Tensor,
    gamma: Tensor,
    side: int,
    antialias: int = 1,
) -> Tensor:
    """Crops of one picture.

    Args:
        picture: (3, H, W) uint8 RGB, on the device to work on.
        cameras: Of B boxes with A variants.
        intrinsics: (3, 3) float64 of the picture.
        distortion: (4 to 12,) float64.
        gamma: (A,) see ``Augmentation``.
        side: P.
        antialias: Samples per crop pixel along each axis, averaged.

    Returns:
        (B, A, 3, P, P) float32 in [0, 1]; black where the picture does not reach.
    """
    grid = sampling_grid(cameras, intrinsics, distortion, side, antialias, picture.device)
    boxes, variants = cameras.scale.shape
    crops = _sample(picture, grid.flatten(0, 1), pyramid_levels(cameras.scale * antialias).flatten())
    if antialias > 1:
        crops = functional.avg_pool2d(crops, antialias)
    exponent = (gamma / GAMMA).to(crops)
    return crops.reshape(boxes, variants, 3, side, side) ** exponent[:, None, None, None]


def pyramid_levels(scale: Tensor) -> Tensor:
    """How often to halve the picture before it is sampled at ``scale`` samples per pixel."""
    return (-scale.log2()).floor().clamp(0, LEVELS - 1).long()


def sampling_grid(
    cameras: VirtualCameras,
    intrinsics: Tensor,
    distortion: Tensor,
    side: int,
    antialias: int,
    device: torch.device,
) -> Tensor:
    """(B, A, S, S, 2) float32 px of the picture that the samples of each crop look at; S = side * antialias.

    What lies behind the picture's camera is NaN.
    """
    samples = torch.arange(side * antialias, dtype=torch.float32, device=device)
    to_rays = torch.linalg.inv(cameras.intrinsics @ cameras.rotation) @ corner_scaling(1.0 / antialias)
    to_rays = to_rays.to(torch.float32).to(device)[:, :, None, None]
    # A ray is linear in x and y, so whole grids need no matrix product.
    x, y = samples[None, :, None], samples[:, None, None]
    rays = to_rays[..., 0] * x + to_rays[..., 1] * y + to_rays[..., 2]
    depth = rays[..., 2:]
    flat = torch.where(depth > 0.0, rays[..., :2] / depth, torch.nan)
    if distortion.any():
        flat = distort(flat.flatten(2, 3), distortion.to(flat)).reshape(flat.shape)
    matrix = intrinsics.to(flat)
    return flat @ matrix[:2, :2].T + matrix[:2, 2]


def _sample(picture: Tensor, grid: Tensor, levels: Tensor) -> Tensor:
    """(N, S, S, 2) px at (N,) pyramid levels to (N, 3, S, S), linear light."""
    crops = torch.zeros(len(grid), 3, *grid.shape[1:3], device=grid.device)
    for level in sorted(set(levels.tolist())):
        chosen = (levels == level).nonzero()[:, 0].to(grid.device)
        places = grid[chosen]
        low, high = _region(places, picture.shape[-1], picture.shape[-2])
        if (high <= low).any():
            continue  # all of it lies beside the picture
        part = picture[:, low[1] : high[1], low[0] : high[0]]
        linear = _linear_light(picture.device)[part.long()][None]
        for _ in range(level):
            linear = functional.avg_pool2d(linear, 2)
        crops[chosen] = _bilinear(linear, places, low.to(places), 0.5**level)
    return crops


def _region(places: Tensor, width: int, height: int) -> tuple[Tensor, Tensor]:
    """First and last (exclusive) column and row that are read, at whole pixels of the coarsest level."""
    size = torch.tensor([width, height])
    flat = places.reshape(-1, 2).nan_to_num(nan=-1e6)
    known = (flat > -_REACH).all(dim=-1) & (flat < size.to(flat) + _REACH).all(dim=-1)
    if not known.any():
        return size, size
    # The border of a crop may leave the picture while its inside does not.
    low = (flat[known].amin(dim=0).cpu().long() - _REACH).clamp_min(0) // _COARSEST * _COARSEST
    high = (flat[known].amax(dim=0).cpu().long() + _REACH + 1 + _COARSEST) // _COARSEST * _COARSEST
    return low, torch.minimum(high, size)


def _bilinear(picture: Tensor, places: Tensor, low: Tensor, factor: float) -> Tensor:
    """Samples at (N, S, S, 2) px of the picture whose part from ``low`` on is (1, 3, h, w) * ``factor``."""
    count, samples = places.shape[:2]
    height, width = picture.shape[-2:]
    if not height or not width:
        return picture.new_zeros(count, 3, samples, samples)
    inside = (places - low) * factor + (factor - 1.0) / 2.0
    # From the outer border of the first pixel, -1, to that of the last, 1.
    size = torch.tensor([width, height]).to(inside)
    relative = ((inside + 0.5) * (2.0 / size) - 1.0).nan_to_num(nan=-1e6)
    # All crops below each other: one call for a picture, which is neither copied nor repeated.
    stacked = functional.grid_sample(
        picture, relative.reshape(1, -1, samples, 2), "bilinear", "zeros", align_corners=False
    )
    return stacked[0].reshape(3, count, samples, samples).transpose(0, 1)


@functools.cache
def _linear_light(device: torch.device) -> Tensor:
    """(256,) light of each stored brightness."""
    return ((torch.arange(256, dtype=torch.float64) / 255.0) ** GAMMA).float().to(device)
