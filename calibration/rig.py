"""Cameras that share a world frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from calibration.camera import Camera
from configs.errors import bad_input, did_you_mean

Floats = NDArray[np.float64]

# Second smallest over largest eigenvalue of the normal matrix below which a point is not determined: the rays
# coincide up to rounding (1e-16 times a small factor), while real rigs lie above 1e-6.
_DEGENERATE = 1e-13


def now_text() -> str:
    """The present, as ``Rig.created`` wants it: ISO 8601 in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass(frozen=True)
class Rig:
    """Ordered cameras in one world (mm, right-handed, Z up), and how they were measured.

    Args:
        cameras: At least one, with distinct names; the order is the view axis V of every array.
        created: When and by what it was made (ISO 8601 time, or what the source says).
        board: The calibration board, as it was described.
        quality: Figures of the calibration (residuals and the like).

    Raises:
        ValueError: No camera, or two with one name.
    """

    cameras: tuple[Camera, ...]
    created: str = field(default_factory=now_text)
    board: dict[str, Any] | None = None
    quality: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "cameras", tuple(self.cameras))
        if not self.cameras:
            raise ValueError("a rig needs at least one camera")
        for name in self.names:
            if self.names.count(name) > 1:
                raise ValueError(f'two cameras are called "{name}"; give each camera its own name')

    def __len__(self) -> int:
        return len(self.cameras)

    @property
    def names(self) -> tuple[str, ...]:
        """Camera names in order."""
        return tuple(camera.name for camera in self.cameras)

    def camera(self, name: str) -> Camera:
        """The camera called ``name``; BadInputError names the near miss."""
        return self.subset([name]).cameras[0]

    def subset(self, names: Sequence[str]) -> Rig:
        """The rig of these cameras, in this order.

        Raises:
            BadInputError: Names every camera that is not calibrated.
        """
        by_name = {camera.name: camera for camera in self.cameras}
        missing = [name for name in names if name not in by_name]
        if missing:
            raise bad_input(
                f"the calibration has no camera called {', '.join(missing)}",
                allowed=", ".join(self.names),
                hint=did_you_mean(missing[0], self.names),
            )
        return replace(self, cameras=tuple(by_name[name] for name in names))

    def with_cameras(self, cameras: Mapping[str, Camera]) -> Rig:
        """The rig with some cameras exchanged, by name (for pictures of another size, for example)."""
        self.subset(list(cameras))  # an unknown name is an error, not ignored
        return replace(self, cameras=tuple(cameras.get(camera.name, camera) for camera in self.cameras))

    def moved(self, rotation: ArrayLike, translation: ArrayLike = (0.0, 0.0, 0.0)) -> Rig:
        """The same cameras in a new world, ``x_new = rotation @ x_old + translation`` (mm)."""
        turn, shift = np.asarray(rotation, dtype=np.float64), np.asarray(translation, dtype=np.float64)
        moved = []
        for camera in self.cameras:
            R = camera.R @ turn.T
            moved.append(replace(camera, R=R, t=camera.t - R @ shift))
        return replace(self, cameras=tuple(moved))

    @cached_property
    def projections(self) -> Floats:
        """(V, 3, 4) ``K [R | t]`` of each camera: ideal px from world mm."""
        return np.stack([camera.projection_matrix for camera in self.cameras])

    def project(self, points: ArrayLike) -> Floats:
        """Images of world points in every view.

        Args:
            points: (N, 3) mm (any leading shape).

        Returns:
            (V, N, 2) distorted px, NaN as in ``Camera.project``.
        """
        return np.stack([camera.project(points) for camera in self.cameras])

    def undistort(self, pixels: ArrayLike) -> Floats:
        """(V, ..., 2) distorted px to (V, ..., 2) ideal px, view by view; NaN as in ``Camera.undistort``."""
        array = np.asarray(pixels, dtype=np.float64)
        self._check_views(array, "pixels")
        return np.stack([camera.undistort(view) for camera, view in zip(self.cameras, array, strict=True)])

    def triangulate(self, pixels: ArrayLike, weights: ArrayLike | None = None) -> Floats:
        """World points from their images: weighted linear triangulation (DLT; Hartley and Zisserman, 12.2).

        Args:
            pixels: (V, N, 2) distorted px, NaN where a view does not see the point.
            weights: (V, N) factor on both equations of an observation; at 0, below, or NaN it takes no part.

        Returns:
            (N, 3) mm, NaN where fewer than two views take part or their rays coincide. No check is made
            that the point lies in front of the cameras.
        """
        ideal = self.undistort(pixels)
        factors = np.isfinite(ideal[..., 0]).astype(np.float64)
        if weights is not None:
            given = np.asarray(weights, dtype=np.float64)
            if given.shape != factors.shape:
                raise ValueError(f"weights have shape {given.shape}, expected {factors.shape}")
            factors *= np.nan_to_num(given, nan=0.0)
        seen = factors > 0.0
        factors[~seen] = 0.0
        ideal[~seen] = 0.0
        projections, from_unit = self._conditioned
        # Rows u * P3 - P1 and v * P3 - P2 of every observation: (V, N, 2, 4).
        rows = ideal[..., None] * projections[:, None, 2:, :] - projections[:, None, :2, :]
        rows *= factors[..., None, None]
        count = rows.shape[1]
        stacked = rows.transpose(1, 0, 2, 3).reshape(count, 2 * len(self), 4)
        values, vectors = np.linalg.eigh(stacked.transpose(0, 2, 1) @ stacked)
        homogeneous = vectors[..., 0] @ from_unit.T
        determined = (
            (seen.sum(axis=0) >= 2)
            & (values[:, 1] > _DEGENERATE * values[:, 3])
            & (np.abs(vectors[:, 3, 0]) > 1e-9)  # 1e-9: a point a million kilometres away is at infinity
        )
        points = np.full((count, 3), np.nan)
        points[determined] = homogeneous[determined, :3] / homogeneous[determined, 3:]
        return points

    @cached_property
    def _conditioned(self) -> tuple[Floats, Floats]:
        """Projections from a world centred on the cameras and of unit size, and the way back to mm.

        Squaring the system into a 4 x 4 normal matrix costs half the digits; with mm and px as they are, none
        would be left for the point.
        """
        positions = np.stack([camera.position for camera in self.cameras])
        centre = positions.mean(axis=0)
        size = float(np.linalg.norm(positions - centre, axis=1).max()) or 1000.0
        from_unit = np.eye(4)
        from_unit[:3, :3] *= size
        from_unit[:3, 3] = centre
        projections = self.projections @ from_unit
        # The same factor on all views changes nothing in the solution, only the magnitudes.
        return projections / (np.abs(projections).max() or 1.0), from_unit

    def _check_views(self, array: Floats, name: str) -> None:
        if array.ndim < 2 or array.shape[0] != len(self) or array.shape[-1] != 2:
            raise ValueError(f"{name} have shape {array.shape}, expected ({len(self)}, ..., 2)")
