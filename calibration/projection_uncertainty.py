"""How far the error of a calibration moves the picture of a far point, place by place."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calibration.camera import Camera
from calibration.lens_jacobian import distort_with_jacobian

Floats = NDArray[np.float64]


def projection_uncertainty(
    camera: Camera, covariance: Floats, visited: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Standard deviation px of where the camera sees a far point, over the picture.

    Single parameters trade against each other (a principal point against a rotation), so their deviations say
    little; this is what they do to measurements. A rotation of the camera as a whole is taken out, because
    the calibration of the rig finds it anyway.

    Args:
        camera: As calibrated.
        covariance: (P, P) of fx, fy, cx, cy and the coefficients.
        visited: (rows, columns) cells of the picture in which the board was seen: there the rotation is
            fitted.

    Returns:
        (rows, columns) px, at the cells' middles; NaN where the lens model does not reach.
    """
    rows, columns = visited.shape
    width, height = camera.size
    u = (np.arange(columns) + 0.5) * width / columns - 0.5
    v = (np.arange(rows) + 0.5) * height / rows - 0.5
    pixels = np.stack(np.meshgrid(u, v), axis=-1).reshape(-1, 2)
    ideal = camera.lens.undistort((pixels - camera.K[:2, 2]) / camera.K[[0, 1], [0, 1]])
    points = np.concatenate([ideal, np.ones((len(ideal), 1))], axis=1)
    coefficients = np.zeros(covariance.shape[0] - 4)
    coefficients[: len(camera.distortion)] = camera.distortion
    image, by_point, by_coefficient = distort_with_jacobian(camera.model, coefficients, points)
    focal = camera.K[[0, 1], [0, 1]]
    by_lens = np.zeros((len(points), 2, len(covariance)))
    for axis in (0, 1):
        by_lens[:, axis, axis] = image[:, axis]
        by_lens[:, axis, 2 + axis] = 1.0
    by_lens[..., 4:] = by_coefficient * focal[:, None]
    by_rotation = np.cross(points[:, None, :], by_point * focal[:, None])
    known = visited.ravel() & np.isfinite(ideal[:, 0])
    if known.sum() >= 3:
        a, b = by_rotation[known].reshape(-1, 3), by_lens[known].reshape(-1, len(covariance))
        compensation, *_ = np.linalg.lstsq(a, b, rcond=None)
        by_lens = by_lens - by_rotation @ compensation
    variance = np.einsum("nip,pq,niq->n", by_lens, covariance, by_lens)
    return np.asarray(np.sqrt(np.maximum(variance, 0.0)).reshape(rows, columns))
