"""Where fitting a lens starts: focal length by trial, poses by homography."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from calibration.lens_fit import fit_poses, predict
from calibration.planar_pose import (
    PackedViews,
    homographies,
    poses_from_homographies,
    poses_from_normalised,
    turned_over,
)

Floats = NDArray[np.float64]

_TRIED = np.geomspace(0.25, 4.0, 13)
"""Focal lengths to try, in picture lengths: 127 to 14 degrees across. A step is 26 %, well inside the reach
of the fit that follows."""
_VIEWS_FOR_GUESS = 24
_WIDEST_RAD = 1.45
"""A fisheye guess that puts a corner farther from the axis is not tried: the board would be seen edge-on."""


def guess_lens(
    views: PackedViews, size: tuple[int, int], kind: Literal["pinhole", "fisheye"]
) -> tuple[float, Floats, Floats]:
    """Focal length and poses of an undistorted lens that explain most views best.

    The median over views decides, so wrong views do no harm while they are fewer than half.

    Args:
        views: At least four corners each.
        size: (width, height) px; the optical axis is taken to be in the middle.
        kind: ``pinhole`` keeps lines straight; ``fisheye`` has the angle to the axis proportional to the
            radius.

    Returns:
        Focal length px, R (V, 3, 3) camera from board, t (V, 3) mm.
    """
    centre = (np.array(size) - 1.0) / 2.0
    some = views.chosen(np.unique(np.linspace(0, len(views) - 1, _VIEWS_FOR_GUESS).astype(np.intp)))
    # A pinhole camera's homography only scales with the focal length.
    flat = homographies(some, some.pixels - centre) if kind == "pinhole" else None
    scores = []
    focals = [float(f) for f in _TRIED * max(size)]
    for focal in focals:
        if kind == "fisheye" and _widest(some, centre) / focal > _WIDEST_RAD:
            scores.append(np.inf)
            continue
        _, _, residuals = _posed(some, focal, centre, kind, rounds=4, both=False, flat=flat)
        scores.append(float(np.median(np.sqrt(np.nanmean(residuals**2, axis=(1, 2))))))
    focal = focals[int(np.argmin(scores))]
    R, t, _ = _posed(views, focal, centre, kind, rounds=12, both=True)
    return focal, R, t


def settle_poses(
    views: PackedViews,
    model: Literal["pinhole", "rational", "fisheye"],
    intrinsics: Floats,
    R: Floats,
    t: Floats,
    *,
    outlier_px: float | None = None,
    rounds: int = 12,
) -> tuple[Floats, Floats, Floats]:
    """Refine poses, from here and from the board tilted the other way; the better one of each view.

    Returns:
        R (V, 3, 3), t (V, 3) mm and residuals (V, N, 2) px.
    """
    weight = views.found[..., None].astype(float)
    middle = np.zeros((len(views), 3))
    middle[:, :2] = (views.board * weight).sum(axis=1) / np.maximum(weight.sum(axis=1), 1.0)
    best = fit_poses(views, model, intrinsics, R, t, outlier_px=outlier_px, rounds=rounds)
    other = fit_poses(
        views, model, intrinsics, *turned_over(R, t, middle), outlier_px=outlier_px, rounds=rounds
    )
    with np.errstate(invalid="ignore"):
        better = np.nanmean(other[2] ** 2, axis=(1, 2)) < np.nanmean(best[2] ** 2, axis=(1, 2))
    R, t, residuals = (
        np.where(better.reshape(-1, *[1] * (one.ndim - 1)), two, one)
        for one, two in zip(best, other, strict=True)
    )
    return R, t, residuals


def _posed(
    views: PackedViews,
    focal: float,
    centre: Floats,
    kind: Literal["pinhole", "fisheye"],
    rounds: int,
    both: bool,
    flat: Floats | None = None,
) -> tuple[Floats, Floats, Floats]:
    ideal = (views.pixels - centre) / focal
    if kind == "fisheye":
        angle = np.minimum(np.linalg.norm(ideal, axis=-1, keepdims=True), 1.5)
        ideal = ideal * np.where(angle > 1e-9, np.tan(angle) / np.maximum(angle, 1e-9), 1.0)
    if flat is None:
        R, t = poses_from_normalised(views, ideal)
    else:
        R, t = poses_from_homographies(flat * np.array([1.0, 1.0, focal])[:, None])
    intrinsics = np.array([focal, focal, *centre, *[0.0] * (4 if kind == "fisheye" else 5)])
    lost = ~np.isfinite(predict(kind, intrinsics, R, t, views)).all(axis=(1, 2))
    if lost.any():
        # A wrong detection may have no pose; a frontal one keeps its error finite, and large.
        rows = np.flatnonzero(lost)
        R[rows], t[rows] = frontal_poses(views.chosen(rows), ideal[rows])
    return (settle_poses if both else fit_poses)(views, kind, intrinsics, R, t, rounds=rounds)


def frontal_poses(views: PackedViews, ideal: Floats) -> tuple[Floats, Floats]:
    """Poses parallel to the picture, where the corners have the right place and extent."""
    weight = views.found[..., None].astype(float)
    count = np.maximum(weight.sum(axis=1), 1.0)
    board, seen = ((part * weight).sum(axis=1) / count for part in (views.board, ideal))
    extents = [
        np.sqrt((((part - mean[:, None]) * weight) ** 2).sum(axis=(1, 2)))
        for part, mean in ((views.board, board), (ideal, seen))
    ]
    depth = extents[0] / np.maximum(extents[1], 1e-9)
    t = np.column_stack([seen * depth[:, None] - board, depth])
    return np.tile(np.eye(3), (len(views), 1, 1)), t


def _widest(views: PackedViews, centre: Floats) -> float:
    """Largest distance px of a corner from the middle, but for the outermost hundredth: may be wrong."""
    away = np.linalg.norm(views.pixels - centre, axis=-1)[views.found]
    return float(np.quantile(away, 0.99))
