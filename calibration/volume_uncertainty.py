"""What the uncertainty of a calibration means where it is used: for points between the cameras.

Intervals of single cameras say too much and too little: a principal point and a rotation that are both
unknown cancel each other, and all places hang on how sure the reference camera is of its own direction. So
points are asked, and the world is laid so that they fit best, as anybody would who compares two calibrations.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from calibration.bundle_kernel import CAMERA
from calibration.camera import Camera
from calibration.projection_kernel import INTRINSICS, packed_intrinsics, unpacked_intrinsics
from calibration.rig import Rig
from calibration.rotation import rotation_from_vector

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

FEWEST_POINTS = 4
"""Three fix where the world lies and leave nothing over."""

_STEPS = np.array([1e-6] * 3 + [1e-2] * 3 + [1e-3] * 4 + [1e-6] * (INTRINSICS - 4))
"""For derivatives: rad, mm, px, and of distortion coefficients. Small against what bends, large against the
rounding of pixels in double precision (1e-13)."""


@dataclass(frozen=True, eq=False)
class VolumeUncertainty:
    """Standard deviations, once the world lies as well as it can.

    Attributes:
        points_mm: (N,) of each point, root of the sum over the axes; NaN where fewer than two cameras see it.
        place_mm: (C,) of each camera's place along the axis it is known least.
        turn_deg: (C,) of each camera's rotation about the axis it is known least.
    """

    points_mm: Floats
    place_mm: Floats
    turn_deg: Floats

    @property
    def rms_mm(self) -> float:
        """Expected error of a point: root mean square over all of them."""
        return float(np.sqrt(np.nanmean(self.points_mm**2)))


def seen_by(rig: Rig, points: Floats) -> Bools:
    """(C, N) whether a point lies inside a camera's picture."""
    seen = []
    for camera in rig.cameras:
        pixels = camera.project(points)
        limit = np.array(camera.size) - 0.5
        with np.errstate(invalid="ignore"):
            seen.append(np.all((pixels > -0.5) & (pixels < limit), axis=-1))
    return np.array(seen)


def volume_uncertainty(rig: Rig, covariance: Floats, points: Floats) -> VolumeUncertainty | None:
    """How well the cameras of a rig place points, apart from the noise of the points' own pictures.

    Args:
        rig: Solved cameras.
        covariance: (C * 20, C * 20) of their parameters, in the order of the rig and of ``bundle_kernel``.
        points: (N, 3) mm in the rig's world; those that fewer than two cameras see do not count.

    Returns:
        None where fewer than ``FEWEST_POINTS`` are seen by two cameras.
    """
    seen = seen_by(rig, points)
    twice = seen.sum(axis=0) >= 2
    if np.count_nonzero(twice) < FEWEST_POINTS:
        return None
    used, seen = points[twice], seen[:, twice]
    by_parameter, by_point = zip(*(_derivatives(camera, used) for camera in rig.cameras), strict=True)
    precision = sum(
        np.where(sees[:, None, None], J.transpose(0, 2, 1) @ J, 0.0)
        for J, sees in zip(by_point, seen, strict=True)
    )
    spread = np.linalg.pinv(precision, hermitian=True)  # of a point on the line through two cameras, finite
    moves = np.concatenate(
        [
            -spread @ np.where(sees[:, None, None], J.transpose(0, 2, 1) @ K, 0.0)
            for J, K, sees in zip(by_point, by_parameter, seen, strict=True)
        ],
        axis=2,
    )  # (N, 3, C * 20): of triangulated points with the parameters
    rigid = _rigid(used)
    lay, *_ = np.linalg.lstsq(rigid.reshape(-1, 6), moves.reshape(-1, moves.shape[2]), rcond=None)
    left = moves - rigid @ lay
    points_mm = np.full(len(points), np.nan)
    variance = np.einsum("nij,jk,nik->n", left, covariance, left)
    points_mm[twice] = np.sqrt(np.maximum(variance, 0.0))  # rounding may bring what is certain below zero
    place, turn = [], []
    for number, camera in enumerate(rig.cameras):
        own = slice(number * CAMERA, (number + 1) * CAMERA)
        turned = camera.R @ lay[:3]
        turned[:, own][:, :3] += np.eye(3)
        moved = -(_rigid(camera.position[None])[0] @ lay)
        moved[:, own][:, :6] += _centre(camera)
        place.append(_largest(moved @ covariance @ moved.T))
        turn.append(np.degrees(_largest(turned @ covariance @ turned.T)))
    return VolumeUncertainty(points_mm, np.array(place), np.array(turn))


def _largest(covariance: Floats) -> float:
    return float(np.sqrt(max(np.linalg.eigvalsh(covariance)[-1], 0.0)))


def _rigid(points: Floats) -> Floats:
    """(N, 3, 6): how points move when the world turns (rad) and shifts (mm)."""
    x, y, z = points.T
    zero = np.zeros_like(x)
    turn = np.array([[zero, z, -y], [-z, zero, x], [y, -x, zero]]).transpose(2, 0, 1)
    return np.concatenate([turn, np.broadcast_to(np.eye(3), turn.shape)], axis=2)


def _centre(camera: Camera) -> Floats:
    """(3, 6): how the centre moves when the camera turns (rad, its own axes) and ``t`` changes (mm)."""
    x, y, z = camera.t.tolist()
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.hstack([-camera.R.T @ cross, -camera.R.T])


def _derivatives(camera: Camera, points: Floats) -> tuple[Floats, Floats]:
    """(N, 2, 20) and (N, 2, 3): px by parameters and by the point's coordinates; 0 where it is not seen."""
    by_parameter = np.zeros((len(points), 2, CAMERA))
    for place, step in enumerate(_STEPS.tolist()):
        if place >= 6 and place - 6 >= 4 + len(camera.distortion):
            break
        ahead, back = (_changed(camera, place, sign * step).project(points) for sign in (1.0, -1.0))
        by_parameter[:, :, place] = (ahead - back) / (2 * step)
    by_point = np.stack(
        [
            (camera.project(points + shift) - camera.project(points - shift)) / 0.02
            for shift in 0.01 * np.eye(3)
        ],
        axis=2,
    )
    return np.nan_to_num(by_parameter), np.nan_to_num(by_point)


def _changed(camera: Camera, place: int, step: float) -> Camera:
    if place < 3:
        turn = rotation_from_vector(step * np.eye(3)[place])
        return replace(camera, R=turn @ camera.R)
    if place < 6:
        return replace(camera, t=camera.t + step * np.eye(3)[place - 3])
    packed = packed_intrinsics(camera.K, camera.distortion)
    packed[place - 6] += step
    K, distortion = unpacked_intrinsics(packed, len(camera.distortion))
    return replace(camera, K=K, distortion=distortion)
