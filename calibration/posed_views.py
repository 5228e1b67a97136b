"""Each board view with the pose that it has by itself, for checks that want no joint solution."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from calibration.board_pose import BoardPoses, estimate_board_poses
from calibration.camera import Camera
from calibration.lens_jacobian import distort_with_jacobian
from calibration.observations import BoardObservations
from calibration.prepared_views import PreparedViews, prepare_views

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PosedViews:
    """Views of several cameras; V views, O corners.

    Attributes:
        data: The views as flat arrays.
        lenses: Of the cameras, in the order of ``data.cameras``.
        poses: Two candidates for each view.
        best: (V,) which of them is taken.
    """

    data: PreparedViews
    lenses: tuple[Camera, ...]
    poses: BoardPoses
    best: NDArray[np.intp]

    @property
    def R(self) -> Floats:
        """(V, 3, 3) camera from board."""
        return np.asarray(self.poses.R[np.arange(len(self.best)), self.best])

    @property
    def t(self) -> Floats:
        """(V, 3) mm."""
        return np.asarray(self.poses.t[np.arange(len(self.best)), self.best])

    @cached_property
    def points(self) -> Floats:
        """(O, 3) mm, camera axes."""
        view = self.data.view_of_corner
        return np.asarray(np.einsum("oij,oj->oi", self.R[view], self.data.points) + self.t[view])

    @cached_property
    def rms_px(self) -> Floats:
        """(V,) of each view by itself."""
        return np.asarray(self.poses.rms_px[np.arange(len(self.best)), self.best])


def pose_views(
    observations: BoardObservations, lenses: Mapping[str, Camera], *, min_corners: int = 4
) -> PosedViews:
    """Find the board in each view by itself.

    Args:
        observations: Views.
        lenses: Of all cameras.
        min_corners: Views with fewer are left out.
    """
    names = observations.cameras
    data = prepare_views(observations, lenses, names, min_corners=min_corners, max_skew_ms=None)
    poses = estimate_board_poses(
        data.starts, data.camera, list(data.lenses), data.intrinsics, data.points, data.pixels
    )
    return PosedViews(data, tuple(lenses[name] for name in names), poses, np.zeros(len(data.views), np.intp))


def image_with_jacobian(camera: Camera, points: Floats) -> tuple[Floats, Floats]:
    """Where a camera sees points of its own frame.

    Args:
        camera: Its lens counts, its place does not.
        points: (O, 3) mm, camera axes, in front of it.

    Returns:
        (O, 2) px, NaN behind the camera; (O, 2, 3) px per mm.
    """
    ahead = points[:, 2] > 1e-6
    safe = np.where(ahead[:, None], points, [0.0, 0.0, 1.0])
    image, by_point, _ = distort_with_jacobian(camera.model, np.asarray(camera.distortion), safe)
    focal = camera.K[[0, 1], [0, 1]]
    pixels = image * focal + camera.K[:2, 2]
    return np.where(ahead[:, None], pixels, np.nan), by_point * focal[:, None]


def by_camera_motion(by_point: Floats, points: Floats) -> Floats:
    """(O, 2, 6) px by a small turn (rad) about the camera's axes and a shift (mm) of everything it sees."""
    # d (w x p) / dw = -[p]x
    x, y, z = points.T
    zero = np.zeros_like(x)
    turn = np.stack(
        [np.stack([zero, z, -y], -1), np.stack([-z, zero, x], -1), np.stack([y, -x, zero], -1)], axis=1
    )
    return np.concatenate([by_point @ turn, by_point], axis=2)
