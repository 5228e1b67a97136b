"""Matrices of virtual cameras. Axes: x right, y down, z forward; rows of a rotation are the new axes."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def default_intrinsics(height: int, width: int, fov_degrees: float) -> Tensor:
    """(3, 3) float64 of a camera nobody measured: the field of view spans the longer side of the picture."""
    focal = max(height, width) / (2.0 * math.tan(math.radians(fov_degrees) / 2.0))
    return torch.tensor(
        [[focal, 0.0, width / 2.0], [0.0, focal, height / 2.0], [0.0, 0.0, 1.0]], dtype=torch.float64
    )


def look_at(forward: Tensor, up: Tensor) -> Tensor:
    """Rotations that turn z to a direction and keep y pointing down as well as possible.

    Args:
        forward: (N, 3).
        up: (N, 3); where it is parallel to ``forward``, x stays level in the old frame.

    Returns:
        (N, 3, 3).
    """
    z = forward / forward.norm(dim=-1, keepdim=True)
    x = torch.linalg.cross(z, up / up.norm(dim=-1, keepdim=True))
    parallel = 1e-6  # sine of the angle below which a direction is rounding
    level = torch.stack([z[:, 2], torch.zeros_like(z[:, 0]), -z[:, 0]], dim=-1)
    x = torch.where(x.norm(dim=-1, keepdim=True) > parallel, x, level)
    right = torch.tensor([1.0, 0.0, 0.0], dtype=z.dtype, device=z.device)
    x = torch.where(x.norm(dim=-1, keepdim=True) > parallel, x, right)
    x = x / x.norm(dim=-1, keepdim=True)
    return torch.stack([x, torch.linalg.cross(z, x), z], dim=1)


def roll(angles: Tensor) -> Tensor:
    """(...) radians to (..., 3, 3): right-handed turns around z."""
    c, s = angles.cos(), angles.sin()
    zero, one = torch.zeros_like(c), torch.ones_like(c)
    rows = ((c, -s, zero), (s, c, zero), (zero, zero, one))
    return torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)


def corner_scaling(factor: float) -> Tensor:
    """(3, 3) float64: pixels of a picture to those of the same picture ``factor`` times as large.

    Corners stay corners; pixel (0, 0) is the centre of the first pixel.
    """
    shift = (factor - 1.0) / 2.0
    return torch.tensor([[factor, 0.0, shift], [0.0, factor, shift], [0.0, 0.0, 1.0]], dtype=torch.float64)


def project_directions(directions: Tensor, matrix: Tensor) -> Tensor:
    """(..., K, 3) directions through (..., 3, 3) to (..., K, 2), divided by their third component."""
    moved = directions @ matrix.mT
    return moved[..., :2] / moved[..., 2:]


def inverse(matrices: Tensor) -> Tensor:
    """Of (..., 3, 3), by cofactors: files of other runtimes know no general solver."""
    a, b, c = matrices.unbind(dim=-2)
    columns = torch.stack(
        [torch.linalg.cross(b, c), torch.linalg.cross(c, a), torch.linalg.cross(a, b)], dim=-1
    )
    determinant = (a * columns[..., 0]).sum(dim=-1)
    return columns / determinant[..., None, None]
