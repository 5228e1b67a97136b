"""Where a lens puts points of the camera frame, and how that changes with the points and the coefficients."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calibration.distortion import LensModel

Floats = NDArray[np.float64]

COEFFICIENTS: dict[LensModel, tuple[str, ...]] = {
    "pinhole": ("k1", "k2", "p1", "p2", "k3"),
    "rational": ("k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6"),
    "fisheye": ("k1", "k2", "k3", "k4"),
}
"""Names in OpenCV's order."""


def distort_with_jacobian(
    model: LensModel, coefficients: Floats, points: Floats
) -> tuple[Floats, Floats, Floats]:
    """Distorted normalised coordinates of points in camera axes, with derivatives.

    Args:
        model: Lens model.
        coefficients: (n,), n as in ``COEFFICIENTS``.
        points: (..., 3) mm, camera axes. For pinhole and rational lenses z must be positive.

    Returns:
        (..., 2) distorted x, y; (..., 2, 3) derivative by the point, 1/mm; (..., 2, n) by the coefficients.
    """
    if model == "fisheye":
        return _fisheye(coefficients, points)
    return _polynomial(coefficients, points)


def _polynomial(coefficients: Floats, points: Floats) -> tuple[Floats, Floats, Floats]:
    n = len(coefficients)
    k1, k2, p1, p2, k3, k4, k5, k6 = (*coefficients.tolist(), 0.0, 0.0, 0.0)[:8]
    inverse_z = 1.0 / points[..., 2]
    x, y = points[..., 0] * inverse_z, points[..., 1] * inverse_z
    xx, xy, yy = x * x, x * y, y * y
    s = xx + yy
    above = 1.0 + s * (k1 + s * (k2 + s * k3))
    below = 1.0 + s * (k4 + s * (k5 + s * k6))
    radial = above / below
    above_slope = k1 + s * (2.0 * k2 + s * 3.0 * k3)
    below_slope = k4 + s * (2.0 * k5 + s * 3.0 * k6)
    # d radial / d s, and so d radial / d x = 2 x slope
    slope = (above_slope - radial * below_slope) / below

    image = np.empty((*x.shape, 2))
    image[..., 0] = x * radial + 2.0 * p1 * xy + p2 * (s + 2.0 * xx)
    image[..., 1] = y * radial + p1 * (s + 2.0 * yy) + 2.0 * p2 * xy

    xx_slope = radial + 2.0 * xx * slope + 2.0 * p1 * y + 6.0 * p2 * x
    xy_slope = 2.0 * xy * slope + 2.0 * p1 * x + 2.0 * p2 * y
    yy_slope = radial + 2.0 * yy * slope + 6.0 * p1 * y + 2.0 * p2 * x
    by_point = np.empty((*x.shape, 2, 3))
    by_point[..., 0, 0] = xx_slope * inverse_z
    by_point[..., 0, 1] = xy_slope * inverse_z
    by_point[..., 0, 2] = -(xx_slope * x + xy_slope * y) * inverse_z
    by_point[..., 1, 0] = xy_slope * inverse_z
    by_point[..., 1, 1] = yy_slope * inverse_z
    by_point[..., 1, 2] = -(xy_slope * x + yy_slope * y) * inverse_z

    by_coefficient = np.empty((*x.shape, 2, n))
    factor = s / below
    for column in (0, 1, 4)[: 3 if n > 4 else 2]:
        by_coefficient[..., 0, column] = x * factor
        by_coefficient[..., 1, column] = y * factor
        factor = factor * s
    by_coefficient[..., 0, 2] = 2.0 * xy
    by_coefficient[..., 1, 2] = s + 2.0 * yy
    by_coefficient[..., 0, 3] = s + 2.0 * xx
    by_coefficient[..., 1, 3] = 2.0 * xy
    if n == 8:
        factor = -radial * s / below
        for column in (5, 6, 7):
            by_coefficient[..., 0, column] = x * factor
            by_coefficient[..., 1, column] = y * factor
            factor = factor * s
    return image, by_point, by_coefficient


def _fisheye(coefficients: Floats, points: Floats) -> tuple[Floats, Floats, Floats]:
    k1, k2, k3, k4 = coefficients.tolist()
    X, Y, Z = points[..., 0], points[..., 1], points[..., 2]
    away = np.hypot(X, Y)
    # A point on the axis has no direction in the picture: any will do.
    on_axis = away < 1e-9
    away = np.where(on_axis, 1e-9, away)
    theta = np.arctan2(away, Z)
    s = theta * theta
    image_angle = theta * (1.0 + s * (k1 + s * (k2 + s * (k3 + s * k4))))
    angle_slope = 1.0 + s * (3 * k1 + s * (5 * k2 + s * (7 * k3 + s * 9 * k4)))
    cos_phi, sin_phi = np.where(on_axis, 1.0, X / away), np.where(on_axis, 0.0, Y / away)
    squared = away * away + Z * Z
    # outwards, along the circle, and along the axis
    outwards = angle_slope * Z / squared
    around = image_angle / away
    along = -angle_slope * away / squared

    image = np.stack([image_angle * cos_phi, image_angle * sin_phi], axis=-1)
    by_point = np.empty((*X.shape, 2, 3))
    by_point[..., 0, 0] = outwards * cos_phi**2 + around * sin_phi**2
    by_point[..., 0, 1] = by_point[..., 1, 0] = (outwards - around) * cos_phi * sin_phi
    by_point[..., 1, 1] = outwards * sin_phi**2 + around * cos_phi**2
    by_point[..., 0, 2] = along * cos_phi
    by_point[..., 1, 2] = along * sin_phi
    by_coefficient = np.empty((*X.shape, 2, 4))
    power = theta * s
    for column in range(4):
        by_coefficient[..., 0, column] = power * cos_phi
        by_coefficient[..., 1, column] = power * sin_phi
        power = power * s
    return image, by_point, by_coefficient
