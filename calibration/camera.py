"""A calibrated view: intrinsics, lens distortion, picture size and ``cam_from_world``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from calibration.distortion import Lens, LensModel
from calibration.errors import InvalidCameraError

Floats = NDArray[np.float64]

# Rounding in files with 7 digits leaves 1e-7 per entry; anything above 1e-6 is not a rotation.
ROTATION_TOLERANCE = 1e-6
# A depth below a nanometre is the rounding of room coordinates, not a point in front of the camera.
_NEAREST_MM = 1e-6


_LARGEST = 1e12
"""Of any number of a camera: a million kilometres in mm, far beyond any focal length or coefficient."""


@dataclass(frozen=True, eq=False)
class Camera:
    """Geometry of one view; immutable, its arrays are read-only.

    Camera axes are OpenCV's (x right, y down, z forward), ``x_cam = R @ x_world + t``. Pixel (0, 0) is the
    centre of the first pixel.

    Args:
        name: Unique within a rig.
        size: (width, height) px of the picture the numbers are for.
        model: Lens model, see ``calibration.distortion``.
        K: (3, 3) intrinsics in px without skew.
        distortion: (n,) coefficients; 4 or 5 for ``pinhole``, 8 for ``rational``, 4 for ``fisheye``.
        R: (3, 3) rotation, camera from world.
        t: (3,) mm, camera from world.
        lag_ms: How much older the scene in this camera's pictures is than their time stamps say.

    Raises:
        InvalidCameraError: (a ValueError) Says which field is wrong and why.
    """

    name: str
    size: tuple[int, int]
    model: LensModel
    K: Floats
    distortion: Floats
    R: Floats
    t: Floats
    lag_ms: float = 0.0

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise InvalidCameraError("name", "must be a text that is not empty")
        object.__setattr__(self, "size", _checked_size(self.size))
        for field, shape in (("K", (3, 3)), ("R", (3, 3)), ("t", (3,))):
            object.__setattr__(self, field, _checked_array(field, getattr(self, field), shape))
        object.__setattr__(self, "distortion", _frozen("distortion", self.distortion))
        _check_intrinsics(self.K)
        _check_rotation(self.R)
        if not np.isfinite(self.lag_ms):
            raise InvalidCameraError("lag_ms", f"must be a finite number, not {self.lag_ms!r}")
        object.__setattr__(self, "lag_ms", float(self.lag_ms))
        _ = self.lens  # checks model and distortion

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Camera):
            return NotImplemented
        same = (self.name, self.size, self.model, self.lag_ms) == (
            other.name,
            other.size,
            other.model,
            other.lag_ms,
        )
        return same and all(
            np.array_equal(getattr(self, field), getattr(other, field))
            for field in ("K", "distortion", "R", "t")
        )

    def __hash__(self) -> int:
        return hash((self.name, self.size, self.model))

    @cached_property
    def lens(self) -> Lens:
        """The distortion model, on normalised coordinates."""
        return Lens(self.model, self.distortion)

    @cached_property
    def position(self) -> Floats:
        """(3,) mm, the optical centre in world."""
        return _read_only(-self.R.T @ self.t)

    @cached_property
    def projection_matrix(self) -> Floats:
        """(3, 4) ``K [R | t]``: homogeneous ideal (undistorted) px from world mm."""
        return _read_only(self.K @ np.column_stack([self.R, self.t]))

    def project(self, points_world: ArrayLike) -> Floats:
        """Image of world points.

        Args:
            points_world: (..., 3) mm, world.

        Returns:
            (..., 2) distorted px; NaN for NaN input, for points at or behind the camera's plane, and for
            points so far outside the field of view that the lens model does not reach them.
        """
        points_cam = np.asarray(points_world, dtype=np.float64) @ self.R.T + self.t
        depth = points_cam[..., 2:]
        with np.errstate(invalid="ignore"):
            depth = np.where(depth > _NEAREST_MM, depth, np.nan)
        return self._pixels(self.lens.distort(points_cam[..., :2] / depth))

    def undistort(self, pixels: ArrayLike) -> Floats:
        """Remove the lens distortion.

        Args:
            pixels: (..., 2) distorted px.

        Returns:
            (..., 2) px of an ideal pinhole camera with the same K; NaN for NaN input and for pixels that the
            lens model cannot explain.
        """
        return self._pixels(self.lens.undistort(self._normalised(pixels)))

    def distort(self, pixels: ArrayLike) -> Floats:
        """Inverse of ``undistort``: (..., 2) ideal px to (..., 2) distorted px."""
        return self._pixels(self.lens.distort(self._normalised(pixels)))

    def unproject(self, pixels: ArrayLike) -> tuple[Floats, Floats]:
        """Rays of sight.

        Args:
            pixels: (..., 2) distorted px.

        Returns:
            Origin (3,) mm and unit directions (..., 3), both in world; NaN as in ``undistort``.
        """
        ideal = self.lens.undistort(self._normalised(pixels))
        directions = np.concatenate([ideal, np.ones_like(ideal[..., :1])], axis=-1)
        directions[np.isnan(ideal[..., 0])] = np.nan
        directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
        return self.position, directions @ self.R

    def resized(self, size: tuple[int, int]) -> Camera:
        """The same camera for its pictures scaled to ``size`` (width, height), which may stretch them.

        Pixel centres map as ``u' = (u + 0.5) * s - 0.5``: picture borders stay on picture borders.
        """
        new = _checked_size(size)
        scale_x, scale_y = new[0] / self.size[0], new[1] / self.size[1]
        K = self.K.copy()
        K[0, 0] *= scale_x
        K[1, 1] *= scale_y
        K[0, 2] = (K[0, 2] + 0.5) * scale_x - 0.5
        K[1, 2] = (K[1, 2] + 0.5) * scale_y - 0.5
        return replace(self, size=new, K=K)

    @cached_property
    def _focal(self) -> Floats:
        return self.K[[0, 1], [0, 1]]

    @cached_property
    def _centre(self) -> Floats:
        return self.K[:2, 2].copy()

    def _normalised(self, pixels: ArrayLike) -> Floats:
        return (np.asarray(pixels, dtype=np.float64) - self._centre) / self._focal

    def _pixels(self, normalised: Floats) -> Floats:
        return normalised * self._focal + self._centre


def _checked_size(size: Sequence[Any]) -> tuple[int, int]:
    try:
        width, height = (int(side) for side in size)
        whole = (width, height) == tuple(size)
    except (TypeError, ValueError, OverflowError):
        whole = False
    if not whole or width <= 0 or height <= 0:
        raise InvalidCameraError("size", f"must be two positive whole numbers (width, height), not {size!r}")
    return width, height


def _frozen(field: str, values: ArrayLike) -> Floats:
    try:
        array = np.array(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidCameraError(field, f"must consist of numbers, not {values!r}") from error
    # What is not finite has sentences of its own.
    if np.abs(array[np.isfinite(array)]).max(initial=0.0) > _LARGEST:
        raise InvalidCameraError(field, f"contains a number beyond {_LARGEST:g}: {array.tolist()}")
    return _read_only(array)


def _read_only(array: Floats) -> Floats:
    array.setflags(write=False)
    return array


def _checked_array(field: str, values: ArrayLike, shape: tuple[int, ...]) -> Floats:
    array = _frozen(field, values)
    if array.shape != shape:
        wanted, found = (" x ".join(map(str, sides)) for sides in (shape, array.shape))
        raise InvalidCameraError(field, f"must have {wanted} numbers, not {found or 'one'}")
    if not np.isfinite(array).all():
        raise InvalidCameraError(field, f"contains a number that is not finite: {array.tolist()}")
    return array


def _check_intrinsics(K: Floats) -> None:
    if not (K[0, 0] > 0 and K[1, 1] > 0):
        raise InvalidCameraError(
            "K", f"must have positive focal lengths, not fx = {K[0, 0]:g}, fy = {K[1, 1]:g}"
        )
    if K[0, 1] != 0 or K[1, 0] != 0:
        raise InvalidCameraError(
            "K", f"must have no skew (K[0][1] = {K[0, 1]:g}): the lens models know square axes only"
        )
    if tuple(K[2]) != (0.0, 0.0, 1.0):
        raise InvalidCameraError("K", f"must end with the row 0, 0, 1, not {K[2].tolist()}")


def _check_rotation(R: Floats) -> None:
    deviation = float(np.abs(R @ R.T - np.eye(3)).max())
    if deviation > ROTATION_TOLERANCE:
        raise InvalidCameraError(
            "R", f"is not a rotation: R R^T differs from the identity by {deviation:.2g}"
        )
    if np.linalg.det(R) < 0:
        raise InvalidCameraError(
            "R", "mirrors space (its determinant is -1): left and right would be swapped"
        )
