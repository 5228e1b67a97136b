"""Expected positions under heatmaps and volumes: the arg-max that has a gradient.

Iskakov et al., Learnable Triangulation of Human Pose, ICCV 2019, equations 1, 2 and 8. With ``softmax`` the
maps become probabilities first; otherwise negative values are cut off, as the original does on request.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class SoftArgmax(NamedTuple):
    """Expected positions and the maps they were taken under.

    Attributes:
        coordinates: (..., 2) or (..., 3).
        maps: The input's shape: probabilities, or without softmax the values with the negative ones cut off.
    """

    coordinates: Tensor
    maps: Tensor


def soft_argmax_2d(heatmaps: Tensor, *, softmax: bool = True) -> SoftArgmax:
    """Expected column and row of each heatmap.

    Args:
        heatmaps: (..., h, w), already multiplied by the sharpness of the model.
        softmax: Probabilities by softmax; otherwise by cutting off negative values and dividing by the mass,
            and a map without a positive value gives NaN.

    Returns:
        Coordinates (..., 2) as x, y in heatmap cells.
    """
    rows, columns = heatmaps.shape[-2:]
    flat = heatmaps.flatten(-2)
    flat = flat.softmax(dim=-1) if softmax else flat.relu()
    maps = flat.reshape(heatmaps.shape)
    # Products and sums, not "@": mixed precision would round positions to three digits.
    x = (maps.sum(dim=-2) * torch.arange(columns, dtype=maps.dtype, device=maps.device)).sum(dim=-1)
    y = (maps.sum(dim=-1) * torch.arange(rows, dtype=maps.dtype, device=maps.device)).sum(dim=-1)
    coordinates = torch.stack((x, y), dim=-1)
    if not softmax:
        coordinates = coordinates / flat.sum(dim=-1).unsqueeze(-1)
    return SoftArgmax(coordinates, maps)


def soft_argmax_3d(volumes: Tensor, *, softmax: bool = True) -> SoftArgmax:
    """Expected voxel indices of each volume.

    Args:
        volumes: (..., X, Y, Z); the first axis is x.
        softmax: As in ``soft_argmax_2d``.

    Returns:
        Coordinates (..., 3) in voxels.
    """
    flat = volumes.flatten(-3)
    flat = flat.softmax(dim=-1) if softmax else flat.relu()
    maps = flat.reshape(volumes.shape)
    axes = [
        (maps.sum(dim=others) * torch.arange(side, dtype=maps.dtype, device=maps.device)).sum(dim=-1)
        for side, others in zip(volumes.shape[-3:], ((-2, -1), (-3, -1), (-3, -2)), strict=True)
    ]
    coordinates = torch.stack(axes, dim=-1)
    if not softmax:
        coordinates = coordinates / flat.sum(dim=-1).unsqueeze(-1)
    return SoftArgmax(coordinates, maps)


def integrate_volumes(volumes: Tensor, coordinates: Tensor, *, softmax: bool = True) -> SoftArgmax:
    """Expected position of each joint in a volume whose voxels have known positions.

    A sum of 64^3 products of small probabilities and coordinates of a metre loses half a millimetre in
    single precision. Positions are therefore summed relative to the middle of their range, which is added
    afterwards, and divided by the probability that was really summed up.

    Args:
        volumes: (B, J, X, Y, Z).
        coordinates: (B, X, Y, Z, 3) positions of the voxels, mm.
        softmax: As in ``soft_argmax_2d``; without it the original does **not** divide by the mass, and
            neither do we, since weights trained like that need it.

    Returns:
        Coordinates (B, J, 3) mm; maps (B, J, X, Y, Z).
    """
    if torch.is_autocast_enabled(volumes.device.type):
        with torch.autocast(volumes.device.type, enabled=False):
            return integrate_volumes(volumes.float(), coordinates, softmax=softmax)
    flat = volumes.flatten(-3)
    places = coordinates.flatten(1, 3)
    centre = ((places.amin(dim=1) + places.amax(dim=1)) / 2).detach().unsqueeze(1)
    relative = torch.cat((places - centre, torch.ones_like(places[..., :1])), dim=-1)
    flat = flat.softmax(dim=-1) if softmax else flat.relu()
    sums = flat @ relative
    moment, mass = sums[..., :3], sums[..., 3:]
    position = moment / mass + centre if softmax else moment + mass * centre
    return SoftArgmax(position, flat.reshape(volumes.shape))
