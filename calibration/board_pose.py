"""The pose of a board in one picture, for many pictures at once.

A flat board seen from afar looks almost the same in two poses that are mirror images across the line of
sight. Both are kept: only other cameras can tell which one is true.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.bundle_kernel import POSE, VIEW, view_blocks
from calibration.distortion import Lens
from calibration.rotation import rotation_from_vector

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ROUNDS = 5
"""Gauss-Newton rounds after the closed form; they end within 1e-3 px of the minimum."""
HUBER_PX = 3.0
"""One corner that was found in the wrong place shall not turn the board."""
FEWEST = 4
"""Corners that determine a pose."""
LEVER_MM = 500.0
"""Distance at which a turn counts like a shift: about the size of a board and its way."""
FARTHEST_MM = 300.0
"""Disagreement of two views about the board that counts as complete."""
_IDENTITY = np.eye(3)


@dataclass(frozen=True, eq=False)
class BoardPoses:
    """Two candidates for each of V views; the better one first.

    Attributes:
        R: (V, 2, 3, 3) camera from board; NaN where a view has no pose.
        t: (V, 2, 3) mm.
        rms_px: (V, 2) root mean square image distance.
    """

    R: Floats
    t: Floats
    rms_px: Floats


class PosesOnce:
    """Poses of views that are solved several times with other time stamps, which poses do not depend on."""

    def __init__(self) -> None:
        self._row: dict[tuple[str, int], int] = {}
        self._poses: BoardPoses | None = None

    @property
    def usual_px(self) -> float:
        """Median root mean square error of the views by themselves; NaN before there are any."""
        return float(np.nanmedian(self._poses.rms_px[:, 0])) if self._poses is not None else float("nan")

    def of(self, pictures: Sequence[tuple[str, int]], estimate: Callable[[], BoardPoses]) -> BoardPoses:
        """Poses in the order of the pictures (camera and number), by ``estimate`` unless all are known."""
        if self._poses is None or not all(picture in self._row for picture in pictures):
            self._poses = estimate()
            self._row = {picture: row for row, picture in enumerate(pictures)}
            return self._poses
        rows = [self._row[picture] for picture in pictures]
        return BoardPoses(self._poses.R[rows], self._poses.t[rows], self._poses.rms_px[rows])


def estimate_board_poses(
    starts: Ints,
    view_camera: Ints,
    lenses: list[Lens],
    intrinsics: Floats,
    points: Floats,
    pixels: Floats,
) -> BoardPoses:
    """Poses of the board in the camera's frame.

    Args:
        starts: (V + 1,) first corner of each view.
        view_camera: (V,) index into ``lenses`` and ``intrinsics``.
        lenses: One per camera.
        intrinsics: (C, 12), see ``projection_kernel.packed_intrinsics``.
        points: (O, 3) mm, board frame.
        pixels: (O, 2) distorted px.
    """
    corner_camera = np.repeat(view_camera, np.diff(starts))
    ideal = np.empty_like(pixels)
    for camera, lens in enumerate(lenses):
        mine = corner_camera == camera
        k = intrinsics[camera]
        ideal[mine] = lens.undistort((pixels[mine] - k[2:4]) / k[:2])
    views = len(view_camera)
    vectors, t = np.full((views, 2, 3), np.nan), np.full((views, 2, 3), np.nan)
    centres = np.zeros((views, 3))
    for view in range(views):
        part = slice(starts[view], starts[view + 1])
        centres[view] = points[part].mean(axis=0)
        solutions = _closed_form(points[part] - centres[view], ideal[part])
        for k in range(2 if solutions else 0):
            vectors[view, k], t[view, k] = solutions[min(k, len(solutions) - 1)]
    R = rotation_from_vector(vectors)
    t -= np.einsum("vkij,vj->vki", R, centres)
    rms = np.full((views, 2), np.nan)
    fisheye = np.array([lens.model == "fisheye" for lens in lenses])
    for k in range(2):
        # Contiguous, as everywhere else: for strided arrays the kernel would be compiled once more.
        one_R, one_t = R[:, k].copy(), t[:, k].copy()
        rms[:, k] = _refine(starts, view_camera, fisheye, intrinsics, points, pixels, one_R, one_t)
        R[:, k], t[:, k] = one_R, one_t
    order = np.argsort(np.where(np.isnan(rms), np.inf, rms), axis=1)
    rows = np.arange(views)[:, None]
    return BoardPoses(R[rows, order], t[rows, order], rms[rows, order])


def _closed_form(points: Floats, ideal: Floats) -> list[tuple[Floats, Floats]]:
    seen = np.isfinite(ideal[:, 0])
    if seen.sum() < FEWEST:
        return []
    try:
        found, vectors, shifts, _ = cv2.solvePnPGeneric(
            points[seen], ideal[seen, None], _IDENTITY, None, flags=cv2.SOLVEPNP_IPPE
        )
    except cv2.error:  # corners on one line
        return []
    poses: list[tuple[Floats, Floats]] = [
        (np.asarray(vectors[k][:, 0], np.float64), np.asarray(shifts[k][:, 0], np.float64))
        for k in range(min(int(found), 2))
    ]
    return [pose for pose in poses if np.isfinite(pose[0]).all() and np.isfinite(pose[1]).all()]


def _refine(
    starts: Ints,
    view_camera: Ints,
    fisheye: NDArray[np.bool_],
    intrinsics: Floats,
    points: Floats,
    pixels: Floats,
    R: Floats,
    t: Floats,
) -> Floats:
    """Gauss-Newton on each pose, in place; returns (V,) rms px."""
    cameras, views, size = len(fisheye), len(view_camera), VIEW
    residuals = np.empty_like(pixels)
    H, g = np.empty((views, size, size)), np.empty((views, size))
    still = (np.broadcast_to(np.eye(3), (cameras, 3, 3)).copy(), np.zeros((cameras, 3)))
    used = np.ones(len(points), dtype=bool)
    corners = np.maximum(np.diff(starts), 1)
    best = np.full(views, np.inf)
    best_R, best_t = R.copy(), t.copy()
    for step in range(ROUNDS + 1):
        view_blocks(
            starts, view_camera, fisheye, intrinsics, *still, R, t, points, pixels, used, np.ones(views),
            np.zeros_like(pixels), np.zeros(views), HUBER_PX, False, step < ROUNDS, residuals, H, g,
        )  # fmt: skip
        squares = (residuals**2).sum(axis=1)
        sums = np.concatenate([[0.0], np.cumsum(np.nan_to_num(squares, nan=1e12))])
        rms = np.sqrt((sums[starts[1:]] - sums[starts[:-1]]) / corners)
        better = rms < best
        best[better], best_R[better], best_t[better] = rms[better], R[better], t[better]
        if step < ROUNDS:
            block = H[:, POSE : POSE + 6, POSE : POSE + 6] + np.eye(6) * 1e-9
            bad = ~np.isfinite(block).all(axis=(1, 2))
            block[bad] = np.eye(6)
            move = np.asarray(-np.linalg.solve(block, g[:, POSE : POSE + 6, None])[..., 0], np.float64)
            move[bad | ~np.isfinite(move).all(axis=1)] = 0.0
            R[:] = rotation_from_vector(move[:, :3]) @ R
            t += move[:, 3:]
    R[:], t[:] = best_R, best_t
    best[~np.isfinite(R[:, 0, 0]) | (best > 1e5)] = np.nan
    return best


def agreed_boards(
    poses: BoardPoses, view_camera: Ints, view_instant: Ints, moments: int, camera_R: Floats, camera_t: Floats
) -> tuple[Floats, Floats]:
    """Of all candidates of all views of a moment, the one with which most views agree.

    Args:
        poses: Candidates of V views.
        view_camera: (V,).
        view_instant: (V,) moment of each view.
        moments: Their number M.
        camera_R: (C, 3, 3) camera from world.
        camera_t: (C, 3) mm.

    Returns:
        World from board: R (M, 3, 3) and t (M, 3) mm.
    """
    count = len(camera_R)
    turned = camera_R[view_camera].transpose(0, 2, 1)[:, None]
    R = np.full((moments, count, 2, 3, 3), np.nan)
    t = np.full((moments, count, 2, 3), np.nan)
    R[view_instant, view_camera] = turned @ poses.R
    shifted = poses.t - camera_t[view_camera][:, None]
    t[view_instant, view_camera] = np.einsum("vpij,vpj->vpi", np.broadcast_to(turned, poses.R.shape), shifted)
    fit = np.full((moments, count, 2), np.inf)
    fit[view_instant, view_camera] = poses.rms_px
    flat_R, flat_t = R.reshape(moments, 2 * count, 9), t.reshape(moments, 2 * count, 3)
    trace = np.einsum("mai,mbi->mab", flat_R, flat_R)
    apart = LEVER_MM * np.sqrt(np.maximum(3.0 - trace, 0.0))
    apart += np.linalg.norm(flat_t[:, :, None] - flat_t[:, None], axis=3)
    apart = np.minimum(np.nan_to_num(apart, nan=FARTHEST_MM), FARTHEST_MM)
    votes = apart.reshape(moments, 2 * count, count, 2).min(axis=3).sum(axis=2)
    # Among candidates that agree equally well, such as those of a lone view, the better fit decides.
    best = np.argmin(votes + np.minimum(fit.reshape(moments, -1), 1e6), axis=1)
    rows = np.arange(moments)
    return flat_R[rows, best].reshape(-1, 3, 3), flat_t[rows, best]
