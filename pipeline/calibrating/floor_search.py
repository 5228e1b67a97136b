"""Whether a board that lay still lay on the floor, and where that is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from calibration.errors import SolveError
from calibration.observations import BoardObservations
from calibration.rig import Rig
from calibration.world_frame import find_floor_board
from configs.errors import BadInputError
from pipeline.calibrating.floor_watch import FoundFloor, StillStretch

MOST_TILT_DEG = 15.0
"""Of a board that nobody said lies on the floor, against what is level for the cameras on average. Cameras on
tripods and walls look down by 10 to 30 degrees, but to all sides, or they are told where the floor is."""


def lying_views(observations: BoardObservations, stretch: StillStretch) -> BoardObservations:
    """The views of a stretch."""
    return observations.chosen(
        view for view in observations.views if stretch.start_ns <= view.time_ns <= stretch.end_ns
    )


def find_floor(
    rig: Rig, observations: BoardObservations, stretches: Sequence[StillStretch]
) -> FoundFloor | None:
    """The newest stretch in which the board lay on the floor; what was said comes before what was noticed.

    A board that was merely held still is told by where it is: on the floor it lies level and below all
    cameras. Nothing of that is asked where somebody said that it lay there.

    Args:
        rig: Solved cameras, in any world.
        observations: All views.
        stretches: Of stillness.
    """
    up = np.sum([-camera.R[1] for camera in rig.cameras], axis=0)
    up /= max(float(np.linalg.norm(up)), 1e-9)
    for stretch in sorted(stretches, key=lambda one: (one.marked, one.start_ns), reverse=True):
        views = lying_views(observations, stretch)
        if not views.views:
            continue
        try:
            board = find_floor_board(rig, views)
        except (BadInputError, SolveError):
            continue
        normal = board.R[:, 2]
        tilt = float(np.degrees(np.arccos(min(abs(float(normal @ up)), 1.0))))
        below = all(float((camera.position - board.t) @ up) > 0.0 for camera in rig.cameras)
        if stretch.marked or (tilt <= MOST_TILT_DEG and below):
            return FoundFloor(stretch, board, tilt)
    return None
