"""Did somebody bump a camera while the board was filmed?

One set of camera places cannot explain views before and after. The camera that moved is the one that, given a
second place from some moment on, explains the most.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from calibration.bundle_adjustment import BundleProblem, BundleSolution, adjust
from calibration.prepared_views import PreparedViews
from calibration.rotation import rotation_angle

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FEWEST_VIEWS = 4
"""On each side of the moment; fewer are explained by anything."""
SUSPICIOUS = 0.04
"""Share of the cost that a second place must promise to save before it is tried."""
CONVINCING = 0.08
"""Share of the cost that it must really save."""
SMALLEST_PX = 1.0
"""A move that shifts the picture by less is within what a heated or trembling camera does."""
MOST_TRIED = 3


@dataclass(frozen=True)
class MovedCamera:
    """A camera that stood elsewhere from some moment on.

    Attributes:
        camera: Name.
        time_ns: Stamp of its first view from the new place.
        shift_mm: How far its centre moved.
        turn_deg: How far it turned.
        picture_px: Root mean square shift of the corners in its pictures.
        rms_px: Of all views if it did not move.
        rms_moved_px: Of all views if it did.
    """

    camera: str
    time_ns: int
    shift_mm: float
    turn_deg: float
    picture_px: float
    rms_px: float
    rms_moved_px: float

    def sentence(self, seconds: float) -> str:
        """What happened, ``seconds`` after the first view."""
        return (
            f"{self.camera} moved {seconds:.1f} s into the recording, by about {self.shift_mm:.0f} mm and "
            f"{self.turn_deg:.1f} degrees; fix it and film the board "
            "again, or use only the part before or after"
        )


def find_moved_camera(
    data: PreparedViews, problem: BundleProblem, solution: BundleSolution
) -> MovedCamera | None:
    """Look for one camera that moved once; None if all stood still.

    Args:
        data: The views.
        problem: The adjustment with one place per camera, before outliers were rejected.
        solution: Its minimum.
    """
    candidates = sorted(_candidates(problem, solution), reverse=True)[:MOST_TRIED]
    best: tuple[float, int, int, BundleProblem, BundleSolution] | None = None
    for gain, camera, first in candidates:
        if gain < SUSPICIOUS * solution.at.cost:
            break
        split = _split(problem, solution, camera, first)
        after = adjust(split[0], split[1].state, split[1].sigma, tolerance=1e-4)
        if best is None or after.at.cost < best[0]:
            best = (after.at.cost, camera, first, split[0], after)
    if best is None or best[0] > (1.0 - CONVINCING) * solution.at.cost:
        return None
    _, camera, first, split_problem, after = best
    state, other = after.state, len(problem.fisheye)
    R, t = state.camera_R, state.camera_t
    moved = np.flatnonzero((split_problem.view_camera == other)[problem.view_of_corner] & problem.used)
    picture = _picture_shift(split_problem, after, camera, other, moved)
    if picture < SMALLEST_PX:
        return None
    return MovedCamera(
        camera=data.cameras[camera],
        time_ns=data.views[first].time_ns,
        shift_mm=float(np.linalg.norm(R[camera].T @ t[camera] - R[other].T @ t[other])),
        turn_deg=float(np.degrees(rotation_angle(R[camera].T @ R[other]))),
        picture_px=picture,
        rms_px=_rms(solution.residuals[problem.used]),
        rms_moved_px=_rms(after.residuals[problem.used]),
    )


def _candidates(problem: BundleProblem, solution: BundleSolution) -> list[tuple[float, int, int]]:
    """(promised saving, camera, first view from the new place), the best moment of each camera."""
    found = []
    H, g = solution.at.H[:, :6, :6], solution.at.g[:, :6]
    for camera in range(len(problem.fisheye)):
        views = np.flatnonzero(problem.view_camera == camera)
        if len(views) < 2 * FEWEST_VIEWS:
            continue
        sums_H, sums_g = np.cumsum(H[views], axis=0), np.cumsum(g[views], axis=0)
        splits = np.arange(FEWEST_VIEWS, len(views) - FEWEST_VIEWS + 1)
        # With the board held where it is, moving the camera saves half g^T H^-1 g; twice minus once.
        before = _saving(sums_H[splits - 1], sums_g[splits - 1])
        later = _saving(sums_H[-1] - sums_H[splits - 1], sums_g[-1] - sums_g[splits - 1])
        gain = before + later - _saving(sums_H[-1:], sums_g[-1:])
        best = int(np.argmax(gain))
        found.append((float(gain[best]), camera, int(views[splits[best]])))
    return found


def _saving(H: Floats, g: Floats) -> Floats:
    damped = H + np.eye(6) * (1e-9 * np.trace(H, axis1=1, axis2=2) + 1e-12)[:, None, None]
    return np.asarray(0.5 * np.einsum("ki,ki->k", g, np.linalg.solve(damped, g[..., None])[..., 0]))


def _split(
    problem: BundleProblem, solution: BundleSolution, camera: int, first: int
) -> tuple[BundleProblem, BundleSolution]:
    """The same problem with one more camera: the given one from its view ``first`` on."""
    state, count = solution.state, len(problem.fisheye)
    # Views are in order of time.
    later = (problem.view_camera == camera) & (np.arange(len(problem.view_camera)) >= first)
    free = np.vstack([problem.free, problem.free[camera]])
    free[count, :6] = True
    free[count, 6:] = False  # its lens and clock stay those of the first place

    def again(array: Floats) -> Floats:
        return np.concatenate([array, array[camera : camera + 1]])

    wider = replace(
        problem,
        view_camera=np.where(later, count, problem.view_camera),
        fisheye=np.append(problem.fisheye, problem.fisheye[camera]),
        free=free,
        start_intrinsics=again(problem.start_intrinsics),
        start_lags=again(problem.start_lags),
    )
    state = replace(
        state,
        camera_R=again(state.camera_R),
        camera_t=again(state.camera_t),
        intrinsics=again(state.intrinsics),
        lags=again(state.lags),
        drifts=again(state.drifts),
    )
    return wider, replace(solution, state=state, sigma=again(solution.sigma))


def _picture_shift(
    problem: BundleProblem, solution: BundleSolution, camera: int, other: int, corners: Ints
) -> float:
    """Pixels by which corners would be elsewhere had the camera not moved."""
    state, poses = solution.state, solution.at.poses
    view = problem.view_of_corner[corners]
    world = np.einsum("oij,oj->oi", poses.R[view], problem.points[corners]) + poses.t[view]
    k = state.intrinsics[camera]
    pictures = []
    for place in (camera, other):
        seen = world @ state.camera_R[place].T + state.camera_t[place]
        pictures.append(k[:2] * seen[:, :2] / np.maximum(seen[:, 2:], 1.0))
    return _rms(pictures[1] - pictures[0])


def _rms(residuals: Floats) -> float:
    return float(np.sqrt(np.nanmean((residuals**2).sum(axis=1)))) if len(residuals) else float("nan")
