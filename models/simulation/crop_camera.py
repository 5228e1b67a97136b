"""Cameras whose picture is a square crop around a person, for pictures that are rendered as crops."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.simulation.studio_rig import looking

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class CropCamera:
    """A pinhole camera with square pixels and no lens distortion.

    Attributes:
        R: (3, 3) cam_from_world.
        t: (3,) mm.
        left: Tangent of the view angle at the left border of the crop.
        top: The same at its upper border.
        side: Width of the crop, in the same measure.
    """

    R: Floats
    t: Floats
    left: float
    top: float
    side: float

    @property
    def position(self) -> Floats:
        """(3,) mm in world."""
        return np.asarray(-self.R.T @ self.t)

    def intrinsics(self, width: int) -> Floats:
        """(3, 3) for a picture of ``width`` px; pixel (0, 0) is the centre of the first pixel."""
        scale = width / self.side
        return np.array(
            [[scale, 0.0, -self.left * scale - 0.5], [0.0, scale, -self.top * scale - 0.5], [0.0, 0.0, 1.0]]
        )

    def projection(self, width: int) -> Floats:
        """(3, 4) world mm to homogeneous px."""
        return self.intrinsics(width) @ np.column_stack([self.R, self.t])

    def lens(self, width: int) -> NDArray[np.float32]:
        """(21,) as ``rasterizer.project`` takes it."""
        K = self.intrinsics(width)
        numbers = [*self.R.ravel(), *self.t, K[0, 0], K[1, 1], K[0, 2], K[1, 2], 0, 0, 0, 0, 0]
        return np.array(numbers, np.float32)

    def rays(self, width: int, step: int) -> Floats:
        """(h, w, 3) directions in world at pixels -step, 0, step … past the border, depth 1."""
        K = self.intrinsics(width)
        along = np.arange(-step, width + 2 * step, step, dtype=np.float64)
        x, y = (along - K[0, 2]) / K[0, 0], (along - K[1, 2]) / K[1, 1]
        directions = np.stack([*np.meshgrid(x, y), np.ones((len(y), len(x)))], axis=-1)
        return np.ascontiguousarray(directions @ self.R)


def aim(
    position: Floats, target: Floats, roll: float, joints: Floats, margin: float, shift: Floats
) -> CropCamera:
    """A camera at ``position`` that looks towards ``target``, cropped to a person.

    Args:
        position: (3,) mm.
        target: (3,) mm, not straight above or below.
        roll: rad.
        joints: (J, 3) mm of the person; all in front of the camera.
        margin: Side of the crop over the larger extent of the joints.
        shift: (2,) of the crop's middle, in sides, to the right and down.
    """
    R = looking(position, target, roll)
    t = -R @ position
    return crop_to(R, t, joints, margin, shift)


def crop_to(R: Floats, t: Floats, joints: Floats, margin: float, shift: Floats) -> CropCamera:
    """The crop around a person of a camera that stands already; arguments as in ``aim``."""
    seen = joints @ R.T + t
    tangents = seen[:, :2] / seen[:, 2:]
    low, high = tangents.min(axis=0), tangents.max(axis=0)
    side = float((high - low).max()) * margin
    left, top = ((low + high) / 2 + shift * side - side / 2).tolist()
    return CropCamera(R, t, left, top, side)
