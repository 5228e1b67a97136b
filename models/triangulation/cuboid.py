"""The cube of voxels around a person.

A voxel's position in the world is one affine step from the unit grid, which is the same for every person and
is computed once. The step can therefore be folded into the projection matrices, and the coordinates of
``S^3`` voxels need never exist in memory (``into_projections``); ``coordinates`` makes them for who wants
them.

Source: Iskakov et al., "Learnable Triangulation of Human Pose", ICCV 2019, section 3.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import torch
from torch import Tensor

from configs.errors import bad_input

Kind = Literal["mpii", "coco"]
"""The joint order, which also says what is up in the world the network was trained in: z for ``mpii``,
y for ``coco``."""

PELVIS = {"mpii": (6,), "coco": (11, 12)}
"""Joints whose mean is the middle of the cuboid."""
VERTICAL = {"mpii": (0.0, 0.0, 1.0), "coco": (0.0, 1.0, 0.0)}
"""The vertical axis of the world, about which cuboids are turned in training."""

UPRIGHT = ((1.0, 0.0, 0.0), (0.0, 0.0, 1.0), (0.0, -1.0, 0.0))
"""World from volume for a network that has y up in a world that has z up."""


def pelvis(joints: Tensor, kind: Kind) -> Tensor:
    """The middle of a person's cuboid: (B, J, 3) mm to (B, 3) mm."""
    return joints[:, PELVIS[kind]].mean(dim=1)


def rotation_about(axis: Tensor, angles: Tensor) -> Tensor:
    """Right-handed rotations about one axis (Rodrigues).

    Args:
        axis: (3,), of any length but zero.
        angles: (B,) radians.

    Returns:
        (B, 3, 3).
    """
    x, y, z = (axis / axis.norm()).unbind()
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero]).reshape(3, 3)
    sine, cosine = angles.sin()[:, None, None], angles.cos()[:, None, None]
    return torch.eye(3, dtype=axis.dtype, device=axis.device) + sine * cross + (1 - cosine) * (cross @ cross)


def vertical_rotation(kind: Kind, angles: Tensor) -> Tensor:
    """Rotations about the vertical axis of ``kind``: (B,) radians to (B, 3, 3)."""
    return rotation_about(angles.new_tensor(VERTICAL[kind]), angles)


@lru_cache(maxsize=8)
def unit_grid(size: int, device: torch.device) -> Tensor:
    """Voxels of a cube with side 1 about the origin, corners included; computed once.

    Args:
        size: S, voxels per side.
        device: Where the grid is needed.

    Returns:
        (S^3, 3) float32; the last axis of the volume runs fastest. Not to be written to.
    """
    with torch.inference_mode(mode=False):  # kept for later calls, which may need gradients
        steps = torch.linspace(-0.5, 0.5, size, dtype=torch.float64)
        grid = torch.cartesian_prod(steps, steps, steps)
        return grid.to(device=device, dtype=torch.float32)


@dataclass(frozen=True)
class Cuboid:
    """Cubes of voxels, one per sample.

    Attributes:
        centre: (B, 3) mm in world, the middle of the cube.
        axes: (B, 3, 3) world from volume: column ``a`` is the world direction of the volume's axis ``a``.
        side: Distance between the outermost voxel centres, mm.
        size: S, voxels per side.
    """

    centre: Tensor
    axes: Tensor
    side: float
    size: int

    @classmethod
    def around(
        cls,
        centre: Tensor,
        side: float,
        size: int,
        *,
        rotation: Tensor | None = None,
        transfer: bool = False,
    ) -> Cuboid:
        """Cubes around the given points.

        Args:
            centre: (B, 3) mm in world.
            side: Side in mm.
            size: Voxels per side, at least 2.
            rotation: (B, 3, 3) by which each cube is turned about its centre; None leaves it upright.
            transfer: Lay the volume's axis 1 along the world's vertical z, for a network trained where y is
                up.

        Raises:
            BadInputError: Wrong shapes, or a size below 2.
        """
        if centre.ndim != 2 or centre.shape[1] != 3:
            raise bad_input("centres of cuboids are (B, 3)", value=str(tuple(centre.shape)))
        if size < 2:
            raise bad_input("a cuboid needs at least two voxels per side", value=size)
        batch = centre.shape[0]
        if rotation is not None and rotation.shape != (batch, 3, 3):
            raise bad_input(
                "rotations of cuboids are (B, 3, 3), one per centre", value=str(tuple(rotation.shape))
            )
        axes = torch.eye(3, dtype=centre.dtype, device=centre.device)
        if transfer:
            axes = centre.new_tensor(UPRIGHT)
        axes = axes.expand(batch, 3, 3) if rotation is None else rotation.to(centre.dtype) @ axes
        return cls(centre, axes, side, size)

    @property
    def spacing(self) -> float:
        """Distance between neighbouring voxels, mm."""
        return self.side / (self.size - 1)

    def world_from_unit(self) -> Tensor:
        """The affine step from the unit grid to the world: (B, 3, 4) mm."""
        return torch.cat([self.axes * self.side, self.centre[:, :, None]], dim=2)

    def into_projections(self, projections: Tensor) -> Tensor:
        """Projections that take points of the unit grid instead of the world.

        The product is taken in float64: the world's origin may be metres away from the person.

        Args:
            projections: (B, V, 3, 4) pixels from world mm.

        Returns:
            (B, V, 3, 4), float32 unless ``projections`` are float64.
        """
        affine = self.world_from_unit().double()
        full = projections.double()
        folded = full[..., :3] @ affine[:, None]
        folded = torch.cat([folded[..., :3], folded[..., 3:] + full[..., 3:]], dim=-1)
        return folded.to(torch.promote_types(projections.dtype, torch.float32))

    def coordinates(self) -> Tensor:
        """World coordinates of every voxel: (B, S, S, S, 3) mm."""
        grid = unit_grid(self.size, self.centre.device).to(self.centre.dtype)
        offsets = grid @ (self.axes * self.side).transpose(1, 2)
        points = offsets + self.centre[:, None]
        return points.reshape(-1, self.size, self.size, self.size, 3)

    def to_world(self, voxels: Tensor) -> Tensor:
        """World positions of points given in voxels: (B, J, 3) to (B, J, 3) mm."""
        offsets = (voxels - (self.size - 1) / 2) * self.spacing
        return offsets @ self.axes.transpose(1, 2) + self.centre[:, None]

    def to_voxels(self, points: Tensor) -> Tensor:
        """Points of the world in voxels: (B, J, 3) mm to (B, J, 3), fractions included."""
        offsets = (points - self.centre[:, None]) @ self.axes
        return offsets / self.spacing + (self.size - 1) / 2

    def nearest_voxel(self, points: Tensor) -> Tensor:
        """Voxel nearest to each point, also for points outside: (B, J, 3) mm to (B, J) int64.

        The cube is a regular grid, so the nearest voxel is the rounded coordinate; half-way cases go to the
        voxel with the smaller index. The result counts voxels with the last axis running fastest.
        """
        rounded = (self.to_voxels(points) - 0.5).ceil().clamp(0, self.size - 1).long()
        i, j, k = rounded.unbind(dim=-1)
        return (i * self.size + j) * self.size + k

    def coarse(self, step: int) -> Cuboid:
        """The cuboid of every ``step``-th voxel, from the first one on.

        Raises:
            BadInputError: The side is no multiple of ``step``.
        """
        if self.size % step:
            raise bad_input(
                f"the cuboid's side must be a multiple of {step} voxels to be thinned", value=self.size
            )
        size = self.size // step
        side = self.spacing * step * (size - 1)
        corner = self.centre.new_full((self.centre.shape[0], 1, 3), (side - self.side) / 2)
        centre = self.centre + (corner @ self.axes.transpose(1, 2))[:, 0]
        return Cuboid(centre, self.axes, side, size)
