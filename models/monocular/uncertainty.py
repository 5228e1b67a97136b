"""How wrong a pose from one camera is: little across the line of sight, much along it."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from calibration.camera import Camera
from configs.loading import Config

Floats = NDArray[np.float64]

_LEAST_SCORE: Final = 0.2
"""Below it a keypoint is a guess that gets no worse."""


class Uncertainty(Config):
    """Standard deviations, measured on motion of the simulated studio that no network was trained on.

    Attributes:
        across_mm: Of a joint whose keypoint has the score 1, along each axis at right angles to the line of
            sight; it grows as scores fall, as it does in triangulation, where they are weights. 1 % of a
            person's height, see ``RobustConfig``.
        by_rule_mm: The same for a joint that was put together from keypoints of others.
        made_up_mm: The same for a joint without a keypoint.
        distance: Of the person's distance from the camera, as a share of it: one camera cannot tell a tall
            person from a near one.
        depth_mm: Of a joint's depth against the pelvis, for one as far from the pelvis as ``reach_mm``; it
            grows with that distance.
        depth_floor_mm: Of the depth of a joint at the pelvis.
        reach_mm: See ``depth_mm``.
    """

    across_mm: float = Field(18.0, gt=0.0)
    by_rule_mm: float = Field(40.0, gt=0.0)
    made_up_mm: float = Field(80.0, gt=0.0)
    distance: float = Field(0.04, gt=0.0, lt=1.0)
    depth_mm: float = Field(60.0, gt=0.0)
    depth_floor_mm: float = Field(20.0, gt=0.0)
    reach_mm: float = Field(600.0, gt=0.0)

    def across_deviation(self, seen: NDArray[np.bool_], by_rule: NDArray[np.bool_], scores: Floats) -> Floats:
        """(J,) mm, how wrong joints are at right angles to the line of sight.

        Args:
            seen: (J,) whether there is a keypoint.
            by_rule: (J,) whether it was put together from others.
            scores: (J,) of these.
        """
        by_score = np.where(by_rule, self.by_rule_mm, self.across_mm) / np.maximum(scores, _LEAST_SCORE)
        return np.asarray(np.where(seen, by_score, self.made_up_mm))

    def depth_deviation(self, joints: Floats, root: Floats) -> Floats:
        """(J,) mm, how wrong the depth of each joint against the person's is.

        Args:
            joints: (J, 3) mm, in any axes.
            root: (3,) mm, the pelvis.
        """
        reach = np.linalg.norm(joints - root, axis=1) / self.reach_mm
        return np.asarray(np.hypot(self.depth_floor_mm, self.depth_mm * reach))


def covariance_along(camera: Camera, joints: Floats, across_mm: Floats, along_mm: Floats) -> Floats:
    """Ellipsoids that point at the camera.

    Args:
        camera: Which saw the joints.
        joints: (J, 3) mm in the camera's axes.
        across_mm: (J,) standard deviation at right angles to the line of sight.
        along_mm: (J,) along it.

    Returns:
        (J, 3, 3) mm^2 in world, NaN where a joint is.
    """
    sight = joints / np.linalg.norm(joints, axis=1, keepdims=True) @ camera.R
    outer = sight[:, :, None] * sight[:, None, :]
    across = np.square(across_mm)[:, None, None]
    return np.asarray(across * np.eye(3) + (np.square(along_mm)[:, None, None] - across) * outer)


def joint_scores(scores: Floats, covariance: Floats, score_scale_mm: float) -> Floats:
    """Scores of keypoints (J,), lowered by what is not known about the joints as triangulation does it."""
    trace = np.trace(covariance, axis1=1, axis2=2)
    lowered = scores / (1.0 + trace / score_scale_mm**2)
    return np.asarray(np.where(np.isfinite(trace), np.clip(lowered, 0.0, 1.0), 0.0))
