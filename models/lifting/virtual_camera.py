"""The camera that lifting networks have learnt: their pictures are 1000 px wide, at one focal length.

A pose of another camera must be mapped into that one first, or its size and perspective mean something else.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from calibration.camera import Camera

Floats = NDArray[np.float64]

FOCAL_PX: Final = 1145.0
CENTRE_PX: Final = 512.0
"""Both rounded from the four cameras of Human3.6M, whose focal lengths are within 0.4 % of each other."""


def to_virtual(camera: Camera, keypoints: Floats) -> Floats:
    """Distorted px of a camera (..., 2) to px of the virtual one; NaN stays."""
    return (camera.undistort(keypoints) - camera.K[:2, 2]) / camera.K[[0, 1], [0, 1]] * FOCAL_PX + CENTRE_PX


def place(joints: Floats, virtual: Floats, weights: Floats) -> Floats:
    """Where poses of known size must stand to be seen where they are seen.

    Least squares of the lines of sight, weighted; linear in the position.

    Args:
        joints: (N, J, 3) mm in the camera's axes, from the pelvis.
        virtual: (N, J, 2) px of the virtual camera; NaN does not count.
        weights: (N, J) how much each keypoint counts.

    Returns:
        (N, 3) mm from the camera to the pelvis; NaN where fewer than two joints are known, or the answer lies
        behind the camera.
    """
    ideal = (virtual - CENTRE_PX) / FOCAL_PX
    known = np.isfinite(ideal).all(axis=2) & np.isfinite(joints).all(axis=2) & (weights > 0.0)
    x = np.where(known[..., None], ideal, 0.0)
    pose = np.where(known[..., None], joints, 0.0)
    # Two equations a joint: t_xy - x t_z = x Z - X_xy
    matrix = np.zeros((*known.shape, 2, 3))
    matrix[..., 0, 0] = matrix[..., 1, 1] = 1.0
    matrix[..., 2] = -x
    right = x * pose[..., 2:] - pose[..., :2]
    weight = np.where(known, weights, 0.0)[..., None, None]
    normal = np.einsum("njki,njkl->nil", matrix * weight, matrix)
    moment = np.einsum("njki,njk->ni", matrix * weight, right)
    position = np.full((len(joints), 3), np.nan)
    enough = known.sum(axis=1) >= 2
    for item in np.flatnonzero(enough):
        solution, _, rank, _ = np.linalg.lstsq(normal[item], moment[item], rcond=None)
        if rank == 3 and solution[2] > 0.0:
            position[item] = solution
    return position
