"""What a trial solve promises."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.calibrating.floor_watch import FoundFloor


@dataclass(frozen=True)
class TrialFigures:
    """The uncertainty that a calibration with the views so far would have; the worst of all cameras.

    NaN where it cannot be told: everything but the focal length and the error with a single camera.

    Attributes:
        point_mm: Expected error (root mean square) of a triangulated point where two cameras saw the board.
        place_mm: 95 % interval of a camera's place, once the world lies as well as it can.
        turn_deg: The same for its rotation.
        distance_mm: Median distance of those points from the cameras.
        focal_percent: 95 % interval of a focal length, of it; 0 where all lenses are known.
        lag_ms: 95 % interval of a lag.
        rms_px: Error of the solve.
        floor: The board on the floor, where it was found there.
        missing: What must still be done, in sentences; empty when it is good enough.
    """

    point_mm: float = np.nan
    place_mm: float = np.nan
    turn_deg: float = np.nan
    distance_mm: float = np.nan
    focal_percent: float = np.nan
    lag_ms: float = np.nan
    rms_px: float = np.nan
    floor: FoundFloor | None = None
    missing: tuple[str, ...] = ()

    def words(self) -> str:
        """For people; "" when there is nothing to say."""
        words = []
        if np.isfinite(self.point_mm):
            words.append(
                f"points to {self.point_mm:.1f} mm, cameras to {self.place_mm:.0f} mm and "
                f"{self.turn_deg:.2f} degrees at {self.distance_mm / 1000:.1f} m"
            )
        if self.focal_percent > 0:
            words.append(f"focal lengths to {self.focal_percent:.2f} %")
        if np.isfinite(self.lag_ms):
            words.append(f"lags to {self.lag_ms:.1f} ms")
        return ", ".join(words)
