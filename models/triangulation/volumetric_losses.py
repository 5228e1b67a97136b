"""Losses on volumes: cross-entropy at the true voxel, attention against a Gaussian.

Sources: Iskakov et al., "Learnable Triangulation of Human Pose", ICCV 2019, section 3.4; Ma et al., "Context
Modeling in 3D Human Pose Estimation", CVPR 2021.
"""

from __future__ import annotations

import torch
from torch import Tensor

from models.triangulation.cuboid import Cuboid

FLOOR = 1e-6
"""Added to a probability before its logarithm, which bounds the loss of one joint by 13.8."""
ATTENTION_WIDTH = 2.0
"""Standard deviation of the attention target in steps of its grid."""


def volumetric_cross_entropy(volumes: Tensor, cuboid: Cuboid, truth: Tensor, validity: Tensor) -> Tensor:
    """Minus log of the probability in the voxel nearest to each true joint, mean over all joints.

    Args:
        volumes: (B, J, S, S, S) probabilities.
        cuboid: Where the voxels are.
        truth: (B, J, 3) mm in world.
        validity: (B, J, 1), 1 or 0. Joints without truth count as 0 in the sum and as one in the number.

    Returns:
        Scalar.
    """
    voxels = cuboid.nearest_voxel(truth)
    probabilities = volumes.flatten(2).gather(2, voxels[..., None])
    return (-(probabilities + FLOOR).log() * validity).mean()


def attention_target(cuboid: Cuboid, truth: Tensor, width: float = ATTENTION_WIDTH) -> Tensor:
    """A Gaussian around each true joint that adds up to one over the cuboid.

    Args:
        cuboid: The coarse cuboid of the attention, Q voxels.
        truth: (B, J, 3) mm in world.
        width: Standard deviation in voxels of the cuboid.

    Returns:
        (B, J, Q), the last axis of the volume running fastest.
    """
    with torch.autocast(truth.device.type, enabled=False):
        # Distances on the grid do not change with its rotation, and voxels are the unit of ``width``.
        steps = torch.arange(cuboid.size, dtype=truth.dtype, device=truth.device)
        squares = (cuboid.to_voxels(truth)[..., None] - steps) ** 2  # (B, J, 3, s)
        x, y, z = squares.unbind(dim=2)
        total = x[..., :, None, None] + y[..., None, :, None] + z[..., None, None, :]
        return (-total.flatten(2) / (2 * width**2)).softmax(dim=2)


def attention_loss(attention: Tensor, target: Tensor) -> Tensor:
    """Mean squared difference of two attentions (B, J, Q), a scalar."""
    return ((target - attention) ** 2).mean()
