"""Whether the board is flat: a bow shows as the same pattern of image errors in every view and camera."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.posed_views import PosedViews, by_camera_motion, image_with_jacobian

Floats = NDArray[np.float64]

_CLIP = 4.0
"""Times the median error beyond which a corner does not count."""


@dataclass(frozen=True, eq=False)
class BoardBow:
    """The best second-degree surface through the corners.

    Attributes:
        sag_mm: From the lowest to the highest corner over the best plane.
        deviation_mm: Standard deviation of ``sag_mm``, from how much single views differ.
        significance: Chi-square of the three coefficients against 0.
        gain: Share of the squared image errors that the bow explains.
        camera_sag_mm: (C,) the part of the sag that each camera by itself confirms, NaN without views.
    """

    sag_mm: float
    deviation_mm: float
    significance: float
    gain: float
    camera_sag_mm: Floats


def fit_bow(views: PosedViews) -> BoardBow:
    """Fit ``z = a x^2 + b x y + c y^2`` to all views together, each with its own pose free.

    Args:
        views: At least ten, tilted: frontal ones hardly show it.
    """
    data = views.data
    cameras = len(views.lenses)
    middle = np.append(np.ptp(data.points[:, :2], axis=0) / 2 + data.points[:, :2].min(axis=0), 0.0)
    half = float(np.linalg.norm(np.ptp(data.points[:, :2], axis=0)) / 2)
    normal, force = np.zeros((len(data.views), 3, 3)), np.zeros((len(data.views), 3))
    squares = 0.0
    camera_of_corner = data.camera[data.view_of_corner]
    residual, J = np.full((len(data.points), 2), np.nan), np.zeros((len(data.points), 2, 6))
    D = np.zeros((len(data.points), 2, 3))
    x, y = ((data.points - middle)[:, :2] / half).T
    basis = np.stack([x * x, x * y, y * y], axis=1)
    for k, lens in enumerate(views.lenses):
        mine = np.flatnonzero(camera_of_corner == k)
        points = views.points[mine]
        pixels, by_point = image_with_jacobian(lens, points)
        residual[mine] = data.pixels[mine] - pixels
        J[mine] = by_camera_motion(by_point, points)
        # moving along the board's normal; the unit of the coefficients is mm
        out = views.R[data.view_of_corner[mine]][:, :, 2]
        D[mine] = np.einsum("oij,oj->oi", by_point, out)[:, :, None] * basis[mine][:, None, :]
    away = np.linalg.norm(residual, axis=1)
    good = away <= _CLIP * float(np.nanmedian(away))
    for view in range(len(data.views)):
        part = np.arange(data.starts[view], data.starts[view + 1])
        part = part[good[part]]
        if len(part) < 8 or not np.isfinite(views.R[view]).all():
            continue
        pose, shape, error = J[part].reshape(-1, 6), D[part].reshape(-1, 3), residual[part].ravel()
        # scaled, as turns and shifts differ by a factor of the distance
        base, _ = np.linalg.qr(pose / np.linalg.norm(pose, axis=0))
        shape = shape - base @ (base.T @ shape)
        error = error - base @ (base.T @ error)
        normal[view], force[view] = shape.T @ shape, shape.T @ error
        squares += float(error @ error)
    total = normal.sum(axis=0) + 1e-9 * np.eye(3)
    bow = np.linalg.solve(total, force.sum(axis=0))
    scatter = force - normal @ bow
    inverse = np.linalg.inv(total)
    covariance = inverse @ (scatter.T @ scatter) @ inverse + 1e-12 * np.eye(3)
    heights = _heights(data.points, middle, half)
    surface = heights @ bow
    low, high = int(surface.argmin()), int(surface.argmax())
    step = heights[high] - heights[low]
    sags = np.full(cameras, np.nan)
    for k in range(cameras):
        own = normal[data.camera == k].sum(axis=0)
        if np.trace(own) > 0:
            alone = np.linalg.solve(
                own + 1e-6 * np.trace(own) * np.eye(3), force[data.camera == k].sum(axis=0)
            )
            sags[k] = float(step @ alone)
    return BoardBow(
        sag_mm=float(step @ bow),
        deviation_mm=float(np.sqrt(step @ covariance @ step)),
        significance=float(bow @ np.linalg.solve(covariance, bow)),
        gain=float(bow @ total @ bow / max(squares, 1e-12)),
        camera_sag_mm=sags,
    )


def _heights(points: Floats, middle: Floats, half: float) -> Floats:
    """(n, 3) the three bows of 1 mm over their best planes at the different corners."""
    flat = np.unique(points[:, :2], axis=0)
    x, y = ((flat - middle[:2]) / half).T
    basis = np.stack([x * x, x * y, y * y], axis=1)
    plane = np.stack([np.ones_like(x), x, y], axis=1)
    return np.asarray(basis - plane @ np.linalg.lstsq(plane, basis, rcond=None)[0])
