"""What the report looks at: every view of the board with its pose and its image errors, from either solve."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.board import Board
from calibration.calibrator import Calibration
from calibration.camera import Camera
from calibration.extrinsics_result import ExtrinsicsResult
from calibration.intrinsics import IntrinsicsResult
from calibration.lens_guess import settle_poses
from calibration.planar_pose import pack, poses_from_normalised

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SeenView:
    """The board in one picture.

    Attributes:
        camera: Name.
        frame: Number of the picture.
        time_ns: As stamped.
        ids: (n,) corners.
        pixels: (n, 2) as observed.
        residuals: (n, 2) px, observed minus predicted; NaN where nothing is predicted.
        used: (n,) False for rejected corners.
        R: (3, 3) camera from board.
        t: (3,) mm.
    """

    camera: str
    frame: int
    time_ns: int
    ids: NDArray[np.intp] | NDArray[np.int64]
    pixels: Floats
    residuals: Floats
    used: NDArray[np.bool_]
    R: Floats
    t: Floats

    @property
    def good(self) -> NDArray[np.bool_]:
        """(n,) used and with a residual."""
        return np.asarray(self.used & np.isfinite(self.residuals[:, 0]), np.bool_)

    @property
    def rms_px(self) -> float:
        """Root mean square distance of the used corners; NaN without any."""
        return rms(self.residuals[self.good])


@dataclass(frozen=True, eq=False)
class Evidence:
    """All views of a calibration, by camera in the rig's order."""

    views: Mapping[str, tuple[SeenView, ...]]

    def pixels(self, camera: str) -> Floats:
        """(N, 2) used corners of a camera, px."""
        return np.concatenate([np.zeros((0, 2)), *(view.pixels[view.good] for view in self.views[camera])])

    def residuals(self, camera: str) -> Floats:
        """(N, 2) their errors, px."""
        return np.concatenate([np.zeros((0, 2)), *(view.residuals[view.good] for view in self.views[camera])])

    def all_residuals(self) -> Floats:
        """(N, 2) errors of all used corners, px."""
        return np.concatenate([np.zeros((0, 2)), *(self.residuals(name) for name in self.views)])


def rms(residuals: Floats) -> float:
    """Root mean square length of (N, 2) errors; NaN without any."""
    return float(np.sqrt((residuals**2).sum(axis=1).mean())) if len(residuals) else float("nan")


def gather(calibration: Calibration) -> Evidence:
    """The views of the joint solve, or those of the lens where there is one camera only."""
    names = calibration.rig.names
    extrinsics = calibration.extrinsics
    if extrinsics is not None:
        seen = list(_of_rig(extrinsics))
        return Evidence({name: tuple(view for view in seen if view.camera == name) for name in names})
    return Evidence(
        {
            name: _of_lens(calibration.board, calibration.intrinsics[name])
            if name in calibration.intrinsics
            else ()
            for name in names
        }
    )


def _of_rig(extrinsics: ExtrinsicsResult) -> Iterator[SeenView]:
    cameras: dict[str, Camera] = {camera.name: camera for camera in extrinsics.rig.cameras}
    for view in extrinsics.views:
        camera = cameras[view.camera]
        R = camera.R @ extrinsics.board.R[view.moment]
        t = camera.R @ extrinsics.board.t[view.moment] + camera.t
        yield SeenView(
            view.camera, view.frame, view.time_ns, view.ids, view.pixels, view.residuals, view.used, R, t
        )


def _of_lens(board: Board, result: IntrinsicsResult) -> tuple[SeenView, ...]:
    """The views behind intrinsics; their poses are found again, which the result does not keep."""
    camera = result.camera
    all_corners = pack(board, result.views)
    wrong = {(corner.frame, corner.corner) for corner in result.rejected_corners}
    used = np.array(
        [
            [found and (view.frame, int(corner)) not in wrong for found, corner in zip(row, ids, strict=True)]
            for view, row, ids in zip(result.views, all_corners.found, all_corners.ids, strict=True)
        ],
        np.bool_,
    ).reshape(all_corners.found.shape)
    focal, centre = camera.K[[0, 1], [0, 1]], camera.K[:2, 2]
    ideal = camera.lens.undistort((all_corners.pixels - centre) / focal)
    packed = all_corners.only(used & np.isfinite(ideal[..., 0]))
    intrinsics = np.concatenate([focal, centre, camera.distortion])
    R, t = poses_from_normalised(packed, np.where(packed.found[..., None], ideal, 0.0))
    R, t, residuals = settle_poses(packed, camera.model, intrinsics, R, t, outlier_px=None, rounds=25)
    return tuple(
        SeenView(
            camera.name,
            view.frame,
            view.time_ns,
            view.ids,
            view.pixels,
            -residuals[row, : len(view)],
            packed.found[row, : len(view)],
            R[row],
            t[row],
        )
        for row, view in enumerate(result.views)
    )
