"""Joints read off volumes: expected position and spread.

Source: Iskakov et al., "Learnable Triangulation of Human Pose", ICCV 2019, equations 8 and 9.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from models.triangulation.cuboid import Cuboid

POWERS = (
    (1, 0, 0), (0, 1, 0), (0, 0, 1),
    (2, 0, 0), (0, 2, 0), (0, 0, 2), (1, 1, 0), (1, 0, 1), (0, 1, 1),
)  # fmt: skip
"""Powers of x, y, z in the moments of a volume: means, then squares and products."""


@dataclass(frozen=True)
class VolumeJoints:
    """Joints of B people.

    Attributes:
        joints: (B, J, 3) mm in world.
        covariance: (B, J, 3, 3) mm^2 in world.
        volumes: (B, J, S, S, S) probabilities, or the positive part of the logits without a softmax.
    """

    joints: Tensor
    covariance: Tensor
    volumes: Tensor


def read_joints(logits: Tensor, cuboid: Cuboid, *, softmax: bool) -> VolumeJoints:
    """Expected position and spread of each joint under its volume.

    Everything is summed in voxels, axis by axis, and carried to the world afterwards: one long float32 sum
    of products with world coordinates would be off by up to half a millimetre.

    Args:
        logits: (B, J, S, S, S), already multiplied by the sharpness.
        cuboid: Where the voxels are.
        softmax: Turn logits into probabilities; otherwise negative ones are cut off, and positions come out
            multiplied by the mass of their volume, as in the original.
    """
    with torch.autocast(logits.device.type, enabled=False):
        logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
        volumes = logits.flatten(2).softmax(dim=2).reshape(logits.shape) if softmax else logits.relu()
        moments = volume_moments(volumes)
        middle = (cuboid.size - 1) / 2
        joints = cuboid.to_world(moments.mean + middle)
        if not softmax:
            joints = joints * moments.mass[..., None]
        axes = cuboid.axes[:, None].to(logits.dtype)
        covariance = axes @ (moments.covariance * cuboid.spacing**2) @ axes.transpose(2, 3)
    return VolumeJoints(joints, covariance, volumes)


class Moments(NamedTuple):
    """Moments of volumes, in voxels from the middle of the cube.

    Attributes:
        mass: (B, J).
        mean: (B, J, 3).
        covariance: (B, J, 3, 3).
    """

    mass: Tensor
    mean: Tensor
    covariance: Tensor


def volume_moments(volumes: Tensor) -> Moments:
    """Mass, mean and covariance of each volume, in one pass over it.

    The axes are summed one after the other: no sum has more than S terms, so float32 suffices, and dividing
    by the mass that was really summed takes out the rounding of a softmax.

    Args:
        volumes: (B, J, S, S, S), not negative; the moments of a volume of zeros are zero.
    """
    size = volumes.shape[-1]
    steps = torch.arange(size, dtype=volumes.dtype, device=volumes.device) - (size - 1) / 2
    powers = torch.stack([torch.ones_like(steps), steps, steps**2], dim=1)
    sums = volumes @ powers  # the only pass; what follows is small
    sums = torch.einsum("bjxyc,yd->bjxdc", sums, powers)
    sums = torch.einsum("bjxdc,xe->bjedc", sums, powers)
    mass = sums[..., 0, 0, 0]
    x, y, z, xx, yy, zz, xy, xz, yz = (
        sums[..., i, j, k] / mass.clamp_min(torch.finfo(mass.dtype).tiny) for i, j, k in POWERS
    )
    mean = torch.stack([x, y, z], dim=-1)
    second = torch.stack([xx, xy, xz, xy, yy, yz, xz, yz, zz], dim=-1).reshape(*mean.shape, 3)
    return Moments(mass, mean, second - mean[..., :, None] * mean[..., None, :])
