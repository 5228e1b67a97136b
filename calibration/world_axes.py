"""Where the world has its origin and where its axes point: at a board on the floor, or at a camera.

Every function returns the same rig in a new world: Z up, right-handed, mm. Nothing here solves anything, so
screens may use it while somebody tries out axes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from calibration.rig import Rig
from configs.errors import bad_input

Floats = NDArray[np.float64]

Direction = Literal["x", "y", "-x", "-y"]


@dataclass(frozen=True, eq=False)
class FloorBoard:
    """The board as it lay on the floor.

    Attributes:
        R: (3, 3) rig's world from board; of the pictures of all moments, averaged.
        t: (3,) mm.
        views: From how many views.
        moments: At how many moments.
        spread_mm: Root mean square deviation of the poses of single moments.
        spread_deg: The same for the direction.
    """

    R: Floats
    t: Floats
    views: int
    moments: int
    spread_mm: float
    spread_deg: float


def world_from_board(
    rig: Rig,
    floor: FloorBoard,
    *,
    forward: Direction = "y",
    offset_mm: ArrayLike = (0.0, 0.0, 0.0),
) -> Rig:
    """The world of a board that lies on the floor: its origin is the board's, Z points away from the floor.

    Args:
        rig: Solved cameras.
        floor: From ``find_floor_board``.
        forward: What the board's x axis becomes in the world.
        offset_mm: Where the board's origin is in the new world; the board's thickness as Z, for example.
    """
    # Which of the two sides is up is decided by the cameras: they do not look at the floor from below.
    towards = np.mean([camera.position for camera in rig.cameras], axis=0) - floor.t
    up = floor.R[:, 2] * (1.0 if floor.R[:, 2] @ towards > 0.0 else -1.0)
    along = floor.R[:, 0]
    axes = np.column_stack([along, np.cross(up, along), up])  # old world from board-aligned world
    quarter = {"x": 0, "y": 1, "-x": 2, "-y": 3}[forward]
    turn = np.linalg.matrix_power(np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]), quarter)
    rotation = turn @ axes.T
    return rig.moved(rotation, np.asarray(offset_mm, dtype=np.float64) - rotation @ floor.t)


def world_from_cameras(
    rig: Rig, origin: str, *, level: Sequence[str] = (), height_mm: float | None = None
) -> Rig:
    """The world of a camera: origin at its centre (or on the floor below), y where it looks, Z up.

    Args:
        rig: Solved cameras.
        origin: The camera.
        level: Cameras that stand level, whose upward direction is averaged; empty takes ``origin`` alone.
        height_mm: Height of the camera's centre above the floor; None leaves the origin in it.

    Raises:
        BadInputError: A camera is not in the rig, or it looks straight up or down.
    """
    camera = rig.camera(origin)
    up = np.sum([-one.R[1] for one in rig.subset(list(level) or [origin]).cameras], axis=0)
    if np.linalg.norm(up) < 0.1:
        raise bad_input("the cameras that shall stand level contradict each other", value=", ".join(level))
    up = up / np.linalg.norm(up)
    forward = camera.R[2] - up * (camera.R[2] @ up)
    if np.linalg.norm(forward) < 0.1:
        raise bad_input(
            f"{origin} looks along the vertical, which leaves the direction of y open",
            hint="choose another camera",
        )
    forward = forward / np.linalg.norm(forward)
    rotation = np.stack([np.cross(forward, up), forward, up])
    shift = -rotation @ camera.position + np.array([0.0, 0.0, height_mm or 0.0])
    return rig.moved(rotation, shift)
