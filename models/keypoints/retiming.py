"""Keypoints of pictures taken at slightly different times, moved to one instant.

Cameras that do not share a trigger film up to half a frame apart, and a hand at 5 m/s moves 80 mm in that
time. Each keypoint is moved along its own path in the picture, which its last few positions tell.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from calibration.rig import Rig
from configs.loading import Config
from models.keypoints.local_path import MEDIAN_OF_TWO, local_path, trust_in_bend

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class RetimingConfig(Config):
    """When keypoints are moved, and on what evidence."""

    least_shift_ms: float = Field(1.0, ge=0.0)
    """Smaller differences are left alone: at 5 m/s they are 5 mm, less than any keypoint is known to."""

    most_shift_ms: float = Field(40.0, gt=0.0)
    """Larger ones too: over more than a frame at 25 Hz a limb does not move in a straight line."""

    memory_ms: float = Field(170.0, gt=0.0)
    """How far back positions may lie: four of a camera at 30 Hz that loses one frame."""


class KeypointRetimer:
    """Moves one person's keypoints of every view to a common instant. Causal: it looks back only.

    A keypoint goes where a straight line through its last four positions is at the instant, as far as they
    are there; where positions bend by more than their noise explains, a parabola adds its part
    (``trust_in_bend``). The noise is measured: it is what four positions miss a parabola by, as the median
    over all keypoints. For a shift by half a frame ahead the line has 1.02 times the noise of a keypoint, by
    half a frame back 0.67 times.

    Positions that the other views turn out to contradict are left out of later paths: see ``learn``.

    Args:
        config: See ``RetimingConfig``.
        views: Number of views.
    """

    POSITIONS = 4
    NOISE_MEMORY = 0.05
    """Share of the newest instant in what is known of the noise."""
    LEAST_SAMPLES = 4
    """An instant with fewer keypoints on four positions says nothing about the noise."""

    def __init__(self, config: RetimingConfig, views: int) -> None:
        self.config = config
        self._times_ns = np.full((views, self.POSITIONS), -1, np.int64)
        self._positions: Floats | None = None
        self._newest = np.zeros(views, np.bool_)
        self._variance_px2: float | None = None

    @property
    def noise_px(self) -> float | None:
        """Standard deviation of keypoints along each axis, from frame to frame; None while unknown."""
        return None if self._variance_px2 is None else float(np.sqrt(self._variance_px2))

    def __call__(self, keypoints: Floats, times_ns: NDArray[np.int64], instant_ns: int) -> Floats:
        """Move keypoints.

        Args:
            keypoints: (V, J, 2) px, NaN where missing; left and right already repaired.
            times_ns: (V,) when the scene in each view's picture took place, -1 where there is none.
            instant_ns: Where to move them.

        Returns:
            (V, J, 2) px; unchanged where there is no need or no evidence.
        """
        positions = self._remember(keypoints, times_ns)
        shift_ms = np.where(self._newest, (instant_ns - times_ns) / 1e6, 0.0)
        size_ms = np.abs(shift_ms)
        wanted = (size_ms >= self.config.least_shift_ms) & (size_ms <= self.config.most_shift_ms)
        if not wanted.any():
            return keypoints.copy()
        since_ms = (self._times_ns - self._times_ns[:, -1:]) / 1e6
        path = local_path(since_ms, positions, shift_ms)
        self._learn_noise(path.misfit_px2[self._newest])
        placed = path.straight
        if self._variance_px2 is not None:
            bend_px2 = np.where(self._newest[:, None], path.bend_px2, np.nan)
            placed = placed + trust_in_bend(bend_px2, self._variance_px2)[None, :, None] * path.bend
        moves = wanted[:, None] & np.isfinite(keypoints[..., 0]) & np.isfinite(placed[..., 0])
        return np.where(moves[..., None], placed, keypoints)

    def learn(self, used: Bools, usable: Bools) -> None:
        """Forget positions of the last call that the other views contradict: they say nothing about motion.

        Args:
            used: (V, J) whether the keypoint took part in its joint.
            usable: (V, J) whether it could have.
        """
        if self._positions is not None:
            contradicted = usable & ~used & used.any(axis=0)
            self._positions[:, -1][contradicted & self._newest[:, None]] = np.nan

    def reset(self) -> None:
        """Forget all positions."""
        self._times_ns[:] = -1
        self._positions = None
        self._newest[:] = False

    def _remember(self, keypoints: Floats, times_ns: NDArray[np.int64]) -> Floats:
        """(V, N, J, 2) last positions, the newest last; those that are too old are NaN."""
        views, joints, _ = keypoints.shape
        if self._positions is None or self._positions.shape[2] != joints:
            self.reset()
            self._positions = np.full((views, self.POSITIONS, joints, 2), np.nan)
        self._newest = times_ns >= 0
        new = self._newest
        self._positions[new, :-1] = self._positions[new, 1:]
        self._times_ns[new, :-1] = self._times_ns[new, 1:]
        self._positions[new, -1] = keypoints[new]
        self._times_ns[new, -1] = times_ns[new]
        age_ms = (self._times_ns[:, -1:] - self._times_ns) / 1e6
        past = age_ms[:, :-1]
        # A clock that went back is a new start, too.
        gone = (past <= 0) | (past > self.config.memory_ms) | (self._times_ns[:, :-1] < 0)
        self._positions[:, :-1][gone] = np.nan
        return self._positions

    def _learn_noise(self, misfit_px2: Floats) -> None:
        known = misfit_px2[np.isfinite(misfit_px2)]
        if len(known) < self.LEAST_SAMPLES:
            return
        seen = float(np.median(known)) / MEDIAN_OF_TWO
        old = self._variance_px2
        self._variance_px2 = seen if old is None else old + self.NOISE_MEMORY * (seen - old)


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
