"""How sure places are where the rig will measure: in the room through which the board was carried.

Relative to one camera, all other places hang on how sure that one is of its own direction: 0.1 degrees are
8 mm at 4.5 m, which no point between the cameras is off. So the world is laid where those points fit best.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from calibration.board import Board
from calibration.bundle_covariance import NORMAL_95
from calibration.extrinsics_result import ExtrinsicsResult
from calibration.volume_uncertainty import seen_by, volume_uncertainty

Floats = NDArray[np.float64]

_MOST_POINTS: Final = 150
"""Of where the board was: uncertainty changes slowly through a room."""


@dataclass(frozen=True, eq=False)
class RoomUncertainty:
    """What follows from the uncertainty of all cameras together. C cameras in the order of the rig.

    Attributes:
        distance_mm: Median distance from the cameras to where two of them saw the board; NaN where none did.
        point_mm: Expected error of a point there, root mean square.
        place_95_mm: (C,) half width of the 95 % interval of each place, along the axis it is known least.
        turn_95_deg: (C,) the same of each direction.
    """

    distance_mm: float
    point_mm: float
    place_95_mm: Floats
    turn_95_deg: Floats

    @property
    def known(self) -> bool:
        """Whether cameras shared enough of the room to say anything."""
        return bool(np.isfinite(self.point_mm))


def room_uncertainty(extrinsics: ExtrinsicsResult, board: Board) -> RoomUncertainty:
    """Ask for points where two cameras saw the board's middle.

    Args:
        extrinsics: Solved cameras and the board's way.
        board: What was carried.
    """
    rig, track = extrinsics.rig, extrinsics.board
    moments = _shared_moments(extrinsics)
    moments = moments[:: max(1, -(-len(moments) // _MOST_POINTS))]
    middle = np.array([*board.size_mm, 0.0]) / 2
    points = track.R[moments] @ middle + track.t[moments]
    points = points[seen_by(rig, points).sum(axis=0) >= 2]
    away = [np.linalg.norm(points - camera.position, axis=1) for camera in rig.cameras]
    distance_mm = float(np.median(away)) if len(points) else float("nan")
    found = volume_uncertainty(rig, extrinsics.covariance, points)
    if found is None:
        unknown = np.full(len(rig), np.nan)
        return RoomUncertainty(distance_mm, float("nan"), unknown, unknown)
    return RoomUncertainty(distance_mm, found.rms_mm, NORMAL_95 * found.place_mm, NORMAL_95 * found.turn_deg)


def _shared_moments(extrinsics: ExtrinsicsResult) -> NDArray[np.intp]:
    """Moments at which two cameras saw the board: where it was then is where this rig will measure."""
    seen = np.bincount([view.moment for view in extrinsics.views], minlength=len(extrinsics.board))
    return np.flatnonzero(seen >= 2)
