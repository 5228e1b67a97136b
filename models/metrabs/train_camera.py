"""Cameras of training crops: turned to a person, without a lens, then rolled, zoomed, mirrored."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from models.metrabs.geometry import look_at, roll
from models.metrabs.lens import undistort

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class TrainCamera:
    """A camera without a lens, or with one where ``distortion`` is not zero.

    Attributes:
        rotation: (3, 3) from the world; of determinant -1 where the picture is mirrored.
        centre: (3,) mm, where it is in the world.
        intrinsics: (3, 3).
        distortion: (4 to 12,), see ``lens``.
    """

    rotation: Floats
    centre: Floats
    intrinsics: Floats
    distortion: Floats

    def to_camera(self, world: Floats) -> Floats:
        """(..., 3) mm in the world to the frame of the camera."""
        moved: Floats = (world - self.centre) @ self.rotation.T
        return moved

    def to_picture(self, world: Floats) -> Floats:
        """(..., 3) mm in the world to (..., 2) px; for cameras without a lens."""
        moved = self.to_camera(world) @ self.intrinsics.T
        return moved[..., :2] / moved[..., 2:]

    def directions(self, pixels: Floats) -> Floats:
        """(K, 2) px to (K, 3) directions in the world."""
        flat = (np.c_[pixels, np.ones(len(pixels))] @ np.linalg.inv(self.intrinsics).T)[:, :2]
        ideal = undistort(torch.from_numpy(flat), torch.from_numpy(self.distortion)).numpy()
        directions: Floats = np.c_[ideal, np.ones(len(ideal))] @ self.rotation
        return directions

    def seen_from(self, other: TrainCamera, pixels: Floats) -> Floats:
        """(K, 2) px of this camera to those of another one, without a lens, at the same place."""
        moved = self.directions(pixels) @ (other.intrinsics @ other.rotation).T
        return moved[:, :2] / moved[:, 2:]

    def zoomed(self, factor: float) -> TrainCamera:
        """Its picture larger, around the middle of a crop."""
        intrinsics = self.intrinsics.copy()
        intrinsics[:2, :2] *= factor
        return replace(self, intrinsics=intrinsics)

    def rolled(self, angle: float) -> TrainCamera:
        """Turned around its line of sight, radians."""
        turn = roll(torch.tensor(-angle, dtype=torch.float64)).numpy()
        return replace(self, rotation=turn @ self.rotation)

    def mirrored(self) -> TrainCamera:
        """With left and right exchanged."""
        return replace(self, rotation=self.rotation * np.array([[-1.0], [1.0], [1.0]]))


def crop_camera(camera: TrainCamera, box: Floats, side: int, up: Floats) -> TrainCamera:
    """The camera that sees a box in the middle of a crop, its longer side from border to border.

    Args:
        camera: That took the picture.
        box: (4,) left, top, width, height, px.
        side: Width and height of the crop.
        up: (3,) upwards in the world.
    """
    left, top, width, height = box
    x, y = left + width / 2, top + height / 2
    forward = camera.directions(np.array([[x, y]]))
    rotation = look_at(torch.from_numpy(forward), torch.from_numpy(up)[None])[0].numpy()
    focal = (camera.intrinsics[0, 0] + camera.intrinsics[1, 1]) / 2.0
    intrinsics = np.array([[focal, 0.0, side / 2], [0.0, focal, side / 2], [0.0, 0.0, 1.0]])
    turned = TrainCamera(rotation, camera.centre, intrinsics, np.zeros(5))
    ends = (
        np.array([[x, top], [x, top + height]])
        if height >= width
        else np.array([[left, y], [left + width, y]])
    )
    first, last = camera.seen_from(turned, ends)
    return turned.zoomed(side / float(np.linalg.norm(first - last)))
