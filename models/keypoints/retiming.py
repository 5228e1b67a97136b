"""Keypoints of pictures taken at slightly different times, moved to one instant.

Cameras that do not share a trigger film up to half a frame apart, and a hand at 5 m/s moves 80 mm in that
time. Each keypoint is moved along its own velocity in the picture, which its last few positions tell.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from calibration.rig import Rig
from configs.loading import Config

Floats = NDArray[np.float64]


class RetimingConfig(Config):
    """When keypoints are moved, and on what evidence."""

    least_shift_ms: float = Field(1.0, ge=0.0)
    """Smaller differences are left alone: at 5 m/s they are 5 mm, less than any keypoint is known to."""

    most_shift_ms: float = Field(40.0, gt=0.0)
    """Larger ones too: over more than a frame at 25 Hz a limb does not move in a straight line."""

    memory_ms: float = Field(120.0, gt=0.0)
    """How far back positions may lie."""


class KeypointRetimer:
    """Moves one person's keypoints of every view to a common instant. Causal: it looks back only.

    The velocity is the slope of a straight line through the last three positions: with two, the noise of a
    shift by half a frame would be 1.6 times that of a keypoint, with three it is 1.3 times.

    Args:
        config: See ``RetimingConfig``.
        views: Number of views.
    """

    POSITIONS = 3

    def __init__(self, config: RetimingConfig, views: int) -> None:
        self.config = config
        self._past: list[deque[tuple[int, Floats]]] = [deque(maxlen=self.POSITIONS) for _ in range(views)]

    def __call__(self, keypoints: Floats, times_ns: NDArray[np.int64], instant_ns: int) -> Floats:
        """Move keypoints.

        Args:
            keypoints: (V, J, 2) px, NaN where missing; left and right already repaired.
            times_ns: (V,) when the scene in each view's picture took place, -1 where there is none.
            instant_ns: Where to move them.

        Returns:
            (V, J, 2) px; unchanged where there is no need or no evidence.
        """
        moved = keypoints.copy()
        for view, time_ns in enumerate(times_ns.tolist()):
            if time_ns < 0:
                continue
            past = self._past[view]
            while past and not 0 < time_ns - past[0][0] <= self.config.memory_ms * 1e6:
                past.popleft()
            past.append((time_ns, keypoints[view]))
            shift_ms = (instant_ns - time_ns) / 1e6
            if self.config.least_shift_ms <= abs(shift_ms) <= self.config.most_shift_ms and len(past) > 1:
                step = _velocity(past) * shift_ms
                moved[view] += np.where(np.isfinite(step), step, 0.0)
        return moved

    def reset(self) -> None:
        """Forget all positions."""
        for past in self._past:
            past.clear()


def joints_at_instant(rig: Rig, joints: Floats, keypoints: Floats, moved: Floats) -> Floats:
    """Joints that a network triangulated from pictures of slightly different times, moved to one instant.

    Networks that look at all views together cannot be given other keypoints, but what the move of keypoints
    does to triangulated joints can be told: the difference of the triangulations with and without it, by the
    network's own confidences. For algebraic heads, which triangulate the same points by the same weights,
    that is exact; for a volumetric one it holds to first order in the move.

    Args:
        rig: Cameras in the order of views.
        joints: (J, 3) mm in world, as the network gave them.
        keypoints: (V, J, 3) distorted px and score, as the network saw them.
        moved: (V, J, 2) distorted px at the instant, from ``KeypointRetimer``.

    Returns:
        (J, 3) mm; unchanged where nothing moved or two views do not see the joint.
    """
    there = np.isfinite(moved[..., 0]) & (keypoints[..., 2] > 0)
    if not (np.abs(moved - keypoints[..., :2])[there] > 0).any():
        return joints
    weights = np.where(there, keypoints[..., 2], 0.0)
    move = rig.triangulate(moved, weights) - rig.triangulate(keypoints[..., :2], weights)
    return np.asarray(joints + np.where(np.isfinite(move), move, 0.0), np.float64)


def _velocity(past: deque[tuple[int, Floats]]) -> Floats:
    """(J, 2) px/ms by least squares; NaN where a position is missing."""
    times = np.array([time_ns for time_ns, _ in past], np.float64) / 1e6
    times -= times.mean()
    positions = np.stack([position for _, position in past])
    slope: Floats = np.tensordot(times, positions, axes=1) / (times @ times)
    return slope
