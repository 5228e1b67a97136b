"""What users say about cameras, checked: intrinsics, lens, place, and which way is up."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from configs.errors import bad_input
from models.metrabs.geometry import default_intrinsics
from models.metrabs.lens import COEFFICIENTS, distort

_log = logging.getLogger(__name__)

UNKNOWN: Final[NDArray[np.float32]] = np.full((3, 3), -1.0, np.float32)
"""Stands for intrinsics that nobody knows; the default field of view takes their place."""
NO_DISTORTION: Final = (0.0, 0.0, 0.0, 0.0, 0.0)
WORLD_UP: Final = (0.0, -1.0, 0.0)
"""Upwards in the world where nobody says: against the y axis, as cameras see it."""
_ORTHONORMAL: Final = 1e-3
"""Calibrations are often written with four digits."""
_SURELY_METRES: Final = 50.0
"""A camera nearer than this many mm to the origin of its world is more likely measured in metres."""


@dataclass(frozen=True)
class PictureCamera:
    """The camera of one picture; float64 on the CPU.

    Attributes:
        intrinsics: (3, 3).
        distortion: (4 to 12,), see ``lens``.
        rotation: (3, 3) from the world to the camera.
        translation: (3,) mm, of the same map.
        up: (3,) upwards, in the frame of the camera.
    """

    intrinsics: Tensor
    distortion: Tensor
    rotation: Tensor
    translation: Tensor
    up: Tensor

    def project(self, points: Tensor) -> Tensor:
        """(..., J, 3) mm in the frame of the camera to (..., J, 2) px; NaN where not in front of it."""
        depth = points[..., 2:]
        flat = torch.where(depth > 0.0, points[..., :2] / depth, torch.nan)
        if self.distortion.any():
            flat = distort(flat, self.distortion.to(flat))
        matrix = self.intrinsics.to(flat)
        return flat @ matrix[:2, :2].T + matrix[:2, 2]

    def to_world(self, points: Tensor) -> Tensor:
        """(..., 3) mm in the frame of the camera to the world."""
        return (points - self.translation.to(points)) @ self.rotation.to(points)


def picture_cameras(
    sizes: Sequence[tuple[int, int]],
    intrinsics: Any = UNKNOWN,
    distortion: Any = NO_DISTORTION,
    extrinsics: Any = None,
    world_up: Any = WORLD_UP,
    default_fov_degrees: float = 55.0,
) -> list[PictureCamera]:
    """Cameras of pictures; what is given once holds for all.

    Args:
        sizes: Height and width of each of N pictures.
        intrinsics: (3, 3), (1, 3, 3) or (N, 3, 3); ``UNKNOWN`` where nobody knows.
        distortion: (4 to 12,), (1, ...) or (N, ...).
        extrinsics: (4, 4), (1, 4, 4) or (N, 4, 4) world to camera, mm; None for cameras that are the world.
        world_up: (3,) upwards in the world.
        default_fov_degrees: Of the longer side of pictures with unknown intrinsics.

    Raises:
        BadInputError: Shapes, or values that no camera has.
    """
    count = len(sizes)
    if not 0.0 < default_fov_degrees < 180.0:
        raise bad_input(
            "is no field of view", key="default_fov_degrees", value=default_fov_degrees, allowed="0 to 180"
        )
    matrices = _each(intrinsics, "intrinsic_matrix", 2, count)
    lenses = _each(distortion, "distortion_coeffs", 1, count)
    places = _each(np.eye(4) if extrinsics is None else extrinsics, "extrinsic_matrix", 2, count)
    up = _each(world_up, "world_up_vector", 1, 1)[0]
    if up.shape != (3,) or not up.any():
        raise bad_input("is no direction", key="world_up_vector", value=world_up)
    cameras = []
    for (height, width), matrix, lens, place in zip(sizes, matrices, lenses, places, strict=True):
        if matrix.shape == (3, 3) and (matrix == -1.0).all():
            known = default_intrinsics(height, width, default_fov_degrees)
        else:
            known = _checked_intrinsics(matrix)
        if not 4 <= len(lens) <= COEFFICIENTS:
            raise bad_input(
                f"has {len(lens)} numbers", key="distortion_coeffs", allowed=f"4 to {COEFFICIENTS}"
            )
        rotation, translation = _checked_extrinsics(place)
        cameras.append(PictureCamera(known, lens, rotation, translation, rotation @ up))
    return cameras


def _each(values: Any, key: str, axes: int, count: int) -> list[Tensor]:
    """``count`` float64 tensors with ``axes`` axes from one or as many."""
    try:
        array = torch.as_tensor(
            values if isinstance(values, Tensor) else np.asarray(values, np.float64), dtype=torch.float64
        ).cpu()
    except (ValueError, TypeError) as error:
        raise bad_input(f"is no array of numbers ({error})", key=key) from error
    if not array.isfinite().all():
        raise bad_input("holds numbers that are not finite", key=key)
    if array.dim() == axes:
        return [array] * count
    if array.dim() == axes + 1 and len(array) in (1, count):
        return list(array.expand(count, *array.shape[1:]))
    raise bad_input(
        f"has the shape {tuple(array.shape)}", key=key, allowed=f"one for all pictures, or {count} of them"
    )


def _checked_intrinsics(matrix: Tensor) -> Tensor:
    allowed = "rows fx s cx, 0 fy cy, 0 0 1 with positive fx and fy"
    if matrix.shape != (3, 3):
        raise bad_input(f"has the shape {tuple(matrix.shape)}", key="intrinsic_matrix", allowed="(3, 3)")
    if matrix[2].tolist() != [0.0, 0.0, 1.0] or matrix[0, 0] <= 0 or matrix[1, 1] <= 0:
        raise bad_input(
            "is no intrinsic matrix", key="intrinsic_matrix", value=matrix.tolist(), allowed=allowed
        )
    return matrix


def _checked_extrinsics(matrix: Tensor) -> tuple[Tensor, Tensor]:
    if matrix.shape != (4, 4) or matrix[3].tolist() != [0.0, 0.0, 0.0, 1.0]:
        raise bad_input(
            f"of shape {tuple(matrix.shape)} is no map of points",
            key="extrinsic_matrix",
            allowed="(4, 4) with the last row 0 0 0 1",
        )
    rotation, translation = matrix[:3, :3], matrix[:3, 3]
    off = float((rotation @ rotation.T - torch.eye(3, dtype=torch.float64)).abs().max())
    if off > _ORTHONORMAL or torch.linalg.det(rotation) < 0:
        raise bad_input(
            "does not start with a rotation",
            key="extrinsic_matrix",
            value=rotation.tolist(),
            hint="columns of length 1, right angles, no mirroring",
        )
    distance = float(translation.norm())
    if 0.0 < distance < _SURELY_METRES:
        _log.warning(
            "a camera is %.3g mm away from the origin of its world: are extrinsics in metres?", distance
        )
    return rotation, translation
