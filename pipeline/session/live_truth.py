"""How far live poses are from the truth, where the cameras are simulated and the truth is known."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray

from calibration.rig import Rig
from models.simulation.studio import Studio
from models.skeletons import get_skeleton, joint_map
from pipeline.rigs.rig_config import RigConfig
from pipeline.rigs.studio_rig import studio_calibration, studio_of, world_from_world

Floats = NDArray[np.float64]


class LiveTruth:
    """The people of a simulated studio, in the world of a calibration.

    Args:
        studio: What is filmed.
        R: (3, 3), from the studio's world to the calibration's.
        t: (3,) mm.
        origin_ns: Monotonic time at which the scene was at 0 s.
    """

    def __init__(self, studio: Studio, R: Floats, t: Floats, origin_ns: int) -> None:
        self._studio, self._R, self._t, self._origin_ns = studio, R, t, origin_ns

    @classmethod
    def of(cls, rig: RigConfig, calibration: Rig, origin_ns: int) -> Self | None:
        """The truth of a rig's session; None where cameras are not simulated or film a board.

        Raises:
            BadInputError: The cameras name different studios.
        """
        studio = studio_of(rig)
        if studio is None:
            return None
        R, t = world_from_world(calibration.subset(rig.names), studio_calibration(rig, studio))
        return cls(studio, R, t, origin_ns)

    def errors(self, time_ns: int, joints: Floats, skeleton: str) -> Floats:
        """Distances of found body joints from the true ones, each person from the nearest true one.

        Args:
            time_ns: Instant of the poses.
            joints: (P, J, 3) mm in the calibration's world, NaN where missing.
            skeleton: What the joints are.

        Returns:
            (N,) mm, N body joints that were found and that both skeletons have.
        """
        places = joint_map(get_skeleton(skeleton), self._studio.skeleton)
        body = [joint for joint in self._studio.skeleton.body if places[joint] >= 0]
        truth = self._studio.truth((time_ns - self._origin_ns) / 1e9)[:, body] @ self._R.T + self._t
        apart = np.linalg.norm(joints[:, None, places[body]] - truth, axis=-1)
        found = np.isfinite(apart)
        counted = found.sum(axis=-1)
        typical = np.where(found, apart, 0.0).sum(axis=-1) / np.maximum(counted, 1)
        nearest = np.where(counted > 0, typical, np.inf).argmin(axis=1)
        own = apart[np.arange(len(joints)), nearest]
        return np.asarray(own[np.isfinite(own)])
